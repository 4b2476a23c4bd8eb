"""The stat cache for folders: the names below a folder count, at any depth, and nothing else."""

import contextlib
import os
import shutil
import time
import types
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


@pytest.mark.parametrize("field", ["size", "mtime_ns", "inode", "ctime_ns"])
def test_each_part_of_the_stamp_of_a_folder_counts(tree: Path, field: str) -> None:
    """A folder is listed again if any one part of its remembered stamp is another."""
    stats = StatCache()
    right = stats.digest(tree)
    seen = stats.seen[str(tree)]
    stats.seen[str(tree)] = seen._replace(digest=digest_bytes(b"wrong"))
    assert stats.digest(tree) != right
    stats.seen[str(tree)] = seen._replace(digest=digest_bytes(b"wrong"), **{field: getattr(seen, field) + 1})
    assert stats.digest(tree) == right


def test_a_folder_just_changed_is_not_remembered(tree: Path) -> None:
    """A folder whose names could still change without a new stamp is listed again, and loses what was remembered of it."""
    stats = StatCache()
    stats.digest(tree)
    assert set(stats.seen) == {str(tree / name) for name in ("", "sub", "sub/deep", "hollow")}
    assert stats.changed == set(stats.seen)
    stats.changed.clear()
    (tree / "sub/new").write_text("")
    stats.digest(tree)
    assert (str(tree / "sub") in stats.seen, stats.changed) == (False, {str(tree / "sub")})


def test_the_clock_is_read_before_a_folder(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that is listed for longer than a grain is as young as it was when that began."""
    (tree / "new").write_text("")
    scandir = os.scandir

    def slow(path: str) -> object:
        time.sleep(module.GRAIN_NS / 1e9 + 0.02)
        return scandir(path)

    monkeypatch.setattr(module.os, "scandir", slow)
    stats = StatCache()
    stats.digest(tree)
    assert str(tree) not in stats.seen


def test_folder_with_a_link_is_not_remembered(tree: Path) -> None:
    """A folder that has a link, wherever its name stands among the others, is listed each time; its sub-folders are not."""
    for name in ("0", "zz"):
        (tree / name).symlink_to(tree / "a.txt")
        time.sleep(module.GRAIN_NS / 1e9 + 0.02)
        stats = StatCache()
        stats.digest(tree)
        assert set(stats.seen) == {str(tree / name) for name in ("sub", "sub/deep", "hollow")}
        (tree / name).unlink()


def test_remembered_sub_folders_are_sorted_text(tree: Path) -> None:
    """What is written to disk of a folder does not depend on the order in which the disk lists it; None if it has no folder."""
    (tree / "an other").mkdir()
    time.sleep(module.GRAIN_NS / 1e9 + 0.02)
    stats = StatCache()
    stats.digest(tree)
    assert stats.seen[str(tree)].folders == '["an other", "hollow", "sub"]'
    assert stats.seen[str(tree / "hollow")].folders is None


def test_order_of_the_disk_does_not_count(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A listing has one digest, however the disk orders it."""
    scandir, before = os.scandir, StatCache().digest(tree)

    for backwards in (False, True):

        def ordered(path: str, backwards: bool = backwards) -> object:
            return contextlib.nullcontext(sorted(scandir(path), key=lambda entry: entry.name, reverse=backwards))

        monkeypatch.setattr(module.os, "scandir", ordered)
        assert StatCache().digest(tree) == before


def test_one_folder_linked_twice_is_not_a_cycle(tree: Path) -> None:
    """Two links to a folder beside them, and one to it from another branch, are not a cycle."""
    (tree / "one").symlink_to(tree / "sub")
    (tree / "hollow/two").symlink_to(tree / "sub")
    assert StatCache().digest(tree) == StatCache().digest(tree)


@pytest.mark.parametrize("field", ["st_dev", "st_ino"])
def test_a_folder_that_shares_a_number_with_one_above_is_not_a_cycle(
    tree: Path, monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    """A folder on another disk may have the inode of one above it, and all on one disk have its number: both count."""
    real, before = os.stat, StatCache().digest(tree)
    other = {"st_dev": "st_ino", "st_ino": "st_dev"}[field]

    def mounted(path: str) -> object:
        status = real(path)
        if str(path) != str(tree / "sub"):
            return status
        fields = {name: getattr(status, name) for name in dir(status) if name.startswith("st_")}
        above = real(tree)
        return types.SimpleNamespace(**{**fields, field: getattr(above, field), other: getattr(above, other) + 1})

    monkeypatch.setattr(module.os, "stat", mounted)
    assert StatCache().digest(tree) == before


def test_a_link_to_the_folder_itself_from_deep_below_names_the_link(tree: Path) -> None:
    """The first link that leads back is named by its whole path."""
    (tree / "sub/deep/up").symlink_to(tree)
    with pytest.raises(InputError) as caught:
        StatCache().digest(tree)
    assert caught.value.fact == f"{tree}/sub/deep/up is a link to a folder above it"


def test_names_in_a_folder_are_not_taken_for_those_in_another(tmp_path: Path) -> None:
    """The same names in another folder, and a file in the place of a folder of that name, are other listings."""
    for made in ("1/a/x", "2/b/x", "3/a", "4/a/", "5/a/a/", "6/x/a/"):
        path = tmp_path / made
        (path if made.endswith("/") else path.parent).mkdir(parents=True)
        if not made.endswith("/"):
            path.write_text("")
    assert len({StatCache().digest(tmp_path / name) for name in "123456"}) == 6


@pytest.mark.parametrize("written", ["new", "sub/new", "./sub/new"])
def test_writing_by_a_relative_path_forgets_the_listings_above(
    tree: Path, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    """A relative path forgets the folders above it as they are spelled, up to the working directory."""
    monkeypatch.chdir(tree)
    stats = StatCache()
    asked = ["."] if written == "new" else [os.path.dirname(written), "."]
    before = [stats.digest_once(each) for each in asked]
    Path(written).write_text("")
    assert [stats.digest_once(each) for each in asked] == before
    stats.forget(written)
    assert [one != two for one, two in zip(before, map(stats.digest_once, asked), strict=True)] == [True] * len(asked)


def test_writing_an_output_forgets_no_listing_beside_it(tree: Path) -> None:
    """Folders that the path does not lie in are not looked at again."""
    stats = StatCache()
    before = stats.digest_once(tree / "hollow")
    (tree / "hollow/new").write_text("")
    stats.forget(tree / "sub/new")
    assert stats.digest_once(tree / "hollow") == before


def test_a_folder_just_below_the_root_has_the_root_above_it() -> None:
    """The folders above a path end with the root, or with the working directory."""
    assert module._above("/one/two") == ("/one/two", "/one", "/")
    assert module._above("one/two") == ("one/two", "one", ".")
    assert module._above("") == (".",)
