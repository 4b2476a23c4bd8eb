"""Two runs at the same time: each ends well, and together they leave what one would."""

import subprocess
from pathlib import Path

from tests.support.project import Project, Result, ended, until


def end(*runs: subprocess.Popen[str]) -> list[Result]:
    """Wait for runs; each must have ended well."""
    results = [ended(run) for run in runs]
    assert [result.code for result in results] == [0] * len(runs), results
    return results


def test_in_one_project(tmp_path: Path) -> None:
    """Two cold runs in one project both end well; the artifacts are right, nothing is left over, and all is fresh."""
    alone = Project.make(tmp_path / "alone")
    alone.good()
    for attempt in range(3):
        project = Project.make(tmp_path / f"p{attempt}")
        end(project.start(), project.start("-n", "2"))
        assert project.artifacts() == alone.artifacts()
        assert list(project.root.rglob("*.tmp")) == []
        assert list((project.root / "artifacts/.staging").glob("*/*")) == []
        project.assert_fresh()


def test_over_one_store(tmp_path: Path) -> None:
    """Two projects that fill one store at the same time both end well with the same artifacts."""
    shared = {"BARMILL_STORE": str(tmp_path / "shared")}
    for attempt in range(3):
        one, two = Project.make(tmp_path / f"one{attempt}"), Project.make(tmp_path / f"two{attempt}")
        for project in (one, two):
            (project.root / "times").write_text(str(attempt + 1))
        end(one.start(**shared), two.start(**shared))
        assert one.artifacts() == two.artifacts()
        one.assert_fresh(**shared)
        two.assert_fresh(**shared)
    assert list((tmp_path / "shared").rglob("*.tmp")) == []


def at_work(project: Project, *arguments: str) -> subprocess.Popen[str]:
    """A run that has the project's lock."""
    run = project.start(*arguments)
    until(lambda: f'"process": {run.pid}' in (project.root / "artifacts/.lock").read_text())
    return run


def test_the_second_waits_for_the_first(project: Project) -> None:
    """A run that finds another at work says who that is, waits, and finds everything fresh; `prune` and `verify` wait, too."""
    go = project.hold("upper")
    first = at_work(project, "-n", "3")
    others = [project.start(), project.start("prune"), project.start("verify")]
    for other in others:
        assert other.stderr
        told = other.stderr.readline()
        assert f"doit -n 3` (process {first.pid} on " in told
        assert f"at work in {project.root / 'artifacts'}" in told
    go.touch()
    _, later, *_ = end(first, *others)
    assert later.counts == {"built": 0, "restored": 0, "fresh": 7, "failed": 0}


def test_no_wait(project: Project) -> None:
    """With --no-wait a run that finds another at work ends at once with exit code 4; one that finds none runs."""
    go = project.hold("upper")
    first = at_work(project)
    refused = project.bad("--no-wait", code=4)
    assert f"(process {first.pid} on " in refused
    assert "hint: wait for it" in refused
    assert project.doit("status").code == 1  # looking needs no lock
    go.touch()
    end(first)
    project.good("--no-wait")


def test_a_killed_holder_holds_nothing(project: Project) -> None:
    """The lock goes with the process that holds it."""
    go = project.hold("upper")
    first = at_work(project)
    first.kill()
    ended(first)
    go.touch()
    project.good("--no-wait")
