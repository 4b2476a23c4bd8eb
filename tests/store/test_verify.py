"""Verifying a store and a project: each kind of damage is found, named, and made good."""

import errno
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from barmill import files
from barmill.errors import ObjectCorrupt
from barmill.hashing import Digest, canonical, digest_file, digest_record
from barmill.store import actions as actions_module
from barmill.store import objects as objects_module
from barmill.store import stats as stats_module
from barmill.store import verify as module
from barmill.store.actions import FORMAT, Actions, Record
from barmill.store.cache import Cache
from barmill.store.recheck import Finished, verify_project, verify_state
from barmill.store.state import open_state
from barmill.store.verify import Examination, verify_store
from barmill.target import Target
from tests.store import builds
from tests.store.builds import Place

TASK = "stage:one"


class Built(Place):
    """A target that was built, whose files are old enough to be remembered."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.one = self.target(builds.upper)
        outcome = self.cache.ensure(self.one, task=TASK)
        self.key, self.line = outcome.key, self.cache.finished(self.one, outcome)
        self.digest = outcome.outputs["out"][""][0]
        self.state = self.root / "artifacts/state.sqlite"
        time.sleep(1.2 * stats_module.GRAIN_NS / 1e9)
        self.cache.look(self.one)
        self.cache.save_stamp(self.one, TASK, self.cache.stamp(self.one), self.cache.look(self.one))
        self.reopen()

    def reopen(self) -> None:
        """Go on as a new process would."""
        self.cache.state.commit()
        self.cache.state._db.close()
        open_state.cache_clear()
        self.cache = Cache(self.store, self.state)

    def verify(self, *, repair: bool = False, inputs: bool = True, line: str | None = None) -> Examination:
        """Examine everything."""
        exam = Examination(repair, 2)
        finished = [Finished(TASK, self.one, self.line if line is None else line)]
        if verify_state(exam, self.state):
            verify_project(exam, self.cache, finished, inputs=inputs)
        verify_store(exam, self.cache.objects, self.cache.actions)
        self.reopen()
        return exam

    def record(self) -> Path:
        """The record."""
        return self.cache.actions.path(self.key)

    def object(self) -> Path:
        """The object."""
        return self.cache.objects.path(self.digest)

    def damage_silently(self, path: Path) -> None:
        """Another content under a stamp that is remembered: what a failing disk does."""
        overwrite(path, b"X" + path.read_bytes()[1:])
        status = path.stat()
        seen = self.cache.stats.seen
        row = seen[str(path)]
        stamp = (status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns)
        seen[str(path)] = stats_module.Seen(row.path, *stamp, row.digest, row.folders)
        self.cache.stats.changed.add(str(path))
        self.reopen()
        self.cache.state.put("stamps", TASK, self.cache.stamp(self.one))
        self.reopen()


def overwrite(path: Path, data: bytes) -> None:
    """Another content, though the file is read-only."""
    path.chmod(0o644)
    path.write_bytes(data)


def kinds(exam: Examination) -> list[str]:
    """The kinds of what was found."""
    return [fault.kind for fault in exam.faults]


@pytest.fixture
def place(tmp_path: Path) -> Built:
    """A built target."""
    return Built(tmp_path / "p")


def test_what_is_sound_has_no_fault(place: Built) -> None:
    """Nothing is found, everything is counted, and nothing is changed, also with repair."""
    before = sorted(map(str, place.root.rglob("*")))
    for repair in (False, True):
        exam = place.verify(repair=repair)
        assert exam.faults == []
        counts = {what: number for what, number in exam.counts.items() if number}
        assert counts == {"objects": 1, "bytes": 3, "records": 1, "outputs": 1, "inputs": 1}
    assert sorted(map(str, place.root.rglob("*"))) == before
    assert place.cache.state.stamps


def test_a_store_that_is_not_there(tmp_path: Path) -> None:
    """Without a store there is nothing to find."""
    exam, cache = Examination(), Cache(tmp_path / "none", tmp_path / "state.sqlite")
    verify_store(exam, cache.objects, cache.actions)
    assert (exam.faults, +exam.counts) == ([], {})


@pytest.mark.parametrize("data", [b"ONX", b"ON", b"", b"ONE\n"])
def test_a_damaged_object(place: Built, data: bytes) -> None:
    """An object of other bytes is found by its full path; repair sets it aside; then only the record's miss is left."""
    overwrite(place.object(), data)
    exam = place.verify()
    assert kinds(exam) == ["object", *(["record"] if len(data) != 3 else [])]
    assert exam.faults[0].path == os.path.abspath(place.object())
    assert digest_file(place.object()) in exam.faults[0].what
    assert kinds(place.verify(repair=True)) == ["object", "record"]
    assert (place.store / "quarantine" / place.digest).read_bytes() == data
    exam = place.verify(repair=True)
    assert (kinds(exam), exam.counts["quarantined"]) == (["record"], 1)
    assert TASK in exam.faults[0].what
    assert place.record().exists()
    place.out.unlink()
    assert place.ensure() == "built"
    assert place.verify().faults == []


def test_a_missing_object(place: Built) -> None:
    """An object that is gone is known by the record that names it."""
    place.object().unlink()
    exam = place.verify()
    assert kinds(exam) == ["record"]
    assert str(place.object()) in exam.faults[0].what


def test_an_object_that_the_disk_gives_no_more(place: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    """An object that can't be read is a fault, and at a restore it is set aside and built again."""

    def failing(path: Path, size: int = 0) -> Digest:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(objects_module, "digest_file", failing)
    assert "Input/output error" in place.verify().faults[0].what
    monkeypatch.setattr(files, "read", failing)
    with pytest.raises(ObjectCorrupt, match=r"can't be read \(Input/output error\); moved to "):
        place.cache.objects.restore(place.digest, 3, place.root / "other")
    assert not place.object().exists()


def test_no_right_to_read_is_no_damage(place: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that somebody else may read stays where it is."""

    def refusing(path: Path, size: int = 0) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(files, "read", refusing)
    monkeypatch.setattr(objects_module, "digest_file", refusing)
    with pytest.raises(PermissionError):
        place.cache.objects.restore(place.digest, 3, place.root / "other")
    with pytest.raises(PermissionError):
        place.cache.actions.get(place.key)
    exam = Examination(repair=True)
    verify_store(exam, place.cache.objects, place.cache.actions)
    assert [fault.cure for fault in exam.faults] == [module._RIGHTS] * 2
    monkeypatch.undo()
    assert (place.object().exists(), place.record().exists()) == (True, True)


def other_manifest(path: Path) -> bytes:
    """A record that is right by its check, but whose manifest does not have its key."""
    record = Record(Digest(path.parent.name + path.stem), {"build": "other"}, {})
    body = {"format": FORMAT, **vars(record)}
    return canonical(body | {"check": digest_record(body)})


DAMAGES: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "empty": (lambda path: b"", "no record"),
    "truncated": (lambda path: path.read_bytes()[:-1], "no record"),
    "edited": (lambda path: path.read_bytes().replace(b"stage:one", b"stage:two"), "another check"),
    "of other format": (lambda path: path.read_bytes().replace(b'"format":1', b'"format":3', 1), "was 1 and reads 3"),
    "of other manifest": (other_manifest, "another key"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_record(place: Built, name: str) -> None:
    """A record that can't be believed is found; repair sets it aside; the finished line then tells that it is missing."""
    damage, what = DAMAGES[name]
    overwrite(place.record(), damage(place.record()))
    exam = place.verify()
    assert kinds(exam) == ["record"]
    assert (exam.faults[0].path, what in exam.faults[0].what) == (os.path.abspath(place.record()), True), exam.faults
    assert place.record().exists()
    assert "moved to " in place.verify(repair=True).faults[0].cure
    assert (place.store / "quarantine" / place.record().name).exists()
    assert place.verify().faults[0].what == f"is missing; {TASK} was last finished with it"
    place.out.unlink()
    assert place.ensure() == "built"
    assert place.verify().faults == []


def test_a_record_in_a_folders_place(place: Built) -> None:
    """A folder under a record's name is damage; a build is not kept from its place by it."""
    place.record().unlink()
    place.record().mkdir()
    assert "can't be read" in place.verify().faults[0].what
    place.out.unlink()
    assert place.ensure() == "built"
    assert place.verify().faults == []


def test_a_record_of_another_format_is_no_fault(place: Built) -> None:
    """A record that another version wrote is counted as foreign, with or without a check of its own, and stays."""
    for number, body in enumerate([{"format": 7}, {"format": 2, "check": "x", "more": 1}]):
        path = place.store / f"actions/ab/{number:030}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(canonical(body))
    exam = place.verify(repair=True)
    assert (exam.faults, exam.counts["foreign"], exam.counts["records"]) == ([], 2, 3)


def test_strays(place: Built) -> None:
    """What has no valid name is named and stays; an old temporary file is removed by repair, a young one is somebody's."""
    strays = ["objects/readme", "objects/ab/short", "actions/ab/0.json", "actions/zz/thing", "objects/ab/.x.0123456789ab.tmp"]
    for name in strays:
        (place.store / name).parent.mkdir(parents=True, exist_ok=True)
        (place.store / name).write_text("stray")
    (place.store / "objects/ab/.y.0123456789ab.tmp").write_text("young")
    old = place.store / strays[-1]
    os.utime(old, (0, time.time() - 7200))
    found = {os.path.abspath(place.store / name) for name in [*strays[:3], "actions/zz", strays[4]]}
    for repair in (False, True):
        exam = place.verify(repair=repair)
        assert {fault.path for fault in exam.faults if fault.kind == "stray"} == found
        assert "2 h ago" in next(fault.what for fault in exam.faults if fault.path == os.path.abspath(old))
    assert not old.exists()
    assert (place.store / strays[0]).exists()


@pytest.mark.parametrize("data", [b"ONX", b"", None])
def test_a_damaged_output(place: Built, data: bytes | None) -> None:
    """An output that is not what was built, or missing, is found."""
    if data is None:
        place.out.unlink()
    else:
        overwrite(place.out, data)
    exam = place.verify(inputs=False)
    assert kinds(exam) == ["output"]
    assert (exam.faults[0].path, place.digest in exam.faults[0].what) == (os.path.abspath(place.out), True)


def test_a_silently_damaged_output(place: Built) -> None:
    """An output damaged under its old stamp is fresh to every run, found by verify, and restored after a repair."""
    place.damage_silently(place.out)
    assert place.ensure() == "fresh"
    assert kinds(place.verify(inputs=False)) == ["output"]
    assert kinds(place.verify(repair=True, inputs=False)) == ["output"]
    assert not place.cache.state.stamps
    assert place.ensure() == "restored"
    assert place.out.read_text() == "ONE"
    assert place.verify().faults == []


def test_a_damaged_file_in_a_folder(tmp_path: Path) -> None:
    """Of a folder, any file that differs, is missing or is new is a fault of the folder, told once."""
    place = Built(tmp_path / "p")
    place.text.write_text("a/b=1\nc=2")
    place.one = place.target(builds.split, outputs={"out": place.root / "artifacts/folder"})
    outcome = place.cache.ensure(place.one, task=TASK)
    place.line, folder = place.cache.finished(place.one, outcome), place.root / "artifacts/folder"
    time.sleep(1.2 * stats_module.GRAIN_NS / 1e9)
    place.cache.look(place.one)
    place.reopen()
    assert place.verify().faults == []
    for damage in (lambda: (folder / "a/b").write_text("3"), (folder / "c").unlink, lambda: (folder / "d").write_text("4")):
        damage()
        exam = place.verify()
        assert [(fault.kind, fault.path) for fault in exam.faults] == [("output", os.path.abspath(folder))]


def test_a_changed_input_is_stale(place: Built) -> None:
    """An input that was edited or removed is no fault: the next run sees to it."""
    place.text.write_text("two")
    exam = place.verify()
    assert (exam.faults, exam.counts["stale"]) == ([], 1)
    place.text.unlink()
    exam = place.verify()
    assert (exam.faults, exam.counts["stale"]) == ([], 1)


def test_a_silently_damaged_input(place: Built) -> None:
    """An input whose content differs under its old stamp is a fault that only --inputs finds, and no repair changes."""
    place.damage_silently(place.text)
    assert place.verify(inputs=False).faults == []
    for repair in (False, True):
        exam = place.verify(repair=repair)
        assert [(fault.kind, fault.path) for fault in exam.faults] == [("input", os.path.abspath(place.text))]
        assert "without a trace" in exam.faults[0].what
    assert place.ensure() == "fresh"


def test_an_unreadable_input(place: Built) -> None:
    """An input that became something else is a fault."""
    place.text.unlink()
    os.mkfifo(place.text)
    assert kinds(place.verify()) == ["input"]


@pytest.mark.parametrize("name", ["text", "out"])
def test_a_wrong_memory(place: Built, name: str) -> None:
    """A remembered digest that is not that of the file is found, and dropped by repair, with the stamps."""
    path, seen = str(getattr(place, name)), place.cache.stats.seen
    seen[path] = seen[path]._replace(digest=Digest("0" * 32))
    place.cache.stats.changed.add(path)
    place.reopen()
    assert kinds(place.verify(inputs=name == "text")) == ["remembered"]
    assert kinds(place.verify(repair=True)) == ["remembered"]
    assert path not in place.cache.stats.seen
    assert not place.cache.state.stamps
    assert place.ensure() == "fresh"
    assert place.verify().faults == []


@pytest.mark.parametrize("change", [{"digest": Digest("0" * 32)}, {"folders": '["b"]'}])
def test_a_wrong_listing(tmp_path: Path, change: dict[str, str]) -> None:
    """What is remembered of a folder's names is compared, too."""
    place = Built(tmp_path / "p")
    folder = place.root / "folder"
    (folder / "a").mkdir(parents=True)
    (folder / "b").mkdir()
    place.one = Target("one", builds.names, {"folder": folder}, {"out": place.out})
    place.line = place.cache.finished(place.one, place.cache.ensure(place.one, task=TASK))
    time.sleep(1.2 * stats_module.GRAIN_NS / 1e9)
    place.cache.stats.digest(folder)
    place.reopen()
    assert place.verify().faults == []
    seen = place.cache.stats.seen
    seen[str(folder)] = seen[str(folder)]._replace(**change)
    place.cache.stats.changed.add(str(folder))
    place.reopen()
    assert [(fault.kind, fault.path) for fault in place.verify(repair=True).faults] == [("remembered", str(folder))]
    assert place.verify().faults == []


def test_wrong_code(place: Built) -> None:
    """A remembered code digest that is not that of the code is found and dropped."""
    name = "tests.store.builds.upper"
    entry = json.loads(place.cache.state.codes[name])["entry"]
    place.cache.codes._put(name, entry | {"digest": "0" * 32})
    place.reopen()
    exam = place.verify(repair=True)
    assert (kinds(exam), name in exam.faults[0].what) == (["remembered"], True)
    assert place.verify().faults == []


def test_a_line_with_another_key(place: Built) -> None:
    """A finished line whose key has no record is a fault; one for other outputs than the target's is stale."""
    exam = place.verify(line=place.line.replace(place.key, "0" * 32))
    assert (kinds(exam), "is missing" in exam.faults[0].what) == (["record"], True)
    exam = place.verify(line=place.line + " absent")
    assert (exam.faults, exam.counts["stale"]) == ([], 1)
    assert place.verify(line="").counts["outputs"] == 0


def test_a_damaged_state(place: Built) -> None:
    """A page of nonsense in the state file is found; repair removes the file; the next run needs nothing but the store."""
    place.cache.state._db.close()
    data = bytearray(place.state.read_bytes())
    data[4096 : 4096 * 3] = b"\xaa" * 4096 * 2
    place.state.write_bytes(data)
    exam = Examination()
    assert not verify_state(exam, place.state)
    assert kinds(exam) == ["state"]
    assert place.state.read_bytes() == data
    assert not verify_state(Examination(repair=True), place.state)
    assert not place.state.exists()
    open_state.cache_clear()
    place.cache = Cache(place.store, place.state)
    assert place.ensure() == "fresh"


def test_a_state_that_is_no_database(tmp_path: Path) -> None:
    """Nonsense is damage; nothing, and an empty file, are sound; what was set aside as damaged is told until it is removed."""
    path, aside = tmp_path / "state.sqlite", tmp_path / "state.sqlite.damaged"
    assert verify_state(Examination(), path)
    path.write_bytes(b"")
    assert verify_state(Examination(), path)
    path.write_bytes(b"nonsense" * 1000)
    exam = Examination()
    assert (verify_state(exam, path), kinds(exam)) == (False, ["state"])
    path.rename(aside)
    for repair, expected in ((False, ["state"]), (True, ["state"]), (False, [])):
        exam = Examination(repair=repair)
        assert (verify_state(exam, path), kinds(exam)) == (True, expected)


def test_progress(place: Built) -> None:
    """Progress ends at the number of what there is."""
    told: list[tuple[str, int, int]] = []
    exam = Examination(progress=lambda *each: told.append(each))
    assert list(exam.each("numbers", lambda number: number * 2, range(100))) == list(range(0, 200, 2))
    assert told[-1] == ("numbers", 100, 100)
    assert [done for _, done, _ in told] == sorted({done for _, done, _ in told})


def test_reading_leaves_a_damaged_record(place: Built) -> None:
    """`Actions.read` says what is wrong with its path and its cure, and moves nothing."""
    overwrite(place.record(), b"{}")
    with pytest.raises(actions_module.RecordCorrupt, match=rf"record {place.record()} is damaged: .*\nhint: "):
        Actions(place.store).read(place.key)
    assert place.record().exists()


def test_a_store_that_gc_is_at_work_on(place: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record that goes, and then what it names, while it is looked at is no fault; one that stays without it is."""
    actions, objects = place.cache.actions, place.cache.objects
    has = objects.has

    def gone(digest: Digest, size: int) -> bool:
        actions.path(place.key).unlink(missing_ok=True)
        objects.path(digest).unlink(missing_ok=True)
        return has(digest, size)

    monkeypatch.setattr(objects, "has", gone)
    exam = Examination()
    verify_store(exam, objects, actions)
    assert exam.faults == []
