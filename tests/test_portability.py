"""A project can be copied, moved, emptied to its store, or share a store: nothing that was built is built again."""

import os
import shutil
from pathlib import Path

import pytest

from tests.support.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A toy project that was built."""
    project = Project.make(tmp_path / "first")
    project.good()
    project.built()
    return project


def test_a_copy_is_fresh(project: Project, tmp_path: Path) -> None:
    """A copy in another folder, with all stamps new, builds and restores nothing."""
    shutil.copytree(project.root, tmp_path / "second", copy_function=shutil.copyfile)
    Project(tmp_path / "second").assert_fresh()


def test_a_moved_project_is_fresh(project: Project, tmp_path: Path) -> None:
    """A moved project builds and restores nothing."""
    project.root.rename(tmp_path / "moved")
    Project(tmp_path / "moved").assert_fresh()


def test_a_copy_sees_its_own_code(project: Project, tmp_path: Path) -> None:
    """In a copy that stands beside the original, an edit of the copy's code counts, and one of the original's does not."""
    shutil.copytree(project.root, tmp_path / "second")
    second = Project(tmp_path / "second")
    second.assert_fresh()
    second.edit("helpers.py", '"!"', '"?"')
    second.good("upper:ant")
    assert second.artifacts()["upper/ant.up"] == b"ANT\nHAS LEGS\n?"
    second.edit("helpers.py", '"?"', '"!"')
    project.edit("helpers.py", '"!"', '"#"')
    second.good()
    assert second.built() == ["upper:ant"]
    assert second.artifacts()["upper/ant.up"] == b"ANT\nHAS LEGS\n!"


def test_the_store_alone_is_enough(project: Project, tmp_path: Path) -> None:
    """A copy with nothing of the artifacts but the store restores everything."""
    shutil.copytree(project.root, tmp_path / "second")
    for path in (tmp_path / "second/artifacts").iterdir():
        if path.name != "store":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    second = Project(tmp_path / "second")
    counts = second.good().counts
    assert (counts["built"], counts["restored"]) == (0, 7)
    assert second.artifacts() == project.artifacts()
    second.assert_fresh()


def test_a_store_travels_from_clone_to_clone(project: Project, tmp_path: Path) -> None:
    """A store kept by a CI's cache, and swept at the end of each run, spares the next clone elsewhere every build."""
    before, last = project.artifacts(), project.root
    for name in ("second", "third"):
        assert Project(last).doit("gc", "--older-than", "7d").code == 0
        clone = Project.make(tmp_path / name)
        shutil.copytree(last / "artifacts/store", clone.root / "artifacts/store")
        shutil.rmtree(last)
        counts = clone.good().counts
        assert (counts["built"], counts["restored"]) == (0, 7)
        assert clone.artifacts() == before
        last = clone.root


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_two_projects_share_a_store(tmp_path: Path, workers: tuple[str, ...]) -> None:
    """What one project built, another with the same store restores; each has outputs and state of its own."""
    one, two = Project.make(tmp_path / "one"), Project.make(tmp_path / "two")
    shared = {"BARMILL_STORE": str(tmp_path / "shared")}
    assert one.good(*workers, **shared).counts["built"] == 7
    counts = two.good(*workers, **shared).counts
    assert (counts["built"], counts["restored"]) == (0, 7)
    assert two.artifacts() == one.artifacts()
    (two.root / "artifacts/upper/ant.up").write_text("edited")
    one.assert_fresh(**shared)
    two.edit("data/ant.txt", "ant", "emu")
    two.good(**shared)
    one.assert_fresh(**shared)
    assert not (one.root / "artifacts/store").exists()


def test_a_lost_store_costs_builds_only(project: Project) -> None:
    """Without its store a project is fresh, and builds what was damaged since."""
    before = project.artifacts()
    shutil.rmtree(project.root / "artifacts/store")
    project.assert_fresh()
    (project.root / "artifacts/upper/ant.up").unlink()
    assert project.good().counts["built"] == 1
    assert project.artifacts() == before


def test_a_rotted_store_is_never_believed(project: Project) -> None:
    """With every object and record damaged, and every output gone, the artifacts are right after the next run."""
    before = project.artifacts()
    for path in (project.root / "artifacts/store").rglob("*"):
        if path.is_file() and (data := path.read_bytes()):
            path.chmod(0o644)
            path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    for name in ("upper", "join", "split"):
        shutil.rmtree(project.root / "artifacts" / name)
    assert project.good().counts["built"] == 7
    assert project.artifacts() == before
    project.assert_fresh()


def test_the_environment_does_not_count(project: Project) -> None:
    """Locale, time zone, hash seed and user are no part of a key."""
    project.assert_fresh(LC_ALL="C", TZ="Asia/Tokyo", PYTHONHASHSEED="7", USER="somebody", HOME=os.devnull)


def test_no_path_is_in_a_manifest(project: Project) -> None:
    """No record's manifest names the project's folder, the host, or a time."""
    records = project.records()
    assert len(records) == 7
    for record in records:
        text = str(record["manifest"])
        assert str(project.root) not in text
        assert str(record["host"]) not in text
        assert str(record["started"])[:10] not in text
