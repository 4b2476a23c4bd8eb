"""The place of a remote: bytes under names below a URL."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol


class Place(Protocol):
    """A folder, a bucket, or a web server.

    Attributes:
        url: as `options.checked` gives it.
    """

    url: str

    def read(self, name: str, most: int, size: int | None = None) -> memoryview | None:
        """The bytes under a name, None if nothing is there.

        Args:
            name: below the URL.
            most: bytes of which more are not read.
            size: in bytes, if it is known.

        Raises:
            Unfit: there are more, or not as many as there should be.
            RemoteError: the remote does not answer, or refuses.
        """

    def stream(self, name: str, size: int) -> Iterator[memoryview] | None:
        """As `read`, part by part; never more than `size` bytes."""

    def write(self, name: str, data: bytes | memoryview | Path) -> None:
        """Put bytes, or the content of a file, under a name, whole; what was there is replaced.

        Raises:
            RemoteError: the remote does not answer, or refuses.
        """

    def size(self, name: str) -> int | None:
        """Bytes under a name, None if nothing is there.

        Raises:
            RemoteError: the remote does not answer, or refuses.
        """

    def names(self, folder: str) -> list[str]:
        """The last parts of the names right below a folder, the newest first.

        Raises:
            RemoteError: the remote does not answer, or can't list.
        """


class Unfit(ValueError):
    """What a remote gives is not what it should be: `args[0]` says what is wrong."""


def check(found: int, most: int, size: int | None) -> None:
    """See that something has the bytes that it should have.

    Raises:
        Unfit: it has not.
    """
    if size is not None and found != size:
        raise Unfit(f"has {found} bytes, and {size} are recorded")
    if found > most:
        raise Unfit(f"has {found} bytes, more than {most}")


def parts_of(parts: Iterator[memoryview], size: int) -> Iterator[memoryview]:
    """Pass parts on as long as they come to no more than `size` bytes, and see that they come to that many.

    Raises:
        Unfit: they don't.
    """
    left = size
    for part in parts:
        left -= len(part)
        if left < 0:
            raise Unfit(f"is longer than the {size} bytes recorded")
        yield part
    if left:
        raise Unfit(f"ends {left} bytes before the {size} recorded")
