"""Objects: bytes named by their digest, in `objects/ab/cdef…`. Written whole, read-only, verified at every restore."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from barmill import files
from barmill.errors import ObjectCorrupt, ObjectMissing
from barmill.hashing import Digest, digest_bytes, digest_file

_SMALL = 1 << 20
_Content = TypeVar("_Content")


class Objects:
    """The objects below a store's root.

    Args:
        root: the store's folder.
        link: how bytes get from store to file and back: `reflink` (else copy), `copy`, `hardlink`.
        fsync: wait for the disk at each write.
    """

    def __init__(self, root: Path, *, link: str = "reflink", fsync: bool = False) -> None:
        self.root = root
        self.link = link
        self.fsync = fsync

    def path(self, digest: Digest) -> Path:
        """Where the object lies, if it is there."""
        return self.root / "objects" / digest[:2] / digest[2:]

    def has(self, digest: Digest, size: int) -> bool:
        """Whether an object of this digest and size is there; its bytes are looked at when it is restored."""
        try:
            return self.path(digest).stat().st_size == size
        except OSError:
            return False

    def put(self, source: Path, digest: Digest, size: int) -> None:
        """Store the content of `source`, whose digest is known. Its stamp then is that of now, also if it was there.

        Call it under the shared lock: the stamp keeps the object from a gc that has begun before the record is written.
        """
        target = self.path(digest)
        if self.has(digest, size):
            with contextlib.suppress(PermissionError, FileNotFoundError):  # another owner's is written anew
                os.utime(target)
                return
        if size <= _SMALL and self.link != "hardlink":
            files.write_atomic(target, source.read_bytes(), mode=0o444, fsync=self.fsync)
        else:
            files.copy(source, target, link=self.link, mode=0o444, fsync=self.fsync)
            target.chmod(0o444)
            os.utime(target)  # a hard link has the stamp of its first name

    def restore(self, digest: Digest, size: int, place: Path) -> None:
        """Write the object's content, verified, to a file that is not yet there; it is the caller's to rename.

        Raises:
            ObjectMissing: the object is not there.
            ObjectCorrupt: its bytes have another digest, or can't be read any more; it is moved to `quarantine/` so that it can
                be stored again.
        """
        source = self.path(digest)
        try:
            if size <= _SMALL and self.link != "hardlink":
                data = self._read(digest, source.read_bytes)
                self._verify(digest, digest_bytes(data))
                files.write_new(place, data)
            else:
                self._verify(digest, self._read(digest, lambda: digest_file(source)))
                files.copy_new(source, place, link=self.link)
        except FileNotFoundError:
            if source.exists():
                raise
            raise ObjectMissing(f"object {source} is missing", "run doit: what needs it is built again") from None

    def set_aside(self, digest: Digest) -> Path:
        """Move a damaged object to `quarantine/`, so that it can be stored again; tells where it is now."""
        aside = self.root / "quarantine" / digest
        files.move(self.path(digest), aside)
        return aside

    def _read(self, digest: Digest, read: Callable[[], _Content]) -> _Content:
        try:
            return read()
        except OSError as error:
            if not files.is_damage(error):
                raise
            raise self._corrupt(digest, f"can't be read ({error.strerror})") from None

    def _verify(self, digest: Digest, found: Digest) -> None:
        if found != digest:
            raise self._corrupt(digest, f"has the digest {found[:12]}")

    def _corrupt(self, digest: Digest, fact: str) -> ObjectCorrupt:
        aside = self.set_aside(digest)
        return ObjectCorrupt(f"object {self.path(digest)} {fact}; moved to {aside}", "run doit: what needs it is built again")
