"""Digests of what lies on disk, remembered by stat: path → (size, mtime, inode, ctime) → digest.

A remembered digest is trusted only if the file was last touched safely before it was hashed (git's rule for racily clean
files): a write within the clock's grain of the hashing could leave the same stamps. ctime is part of the stamp, so a
same-size edit with its mtime put back is still seen. A directory's digest is that of its recursive listing (names and
kinds, not contents), and is remembered per directory, because adding, removing or renaming an entry stamps its directory.
"""

import os
import stat
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from barmill.errors import InputError, InputMoved
from barmill.hashing import Digest, digest_file, digest_record

_GRAIN_NS = 50_000_000  # no clock tick of a file system with sub-second stamps is coarser
_COARSE_GRAIN_NS = 2_000_000_000  # FAT: 2 s; ext3, HFS+: 1 s


class Seen(NamedTuple):
    """What a path was when it was last hashed. `folders` are the sub-folders of a directory."""

    size: int
    mtime_ns: int
    inode: int
    ctime_ns: int
    digest: Digest
    folders: tuple[str, ...] = ()


class StatCache:
    """Digests of paths, each hashed only when its stamp changed.

    Args:
        seen: what earlier runs remembered; the cache adds to it and notes in `changed` which paths to write back.
    """

    def __init__(self, seen: dict[str, Seen] | None = None) -> None:
        self.seen: dict[str, Seen] = {} if seen is None else seen
        self.changed: set[str] = set()
        self._told: dict[str, Digest] = {}

    def digest(self, path: Path | str) -> Digest:
        """Digest of the file's content, or of the directory's recursive listing, as of now.

        Raises:
            FileNotFoundError: nothing is there.
            InputError: it can't be read.
        """
        name = str(path)
        try:
            status = os.stat(name)
            if stat.S_ISDIR(status.st_mode):
                return digest_record([[below, own] for below, own in self._listing(name, "", status, ())])
            return self._file(name, status)
        except PermissionError as error:
            raise InputError(f"{error.filename or name} can't be read: {error.strerror}", "change its permissions") from None

    def digest_once(self, path: Path | str) -> Digest:
        """As `digest`, but a path is looked at once per run, until `tell` or `forget` is called for it."""
        name = str(path)
        told = self._told.get(name)
        if told is None:
            told = self._told[name] = self.digest(name)
        return told

    def tell(self, path: Path | str, digest: Digest) -> None:
        """Take `digest` as that of `path` for the rest of the run: it was just written."""
        self._told[str(path)] = digest

    def forget(self, path: Path | str) -> None:
        """Look again at `path` when it is next asked for."""
        self._told.pop(str(path), None)

    def _file(self, name: str, status: os.stat_result) -> Digest:
        seen = self.seen.get(name)
        if seen is not None and _stamp(status) == seen[:4]:
            return seen.digest
        for _ in range(3):
            now = time.time_ns()
            digest = digest_file(name)
            after = os.stat(name)
            if _stamp(after) == _stamp(status):
                self._remember(name, status, now, digest)
                return digest
            status = after
        raise InputMoved(f"{name} changes while it is read", "wait until its writer has finished, then run doit again")

    def _listing(
        self, name: str, below: str, status: os.stat_result, above: tuple[tuple[int, int], ...]
    ) -> Iterator[tuple[str, Digest]]:
        """Yield (path below the top, digest of own names) for a directory and all those below it."""
        here = (status.st_dev, status.st_ino)
        if here in above:
            raise InputError(f"{name} is a link to a folder above it", "remove the link")
        seen = self.seen.get(name)
        if seen is None or _stamp(status) != seen[:4]:
            seen = self._scan(name, status)
        yield below, seen.digest
        for folder in seen.folders:
            path = f"{name}/{folder}"
            yield from self._listing(path, f"{below}/{folder}", os.stat(path), (*above, here))

    def _scan(self, name: str, status: os.stat_result) -> Seen:
        now = time.time_ns()
        names, folders, links = [], [], False
        with os.scandir(name) as entries:
            for entry in entries:
                is_folder = entry.is_dir()
                names.append(f"{os.fsencode(entry.name).hex() if not entry.name.isascii() else entry.name}{'/' * is_folder}")
                if is_folder:
                    folders.append(entry.name)
                links = links or entry.is_symlink()
        seen = Seen(*_stamp(status), digest_record(sorted(names)), tuple(sorted(folders)))
        # A link's target can turn from file to folder without a trace in this directory: never remembered.
        if not links:
            self._remember(name, status, now, seen.digest, seen.folders)
        return seen

    def _remember(self, name: str, status: os.stat_result, now: int, digest: Digest, folders: tuple[str, ...] = ()) -> None:
        stamp = _stamp(status)
        newest = max(status.st_mtime_ns, status.st_ctime_ns)
        grain = _GRAIN_NS if newest % 1_000_000_000 else _COARSE_GRAIN_NS
        if newest + grain < now:
            self.seen[name] = Seen(*stamp, digest, folders)
            self.changed.add(name)
        elif self.seen.pop(name, None) is not None:
            self.changed.add(name)


def _stamp(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns


def digests_below(stats: StatCache, root: Path) -> Mapping[str, Digest]:
    """Relative name → digest of each file below the directory `root`; empty if there is no such directory."""
    found = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            found[os.path.relpath(path, root)] = stats.digest(path)
    return dict(sorted(found.items()))
