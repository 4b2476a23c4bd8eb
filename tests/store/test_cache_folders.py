"""The cache with folders as outputs and inputs, and outputs that may be absent."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.store import builds
from tests.store.builds import CALLS, Place

LINES = "a=1\nsub/b=2\nsub/deep/c=3\nhollow/\n"
WHOLE = {"a": "1", "hollow": None, "sub": None, "sub/b": "2", "sub/deep": None, "sub/deep/c": "3"}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A place where a folder was built, with an empty folder in it."""
    place = Place(tmp_path / "place")
    place.text.write_text(LINES)
    assert place.ensure(builds.split) == "built"
    assert place.tree() == WHOLE
    CALLS.clear()
    return place


def become_file(out: Path) -> None:
    """A file where the folder was."""
    shutil.rmtree(out)
    out.write_text("x")


def become_link(out: Path) -> None:
    """A link to nothing where the folder was."""
    shutil.rmtree(out)
    out.symlink_to(out.parent / "nowhere")


def file_to_folder(out: Path) -> None:
    """A folder with a file in it where a file was."""
    (out / "a").unlink()
    (out / "a").mkdir()
    (out / "a/x").write_text("x")


def folder_to_file(out: Path) -> None:
    """A file where a folder was."""
    shutil.rmtree(out / "sub")
    (out / "sub").write_text("x")


DAMAGES: dict[str, Callable[[Path], object]] = {
    "file added": lambda out: (out / "new").write_text("x"),
    "file added in a new folder": lambda out: ((out / "new/deep").mkdir(parents=True), (out / "new/deep/x").write_text("x")),
    "empty folder added": lambda out: (out / "new").mkdir(),
    "link to nothing added": lambda out: (out / ".#a").symlink_to("nowhere"),
    "link to a folder added": lambda out: (out / "up").symlink_to(out.parent),
    "file removed": lambda out: (out / "a").unlink(),
    "deep file removed": lambda out: (out / "sub/deep/c").unlink(),
    "deep folder removed": lambda out: shutil.rmtree(out / "sub/deep"),
    "empty folder removed": lambda out: (out / "hollow").rmdir(),
    "empty folder filled": lambda out: (out / "hollow/x").write_text("x"),
    "file edited": lambda out: (out / "sub/b").write_text("9"),
    "files swapped": lambda out: ((out / "a").write_text("2"), (out / "sub/b").write_text("1")),
    "file renamed": lambda out: (out / "a").rename(out / "z"),
    "all removed": shutil.rmtree,
    "emptied": lambda out: (shutil.rmtree(out), out.mkdir()),
    "replaced by a file": become_file,
    "replaced by a link": become_link,
    "a file turned folder": file_to_folder,
    "a folder turned file": folder_to_file,
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_folder_is_restored(place: Place, name: str) -> None:
    """Whatever was done to a folder, it is restored to the last empty folder without building, and then is fresh."""
    DAMAGES[name](place.out)
    assert place.ensure(builds.split) == "restored"
    assert place.tree() == WHOLE
    assert place.ensure(builds.split) == "fresh"
    assert CALLS == []


@pytest.mark.parametrize("name", ["all removed", "emptied", "replaced by a file", "file added"])
def test_an_empty_folder_is_an_output_too(tmp_path: Path, name: str) -> None:
    """A folder in which the build put nothing is there again after it was removed, replaced or filled."""
    place = Place(tmp_path / "place")
    place.text.write_text("")
    assert place.ensure(builds.split) == "built"
    DAMAGES[name](place.out)
    assert place.ensure(builds.split) == ("fresh" if name == "emptied" else "restored")
    assert place.out.is_dir()
    assert place.tree() == {}


def test_a_new_folder_takes_the_place_of_the_old(place: Place) -> None:
    """Files that the new build did not write are gone, and going back brings them back."""
    place.text.write_text("z=1\n")
    assert place.ensure(builds.split) == "built"
    assert place.tree() == {"z": "1"}
    place.text.write_text(LINES)
    assert place.ensure(builds.split) == "restored"
    assert place.tree() == WHOLE


def test_a_file_may_become_a_folder_and_a_folder_a_file(tmp_path: Path) -> None:
    """An output that is now a file, now a folder, is built and restored over the other."""
    place = Place(tmp_path / "place")
    file, folder = {"": "a file"}, {"file": "in a folder"}
    for text, expected, origin in (
        ("file", file, "built"),
        ("folder", folder, "built"),
        ("file", file, "restored"),
        ("folder", folder, "restored"),
        ("file 2", file, "built"),
    ):
        place.text.write_text(text)
        assert place.ensure(builds.either) == origin
        assert place.tree() == expected


def test_optional_outputs_come_and_go(tmp_path: Path) -> None:
    """An optional output is there exactly when its build wrote it, also after it was added by hand."""
    place = Place(tmp_path / "place")
    extra = place.root / "artifacts/extra"
    fields = {"outputs": {"out": place.out, "extra": extra}, "optional": frozenset({"extra"})}
    for text, there, origin in (("with extra", True, "built"), ("without", False, "built"), ("with extra", True, "restored")):
        place.text.write_text(text)
        assert place.ensure(builds.perhaps, **fields) == origin
        assert extra.exists() == there
    place.text.write_text("without")
    assert place.ensure(builds.perhaps, **fields) == "restored"
    for add in (lambda: extra.write_text("by hand"), extra.mkdir):
        add()
        assert place.ensure(builds.perhaps, **fields) == "restored"
        assert not extra.exists()


def test_a_folder_as_input_is_its_names(tmp_path: Path) -> None:
    """A folder as input counts by the names below it: edits build nothing, a new, renamed or removed file does."""
    place = Place(tmp_path / "place")
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub/a").write_text("1")
    fields = {"inputs": {"folder": folder}}
    assert place.ensure(builds.names, **fields) == "built"
    (folder / "sub/a").write_text("2")
    assert place.ensure(builds.names, **fields) == "fresh"
    (folder / "sub/a").rename(folder / "sub/b")
    assert place.ensure(builds.names, **fields) == "built"
    assert place.tree() == {"": "sub,sub/b"}
    (folder / "sub/b").rename(folder / "sub/a")
    assert place.ensure(builds.names, **fields) == "restored"


def test_a_restored_folder_is_the_same_input_as_a_built_one(place: Place) -> None:
    """What reads the names of a folder that was built is fresh when the folder was restored."""
    names = place.root / "artifacts/names"
    fields = {"inputs": {"folder": place.out}, "outputs": {"out": names}}
    assert place.ensure(builds.names, **fields) == "built"
    shutil.rmtree(place.out)
    place.ensure(builds.split)
    assert place.ensure(builds.names, **fields) == "fresh"
