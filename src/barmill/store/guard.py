"""The store's lock: shared while something is published or restored, exclusive for the moments in which gc deletes.

Two files, because `flock` is not fair: with one, a new reader overtakes a waiting writer, and gc would starve among many
builders. Whoever wants the lock first passes the gate; gc keeps the gate shut while it waits and deletes.
"""

import contextlib
import errno
import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from barmill import files

_SPELL = 0.1  # seconds
_READ_ONLY = {errno.EACCES, errno.EROFS, errno.EPERM}


class Guard:
    """The lock of the store at `root`. It is not re-entrant: who holds it must not ask for it again.

    The files are opened for each use, because a `flock` belongs to the open file: threads and forked workers that shared
    one would share, and release, each other's lock.

    Args:
        root: the store's folder.
        first: called under the lock when it is first shared by this object.
    """

    def __init__(self, root: Path, first: Callable[[], None] | None = None) -> None:
        self.root = root
        self._gate = os.path.join(root, ".gate")
        self._lock = os.path.join(root, ".lock")
        self._first = first
        self._mine = threading.local()

    @contextlib.contextmanager
    def shared(self) -> Iterator[None]:
        """Hold off gc's deletions; any number may at the same time.

        A store that can't be written, and that nobody locked before, is read without: an object that vanishes meanwhile is
        an `ObjectMissing`, and costs a build.
        """
        series = getattr(self._mine, "series", None)
        if series is not None:
            series.go_on()
            yield
            return
        lock = self._share()
        try:
            yield
        finally:
            if lock is not None:
                _release(lock)

    @contextlib.contextmanager
    def series(self) -> Iterator[None]:
        """Within it, this thread's `shared` keeps the lock from one use to the next, because taking it each time shows.

        After a tenth of a second the next use lets it go and takes it again, so that gc gets in between.
        """
        series = self._mine.series = _Series(self._share)
        try:
            yield
        finally:
            series.end()
            self._mine.series = None

    def rest(self) -> None:
        """Let go what this thread's `series` keeps, until it is next used: something that takes long is about to be done."""
        if (series := getattr(self._mine, "series", None)) is not None:
            series.end()

    def _share(self) -> int | None:
        """The shared lock, taken; None where there can be none."""
        try:
            gate = self._acquire(self._gate, fcntl.LOCK_SH)
        except OSError as error:
            if error.errno not in _READ_ONLY:
                raise
            return None
        try:
            lock = self._acquire(self._lock, fcntl.LOCK_SH)
        finally:
            _release(gate)
        try:
            if (first := self._first) is not None:  # another thread may be at it, too, and have done it
                first()
                self._first = None
        except BaseException:
            _release(lock)
            raise
        return lock

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Wait until nobody publishes or restores, and keep it so."""
        gate = self._acquire(self._gate, fcntl.LOCK_EX)
        try:
            lock = self._acquire(self._lock, fcntl.LOCK_EX)
            try:
                yield
            finally:
                _release(lock)
        finally:
            _release(gate)

    def moment(self) -> int:
        """A time in ns, by the file system's clock: what was published before is whole, what comes later has later stamps.

        The system's clock would not do: stamps of files lag behind it by a tick, or are made by another machine. It does where
        the disk is read-only, and nothing comes later.
        """
        with self.exclusive():
            probe = files.temporary_name(self.root / "clock")
            try:
                probe.touch(exist_ok=False)
            except OSError as error:
                if error.errno != errno.EROFS:
                    raise
                return time.time_ns()
            try:
                return probe.stat().st_mtime_ns
            finally:
                probe.unlink()

    def _acquire(self, path: str, how: int) -> int:
        try:
            file = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            files.make_folder(self.root)
            file = os.open(path, os.O_RDONLY | os.O_CREAT, 0o666)
        try:
            files.flock(file, how, path)
        except BaseException:
            os.close(file)
            raise
        return file


class _Series:
    """A shared lock that is kept for a while."""

    def __init__(self, share: Callable[[], int | None]) -> None:
        self._share = share
        self._lock: int | None = None
        self._since = 0.0

    def go_on(self) -> None:
        """Have the lock, anew if it was kept for long enough."""
        if time.monotonic() - self._since > _SPELL:
            self.end()
        if self._lock is None:
            self._lock, self._since = self._share(), time.monotonic()

    def end(self) -> None:
        """Let the lock go, if there is one."""
        lock, self._lock = self._lock, None
        if lock is not None:
            _release(lock)


def _release(file: int) -> None:
    """Unlock and close; closing alone would leave the lock with a process that was forked meanwhile."""
    try:
        fcntl.flock(file, fcntl.LOCK_UN)
    finally:
        os.close(file)
