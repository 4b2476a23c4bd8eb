"""The stat cache for folders: the names below a folder count, at any depth, and nothing else."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from barmill.errors import InputError, InputMoved
from barmill.hashing import digest_bytes
from barmill.store import stats as module
from barmill.store.stats import StatCache
from barmill.store.trees import EMPTY, LINK, digests_below


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A settled tree: a.txt, sub/b.txt, sub/deep/c.txt, hollow/."""
    tree = tmp_path / "tree"
    (tree / "sub/deep").mkdir(parents=True)
    (tree / "hollow").mkdir()
    for name in ("a.txt", "sub/b.txt", "sub/deep/c.txt"):
        (tree / name).write_text(name)
    time.sleep(module.GRAIN_NS / 1e9 + 0.02)
    return tree


def to_folder(tree: Path) -> None:
    """Put a folder in the place of a file."""
    (tree / "sub/deep/c.txt").unlink()
    (tree / "sub/deep/c.txt").mkdir()


CHANGES: dict[str, Callable[[Path], object]] = {
    "add": lambda tree: (tree / "new").write_text(""),
    "add deep": lambda tree: (tree / "sub/deep/new").write_text(""),
    "remove": lambda tree: (tree / "a.txt").unlink(),
    "remove deep": lambda tree: (tree / "sub/deep/c.txt").unlink(),
    "rename": lambda tree: (tree / "sub/b.txt").rename(tree / "sub/x.txt"),
    "rename deep": lambda tree: (tree / "sub/deep/c.txt").rename(tree / "sub/deep/x.txt"),
    "move down": lambda tree: (tree / "sub/b.txt").rename(tree / "sub/deep/b.txt"),
    "rename folder": lambda tree: (tree / "sub/deep").rename(tree / "sub/deeper"),
    "file to folder": to_folder,
    "new folder": lambda tree: (tree / "hollow/new").mkdir(),
    "remove folder": lambda tree: (tree / "hollow").rmdir(),
    "other case": lambda tree: (tree / "a.txt").rename(tree / "A.txt"),
    "not UTF-8": lambda tree: os.close(os.open(os.fsencode(tree) + b"/sub/\xff", os.O_CREAT)),
}


@pytest.mark.parametrize("name", CHANGES)
def test_changed_names_are_seen(tree: Path, name: str) -> None:
    """Adding, removing and renaming at any depth, and a file that becomes a folder, change the digest."""
    stats = StatCache()
    before = stats.digest(tree)
    CHANGES[name](tree)
    assert stats.digest(tree) != before
    assert stats.digest(tree) == StatCache().digest(tree)


def test_contents_do_not_count(tree: Path) -> None:
    """Edits, touches, modes and other orders of making give the same digest."""
    stats = StatCache()
    before = stats.digest(tree)
    (tree / "sub/deep/c.txt").write_text("other")
    os.utime(tree / "sub")
    (tree / "a.txt").chmod(0o600)
    (tree / "sub/b.txt").unlink()
    (tree / "sub/b.txt").write_text("again")
    assert stats.digest(tree) == before


def test_a_listing_is_read_once(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settled folders are listed the first time only; a change lists its own folder only."""
    listed: list[str] = []
    real = os.scandir
    monkeypatch.setattr(module.os, "scandir", lambda name: (listed.append(os.path.relpath(name, tree)), real(name))[1])
    stats = StatCache()
    stats.digest(tree)
    assert sorted(listed) == [".", "hollow", "sub", "sub/deep"]
    listed.clear()
    stats.digest(tree)
    assert listed == []
    (tree / "sub/deep/new").write_text("")
    stats.digest(tree)
    assert listed == ["sub/deep"]


def test_a_linked_folder_counts_as_a_folder(tree: Path, tmp_path: Path) -> None:
    """Names below a link to a folder count, and a link pointed elsewhere is seen."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_text("")
    (tree / "link").symlink_to(tmp_path / "one")
    stats = StatCache()
    before = stats.digest(tree)
    (tmp_path / "one/new").write_text("")
    edited = stats.digest(tree)
    (tree / "link").unlink()
    (tree / "link").symlink_to(tmp_path / "two")
    assert len({before, edited, stats.digest(tree)}) == 3


def test_a_link_whose_target_becomes_a_folder_is_seen(tree: Path, tmp_path: Path) -> None:
    """A link's target can turn from nothing to file to folder without a trace beside the link: it is seen."""
    (tree / "link").symlink_to(tmp_path / "target")
    time.sleep(module.GRAIN_NS / 1e9 + 0.02)
    stats = StatCache()
    digests = [stats.digest(tree)]
    (tmp_path / "target").mkdir()
    digests.append(stats.digest(tree))
    assert digests[0] != digests[1]


@pytest.mark.parametrize("target", ["sub", ".", "sub/deep"])
def test_a_cycle_of_links_is_an_error(tree: Path, target: str) -> None:
    """A link to a folder above it is an error that names it, not a walk without end."""
    (tree / "sub/deep/up").symlink_to(tree / target)
    with pytest.raises(InputError, match=r"sub/deep/up.* is a link to a folder above it"):
        StatCache().digest(tree)


def test_a_link_to_itself_is_an_error(tree: Path) -> None:
    """A link that leads to itself is an error that names it."""
    (tree / "loop").symlink_to(tree / "loop")
    with pytest.raises(InputError, match="loop"):
        StatCache().digest(tree)


def test_names_of_another_encoding_are_told_apart(tmp_path: Path) -> None:
    """A name that is not ASCII differs from the one that spells its bytes in hex."""
    for folder, name in (("one", "é"), ("two", "é".encode().hex())):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text("")
    assert StatCache().digest(tmp_path / "one") != StatCache().digest(tmp_path / "two")


def test_damaged_memory_of_a_folder_is_mended(tree: Path) -> None:
    """Remembered sub-folders that are no JSON, or are not there, are listed again."""
    stats = StatCache()
    right = stats.digest(tree)
    for damage in ('["sub', '["suc", "hollow"]'):
        stats.seen[str(tree)] = stats.seen[str(tree)]._replace(folders=damage)
        assert stats.digest(tree) == right


def test_writing_an_output_forgets_the_listings_above(tree: Path) -> None:
    """After an output was written, the folders that it lies in are looked at again."""
    stats = StatCache()
    before = stats.digest_once(tree)
    (tree / "sub/new").write_text("")
    assert stats.digest_once(tree) == before
    stats.forget(tree / "sub/new")
    assert stats.digest_once(tree) != before


def test_files_below(tree: Path) -> None:
    """Every file below a folder is there with its digest, an empty folder with a slash, a link to a folder as a link."""
    (tree / "link").symlink_to(tree / "sub")
    (tree / "dangling").symlink_to(tree / "nowhere")
    assert digests_below(StatCache().digest, tree) == {
        "a.txt": digest_bytes(b"a.txt"),
        "dangling": LINK,
        "hollow/": EMPTY,
        "link": LINK,
        "sub/b.txt": digest_bytes(b"sub/b.txt"),
        "sub/deep/c.txt": digest_bytes(b"sub/deep/c.txt"),
    }
    assert digests_below(StatCache().digest, tree / "hollow") == {"./": EMPTY}
    assert digests_below(StatCache().digest, tree / "none") == {}


@pytest.mark.parametrize("victim", ["sub", "sub/deep"])
def test_a_folder_that_goes_while_it_is_listed(tree: Path, monkeypatch: pytest.MonkeyPatch, victim: str) -> None:
    """It is told that the folder changes, and not that the input, or another file, is missing."""
    scandir = os.scandir

    def late(path: str) -> object:
        if str(path) == str(tree / victim):
            shutil.rmtree(path)
        return scandir(path)

    monkeypatch.setattr(module.os, "scandir", late)
    with pytest.raises(InputMoved, match=rf"{tree}, a folder, changes while it is read(.|\n)*hint: "):
        StatCache().digest(tree)
