"""What a store holds that no build will ever use: what was set aside, and what was left by a kill."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from barmill.store.census import Lying, lying

HOUR = 3600 * 1_000_000_000
"""Age in ns from which a temporary file is nobody's."""
MONTH = 30 * 24 * HOUR
"""Age in ns from which what was set aside has been looked at."""

_FOLDERS = ("", "objects", "actions", "projects", "pins")


def temporaries(store: Path) -> Iterator[Lying]:
    """Yield the temporary files; under the exclusive lock none is in use, but by a writer that does not know the lock."""
    for folder in _FOLDERS:
        for path in (store / folder, *(store / folder).glob("??")):
            yield from (file for file in _files(path) if _is_temporary(os.path.basename(file.path)))


def quarantined(store: Path) -> Iterator[Lying]:
    """Yield what was found damaged; its `used` is the time at which it was set aside."""
    for file in _files(store / "quarantine"):
        with contextlib.suppress(FileNotFoundError):  # another gc was faster
            yield Lying(file.path, file.size, os.stat(file.path).st_ctime_ns)  # a renamed file keeps its mtime


def _files(folder: Path) -> list[Lying]:
    try:
        with os.scandir(folder) as entries:
            return [file for entry in entries if (file := lying(entry)) is not None]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _is_temporary(name: str) -> bool:
    return name.startswith(".") and name.endswith(".tmp")
