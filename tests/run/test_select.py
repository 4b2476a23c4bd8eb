"""Choosing what to build: by task, stage and path; a misspelt one is never silent."""

import pytest

from tests.support.project import Project


@pytest.fixture
def stale(project: Project) -> Project:
    """A toy project in which everything is stale."""
    (project.root / "times").write_text("2")
    return project


@pytest.mark.parametrize(
    ("names", "built"),
    [
        (["upper:ant"], ["upper:ant"]),
        (["upper:ant", "upper:bee"], ["upper:ant", "upper:bee"]),
        (["upper"], ["upper:ant", "upper:bee", "upper:cat"]),
        (["join"], ["join:all", "upper:ant", "upper:bee", "upper:cat"]),
        (["artifacts/upper/ant.up"], ["upper:ant"]),
        (["./artifacts/upper/ant.up"], ["upper:ant"]),
        (["artifacts/join/all.txt"], ["join:all", "upper:ant", "upper:bee", "upper:cat"]),
        (["split:ant"], ["join:all", "split:ant", "upper:ant", "upper:bee", "upper:cat"]),
        (["artifacts/split/ant"], ["join:all", "split:ant", "upper:ant", "upper:bee", "upper:cat"]),
    ],
)
def test_what_was_chosen_is_built(stale: Project, names: list[str], built: list[str]) -> None:
    """A task, a stage or an output path builds that, and what it needs, and nothing else."""
    stale.good(*names)
    assert sorted(stale.built()) == built
    stale.good(*names)
    assert stale.built() == []


@pytest.mark.parametrize(
    ("pattern", "built"),
    [
        ("upper:*t", ["upper:ant", "upper:cat"]),
        ("upper:*", ["upper:ant", "upper:bee", "upper:cat"]),
        ("up*", ["upper:ant", "upper:bee", "upper:cat"]),
        ("split:a*", ["join:all", "split:ant", "upper:ant", "upper:bee", "upper:cat"]),
        ("*:bee", ["join:all", "split:bee", "upper:ant", "upper:bee", "upper:cat"]),
        ("sp*", ["join:all", "split:ant", "split:bee", "split:cat", "upper:ant", "upper:bee", "upper:cat"]),
    ],
)
@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_wildcard_selects(stale: Project, pattern: str, built: list[str], workers: tuple[str, ...]) -> None:
    """A wildcard selects every target that it matches, also of a stage that is listed late, and nothing else."""
    stale.good(*workers, pattern)
    assert sorted(stale.built()) == built
    assert stale.good(*workers, pattern).counts["fresh"] == len(built)
    assert stale.built() == []


@pytest.mark.parametrize("command", ["run", "pull", "clean", "forget", "ignore", "explain", "list", "info", "pin", "push"])
@pytest.mark.parametrize("name", ["zzz*", "split:z*"])
def test_a_name_that_nothing_has_is_an_error_of_every_command(project: Project, command: str, name: str) -> None:
    """A wildcard that matches nothing, or an unknown name, is named in an error, and nothing is done."""
    before = project.artifacts()
    arguments = (command, "kept", name) if command == "pin" else (command, name)
    remote = {"BARMILL_REMOTE": str(project.root / "remote")} if command in {"pull", "push"} else {}
    result = project.doit(*arguments, **remote)
    assert result.code in {1, 2, 3}
    assert name in result.out + result.err
    assert "Traceback" not in result.out + result.err
    assert project.artifacts() == before


def test_a_wildcard_selects_for_every_command(project: Project) -> None:
    """clean, forget, ignore, explain, pin and list take wildcards, of late stages, too."""
    assert project.good("explain", "split:*t").out.count("fresh") == 2
    assert project.good("pin", "kept", "*:cat").out == "kept: 2 records pinned\n"
    assert [line.split()[0] for line in project.good("list", "split:*t").out.splitlines()] == ["split:ant", "split:cat"]
    project.good("clean", "split:*")
    assert not [name for name in project.artifacts() if name.startswith("split")]
    project.good("forget", "upper:*t")
    assert sorted(project.good("ignore", "join:*").out.splitlines()) == ["ignoring join:all"]
    project.good("upper", "split")
    assert sorted(project.built()) == ["upper:ant", "upper:cat"]


@pytest.mark.parametrize(
    ("name", "near"),
    [("uper:ant", "upper:ant"), ("splt:bee", "split:bee"), ("pblish", "publish"), ("splits:xx", "split"), ("jion", "join")],
)
def test_the_nearest_name_is_named(project: Project, name: str, near: str) -> None:
    """The hint for a misspelt name has the nearest command, task or target, also of a stage that is listed late."""
    assert f"hint: the nearest are {near}" in project.bad(name, code=3)


def test_forget_alone_asks_for_a_task(project: Project) -> None:
    """`doit forget` without a task is an error of one line and a hint; `--all` forgets all."""
    assert "forget which task?" in project.bad("forget", code=3)
    project.good("forget", "--all")
    project.good()
    assert len(project.built()) == 7


def test_an_absolute_path(stale: Project) -> None:
    """An output may be given by its absolute path."""
    stale.good(str(stale.root / "artifacts/upper/ant.up"))
    assert stale.built() == ["upper:ant"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("uper", ["uper", "upper"]),
        ("upper:atn", ["upper:atn", "upper:ant"]),
        ("Upper:ANT", ["upper:ant"]),
        ("split:atn", ["split:atn", "split:ant"]),
        ("split:zzzzzz", ["split:zzzzzz", "3 targets"]),
        ("artifacts/upper/atn.up", ["artifacts/upper/ant.up"]),
    ],
)
def test_a_misspelt_name_is_an_error_with_the_nearest(project: Project, name: str, words: list[str]) -> None:
    """A name that nothing has is an error with a code that is not 0, the nearest names, and no traceback."""
    result = project.doit(name)
    printed = result.out + result.err
    assert result.code != 0
    assert [word for word in words if word not in printed] == []
    assert "Traceback" not in printed


def test_a_misspelt_path_of_a_delayed_stage_is_an_error(project: Project) -> None:
    """A path in a delayed stage's folder that none of its targets writes is an error."""
    result = project.doit("artifacts/split/atn")
    assert result.code != 0
    assert "artifacts/split/atn" in result.out + result.err
    assert "Traceback" not in result.out + result.err
