"""Deleting from a store that others use: in short batches under the exclusive lock, looking again at each file."""

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator

from barmill.errors import StoreError
from barmill.store.census import Lying
from barmill.store.guard import Guard

_BATCH = 0.03  # seconds for which builders may have to wait
_PAUSE = 0.01  # seconds in which they get on


class Broom:
    """Removes files, unless they were used since.

    Args:
        guard: the store's lock.
        dry_run: remove nothing, and tell what would be removed.
    """

    def __init__(self, guard: Guard, *, dry_run: bool = False) -> None:
        self._guard = guard
        self._dry_run = dry_run

    def sweep(self, found: Iterable[Lying], before: int) -> list[Lying]:
        """Remove those that were last used before a time in ns, by their stamp as of now; tell which went.

        Raises:
            StoreError: one can't be removed.
        """
        waiting = [file for file in found if file.used < before]
        if self._dry_run:
            return waiting
        return [file for file in self._in_batches(waiting) if _removed(file.path, lambda at: os.stat(at).st_mtime_ns < before)]

    def drop(self, path: str, *, condition: Callable[[], bool]) -> None:
        """Remove a file if a condition holds once nobody else is at work."""
        if not self._dry_run:
            with self._guard.exclusive():
                _removed(path, lambda _: condition())

    def _in_batches(self, waiting: list[Lying]) -> Iterator[Lying]:
        """Yield each file, holding the lock, which is let go and taken again often enough."""
        rest = iter(waiting)
        file = next(rest, None)
        while file is not None:
            with self._guard.exclusive():
                end = time.monotonic() + _BATCH
                while file is not None and time.monotonic() < end:
                    yield file
                    file = next(rest, None)
            time.sleep(_PAUSE)


def _removed(path: str, condition: Callable[[str], bool]) -> bool:
    with contextlib.suppress(FileNotFoundError):
        if condition(path):
            try:
                os.unlink(path)
            except PermissionError as error:
                raise StoreError(f"{path} can't be removed: {error.strerror}", "run gc as its owner") from None
            return True
    return False
