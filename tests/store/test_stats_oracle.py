"""The stat cache against an oracle that hashes everything, over random edits of a tree."""

import functools
import hashlib
import os
import shutil
import tempfile
import time
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from barmill.hashing import digest_bytes
from barmill.store import stats as module
from barmill.store.stats import StatCache

FOLDERS = st.sampled_from(["", "x", "x/y", "z"])
NAMES = st.sampled_from(["a", "b", "é"])
CONTENTS = st.sampled_from([b"one", b"two", b"three", b""])


def naive_listing(root: Path) -> str:
    """A digest of all names and kinds below a folder, told in the simplest way."""
    lines = sorted(f"{path.relative_to(root)}{'/' * path.is_dir()}" for path in root.rglob("*"))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


class Tree(RuleBasedStateMachine):
    """Random changes of a tree, with mtimes put back; the cache's answers are compared with plain hashing."""

    @initialize()
    def plant(self) -> None:
        """An empty tree, and a cache that outlives every change."""
        self.root = Path(tempfile.mkdtemp())
        self.stats = StatCache()
        self.listings: dict[str, str] = {}

    @rule(folder=FOLDERS, name=NAMES, content=CONTENTS, restore=st.booleans())
    def write(self, folder: str, name: str, content: bytes, restore: bool) -> None:
        """Write a file in place; perhaps put its mtime back."""
        path = self.root / folder / name
        if path.is_dir() or path.parent.is_file():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.stat() if path.exists() else None
        path.write_bytes(content)
        if before and restore:
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    @rule(folder=FOLDERS, name=NAMES, content=CONTENTS)
    def replace(self, folder: str, name: str, content: bytes) -> None:
        """Rename another file over a file, with its mtime."""
        path = self.root / folder / name
        if not path.is_file():
            return
        before = path.stat()
        other = self.root / "other"
        other.write_bytes(content)
        os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
        os.replace(other, path)

    @rule(folder=FOLDERS, name=NAMES)
    def drop(self, folder: str, name: str) -> None:
        """Remove a file or a folder."""
        path = self.root / folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    @rule(folder=FOLDERS, name=NAMES)
    def make_folder(self, folder: str, name: str) -> None:
        """A folder, perhaps where a file was."""
        path = self.root / folder / name
        if path.is_file():
            path.unlink()
        path.mkdir(parents=True, exist_ok=True)

    @rule(folder=FOLDERS, one=NAMES, two=NAMES)
    def rename(self, folder: str, one: str, two: str) -> None:
        """Rename a file or a folder to a free name."""
        old, new = self.root / folder / one, self.root / folder / two
        if old.exists() and not new.exists():
            old.rename(new)

    @rule()
    def wait(self) -> None:
        """Let everything settle, so that digests are remembered."""
        time.sleep(module.GRAIN_NS / 1e9)

    @rule()
    def begin_again(self) -> None:
        """A new run starts from what was remembered."""
        self.stats = StatCache(functools.partial(dict, self.stats.seen))

    @invariant()
    def agrees(self) -> None:
        """Every file's digest is that of its bytes; listings have equal digests exactly where the naive ones are equal."""
        if not hasattr(self, "root"):
            return
        for path in self.root.rglob("*"):
            if path.is_file():
                assert digest_bytes(path.read_bytes()) == self.stats.digest(path)
        for folder in (self.root, *(path for path in self.root.rglob("*") if path.is_dir())):
            naive, ours = naive_listing(folder), self.stats.digest(folder)
            assert self.listings.setdefault(naive, ours) == ours
            assert self.listings.setdefault(f"of {ours}", naive) == naive

    def teardown(self) -> None:
        """Clear the tree."""
        if hasattr(self, "root"):
            shutil.rmtree(self.root)


TestTree = Tree.TestCase
TestTree.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
