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
