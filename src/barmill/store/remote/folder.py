"""A folder as the place of a remote: plain files, each put there whole. A third of what obstore takes to read one."""

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from barmill import files
from barmill.errors import RemoteError
from barmill.store.remote.place import check, parts_of

_READ = os.O_RDONLY | os.O_NONBLOCK  # to open a pipe would wait for its other end
_PART = 1 << 20  # bytes that are read at once of a large file
_MODE = 0o666  # what the folder's users share among them is a matter of their umask
_Answer = TypeVar("_Answer")


class Folder:
    """Files below a `file://` URL; see `place.Place`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._root = url.removeprefix("file://")

    def read(self, name: str, most: int, size: int | None = None) -> memoryview | None:
        """The content of a file, None if it is not there."""
        return self._asked("reading", name, lambda: _content(self._path(name), most, size))

    def stream(self, name: str, size: int) -> Iterator[memoryview] | None:
        """As `read`, part by part."""
        parts = self._parts(name, size)
        first = self._asked("reading", name, lambda: next(parts, b""))  # begun, they close their file whatever becomes of them
        return None if first is None else parts_of(map(memoryview, itertools.chain([first], parts)), size)

    def _parts(self, name: str, size: int) -> Iterator[bytes]:
        with open(self._path(name), "rb", buffering=0, opener=lambda path, _: os.open(path, _READ)) as file:
            check(os.fstat(file.fileno()).st_size, size, size)
            while part := self._asked("reading", name, lambda: file.read(_PART)):
                yield part

    def write(self, name: str, data: bytes | memoryview | Path) -> None:
        """Put bytes, or the content of a file, under a name."""
        path = self._path(name)
        if isinstance(data, Path):
            source = data
            self._asked("writing", name, lambda: files.copy(source, Path(path), mode=_MODE), there=True)
        else:
            content = data
            self._asked("writing", name, lambda: files.write_atomic(path, content, mode=_MODE), there=True)

    def size(self, name: str) -> int | None:
        """Bytes of a file, None if it is not there."""
        return self._asked("looking for", name, lambda: os.stat(self._path(name)).st_size)

    def names(self, folder: str) -> list[str]:
        """Names in a folder, the newest first; none if it is not there."""
        return self._asked("listing", folder, lambda: _newest(self._path(folder))) or []

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _asked(self, verb: str, name: str, ask: Callable[[], _Answer], *, there: bool = False) -> _Answer | None:
        """What the file system answers; None if it has no such file, unless it must be there."""
        try:
            return ask()
        except OSError as error:
            if isinstance(error, FileNotFoundError) and not there:
                return None
            right = "write" if verb == "writing" else "read"
            cure = f"this user needs the right to {right} below {self._root}" if isinstance(error, PermissionError) else ""
            raise RemoteError(
                f"{verb} {name} of {self.url}: {error.strerror or error}", cure or f"look at the folder {self._root}"
            ) from None


def _content(path: str, most: int, size: int | None) -> memoryview:
    file = os.open(path, _READ)
    try:
        found = os.fstat(file).st_size
        check(found, most, size)
        data = os.read(file, found + 1)
    finally:
        os.close(file)
    check(len(data), most, size)
    return memoryview(data)


def _newest(folder: str) -> list[str]:
    with os.scandir(folder) as found:
        stamped = [(each.stat().st_mtime_ns, each.name) for each in found if not each.name.startswith(".")]
    return [name for _, name in sorted(stamped, reverse=True)]
