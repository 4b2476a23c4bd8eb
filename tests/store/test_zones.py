"""The time zone database as part of keys: another release of it rebuilds what uses a zone, and nothing else."""

import os
import shutil
import zoneinfo
from pathlib import Path

import pytest

from barmill.hashing import digest_file
from barmill.store import zones
from barmill.store.state import State
from tests.support.project import Project

DODO = """
from barmill.run.tasks import load, tasks
import zoned

PLAN, DOIT_CONFIG = load(__file__)

def task_zoned():
    yield from tasks(zoned, PLAN)
"""

ZONED = '''
"""One target that uses a zone, and one that does not."""
import datetime as dt
from zoneinfo import ZoneInfo
from barmill.target import Target

def local(out) -> None:
    out.write_text(dt.datetime(2024, 7, 1, tzinfo=ZoneInfo("Europe/Berlin")).isoformat())

def plain(out) -> None:
    out.write_text("plain")

def targets(plan):
    yield Target("local", local, {}, {"out": plan.path("zoned", "local")})
    yield Target("plain", plain, {}, {"out": plan.path("zoned", "plain")})
'''


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A small database of two zones."""
    source = next(Path(folder) for folder in zoneinfo.TZPATH if (Path(folder) / "Europe/Berlin").exists())
    folder = tmp_path / "zones"
    for name in ("Europe/Berlin", "Asia/Tokyo"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / name, folder / name)
    return folder


def version(folder: Path, state: State) -> str:
    """What a new process would say of a database."""
    zones._version.cache_clear()
    return zones._version(state, (str(folder),))


def test_version_follows_the_content_of_zone_files(database, tmp_path, monkeypatch):
    """A touched or copied database is the same; an edited, added or removed zone is another; unread copies do not count."""
    state = State(tmp_path / "state.sqlite")
    before = version(database, state)
    os.utime(database / "Asia/Tokyo", (1, 1))
    shutil.copytree(database, tmp_path / "copy")
    shutil.copytree(database, database / "posix")
    assert version(database, state) == version(tmp_path / "copy", state) == before
    (database / "Asia/Seoul").write_bytes((database / "Asia/Tokyo").read_bytes())
    added = version(database, state)
    (database / "Asia/Tokyo").unlink()
    removed = version(database, state)
    assert len({before, added, removed}) == 3


def test_files_are_read_again_only_after_one_changed(database, tmp_path, monkeypatch):
    """The digest is remembered in the state, under the stamps of all files; damage to what is remembered costs a look."""
    state = State(tmp_path / "state.sqlite")
    read = []
    monkeypatch.setattr(zones, "digest_file", lambda path: read.append(path) or digest_file(path))
    before = version(database, state)
    assert len(read) == 2
    assert version(database, state) == before
    assert len(read) == 2
    state.put("codes", ":zones", ["damaged"])
    assert version(database, state) == before
    assert len(read) == 4


def test_another_database_rebuilds_what_uses_a_zone(database, tmp_path):
    """With changed rules in PYTHONTZPATH only the target that uses a zone is built, and explain names the reason."""
    project = Project(tmp_path / "p")
    project.root.mkdir()
    (project.root / "dodo.py").write_text(DODO)
    (project.root / "zoned.py").write_text(ZONED)
    assert project.good(PYTHONTZPATH=str(database)).counts["built"] == 2
    project.assert_fresh(PYTHONTZPATH=str(database))
    shutil.copy(database / "Asia/Tokyo", database / "Europe/Berlin")
    explained = project.doit("explain", "zoned:local", PYTHONTZPATH=str(database)).out
    assert "library zoneinfo changed" in explained
    counts = project.good(PYTHONTZPATH=str(database)).counts
    assert (counts["built"], counts["fresh"]) == (1, 1)
    assert (project.root / "artifacts/zoned/local").read_text().endswith("+09:00")
