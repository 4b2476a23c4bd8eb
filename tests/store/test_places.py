"""Bringing outputs into their places: what is right already is not touched, and a kill in between costs nothing."""

import itertools
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.store import builds
from tests.store.builds import Place

REPOSITORY = Path(__file__).parents[2]
LINES = "a=1\nsub/b=2\nsub/deep/c=3\nhollow/\n"
LINKS = ["reflink", "copy", "hardlink"]


Marks = dict[str, tuple[int, int]]


def marks(folder: Path, link: str = "reflink") -> Marks:
    """Relative name → inode and mtime of each file in a folder: another after it was written or replaced.

    Without the mtime where files are names of objects of the store: a use of the object stamps it.
    """
    files = {str(path.relative_to(folder)): path.stat() for path in folder.rglob("*") if path.is_file()}
    return {name: (status.st_ino, status.st_mtime_ns * (link != "hardlink")) for name, status in files.items()}


def untouched(before: Marks, after: Marks) -> set[str]:
    """The files that are still the same ones."""
    return {name for name in before if before[name] == after.get(name)}


@pytest.mark.parametrize("link", LINKS)
def test_a_rebuilt_folder_keeps_its_unchanged_files(tmp_path: Path, link: str) -> None:
    """Files that come out as they were stay untouched on the disk; changed, new and former ones are put right."""
    place = Place(tmp_path / "place", link=link)
    place.text.write_text(LINES)
    place.ensure(builds.split)
    before = marks(place.out, link)
    place.text.write_text("a=1\nsub/b=9\nsub/new=4\nhollow/\n")
    assert place.ensure(builds.split) == "built"
    assert place.tree() == {"a": "1", "hollow": None, "sub": None, "sub/b": "9", "sub/new": "4"}
    assert untouched(before, marks(place.out, link)) == {"a"}


@pytest.mark.parametrize("link", LINKS)
def test_a_restored_folder_keeps_its_unchanged_files(tmp_path: Path, link: str) -> None:
    """Going back to a former folder replaces the files that differ and no other; so does mending a damaged one."""
    place = Place(tmp_path / "place", link=link)
    for text in ("a=1\nsub/b=2\nc=3\n", "a=1\nsub/b=9\nd=3\n"):
        place.text.write_text(text)
        assert place.ensure(builds.split) == "built"
    before = marks(place.out, link)
    place.text.write_text("a=1\nsub/b=2\nc=3\n")
    assert place.ensure(builds.split) == "restored"
    assert place.tree() == {"a": "1", "sub": None, "sub/b": "2", "c": "3"}
    assert untouched(before, marks(place.out, link)) == {"a"}
    before = marks(place.out, link)
    (place.out / "sub/b").unlink()
    (place.out / "sub/b").write_text("8")
    (place.out / "stray").write_text("stray")
    assert place.ensure(builds.split) == "restored"
    assert place.tree() == {"a": "1", "sub": None, "sub/b": "2", "c": "3"}
    assert untouched(before, marks(place.out, link)) >= {"a", "c"}


def test_a_folder_that_lacks_nothing_but_holds_more(tmp_path: Path) -> None:
    """What is too much is removed, and every file of the output stays untouched."""
    place = Place(tmp_path / "place")
    place.text.write_text(LINES)
    place.ensure(builds.split)
    before = marks(place.out)
    (place.out / "sub/stray").mkdir()
    (place.out / "hollow/link").symlink_to(place.out)
    assert place.ensure(builds.split) == "restored"
    assert marks(place.out) == before


def test_what_is_right_behind_a_link_is_not_in_place(tmp_path: Path) -> None:
    """A folder of the output that became a link to a copy of itself is a folder again, and the copy is left alone."""
    place = Place(tmp_path / "place")
    place.text.write_text(LINES)
    place.ensure(builds.split)
    elsewhere = tmp_path / "elsewhere"
    (place.out / "sub").rename(elsewhere)
    (place.out / "sub").symlink_to(elsewhere)
    assert place.ensure(builds.split) == "restored"
    assert not (place.out / "sub").is_symlink()
    assert (place.out / "sub/deep/c").read_text() == (elsewhere / "deep/c").read_text() == "3"


@pytest.mark.parametrize("link", LINKS)
def test_an_equal_file_is_not_written_again(tmp_path: Path, link: str) -> None:
    """A file that is built anew and comes out as it was stays untouched."""
    place = Place(tmp_path / "place", link=link)
    place.ensure()
    before = marks(place.out.parent, link)["out"]
    assert place.ensure(force=True) == "built"
    assert marks(place.out.parent, link)["out"] == before


def some_lines(dice: random.Random) -> str:
    """A folder of a few names that are now files, now folders, now not there."""
    lines = []
    for name in "abcd":
        kind = dice.choice(["none", "file", "file", "folder", "empty", "deep"])
        below = {"file": f"{name}=", "folder": f"{name}/{dice.choice('xy')}=", "deep": f"{name}/x/{dice.choice('yz')}="}
        if kind in below:
            lines.append(below[kind] + dice.choice("12"))
        elif kind == "empty":
            lines.append(f"{name}/")
    return "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize("seed", range(2))
def test_from_any_folder_to_any_other(tmp_path: Path, seed: int) -> None:
    """Whatever was there, the new folder is exactly what was written, and every file that both have stays untouched."""
    dice, place = random.Random(seed), Place(tmp_path / "place")
    for _ in range(30):
        old = place.tree() if place.out.exists() else {}
        before = marks(place.out)
        place.text.write_text(some_lines(dice))
        place.ensure(builds.split)
        expected: dict[str, str | None] = {}
        for line in place.text.read_text().splitlines():
            name, _, content = line.partition("=")
            parts = name.rstrip("/").split("/")
            expected |= {"/".join(parts[:depth]): None for depth in range(1, len(parts))}
            expected[name.rstrip("/")] = None if name.endswith("/") else content
        assert place.tree() == expected
        same = {name for name, text in expected.items() if text is not None and old.get(name) == text}
        assert untouched(before, marks(place.out)) >= same


KILLED = """
import os, signal, sys
from pathlib import Path
from barmill import files
from barmill.store import places
from tests.store import builds

left = [int(sys.argv[2])]

def dying(real):
    def step(*arguments):
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
        real(*arguments)
    return step

class Steps:
    move, remove, make_folder = map(dying, (files.move, files.remove, files.make_folder))

places.files = Steps
builds.Place(Path(sys.argv[1])).ensure(builds.split)
"""


def test_a_kill_between_two_files_is_made_good(tmp_path: Path) -> None:
    """After kill -9 at any step every file is whole, the folder counts as stale, and the next run brings it to its end."""
    for step in itertools.count():
        root = tmp_path / str(step)
        place = Place(root)
        place.text.write_text("a=1\nsub/b=2\nc=3\nd/e=4\n")
        place.ensure(builds.split)
        place.text.write_text("a=1\nsub/b=9\nd=5\nf/\n")
        done = subprocess.run([sys.executable, "-c", KILLED, str(root), str(step)], cwd=REPOSITORY, timeout=60, check=False)
        whole = {"a": "1", "sub": None, "sub/b": "9", "d": "5", "f": None}
        if done.returncode == 0:
            assert place.tree() == whole
            break
        assert done.returncode == -signal.SIGKILL
        texts = {text for text in place.tree().values() if text is not None}
        assert texts <= {"1", "2", "3", "4", "5", "9"}
        again = Place(root)
        again.cache.sweep()
        expected = "fresh" if place.tree() == whole else "restored"
        assert again.ensure(builds.split) == expected
        assert again.tree() == whole
    assert step > 4
