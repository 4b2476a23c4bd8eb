"""Both digests of bytes at once: xxh3-128, which names them, and SHA-256, which no forger can meet."""

import hashlib
import os
from pathlib import Path

import xxhash

from barmill.hashing import Digest

_BLOCK = 1 << 20


class Digests:
    """Digests of what it is fed."""

    def __init__(self, data: bytes | memoryview = b"") -> None:
        self._quick = xxhash.xxh3_128(data)
        self._strong = hashlib.sha256(data)

    def feed(self, data: bytes | memoryview) -> None:
        """More bytes."""
        self._quick.update(data)
        self._strong.update(data)

    @property
    def quick(self) -> Digest:
        """The xxh3-128."""
        return Digest(self._quick.hexdigest())

    @property
    def strong(self) -> str:
        """The SHA-256, in hex."""
        return self._strong.hexdigest()

    @classmethod
    def of_file(cls, path: Path) -> "Digests":
        """Of a file's content.

        Raises:
            OSError: it can't be read.
        """
        digests = cls()
        with open(path, "rb", buffering=0) as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
            while block := file.read(_BLOCK):
                digests.feed(block)
        return digests
