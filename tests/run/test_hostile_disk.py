"""A disk that is full or read-only, a folder that must not be read, too many open files: named, and nothing is damaged."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.disks import mounted
from tests.support.market import MarketProject
from tests.support.project import Project

WORKERS = [(), ("-n", "2")]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB."""
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=1m", "tmpfs") as disk:
        yield disk


def sound(project: Project) -> None:
    """Nothing half-written is under a final name."""
    whole = Project.make(Path(tempfile.mkdtemp()) / "whole")
    whole.good()
    right = whole.artifacts()
    shutil.rmtree(whole.root)
    assert all(right[path] == data for path, data in project.artifacts().items())


@pytest.mark.parametrize("workers", WORKERS)
def test_a_full_disk(tmp_path: Path, small_disk: Path, workers: tuple[str, ...]) -> None:
    """The disk and the cure are named without a traceback; with room again the next run goes on from there."""
    project = Project.make(tmp_path / "p")
    (project.root / "artifacts").symlink_to(small_disk)
    codes: list[int] = []
    for room in (20_000, 45_000, 60_000, 80_000, 110_000, 130_000):  # in bytes: full in a build, in the store, in the state
        stuffing = small_disk / "stuffing"
        free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
        stuffing.write_bytes(b"x" * max(0, free - room))
        result = project.doit(*workers)
        text = result.out + result.err
        assert "Traceback" not in text
        assert (result.code == 0) or "hint: make room" in text or "hint: mend" in text, text
        codes.append(result.code)
        stuffing.unlink()
        sound(project)
    assert codes[0] != 0
    project.good(*workers)
    project.assert_fresh()


def test_a_read_only_disk(tmp_path: Path, small_disk: Path) -> None:
    """Artifacts on a read-only disk: an error that names the path, exit code 2 or 3, nothing lost."""
    project = Project.make(tmp_path / "p")
    (project.root / "artifacts").symlink_to(small_disk)
    project.good()
    before = project.artifacts()
    (project.root / "times").write_text("2")
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    result = project.doit()
    text = result.out + result.err
    assert result.code in {2, 3}, text
    assert "Traceback" not in text
    assert "hint: " in text
    assert "artifacts" in text
    assert project.artifacts() == before
    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    project.good()
    project.assert_fresh()


@pytest.mark.parametrize(
    ("folder", "workers"),
    [
        ("artifacts/upper", ()),
        ("artifacts/upper", ("-n", "2")),
        ("artifacts/split/ant", ()),
        ("artifacts/store/objects", ()),
        ("artifacts", ()),
    ],
)
def test_a_folder_that_must_not_be_written(
    project: Project, as_others: tuple[str, ...], folder: str, workers: tuple[str, ...]
) -> None:
    """It is named with its cure; what does not need it is built; when it may be written again, the next run goes on."""
    (project.root / "times").write_text("2")
    (project.root / folder).chmod(0o555)
    result = project.doit(*workers, behind=as_others)
    (project.root / folder).chmod(0o755)
    text = result.out + result.err
    assert result.code in {1, 2, 3}
    assert "Traceback" not in text
    assert f"{folder}" in text
    assert "hint: " in text
    project.good(*workers)
    project.assert_fresh()


@pytest.mark.parametrize("name", ["data/ant.txt", "artifacts/upper/ant.up"])
def test_a_file_that_must_not_be_read(project: Project, as_others: tuple[str, ...], name: str) -> None:
    """An input is named with its cure and fails its target alone; an output that can't be looked at is restored."""
    (project.root / name).chmod(0)
    result = project.doit(behind=as_others)
    assert "Traceback" not in result.out + result.err
    if name.startswith("data"):
        assert result.code in {1, 2}
        assert f"{name} can't be read: Permission denied" in result.out
        (project.root / name).chmod(0o644)
        project.good()
    else:
        assert (result.code, result.counts["restored"]) == (0, 1)
    project.assert_fresh()


@pytest.mark.parametrize("workers", WORKERS)
def test_too_many_open_files(project: Project, workers: tuple[str, ...]) -> None:
    """A build that runs out of open files fails with the limit named as the cure; the others are built."""
    greedy = "    import itertools\n    if 'bee' in out.name:\n        held = [open('times') for _ in itertools.count()]\n"
    project.edit("upper.py", "    # a comment\n", greedy)
    result = project.doit(*workers)
    assert (result.counts["built"], result.counts["failed"]) == (2, 1)
    assert "times: Too many open files" in result.out
    assert "hint: raise the limit of open files (ulimit -n)" in result.out
    assert "Traceback" not in result.out + result.err


@pytest.mark.parametrize(("limit", "workers"), [(7, ()), (8, ()), (9, ("-n", "2")), (14, ("-n", "2"))])
def test_too_few_open_files_for_the_run(tmp_path: Path, limit: int, workers: tuple[str, ...]) -> None:
    """Wherever the run itself comes to the limit, that is told with a cure and no traceback; nothing is damaged or lost."""
    project = Project.make(tmp_path / "p")
    result = project.doit(*workers, behind=("prlimit", f"--nofile={limit}"))
    text = result.out + result.err
    assert "Traceback" not in text
    assert result.code == 0 or "hint: " in text, text
    sound(project)
    project.good(*workers)
    project.assert_fresh()


LOOKS = (
    "run",
    "run -n 2",
    "status",
    "list",
    "list --all --status",
    "info join:all",
    "explain join:all",
    "verify",
    "gc -n",
    "stats",
)


def spoil(place: Path, disk: str) -> None:
    """Fill a disk, or make it read-only."""
    if disk == "read-only":
        subprocess.run(["mount", "-o", "remount,ro", place], check=True)
        return
    with contextlib.suppress(OSError), open(place / "stuffing", "wb", buffering=0) as file:
        while file.write(b"x" * 4096):
            pass


@pytest.mark.parametrize("disk", ["full", "read-only"])
def test_looking_needs_no_writing(tmp_path: Path, small_disk: Path, disk: str) -> None:
    """On a full or read-only disk a run with nothing to do, and each command that looks, does what it does elsewhere."""
    project = Project.make(tmp_path / "p")
    (project.root / "artifacts").symlink_to(small_disk)
    project.good()
    project.assert_fresh()
    before = project.artifacts()
    spoil(small_disk, disk)
    for look in LOOKS:
        result = project.doit(*look.split())
        assert (result.code, result.err) == (0, ""), look
    project.assert_fresh()
    project.edit("data/ant.txt", "ant", "emu")
    result = project.doit()
    text = result.out + result.err
    assert result.code == 2, text
    assert ("No space left on device" if disk == "full" else "Read-only file system") in text
    assert "artifacts" in text
    assert "hint: " in text
    assert project.doit("status").code == 1
    if disk == "full":
        (small_disk / "stuffing").unlink()
    else:
        subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    assert {path: project.artifacts()[path] for path in before} == before
    project.good()
    project.assert_fresh()


@pytest.mark.parametrize("disk", ["full", "read-only"])
def test_looking_at_datasets_needs_no_writing(tmp_path: Path, disk: str) -> None:
    """On a full or read-only disk, data included, datasets, health, due and history are listed as elsewhere."""
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=40m", "tmpfs") as place:
        project = MarketProject.make(place / "p")
        project.series("equities/daily/ACME", ["20240102", "20240103"])
        project.good("coverage")
        looks = ("datasets", "health", "due", "history", "reconcile --help", "status coverage", "publish --dry-run")
        before = {look: project.doit(*look.split()) for look in looks}
        spoil(place, disk)
        for look, right in before.items():
            assert project.doit(*look.split()) == right, look
