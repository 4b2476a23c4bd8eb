"""A toy project that was built."""

import shutil
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
