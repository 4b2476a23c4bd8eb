"""The places of outputs: what lies there, and what was made put there, file by file; what is right already is left alone.

A folder is brought from one content to another in steps, each of which leaves whole files: after a kill in between it is
neither, is not taken for either, and is brought to the right one by the next run.
"""

import os
import stat
from collections.abc import Collection, Mapping
from pathlib import Path

from barmill import files
from barmill.errors import InputError
from barmill.hashing import Digest
from barmill.store.stats import StatCache
from barmill.store.trees import LINK, digests_below

Written = Mapping[str, tuple[Digest, int]]


def lacks(stats: StatCache, path: Path, written: Written) -> Written | None:
    """What of an output is not in its place: empty if only something strange is there, None if all is as it should be."""
    found = _found(stats, path)
    if found.keys() == written.keys() and all(found[name] == digest for name, (digest, _) in written.items()):
        return None
    return {name: each for name, each in written.items() if found.get(name) != each[0]}


def place(made: Path, path: Path, written: Written, lacking: Written) -> None:
    """Rename what was made to its place, and remove what else is there.

    Args:
        made: the output, or of a folder at least what is lacking.
        path: the place.
        written: what shall be there, as in `Record.outputs`; nothing if it is empty.
        lacking: what of it is not there yet, from `lacks`.
    """
    if not written:
        files.discard(path)
    elif "" in written or path.is_symlink() or not path.is_dir():
        files.move(made, path)
    else:
        _clear(path, written.keys())
        for name in lacking:
            if name.endswith("/"):
                files.make_folder(path / name)
            else:
                files.move(made / name, path / name)
        files.remove(made)  # what was there already


def _found(stats: StatCache, path: Path) -> Mapping[str, Digest]:
    """Relative name → digest of what lies at a place, as `digests_below`; that of a file has the name ""."""
    try:
        kind = os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return {}
    if stat.S_ISDIR(kind):
        return digests_below(stats.digest, path)
    try:
        return {"": LINK if os.path.isdir(path) else stats.digest(path)}
    except (OSError, InputError):
        return {"": LINK}


def _clear(root: Path, names: Collection[str]) -> None:
    """Remove everything below a folder but these files, and the folders on the way to them."""
    above = {str(parent) for name in names for parent in Path(f"{name}*").parents}
    for folder, folders, others in os.walk(root):
        below = os.path.relpath(folder, root)
        kept = []
        for name in folders + others:
            path, relative = os.path.join(folder, name), os.path.normpath(os.path.join(below, name))
            if relative in above and name in folders and not os.path.islink(path):
                kept.append(name)
            elif relative not in names:
                files.remove(Path(path))
        folders[:] = kept
