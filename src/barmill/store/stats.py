"""Digests of what lies on disk, remembered by stat: path → (size, mtime, inode, ctime) → digest.

A remembered digest is trusted only if the file was last touched safely before it was hashed (git's rule for racily clean
files): a write within the clock's grain of the hashing could leave the same stamps. ctime is part of the stamp, so a
same-size edit with its mtime put back is still seen. A directory's digest is that of its recursive listing (names and
kinds, not contents), and is remembered per directory, because adding, removing or renaming an entry stamps its directory.
"""

import errno
import functools
import json
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from barmill.errors import InputError, InputMoved
from barmill.hashing import Digest, digest_file, digest_record
from barmill.store.trees import digests_below, tree_digest

ABSENT = "absent"
UNREADABLE = "unreadable"
GRAIN_NS = 50_000_000  # no clock tick of a file system with sub-second stamps is coarser
_WRITTEN = "wait until its writer has finished, then run doit again"
_COARSE_GRAIN_NS = 2_000_000_000  # FAT: 2 s; ext3, HFS+: 1 s


class Seen(NamedTuple):
    """What a path was when it was last hashed. `folders` are the sub-folders of a directory, as a JSON list."""

    path: str
    size: int
    mtime_ns: int
    inode: int
    ctime_ns: int
    digest: Digest
    folders: str | None = None


class StatCache:
    """Digests of paths, each hashed only when its stamp changed.

    Args:
        recall: gives what earlier runs remembered, when it is first needed.

    Attributes:
        changed: the paths of which `seen` says something new.
    """

    def __init__(self, recall: Callable[[], dict[str, Seen]] = dict) -> None:
        self._recall = recall
        self.changed: set[str] = set()
        self._told: dict[str, Digest] = {}
        self._outputs: dict[str, str] = {}

    @functools.cached_property
    def seen(self) -> dict[str, Seen]:
        """What each path was when it was last hashed."""
        return self._recall()

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
        except FileNotFoundError as error:
            if error.filename != name:
                raise InputMoved(f"{name}, a folder, changes while it is read", _WRITTEN) from None
            raise
        except NotADirectoryError as error:
            raise FileNotFoundError(errno.ENOENT, error.strerror, name) from None
        except OSError as error:
            raise InputError(f"{error.filename or name} can't be read: {error.strerror}", "mend or remove it") from None

    def digest_once(self, path: Path | str) -> Digest:
        """As `digest`, but a path is looked at once per run, until `forget` is called for it."""
        name = str(path)
        told = self._told.get(name)
        if told is None:
            told = self._told[name] = self.digest(name)
        return told

    def output(self, path: Path | str) -> str:
        """What an output is as of now: a file's digest, `tree_digest` of a folder, `ABSENT` or `UNREADABLE`."""
        name = str(path)
        try:
            status = os.stat(name)
            if stat.S_ISDIR(status.st_mode):
                return tree_digest(digests_below(self.digest, name))
            return self._file(name, status)
        except (FileNotFoundError, NotADirectoryError):
            return ABSENT
        except (OSError, InputError):
            return UNREADABLE

    def output_once(self, path: Path | str) -> str:
        """As `output`, but a path is looked at once per run, until `forget` is called for it."""
        name = str(path)
        found = self._outputs.get(name)
        if found is None:
            found = self._outputs[name] = self.output(name)
            if found not in {ABSENT, UNREADABLE} and not os.path.isdir(name):
                self._told[name] = Digest(found)
        return found

    def vouches(self, name: str) -> bool:
        """Whether a path's stamp is one under which its digest is safely remembered; an input directory is always looked at."""
        try:
            status = os.stat(name)
        except OSError:
            return True  # its stamp says so
        seen = self.seen.get(name)
        return stat.S_ISDIR(status.st_mode) or (seen is not None and seen[1:5] == _stamp(status))

    def mark(self, name: str) -> tuple[int, int, int, int] | str:
        """Size, mtime, inode and ctime of a file, a directory's digest, or `ABSENT`: another once it was written to.

        A new hard link to the file changes its ctime, too: whether it was written to then, its digest says.
        """
        try:
            status = os.stat(name)
            return self.digest(name) if stat.S_ISDIR(status.st_mode) else _stamp(status)
        except OSError:
            return ABSENT

    def forget(self, path: Path | str) -> None:
        """Look again at `path` when it is next asked for: it was just written."""
        name = str(path)
        self._outputs.pop(name, None)
        self._told.pop(name, None)
        for above in _above(os.path.dirname(name)):  # the listings that it is part of
            self._told.pop(above, None)

    def _file(self, name: str, status: os.stat_result) -> Digest:
        seen = self.seen.get(name)
        if (
            seen is not None
            and seen.mtime_ns == status.st_mtime_ns
            and seen.ctime_ns == status.st_ctime_ns
            and seen.size == status.st_size
            and seen.inode == status.st_ino
        ):
            return seen.digest
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{name} is neither a file nor a folder", "remove it")
        for _ in range(3):
            now = time.time_ns()
            digest = digest_file(name)
            after = os.stat(name)
            if _stamp(after) == _stamp(status):
                self._remember(Seen(name, *_stamp(status), digest), now)
                return digest
            status = after
        raise InputMoved(f"{name} changes while it is read", _WRITTEN)

    def _listing(
        self, name: str, below: str, status: os.stat_result, above: tuple[tuple[int, int], ...]
    ) -> Iterator[tuple[str, Digest]]:
        """Yield (path below the top, digest of own names) for a directory and all those below it."""
        here = (status.st_dev, status.st_ino)
        if here in above:
            raise InputError(f"{name} is a link to a folder above it", "remove the link")
        seen = self.seen.get(name)
        if seen is None or _stamp(status) != seen[1:5]:
            seen = self._scan(name, status)
        try:
            folders = _folders(seen)
        except (OSError, ValueError, TypeError):  # what was remembered is damaged
            folders = _folders(self._scan(name, status))
        yield below, seen.digest
        for folder, found in folders:
            yield from self._listing(f"{name}/{folder}", f"{below}/{folder}", found, (*above, here))

    def _scan(self, name: str, status: os.stat_result) -> Seen:
        now = time.time_ns()
        names, folders, links = [], [], False
        with os.scandir(name) as entries:
            for entry in entries:
                is_folder = entry.is_dir()
                spelling = entry.name if entry.name.isascii() else f"/{os.fsencode(entry.name).hex()}"
                names.append(spelling + "/" * is_folder)
                if is_folder:
                    folders.append(entry.name)
                links = links or entry.is_symlink()
        subfolders = json.dumps(sorted(folders)) if folders else None
        seen = Seen(name, *_stamp(status), digest_record(sorted(names)), subfolders)
        # A link's target can turn from file to folder without a trace in this directory: never remembered.
        if not links:
            self._remember(seen, now)
        return seen

    def _remember(self, seen: Seen, now: int) -> None:
        newest = max(seen.mtime_ns, seen.ctime_ns)
        grain = GRAIN_NS if newest % 1_000_000_000 else _COARSE_GRAIN_NS
        if newest + grain < now:
            self.seen[seen.path] = seen
            self.changed.add(seen.path)
        elif self.seen.pop(seen.path, None) is not None:
            self.changed.add(seen.path)


def stamps(names: Iterable[str], directory: Callable[[str], Any]) -> list[Any]:
    """What shows that paths are what they were, without reading them: size, mtime, inode and ctime of each file.

    Args:
        names: the paths.
        directory: gives what shows it of a directory: its own stamp says nothing of what is below it.
    """
    found: list[Any] = []
    for name in names:
        try:
            status = os.stat(name)
            if stat.S_ISDIR(status.st_mode):
                found.append(directory(name))
            else:
                found += (status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns)
        except (FileNotFoundError, NotADirectoryError):
            found.append(ABSENT)
        except OSError:
            found.append(UNREADABLE)
    return found


@functools.lru_cache(maxsize=1 << 10)
def _above(folder: str) -> tuple[str, ...]:
    """A folder and those above it, as they may be spelled."""
    parent = os.path.dirname(folder)
    return (folder or ".",) if parent == folder else (folder or ".", *_above(parent))


def _stamp(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns


def _folders(seen: Seen) -> list[tuple[str, os.stat_result]]:
    return [(name, os.stat(f"{seen.path}/{name}")) for name in (json.loads(seen.folders) if seen.folders else ())]
