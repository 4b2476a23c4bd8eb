"""`doit gc`, `doit pin`, `doit unpin` and `doit store` on a toy project."""

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from tests.support.project import Project

EVERYTHING = ("--max-size", "1", "--grace", "0")


@pytest.fixture
def moved_on(project: Project) -> Project:
    """A project with results of a former parameter in its store."""
    shutil.rmtree(project.root / "artifacts/store/projects")  # the note of the project that it is a copy of
    (project.root / "times").write_text("2")
    project.good()
    (project.root / "times").write_text("1")
    project.good()
    project.built()
    return project


def removed(project: Project, *options: str) -> dict[str, int]:
    """Kind → what `doit gc --json` removed."""
    report = json.loads(project.good("gc", "--json", *options).out)
    return {kind: tally["count"] for kind, tally in report["removed"].items() if tally["count"]}


def test_what_is_of_use_stays(moved_on: Project) -> None:
    """Without a limit a sound store loses nothing, and the former state is restored."""
    assert removed(moved_on) == {}
    (moved_on.root / "times").write_text("2")
    assert moved_on.good().counts["built"] == 0


def test_the_present_graph_stays(moved_on: Project) -> None:
    """With the hardest limit only former results go; the present ones are restored, the former built again."""
    before = moved_on.artifacts()
    assert removed(moved_on, *EVERYTHING, "-n")["records"] == 7
    assert removed(moved_on, *EVERYTHING)["records"] == 7
    assert removed(moved_on, *EVERYTHING) == {}
    moved_on.good("clean", "upper", "join", "split")
    counts = moved_on.good().counts
    assert (counts["built"], counts["restored"]) == (0, 7)
    assert moved_on.artifacts() == before
    (moved_on.root / "times").write_text("2")
    assert moved_on.good().counts["built"] == 7


def test_the_table(moved_on: Project) -> None:
    """What was removed and what is left have a line each, with bytes; what could not be met is told, with why."""
    told = moved_on.good("gc", *EVERYTHING, "--dry-run").out.splitlines()
    done = moved_on.good("gc", *EVERYTHING).out.splitlines()
    assert [line.replace("would be ", "").replace("d be", "") for line in told] == done
    assert [line.split()[:2] + line.split()[-1:] for line in done[:4]] == [
        ["records", "7", "removed"],
        ["objects", "7", "removed"],
        ["records", "7", "kept"],
        ["objects", "9", "kept"],
    ]
    assert done[4].endswith(" freed")
    assert "larger than --max-size 1: 7 of projects' present graphs may not go" in done[5]


def test_the_other_limits(moved_on: Project) -> None:
    """Ages and numbers of results are limits, too; the grace is an hour unless another is given."""
    assert removed(moved_on, "--max-size", "1") == {}
    for path in (moved_on.root / "artifacts/store").rglob("*"):
        if path.is_file():
            os.utime(path, (time.time() - 100_000,) * 2)
    assert removed(moved_on, "--older-than", "2d", "-n") == {}
    assert removed(moved_on, "--older-than", "1d", "-n") == {"records": 7, "objects": 7}
    assert removed(moved_on, "--keep-last", "1", "-n") == {}  # the former results are those that were built last
    assert removed(moved_on, "--keep-last", "0", "-n")["records"] == 7


@pytest.mark.parametrize(
    ("option", "text", "form"),
    [
        ("--max-size", "10 apples", "10G"),
        ("--max-size", "-1", "10G"),
        ("--older-than", "30", "30d"),
        ("--keep-last", "few", "whole number"),
        ("--grace", "1h", "whole number"),
    ],
)
def test_bad_values(project: Project, option: str, text: str, form: str) -> None:
    """A value of another form is an error that names the option, the value and the form."""
    said = project.bad("gc", f"{option}={text}", code=3)
    assert f"{option} is {text!r}\nhint: give " in said
    assert form in said


def test_another_project_is_protected(moved_on: Project, tmp_path: Path) -> None:
    """gc in one checkout keeps the present graph of another over the same store, unless it is to be ignored."""
    shared = {"BARMILL_STORE": str(tmp_path / "shared")}
    other = Project.make(tmp_path / "other")
    (other.root / "times").write_text("3")
    other.good(**shared)
    moved_on.good("-a", **shared)
    report = json.loads(moved_on.good("gc", "--json", *EVERYTHING, **shared).out)
    assert (report["removed"]["records"]["count"], report["held"]["of projects' present graphs"]) == (0, 14)
    told = json.loads(moved_on.good("store", "--json", **shared).out)
    assert told["projects"] == {str(each.root / "artifacts/state.sqlite"): True for each in (other, moved_on)}
    moved_on.good("gc", *EVERYTHING, "--ignore-project", "../other", **shared)
    assert json.loads(moved_on.good("store", "--json", **shared).out)["records"] == 7
    for path in (other.root / "artifacts").glob("state.sqlite*"):  # the log alone would do
        path.write_text("no database" * 100)
    assert str(other.root / "artifacts/state.sqlite") in moved_on.bad("gc", code=3, **shared)


def test_pin(moved_on: Project) -> None:
    """What is pinned stays when the project moves on, until it is let go; pins are listed."""
    assert moved_on.good("pin", "release").out == "release: 7 records pinned\n"
    assert moved_on.good("pin", "ants", "upper:ant", "artifacts/split/ant").out == "ants: 2 records pinned\n"
    assert [line.split(", ")[0] for line in moved_on.good("pin").out.splitlines()] == ["ants: 2 records", "release: 7 records"]
    (moved_on.root / "times").write_text("2")
    moved_on.good()
    assert removed(moved_on, *EVERYTHING) == {}
    moved_on.good("unpin", "release")
    assert removed(moved_on, *EVERYTHING)["records"] == 5
    (moved_on.root / "times").write_text("1")
    assert moved_on.good("upper:ant").counts["built"] == 0


def test_pins_that_are_none(project: Project) -> None:
    """A pin in use, a name that is none, a target that is none or was never built: an error with the nearest or the cure."""
    project.good("pin", "release")
    assert "doit unpin release" in project.bad("pin", "release", code=3)
    assert "hint: use letters" in project.bad("pin", "a/b", code=3)
    assert "the nearest are upper:cat, upper:ant" in project.bad("pin", "new", "upper:atn", code=3)
    assert "the nearest are release" in project.bad("unpin", "relaese", code=3)
    assert "doit pin lists them" in project.bad("unpin", "x", code=3)
    assert "doit pin lists them" in project.bad("unpin", code=3)
    (project.root / "data/dog.txt").write_text("dog")
    assert "upper:dog was never built here" in project.bad("pin", "new", "upper:dog", code=3)
    assert project.good("pin", "new").out.startswith("new: 7 records pinned; 1 targets that were never built")
    (project.root / "artifacts/store/pins/new.json").unlink()
    (project.root / "artifacts/store/pins/new.json").write_text("{")
    for command in ("pin", "gc", "store"):
        assert "doit unpin new" in project.bad(command, code=3)
    project.good("unpin", "new")


def test_store(moved_on: Project) -> None:
    """`doit store` tells records, bytes and seconds per stage, and who uses the store."""
    moved_on.good("pin", "release")
    told = json.loads(moved_on.good("store", "--json").out)
    assert {stage: each["records"] for stage, each in told["stages"].items()} == {"upper": 6, "join": 2, "split": 6}
    assert (told["records"], told["objects"]) == (14, 16)
    text = moved_on.good("store").out
    assert text.startswith("artifacts/store: ")
    for words in ("upper          6", "pin      release: 7 records", f"project  {moved_on.root}/artifacts/state.sqlite"):
        assert words in text


def test_where_nothing_was_built(tmp_path: Path) -> None:
    """Before the first build there is nothing to remove, to count or to pin, and no store is made."""
    project = Project.make(tmp_path / "new")
    assert project.good("gc").out == "0 B freed\n"
    assert project.good("store").out.startswith("artifacts/store: 0 B\n")
    assert "was never built here" in project.bad("pin", "a", code=3)
    assert not (project.root / "artifacts/store").exists()


def test_a_graph_that_cannot_be_told(moved_on: Project) -> None:
    """gc and the figures look at no target: they work where the stages do not load."""
    moved_on.edit("upper.py", "def targets(plan):", "def targets(plan):\n    raise SystemError")
    assert removed(moved_on, *EVERYTHING)["records"] == 7
    assert json.loads(moved_on.good("store", "--json").out)["records"] == 7


def test_a_store_that_cannot_be_locked(moved_on: Project) -> None:
    """Where the lock can't be taken the file is named, with the cure, and nothing is removed."""
    for name in (".gate", ".lock"):
        (moved_on.root / "artifacts/store" / name).unlink()
        (moved_on.root / "artifacts/store" / name).symlink_to(name)
    said = moved_on.bad("gc", *EVERYTHING, code=3)
    assert "artifacts/store/.gate: Too many levels of symbolic links\nhint: " in said
    assert json.loads(moved_on.good("store", "--json").out)["records"] == 14


@pytest.mark.parametrize("command", ["gc", "store"])
def test_arguments_are_refused(project: Project, command: str) -> None:
    """The commands about the store take no target."""
    assert "takes no upper:ant" in project.bad(command, "upper:ant", code=3)
