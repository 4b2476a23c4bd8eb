"""Two runs at the same time: each ends well, and together they leave what one would."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.project import Project


def start(project: Project, *arguments: str, **environ: str) -> subprocess.Popen[str]:
    """Start `doit` and go on."""
    settings = {"CI": "true", "PYTHONDONTWRITEBYTECODE": "1", "BUILT_LOG": str(project.log), **environ}
    return subprocess.Popen(
        [sys.executable, "-m", "doit", *arguments],
        cwd=project.root,
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def end(*runs: subprocess.Popen[str]) -> None:
    """Wait for runs; each must have ended well."""
    for run in runs:
        printed, _ = run.communicate(timeout=120)
        assert run.returncode == 0, printed


def test_in_one_project(tmp_path: Path) -> None:
    """Two cold runs in one project both end well; the artifacts are right, nothing is left over, and all is fresh."""
    alone = Project.make(tmp_path / "alone")
    alone.good()
    for attempt in range(3):
        project = Project.make(tmp_path / f"p{attempt}")
        end(start(project), start(project, "-n", "2"))
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
        end(start(one, **shared), start(two, **shared))
        assert one.artifacts() == two.artifacts()
        one.assert_fresh(**shared)
        two.assert_fresh(**shared)
    assert list((tmp_path / "shared").rglob("*.tmp")) == []
