"""Folders that are outputs: what lies below one, by content or by stamp; one digest for all of it."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from barmill.errors import InputError
from barmill.hashing import Digest, digest_bytes, digest_record

EMPTY = digest_bytes(b"")
LINK = Digest("link")

Stamp = tuple[str, int, int, int, int] | tuple[str, str]


def digests_below(digest: Callable[[str], Digest], root: Path | str) -> Mapping[str, Digest]:
    """Relative name → digest of each file below the directory `root`; empty if there is no such directory.

    A folder with nothing in it is there as its name and a `/` (`./` for `root` itself); what is neither a file that can be
    read nor a folder that can be listed (a link to a folder, or to nothing) has the digest `LINK`.

    Args:
        digest: gives the digest of a file (`StatCache.digest`).
        root: the directory.
    """
    found: dict[str, Digest] = {}
    for name, path, kind in _below(str(root)):
        try:
            found[name] = kind or digest(path)
        except (OSError, InputError):
            found[name] = LINK
    return dict(sorted(found.items()))


def stamps_below(root: str) -> list[Stamp]:
    """Name, size, mtime, inode and ctime of each file below a directory, and what else is there, without reading a file.

    As long as it is the same, so is `digests_below`, if the stamps can be trusted (`StatCache.vouches`).
    """
    found: list[Stamp] = []
    for name, path, kind in _below(root):
        try:
            found.append((name, kind) if kind else (name, *_stamp(os.stat(path))))
        except OSError:
            found.append((name, LINK))
    return sorted(found, key=lambda stamp: stamp[0])


def files_below(root: str) -> Iterator[str]:
    """The path of each file below a directory; that of a file itself."""
    if os.path.isdir(root):
        yield from (path for _, path, kind in _below(root) if not kind)
    else:
        yield root


def tree_digest(found: Mapping[str, str]) -> str:
    """One digest of relative name → digest of a folder's files."""
    return f"tree:{digest_record(dict(found))}"


def _stamp(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns


def _below(root: str) -> Iterator[tuple[str, str, Digest | None]]:
    """Yield (relative name, path, what it is) of what lies below a directory: `EMPTY`, `LINK`, or None for a file."""
    todo = [("", root)]
    while todo:
        above, folder = todo.pop()
        try:
            with os.scandir(folder) as entries:
                found = list(entries)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            yield above or "./", folder, LINK
            continue
        if not found:
            yield above or "./", folder, EMPTY
        for entry in found:
            name = above + entry.name
            if entry.is_dir(follow_symlinks=False):
                todo.append((f"{name}/", entry.path))
            else:
                yield name, entry.path, LINK if entry.is_symlink() and os.path.isdir(entry.path) else None
