"""Stamps: a target that was found fresh is found fresh again without its files being read, and in no other case."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from barmill import files
from barmill.errors import InputError
from barmill.hashing import digest_file
from barmill.run.questions import is_fresh
from barmill.store import stats as module
from barmill.store.cache import Cache
from barmill.store.state import open_state
from tests.store import builds
from tests.store.builds import Place
from tests.store.test_cache_folders import DAMAGES, LINES

TASK = "stage:one"


class Settled(Place):
    """A target that was built, and then looked at when its files could be trusted."""

    def __init__(self, root: Path, build: Any = builds.upper, **changes: Any) -> None:
        super().__init__(root)
        self.one = self.target(build, **changes)
        outcome = self.cache.ensure(self.one, task=TASK)
        self.cache.state.put("tasks", TASK, {"finished": self.cache.finished(self.one, outcome)})
        time.sleep(1.2 * module.GRAIN_NS / 1e9)
        assert self.fresh()

    def fresh(self, **changes: Any) -> bool:
        """Whether a new process finds the target fresh."""
        self.cache.state.commit()
        open_state.cache_clear()
        self.cache = Cache(self.store, self.root / "artifacts/state.sqlite")
        fields = {field: getattr(self.one, field) for field in ("build", "inputs", "outputs", "params", "optional")}
        return is_fresh(self.cache, self.target(**{**fields, **changes}), TASK)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were hashed."""
    names: list[str] = []
    monkeypatch.setattr(module, "digest_file", lambda name: names.append(name) or digest_file(name))
    return names


def test_nothing_is_read_the_second_time(tmp_path: Path, read: list[str]) -> None:
    """With a remembered stamp no file is hashed, and what is remembered of files is not even loaded."""
    place = Settled(tmp_path / "p")
    assert place.fresh()
    read.clear()
    assert place.fresh()
    assert read == []
    assert "seen" not in place.cache.stats.__dict__
    assert "tasks" not in place.cache.state.__dict__


def edit(path: Path) -> None:
    """As long as before, with the old mtime."""
    before = path.stat()
    path.write_bytes(bytes(byte ^ 1 for byte in path.read_bytes()))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def swap(path: Path) -> None:
    """Another file under its name, as long, with the same mtime."""
    other, before = path.with_name("other"), path.stat()
    other.write_bytes(bytes(byte ^ 1 for byte in path.read_bytes()))
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)


@pytest.mark.parametrize("change", [edit, swap, Path.unlink, lambda path: os.truncate(path, 0)])
def test_a_changed_output_is_seen(tmp_path: Path, change: Callable[[Path], None]) -> None:
    """An output that was edited, swapped, deleted or emptied makes its target stale."""
    place = Settled(tmp_path / "p")
    change(place.out)
    assert not place.fresh()


@pytest.mark.parametrize("change", [edit, swap, lambda path: os.truncate(path, 0)])
def test_a_changed_input_is_seen(tmp_path: Path, change: Callable[[Path], None]) -> None:
    """An input that was edited, swapped or emptied makes its target stale."""
    place = Settled(tmp_path / "p")
    change(place.text)
    assert not place.fresh()


def test_a_touched_input_is_read_once(tmp_path: Path, read: list[str]) -> None:
    """A touched input is hashed, found equal, and its new stamp is remembered."""
    place = Settled(tmp_path / "p")
    os.utime(place.text)
    time.sleep(1.2 * module.GRAIN_NS / 1e9)
    read.clear()
    assert place.fresh()
    assert str(place.text) in read
    read.clear()
    assert place.fresh()
    assert read == []


def test_changed_parameters_and_roles_are_seen(tmp_path: Path) -> None:
    """Another parameter, an equal one of another type, another build: stale."""
    place = Settled(tmp_path / "p", params={"times": 1})
    assert place.fresh()
    assert not place.fresh(params={"times": 2})
    assert not place.fresh(params={"times": 1.0})
    assert not place.fresh(params={"times": True})
    assert not place.fresh(params={})
    assert not place.fresh(build=builds.editing, params={})


def test_groups_are_seen(tmp_path: Path) -> None:
    """A group in another order, with a renamed file, or one file fewer: stale."""
    (tmp_path / "p").mkdir()
    files = [tmp_path / "p" / name for name in ("a", "b")]
    for file in files:
        file.write_text("same")
    place = Settled(tmp_path / "p", builds.joined, inputs={"texts": files})
    assert place.fresh()
    assert place.fresh(inputs={"texts": list(map(str, files))})
    assert not place.fresh(inputs={"texts": files[::-1]})
    assert not place.fresh(inputs={"texts": files[:1]})
    assert not place.fresh(inputs={"texts": [files[0], files[0]]})
    files[1].rename(tmp_path / "p" / "c")
    assert not place.fresh(inputs={"texts": [files[0], tmp_path / "p" / "c"]})


def test_folders_are_seen(tmp_path: Path) -> None:
    """A name that appears in an input folder, a file edited in an output folder: stale."""
    (tmp_path / "p").mkdir()
    folder = tmp_path / "p" / "folder"
    folder.mkdir()
    place = Settled(tmp_path / "p", builds.names, inputs={"folder": folder})
    assert place.fresh()
    (folder / "new").write_text("")
    assert not place.fresh()

    (tmp_path / "q").mkdir()
    (tmp_path / "q" / "text").write_text("a/b=one")
    place = Settled(tmp_path / "q", builds.split)
    assert place.fresh()
    edit(place.out / "a/b")
    assert not place.fresh()


@pytest.fixture
def folder(tmp_path: Path) -> Settled:
    """A target whose output is a folder."""
    (tmp_path / "p").mkdir()
    (tmp_path / "p/text").write_text(LINES)
    return Settled(tmp_path / "p", builds.split)


def test_no_file_of_a_folder_is_read_the_second_time(folder: Settled, read: list[str]) -> None:
    """With a remembered stamp no file of an output folder is hashed, and what is remembered of them is not even loaded."""
    assert folder.fresh()
    read.clear()
    assert folder.fresh()
    assert read == []
    assert "seen" not in folder.cache.stats.__dict__


@pytest.mark.parametrize("name", DAMAGES)
def test_whatever_happens_to_a_folder_is_seen(folder: Settled, name: str) -> None:
    """Each change of what lies below an output folder makes its target stale, and undoing it by hand fresh again."""
    assert folder.fresh()
    aside = folder.root / "aside"
    shutil.copytree(folder.out, aside)
    DAMAGES[name](folder.out)
    assert not folder.fresh()
    files.remove(folder.out)
    aside.rename(folder.out)
    assert folder.fresh()


@pytest.mark.parametrize("change", [edit, swap])
def test_an_edit_that_keeps_the_mtime_is_seen_in_a_folder(folder: Settled, change: Callable[[Path], None]) -> None:
    """A file deep in an output folder that was edited or swapped, its size and mtime as before, makes its target stale."""
    change(folder.out / "sub/deep/c")
    files.remove(folder.out / "sub/deep/other")
    assert not folder.fresh()


def test_no_stamp_of_a_folder_is_remembered_too_early(folder: Settled, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a file in an output folder could still be edited without a new stamp, its target has no stamp."""
    monkeypatch.setattr(module, "GRAIN_NS", 2_000_000_000)
    os.utime(folder.out / "sub/deep/c")
    assert folder.fresh()
    assert folder.cache.state.stamps.get(TASK) != f'"{folder.cache.stamp(folder.one)}"'
    time.sleep(1.2 * module.GRAIN_NS / 1e9)
    assert folder.fresh()
    assert folder.cache.state.stamps.get(TASK) == f'"{folder.cache.stamp(folder.one)}"'


def test_an_optional_output_that_appears_is_seen(tmp_path: Path) -> None:
    """An optional output that the build left out, and that is there now: stale."""
    extra = tmp_path / "p/artifacts/extra"
    outputs = {"out": tmp_path / "p/artifacts/out", "extra": extra}
    place = Settled(tmp_path / "p", builds.perhaps, outputs=outputs, optional=frozenset({"extra"}))
    assert place.fresh()
    extra.write_text("extra")
    assert not place.fresh()


def test_a_missing_output_hides_no_missing_input(tmp_path: Path) -> None:
    """With an output missing the target is stale without a further look, but for one at its inputs: they may be missing."""
    place = Settled(tmp_path / "p")
    place.out.unlink()
    assert not place.fresh()
    place.text.unlink()
    with pytest.raises(InputError, match="does not exist"):
        place.fresh()


def test_no_stamp_is_remembered_too_early(tmp_path: Path) -> None:
    """While a file could still be edited without a new stamp, its target has no stamp."""
    place = Settled(tmp_path / "p")
    os.utime(place.out)
    assert place.fresh()
    place.cache.state.commit()
    held = place.cache.state.stamps[TASK]
    edit(place.out)
    assert not place.fresh()
    assert place.cache.state.stamps[TASK] == held


def test_a_stamp_goes_with_its_entry(tmp_path: Path) -> None:
    """A task that was forgotten, or failed, is stale though its files are what they were."""
    place = Settled(tmp_path / "p")
    entry = place.cache.state.tasks[TASK]
    place.cache.state.drop("tasks", [TASK])
    assert not place.fresh()
    place.cache.state._db.execute("INSERT INTO tasks VALUES (?, ?)", (TASK, entry))
    assert place.fresh()
    place.cache.state.put("tasks", TASK, {"forgotten:": True})
    assert not place.fresh()
