"""Objects: bytes named by their digest, in `objects/ab/cdef…`. Written whole, read-only, verified at every restore."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from barmill import files
from barmill.errors import ObjectCorrupt, ObjectMissing
from barmill.hashing import Digest, digest_bytes, digest_file
from barmill.store import zstd

PACKED = ".zst"
"""How the name of a compressed object's file ends."""

_SMALL = 1 << 20
_PACK = (4096, 256 << 20)  # sizes that are compressed: below there is little to save, above it would take too much memory
_Content = TypeVar("_Content")


class Objects:
    """The objects below a store's root.

    Args:
        root: the store's folder.
        link: how bytes get from store to file and back: `reflink` (else copy), `copy`, `hardlink`.
        fsync: wait for the disk at each write.
        compress: `zstd`: new objects are compressed where that saves a tenth or more; `none`.
    """

    def __init__(self, root: Path, *, link: str = "reflink", fsync: bool = False, compress: str = "none") -> None:
        self.root = root
        self._folder = str(root / "objects")
        self.link = link
        self.fsync = fsync
        self.compress = compress

    def path(self, digest: Digest) -> Path:
        """Where the object lies, if it is there and is not compressed."""
        return Path(self._name(digest))

    def _name(self, digest: Digest) -> str:
        return f"{self._folder}/{digest[:2]}/{digest[2:]}"

    def find(self, digest: Digest, size: int) -> Path | None:
        """Where the object lies, compressed or not; its bytes are looked at when it is restored."""
        plain = self.path(digest)
        try:
            if plain.stat().st_size == size:
                return plain
        except OSError:
            pass
        packed = Path(f"{plain}{PACKED}")
        return packed if packed.is_file() else None

    def has(self, digest: Digest, size: int) -> bool:
        """Whether an object of this digest and size is there."""
        name = self._name(digest)
        try:
            if os.stat(name).st_size == size:
                return True
        except OSError:
            pass
        return os.path.isfile(f"{name}{PACKED}")

    def put(self, source: Path, digest: Digest, size: int) -> None:
        """Store the content of `source`, whose digest is known. Its stamp then is that of now, also if it was there.

        Call it under the shared lock: the stamp keeps the object from a gc that has begun before the record is written.
        """
        target = self.path(digest)
        if there := self.find(digest, size):
            with contextlib.suppress(PermissionError, FileNotFoundError):  # another owner's is written anew
                os.utime(there)
                return
        if self._is_packable(size) and self._pack(target, source.read_bytes()):
            return
        if size <= _SMALL and self.link != "hardlink":
            files.write_atomic(target, source.read_bytes(), mode=0o444, fsync=self.fsync)
        else:
            files.copy(source, target, link=self.link, mode=0o444, fsync=self.fsync)
            target.chmod(0o444)
            os.utime(target)  # a hard link has the stamp of its first name

    def add(self, data: memoryview, digest: Digest) -> None:
        """Store bytes whose digest is known to be this; the stamp is that of now."""
        if not (self._is_packable(len(data)) and self._pack(self.path(digest), bytes(data))):
            files.write_atomic(self._name(digest), data, mode=0o444, fsync=self.fsync)

    def adopt(self, temporary: Path, digest: Digest, size: int) -> None:
        """Store the content of a file of ours, made with `files.temporary_name` beside `path(digest)`; it is gone then."""
        target = self.path(digest)
        if not (self._is_packable(size) and self._pack(target, temporary.read_bytes())):
            temporary.chmod(0o444)
            files.move(temporary, target, fsync=self.fsync)
        files.remove(temporary)

    def touch(self, digest: Digest, size: int) -> bool:
        """Mark an object as stored now, which keeps it from a gc that has begun; False if it is not there."""
        there = self.find(digest, size)
        if there is None:
            return False
        try:
            os.utime(there)
        except FileNotFoundError:
            return False
        except PermissionError:  # another owner's
            pass
        return True

    def _is_packable(self, size: int) -> bool:
        return self.compress == "zstd" and _PACK[0] <= size <= _PACK[1]

    def _pack(self, target: Path, data: bytes) -> bool:
        """Store bytes compressed, if that saves a tenth or more; whether it did."""
        packed = zstd.compress(data)
        if len(packed) > 0.9 * len(data):
            return False
        files.write_atomic(Path(f"{target}{PACKED}"), packed, mode=0o444, fsync=self.fsync)
        return True

    def restore(self, digest: Digest, size: int, place: Path) -> None:
        """Write the object's content, verified, to a file that is not yet there; it is the caller's to rename.

        Raises:
            ObjectMissing: the object is not there.
            ObjectCorrupt: its bytes have another digest, or can't be read any more; it is moved to `quarantine/` so that it can
                be stored again.
        """
        if size <= _SMALL and self.link != "hardlink" and (data := self._sound(digest, size)) is not None:
            files.write_new(place, data)
            return
        source = self.find(digest, size) or self.path(digest)
        while True:  # again, if another has met the same damage meanwhile, and stored the object anew
            try:
                self._write(source, digest, place)
            except FileNotFoundError as error:
                if str(error.filename) != str(source):
                    raise  # asked so, because another may have stored it again meanwhile
                raise ObjectMissing(f"object {source} is missing", "run doit: what needs it is built again") from None
            except _Damaged as damage:
                if fault := self._corrupt(source, digest, damage.args[0]):
                    raise fault from None
            else:
                return

    def _write(self, source: Path, digest: Digest, place: Path) -> None:
        if source.suffix == PACKED:
            data = _readable(lambda: _unpacked(source))
            _verify(digest_bytes(data), digest)
            files.write_new(place, data)
        else:
            _verify(_readable(lambda: digest_file(source)), digest)
            files.copy_new(source, place, link=self.link)

    def _corrupt(self, path: Path, digest: Digest, fact: str) -> ObjectCorrupt | None:
        """Set a damaged object aside; None if it is sound by now, and in its place."""
        if self._is_sound(path, digest):
            return None
        try:
            aside = self.set_aside(path)
        except FileNotFoundError:
            done = "another has moved it"
        else:
            if self._is_sound(aside, digest):  # another was faster, between the look and the move
                files.move(aside, path)
                return None
            done = f"moved to {aside}"
        return ObjectCorrupt(f"object {path} {fact}; {done}", "run doit: what needs it is built again")

    def _is_sound(self, source: Path, digest: Digest) -> bool:
        try:
            return self.digest(source) == digest
        except (OSError, ValueError):
            return False

    def content(self, path: Path) -> bytes:
        """The content of an object's file, compressed or not.

        Raises:
            OSError, ValueError: it can't be read, or decompressed.
        """
        return _unpacked(path) if path.suffix == PACKED else files.read(path)

    def digest(self, path: Path) -> Digest:
        """Digest of the content of an object's file, compressed or not.

        Raises:
            OSError, ValueError: it can't be read, or decompressed.
        """
        return digest_bytes(_unpacked(path)) if path.suffix == PACKED else digest_file(path)

    def set_aside(self, path: Path) -> Path:
        """Move the file of a damaged object to `quarantine/`, so that it can be stored again; tells where it is now."""
        aside = self.root / "quarantine" / f"{path.parent.name}{path.name}"
        files.move(path, aside)
        return aside

    def _sound(self, digest: Digest, size: int) -> bytes | None:
        """The content of a small object, if it is there, is not compressed, and is what it should be."""
        try:
            data = files.read(self._name(digest), size)
        except OSError:
            return None
        return data if digest_bytes(data) == digest else None


class _Damaged(Exception):
    """An object's file is damaged: `args[0]` says how."""


def _readable(read: Callable[[], _Content]) -> _Content:
    try:
        return read()
    except ValueError as error:
        raise _Damaged(f"can't be decompressed ({error})") from None
    except OSError as error:
        if not files.is_damage(error):
            raise
        raise _Damaged(f"can't be read ({error.strerror})") from None


def _verify(found: Digest, digest: Digest) -> None:
    if found != digest:
        raise _Damaged(f"has the digest {found[:12]}")


def _unpacked(path: Path) -> bytes:
    return zstd.decompress(files.read(path))
