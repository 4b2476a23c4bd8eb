"""A toy project that was built, and rights that count for root, too."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.project import Project


@pytest.fixture(scope="session")
def _built_once(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project.make(tmp_path_factory.mktemp("toy") / "built")
    project.good()
    project.built()
    return project


@pytest.fixture
def project(_built_once: Project, tmp_path: Path) -> Project:
    """A toy project that was built: a copy, so that each test has its own."""
    shutil.copytree(_built_once.root, tmp_path / "p", symlinks=True)
    return Project(tmp_path / "p")


@pytest.fixture
def as_others() -> tuple[str, ...]:
    """A command that runs another one so that permissions count, as they do for everybody but root."""
    if os.geteuid():
        return ()
    powers = "-dac_override,-dac_read_search"
    command = ("setpriv", f"--bounding-set={powers}", f"--inh-caps={powers}")
    if not shutil.which("setpriv") or subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        pytest.skip("root may read and write everything")
    return command
