"""Names with `=` on the command line, where doit takes `x=y` for a variable; and other awkward names."""

import sys

import pytest
from doit.doit_cmd import reset_vars, set_var

from barmill.run.arguments import removed_tasks, restored
from tests.support.project import Project

AWKWARD = ["a=b", "a%3Db", "a_b", "c*d", "e f", "g[h]", "i:j", "k%l", "ä", "A=B"]


@pytest.fixture
def awkward(project: Project) -> Project:
    """A toy project whose texts have awkward names, all built."""
    for name in AWKWARD:
        (project.root / f"data/{name}.txt").write_text(name)
    project.good()
    return project


def typed(monkeypatch: pytest.MonkeyPatch, *words: str) -> list[str]:
    """Act as if this had been typed behind `doit`; the arguments that doit leaves."""
    reset_vars()
    monkeypatch.setattr(sys, "argv", ["doit", *words])
    for word in words:
        if "=" in word and not word.startswith("-"):
            set_var(*word.split("=", 1))
    return [word for word in words if word.startswith("-") or "=" not in word]


@pytest.mark.parametrize(
    ("words", "given"),
    [
        (["load", "-s", "GC=F", "-p", "x"], ["-s", "GC=F", "-p", "x"]),
        (["archive", "GC=F"], ["GC=F"]),
        (["archive", "--before=2024-01-01", "A", "GC=F", "B"], ["--before=2024-01-01", "A", "GC=F", "B"]),
        (["history", "A=B", "C=D"], ["A=B", "C=D"]),
        (["x=1", "history", "A=B"], ["A=B"]),
        (["-f", "dodo.py", "history", "A", "B=C"], ["A", "B=C"]),
        (["history"], []),
    ],
)
def test_arguments_come_back_in_their_places(monkeypatch: pytest.MonkeyPatch, words: list[str], given: list[str]) -> None:
    """What stands behind a command is what was typed there; what stands before it stays a variable."""
    left = typed(monkeypatch, *words)
    command = next(at for at, word in enumerate(left) if word in {"load", "archive", "history"})
    assert restored(left[command + 1 :]) == given
    reset_vars()


def test_a_call_from_a_program_keeps_its_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the command line is another program's, nothing is added."""
    typed(monkeypatch, "-k", "a=b")
    reset_vars()
    assert restored(["A", "B"]) == ["A", "B"]
    assert removed_tasks() == []


def test_tasks_and_paths_are_told_from_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """A word before `=` makes a variable; a task is spelled as doit knows it, a path as it is."""
    typed(monkeypatch, "x=1", "_y2=a:b", "export:GC=F", "export:a/GC%3DF=G", "artifacts/export/GC=F.csv")
    assert removed_tasks() == ["export:GC%3DF", "export:a/GC%3DF%3DG", "artifacts/export/GC=F.csv"]
    reset_vars()


def test_every_awkward_name_is_built_and_then_fresh(awkward: Project) -> None:
    """Names with `=`, `%`, `*`, blanks, brackets, colons and letters of any kind are targets with readable outputs."""
    assert {f"artifacts/upper/{name}.up" for name in AWKWARD} <= {f"artifacts/{path}" for path in awkward.artifacts()}
    awkward.assert_fresh()


@pytest.mark.parametrize("name", [name for name in AWKWARD if "*" not in name])
def test_an_awkward_name_is_chosen_by_task_and_by_path(awkward: Project, name: str) -> None:
    """The task and the path, typed with the readable name, choose that target alone, also of a stage that is listed late."""
    (awkward.root / f"data/{name}.txt").write_text("new")
    awkward.built()
    awkward.good(f"artifacts/upper/{name}.up")
    assert awkward.built() == [f"upper:{name}"]
    for choice in (f"split:{name}", f"artifacts/split/{name}"):
        if not ("%3D" in choice and choice.startswith("split:")):  # so is a=b spelled in lists of tasks
            (awkward.root / f"data/{name}.txt").write_text(f"new for {choice}")
            awkward.good(choice)
            assert f"split:{name}" in awkward.built()


def test_a_name_with_a_star_is_chosen_by_itself(awkward: Project) -> None:
    """Typed as a task it is a wildcard that matches its own name."""
    (awkward.root / "data/c*d.txt").write_text("new")
    awkward.built()
    awkward.good("upper:c*d")
    assert awkward.built() == ["upper:c*d"]


@pytest.mark.parametrize("command", ["explain", "info", "clean", "forget", "ignore", "list", "pin"])
@pytest.mark.parametrize("name", ["upper:a=b", "split:a=b", "upper:a%3Db"])
def test_every_command_takes_a_name_with_an_equal_sign(awkward: Project, command: str, name: str) -> None:
    """The readable name and the spelling of lists choose the target `a=b`, and no other."""
    result = awkward.doit(*((command, "kept", name) if command == "pin" else (command, name)))
    printed = result.out + result.err
    assert result.code in {0, 1}, printed
    assert "Traceback" not in printed
    assert command == "pin" or f"{name.partition(':')[0]}:a%3Db" in printed
    if command == "clean":
        assert not (awkward.root / "artifacts/upper/a=b.up").exists() or not (awkward.root / "artifacts/split/a=b").exists()
        assert (awkward.root / "artifacts/upper/a_b.up").exists()


@pytest.mark.parametrize("name", ["upper:a=c", "split:a=c", "artifacts/upper/a=c.up", "artifacts/split/a=c"])
def test_an_unknown_name_with_an_equal_sign_is_an_error(awkward: Project, name: str) -> None:
    """It is named, nothing is built, and no traceback shows."""
    result = awkward.doit(name)
    printed = result.out + result.err
    assert result.code != 0
    assert name in printed or name.replace("=", "%3D") in printed
    assert "Traceback" not in printed
    assert awkward.good().counts["built"] == 0


def test_a_variable_stays_one(awkward: Project) -> None:
    """`doit x=1 TASK` builds the task alone."""
    (awkward.root / "data/a=b.txt").write_text("new")
    awkward.built()
    awkward.good("x=1", "upper:a=b")
    assert awkward.built() == ["upper:a=b"]
