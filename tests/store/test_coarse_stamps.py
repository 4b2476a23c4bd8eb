"""On a file system that stamps with whole seconds, where an edit leaves no trace in the stamps: nothing is taken for fresh."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from barmill.hashing import digest_bytes
from barmill.store.stats import StatCache
from tests.store.builds import Place
from tests.support.disks import with_whole_seconds
from tests.support.project import Project


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with whole seconds."""
    with with_whole_seconds(tmp_path / "disk") as disk:
        yield disk


def test_equal_stamps_of_other_contents(disk: Path) -> None:
    """Of edits that leave every part of the stamp as it was, some at least, each is seen."""
    path, stats, stamps = disk / "file", StatCache(), set()
    for number in range(50):
        path.write_bytes(b"%03d" % number)
        status = path.stat()
        stamps.add((status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns))
        assert status.st_mtime_ns % 1_000_000_000 == 0
        assert stats.digest(path) == digest_bytes(b"%03d" % number)
    assert len(stamps) < 50


def test_an_edited_output_with_its_old_stamp(disk: Path) -> None:
    """An output edited at equal length within the second in which it was made is restored."""
    place = Place(disk / "place")
    place.ensure()
    for number in range(10):
        place.out.write_text(f"{number:03}")
        assert place.ensure() == "restored"
        assert place.out.read_text() == "ONE"


def test_a_project(disk: Path) -> None:
    """Whole runs see an edit of an input, and of an output, made right after the last one; nothing else runs again."""
    project = Project.make(disk / "p")
    project.good()
    project.assert_fresh()
    project.edit("data/ant.txt", "legs", "wigs")
    assert project.good().counts == {"built": 3, "restored": 0, "fresh": 4, "failed": 0}
    (project.root / "artifacts/upper/bee.up").write_text("BEE\nHAS WIGS\n!")
    assert project.good().counts == {"built": 0, "restored": 1, "fresh": 6, "failed": 0}
    project.assert_fresh()
