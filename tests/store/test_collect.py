"""gc: what nothing can use goes, what breaks a limit goes, what a project or a pin needs stays."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from barmill.errors import StoreError
from barmill.hashing import digest_bytes
from barmill.store import pins
from barmill.store.collect import Report, collect
from barmill.store.limits import Limits
from barmill.store.litter import quarantined
from tests.reliability.checkouts import faults
from tests.store import builds
from tests.store.builds import Place

DAY = 86400
ALL = Limits(max_size=0)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A place that went through three parameters, and is at the third; all of it a day old."""
    place = Place(tmp_path / "place", tmp_path / "store")
    for times in (1, 2, 3):
        finish(place, times)
    age(place.store, DAY)
    return place


def finish(place: Place, times: int) -> str:
    """Ensure the target and remember it, as a run of doit does; tells its key."""
    target = place.target(params={"times": times})
    outcome = place.cache.ensure(target, task="stage:one")
    place.cache.stats.forget(place.out)
    place.cache.state.put("tasks", "stage:one", {"_values_:": {"finished": place.cache.finished(target, outcome)}})
    place.cache.state.commit()
    return outcome.key


def age(root: Path, seconds: float) -> None:
    """Let everything have been used so long ago."""
    for path in root.rglob("*"):
        if path.is_file():
            os.utime(path, (time.time() - seconds, time.time() - seconds))


def lying(store: Path) -> dict[str, int]:
    """The number of files of each kind."""
    kinds = ("actions", "objects", "quarantine", "projects", "pins")
    return {kind: number for kind in kinds if (number := sum(path.is_file() for path in (store / kind).rglob("*")))}


def removed(report: Report) -> dict[str, int]:
    """Kind → how many were removed."""
    return {kind: tally.count for kind, tally in report.removed.items() if tally.count}


def texts(store: Path) -> list[str]:
    """The content of every object."""
    return sorted(path.read_text() for path in (store / "objects").rglob("*") if path.is_file())


def test_without_a_limit_all_that_is_of_use_stays(place: Place) -> None:
    """Every record and every object that a record names stays, however old."""
    age(place.store, 1000 * DAY)
    report = collect(place.store, Limits())
    assert removed(report) == {}
    assert lying(place.store) == {"actions": 3, "objects": 3, "projects": 1}
    assert (report.kept["records"].count, report.kept["objects"].count, report.kept["objects"].bytes) == (3, 3, 3 + 6 + 9)


def test_no_store(tmp_path: Path) -> None:
    """Where no store is, nothing is removed and none is made."""
    assert removed(collect(tmp_path / "store", ALL)) == {}
    assert not (tmp_path / "store").exists()


def test_objects_without_a_record_go(place: Place) -> None:
    """An object that no record names goes; another record that names it keeps it."""
    for times in (2, 3):
        place.cache.actions.path(place.cache.actions.get(finish(place, times)).key).unlink()
    age(place.store, DAY)
    report = collect(place.store, Limits())
    assert removed(report) == {"objects": 2}
    assert report.removed["objects"].bytes == 6 + 9
    assert texts(place.store) == ["ONE"]


def test_a_record_whose_object_is_gone_goes(place: Place) -> None:
    """A record that can't be restored is of no use, but to tell a project what its last run read."""
    for path in (place.store / "objects").rglob("*"):
        if path.is_file():
            path.unlink()
    assert removed(collect(place.store, Limits())) == {"records": 2}


def test_the_present_graph_stays(place: Place) -> None:
    """However little the store may hold, the record of a project's last run and its objects stay; why is told."""
    report = collect(place.store, ALL)
    assert removed(report) == {"records": 2, "objects": 2}
    assert texts(place.store) == ["ONEONEONE"]
    assert report.excess == sum(tally.bytes for tally in report.kept.values()) > 9
    assert report.held == {"of projects' present graphs": 1, "pinned": 0, "used within the grace": 0}
    place.out.unlink()
    assert place.ensure(params={"times": 3}) == "restored"


def test_every_living_project_counts(place: Place, tmp_path: Path) -> None:
    """The present graph of another checkout stays, until its state file is gone or it is ignored."""
    other = Place(tmp_path / "other", place.store)
    finish(other, 1)
    age(place.store, DAY)
    collect(place.store, ALL)
    assert texts(place.store) == ["ONE", "ONEONEONE"]
    age(place.store, DAY)
    collect(place.store, ALL, ignored=[other.root])
    assert texts(place.store) == ["ONEONEONE"]
    finish(other, 2)
    age(place.store, DAY)
    other.cache.state.path.unlink()
    report = collect(place.store, ALL)
    assert texts(place.store) == ["ONEONEONE"]
    assert lying(place.store)["projects"] == 1
    assert any(str(other.cache.state.path) in note for note in report.notes)


def test_a_present_graph_is_in_use(place: Place) -> None:
    """What a project has is used as of the last gc, though its fresh runs never look at it."""
    collect(place.store, Limits())
    finish(place, 1)
    collect(place.store, Limits(older_than=DAY / 2))
    assert texts(place.store) == ["ONE", "ONEONEONE"]


@pytest.mark.parametrize("damage", [b"garbage" * 1000, b"SQLite format 3\0" + b"\1" * 5000])
def test_a_project_that_cannot_be_read_stops_it(place: Place, tmp_path: Path, damage: bytes) -> None:
    """If it can't be told what a project needs, nothing is deleted; it can be ignored."""
    other = Place(tmp_path / "other", place.store)
    finish(other, 1)
    state = other.cache.state.path
    other.cache.state._db.close()
    age(place.store, DAY)
    before = lying(place.store)
    state.write_bytes(damage)
    with pytest.raises(StoreError, match=r"other/artifacts/state.sqlite(.|\n)*hint: .*--ignore-project") as caught:
        collect(place.store, ALL)
    assert str(state) in str(caught.value)
    assert lying(place.store) == before
    assert removed(collect(place.store, ALL, ignored=[state])) == {"records": 2, "objects": 2}


@pytest.mark.parametrize("kind", ["projects", "pins"])
def test_a_damaged_note_or_pin_stops_it(place: Place, kind: str) -> None:
    """If it can't be told whose a note is, or what a pin keeps, nothing is deleted."""
    (place.store / kind).mkdir(exist_ok=True)
    (place.store / kind / "a.json").write_text("{")
    before = lying(place.store)
    with pytest.raises(StoreError, match=r"a\.json(.|\n)*hint: "):
        collect(place.store, ALL)
    assert lying(place.store) == before


def test_older_than(place: Place) -> None:
    """What was not used for long goes; a restore is a use."""
    finish(place, 1)
    finish(place, 3)
    assert removed(collect(place.store, Limits(older_than=DAY / 2))) == {"records": 1, "objects": 1}
    assert texts(place.store) == ["ONE", "ONEONEONE"]


def test_keep_last(place: Place) -> None:
    """Of a task the newest results stay."""
    assert removed(collect(place.store, Limits(keep_last=2))) == {"records": 1, "objects": 1}
    assert texts(place.store) == ["ONEONE", "ONEONEONE"]


def test_max_size(place: Place) -> None:
    """The least recently used go until the store fits, by its files' sizes."""
    finish(place, 1)
    finish(place, 3)
    size = sum(path.stat().st_size for kind in ("objects", "actions") for path in (place.store / kind).rglob("*.*"))
    size += 3 + 6 + 9
    assert removed(collect(place.store, Limits(max_size=size))) == {}
    report = collect(place.store, Limits(max_size=size - 1))
    assert (removed(report), report.excess) == ({"records": 1, "objects": 1}, 0)
    assert texts(place.store) == ["ONE", "ONEONEONE"]


def test_grace(place: Place) -> None:
    """What was used within the grace stays, record and object; without grace it goes."""
    age(place.store, 1000)
    (place.store / "objects/ab").mkdir(exist_ok=True)
    (place.store / "objects/ab" / ("0" * 30)).write_text("orphan")
    os.utime(place.store / "objects/ab" / ("0" * 30), (time.time() - 1000, time.time() - 1000))
    assert removed(collect(place.store, ALL)) == {}
    assert removed(collect(place.store, ALL, grace=1100)) == {}
    assert removed(collect(place.store, ALL, grace=900)) == {"records": 2, "objects": 3}


def test_a_dry_run_tells_the_same(place: Place) -> None:
    """A dry run tells what a real one then does, and changes nothing."""
    litter(place)
    before = {path: path.stat().st_mtime_ns for path in place.store.rglob("*") if path.is_file()}
    told = collect(place.store, ALL, dry_run=True)
    assert {path: path.stat().st_mtime_ns for path in place.store.rglob("*") if path.is_file()} == before
    done = collect(place.store, ALL)
    assert (told.removed, told.kept, told.excess, told.notes) == (done.removed, done.kept, done.excess, done.notes)
    assert removed(done) == {"records": 2, "objects": 2, "damaged records": 1, "temporary files": 2}


def litter(place: Place) -> None:
    """Leave what a kill leaves, and a damaged record, a day ago, and some of it just now."""
    for name in ("objects/ab/.cd.0.tmp", "actions/ab/.cd.json.0.tmp", f"actions/ab/{'0' * 30}.json", "quarantine/a"):
        for path in (place.store / name, (place.store / name).with_name(f"new.{Path(name).name}")):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("{")
    for path in place.store.rglob("*"):
        if path.is_file() and not path.name.startswith("new."):
            os.utime(path, (time.time() - DAY, time.time() - DAY))
    (place.store / "objects/ab/.new.0.tmp").write_text("")


def test_litter_goes(place: Place) -> None:
    """What a kill left goes after an hour, what was set aside after a month, and nothing that we do not know."""
    litter(place)
    collect(place.store, Limits())
    assert (place.store / "objects/ab/.new.0.tmp").exists()
    assert (place.store / "objects/ab/new..cd.0.tmp").exists()
    assert not (place.store / "objects/ab/.cd.0.tmp").exists()
    assert lying(place.store)["quarantine"] == 2
    assert removed(collect(place.store, Limits(), now=time.time_ns() + 29 * DAY * 10**9))["temporary files"] == 1
    assert removed(collect(place.store, Limits(), now=time.time_ns() + 31 * DAY * 10**9)) == {"quarantined files": 2}


@pytest.mark.parametrize("text", [b'{"format": 2}', b'{"format": "x", "outputs": {}}'])
def test_records_of_another_format_keep_everything(place: Place, text: bytes) -> None:
    """What a record of another format names is unknown: then no record and no object goes, and that is told."""
    path = place.store / "actions/00" / f"{'0' * 30}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text)
    (place.store / "objects/00").mkdir(exist_ok=True)
    (place.store / "objects/00" / ("0" * 30)).write_text("perhaps its")
    age(place.store, DAY)
    before = lying(place.store)
    report = collect(place.store, ALL)
    assert lying(place.store) == before
    assert any(str(path) in note for note in report.notes)


def test_pins(place: Place) -> None:
    """What is pinned stays until it is let go; a pin of what is not there is refused, as is a name that is none or in use."""
    key = finish(place, 1)
    finish(place, 3)
    pins.pin(place.store, "v1.0", {"stage:one": key})
    age(place.store, DAY)
    assert [(pin.name, pin.keys) for pin in pins.pinned(place.store)] == [("v1.0", {"stage:one": key})]
    report = collect(place.store, ALL)
    assert (removed(report), report.held["pinned"]) == ({"records": 1, "objects": 1}, 1)
    for name in ("v1.0", "", ".", "../x", "a/b"):
        with pytest.raises(StoreError, match="hint: "):
            pins.pin(place.store, name, {})
    with pytest.raises(StoreError, match=r"1 of 1 results are not in the store(.|\n)*hint: "):
        pins.pin(place.store, "other", {"stage:one": digest_bytes(b"none")})
    pins.unpin(place.store, "v1.0")
    assert list(pins.pinned(place.store)) == []
    assert removed(collect(place.store, ALL)) == {"records": 1, "objects": 1}
    with pytest.raises(FileNotFoundError):
        pins.unpin(place.store, "../actions")


def test_a_pinning_is_a_use(place: Place) -> None:
    """A gc that began before something was pinned leaves it alone."""
    key = finish(place, 1)
    finish(place, 3)
    age(place.store, DAY)
    pins.pin(place.store, "v1", {"stage:one": key})
    pins.unpin(place.store, "v1")
    assert removed(collect(place.store, ALL)) == {"records": 1, "objects": 1}
    assert "ONE" in texts(place.store)


def test_what_is_used_meanwhile_stays(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records restored, and objects stored again, between gc's looking and its deleting stay with all that they need."""
    age(place.store, 2 * DAY)

    def meanwhile(found: Iterable[object]) -> None:
        finish(place, 1)  # restored: its record is to go
        (place.root / "second").write_text("one" * 2)
        second = Place(place.root, place.store)
        second.ensure(inputs={"text": place.root / "second"}, outputs={"out": place.root / "artifacts/second"})

    import barmill.store.collect as module

    doomed = module.doomed
    monkeypatch.setattr(module, "doomed", lambda *given: (found := doomed(*given), meanwhile(found))[0])
    report = collect(place.store, ALL, grace=0)
    assert removed(report) == {"records": 1}
    assert texts(place.store) == ["ONE", "ONEONE", "ONEONEONE"]
    assert faults(place.store) == []


def test_a_record_that_goes_under_a_restore_is_built(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """If gc removes a record between the look-up and the restore, the target is built, and its record is there again."""
    actions = place.cache.actions
    get = actions.get
    monkeypatch.setattr(actions, "get", lambda key: (get(key), actions.path(key).unlink())[0])
    place.out.unlink()
    assert place.ensure(params={"times": 3}) == "built"
    assert lying(place.store)["actions"] == 3


KILLED = """
import os, signal, sys, pathlib
from barmill.store import broom
from barmill.store.collect import collect
from barmill.store.limits import Limits
from barmill.store.litter import quarantined
left, unlink = [int(sys.argv[2])], os.unlink
def dying(path):
    if "/actions/" in str(path) or "/objects/" in str(path):
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
    unlink(path)
broom.os.unlink = dying
collect(pathlib.Path(sys.argv[1]), Limits(max_size=0))
"""


@pytest.mark.parametrize("deleted", [0, 1, 2, 3])
def test_a_killed_gc_leaves_a_sound_store(place: Place, deleted: int) -> None:
    """Killed after any deletion, gc leaves no lock and no record without its objects, and the next one does the rest."""
    done = subprocess.run([sys.executable, "-c", KILLED, str(place.store), str(deleted)], timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    assert faults(place.store) == []
    assert sum(lying(place.store).values()) == 7 - deleted
    assert removed(collect(place.store, ALL)).get("objects") == 2 - max(0, deleted - 2)
    assert texts(place.store) == ["ONEONEONE"]
    assert place.ensure(params={"times": 2}) == "built"


def test_a_project_registers_when_it_first_uses_the_store(tmp_path: Path) -> None:
    """Opening a cache writes nothing to the store; the first build leaves a note, the first restore writes it again."""
    place = Place(tmp_path / "place", tmp_path / "store")
    assert not place.store.exists()
    place.ensure()
    (note,) = (place.store / "projects").iterdir()
    assert json.loads(note.read_text()) == {"state": str(place.cache.state.path)}
    assert note.stem == digest_bytes(os.fsencode(place.cache.state.path))
    note.unlink()
    again = Place(place.root, place.store)
    place.out.unlink()
    assert not note.exists()
    assert again.ensure() == "restored"
    assert note.exists()


def test_hard_links_are_collected_like_copies(tmp_path: Path) -> None:
    """An object that is another name of an artifact goes; the artifact stays."""
    place = Place(tmp_path / "place", tmp_path / "store", link="hardlink")
    place.ensure(builds.upper)
    age(place.store, DAY)
    assert removed(collect(place.store, ALL)) == {"records": 1, "objects": 1}
    assert place.tree() == {"": "ONE"}


def test_a_project_that_is_busy_stops_it(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """If another program keeps a state file to itself, nothing is deleted."""
    monkeypatch.setattr("barmill.store.projects._PATIENCE", 0.1)
    state = place.cache.state
    state._db.close()
    with contextlib.closing(sqlite3.connect(state.path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="locked"):
            collect(place.store, ALL)
    assert lying(place.store) == {"actions": 3, "objects": 3, "projects": 1}


def test_two_collect_at_once(place: Place) -> None:
    """What another gc has removed just before is no fault."""
    aside = place.store / "quarantine"
    aside.mkdir(parents=True)
    for name in ("one", "two", "three"):
        (aside / name).write_text("")
    found = quarantined(place.store)
    next(found)
    for path in aside.iterdir():
        path.unlink()
    assert list(found) == []


def test_two_pin_at_once(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two that take one name at once, one is refused, and the pin of the other is whole."""
    exists, both = Path.exists, threading.Barrier(2)

    def looks(path: Path) -> bool:
        found = exists(path)
        if path.name == "v1.json":
            with contextlib.suppress(threading.BrokenBarrierError):  # where only one may look at a time
                both.wait(0.2)
        return found

    def take(created: str) -> bool:
        try:
            pins.pin(place.store, "v1", {created: key})
        except StoreError:
            return False
        return True

    key = finish(place, 1)
    monkeypatch.setattr(Path, "exists", looks)
    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(take, ("stage:one", "stage:two"))) == [False, True]
    assert len(list(pins.pinned(place.store))) == 1
