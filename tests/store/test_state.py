"""The state file: losing or damaging it costs time, never a result."""

import os
import random
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from barmill.errors import StoreError
from barmill.hashing import digest_bytes
from barmill.store.state import State


def filled(path: Path) -> State:
    """A state with tasks, codes and remembered paths, committed."""
    source = path.parent / "source"
    source.mkdir(exist_ok=True)
    for number in range(50):
        (source / f"{number}.txt").write_text(str(number))
    time.sleep(0.07)
    state = State(path)
    for number in range(50):
        state.put("tasks", f"stage:{number}", {"key": str(number) * 32})
        state.stats.digest(source / f"{number}.txt")
    state.put("codes", "stage.build", {"digest": "c"})
    state.stats.digest(source)
    state.commit()
    return state


def files(folder: Path) -> list[str]:
    """Files beside the state, without the tree."""
    return sorted(name for name in os.listdir(folder) if name != "source")


def reread(path: Path) -> State:
    """The state as it is on disk, its file closed again."""
    state = State(path)
    assert None not in (state.tasks, state.stamps, state.codes, state.stats.seen)
    state._db.close()
    return state


def test_what_was_committed_is_read_again(tmp_path: Path) -> None:
    """Tasks, codes and remembered paths are there again when the file is opened anew, without being closed first."""
    old = filled(tmp_path / "state.sqlite")
    new = State(tmp_path / "state.sqlite")
    assert (new.tasks, new.codes, new.stats.seen) == (old.tasks, old.codes, old.stats.seen)
    assert len(new.stats.seen) == 51


def test_dropped_entries_stay_away(tmp_path: Path) -> None:
    """A dropped task is gone when the file is opened anew; one that never was may be dropped."""
    state = filled(tmp_path / "state.sqlite")
    state.drop("tasks", ["stage:0", "never there"])
    state.commit()
    assert State(tmp_path / "state.sqlite").tasks.keys() == state.tasks.keys()
    assert "stage:0" not in state.tasks


def test_what_was_not_committed_is_lost(tmp_path: Path) -> None:
    """Nothing is written before `commit`."""
    state = filled(tmp_path / "state.sqlite")
    state.put("tasks", "new", {})
    assert "new" not in State(tmp_path / "state.sqlite").tasks


def test_two_runs_keep_both_results(tmp_path: Path) -> None:
    """Two open states each write what they changed and leave the other's entries alone."""
    one, two = filled(tmp_path / "state.sqlite"), State(tmp_path / "state.sqlite")
    one.put("tasks", "of one", 1)
    two.put("tasks", "of two", 2)
    one.commit()
    two.commit()
    assert {"of one", "of two", "stage:0"} <= State(tmp_path / "state.sqlite").tasks.keys()


@pytest.mark.parametrize("damage", [b"", b"garbage" * 1000, b"SQLite format 3\x00 and then nonsense" * 50])
def test_a_file_that_is_no_database(tmp_path: Path, damage: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is no database is set aside with a warning, and a new one works; an empty one is a new one."""
    path = tmp_path / "state.sqlite"
    path.write_bytes(damage)
    state = State(path)
    state.put("tasks", "one", {})
    state.commit()
    assert State(path).tasks == {"one": "{}"}
    warned = capsys.readouterr().err
    assert ("state.sqlite is of no use" in warned) == bool(damage)
    assert ("state.sqlite.damaged" in files(tmp_path)) == bool(damage)


def test_a_truncated_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file cut anywhere is set aside or still gives what it holds; it can be written afterwards."""
    path = tmp_path / "state.sqlite"
    filled(path)._db.close()
    whole = path.read_bytes()
    for size in range(1, len(whole), 1500):
        path.write_bytes(whole[:size])
        state = State(path)
        state.put("tasks", "new", {})
        state.commit()
        state._db.close()
        assert "new" in reread(path).tasks
    assert "is of no use" in capsys.readouterr().err


def test_flipped_bytes(tmp_path: Path) -> None:
    """Bytes turned anywhere cost no error: the file opens, or is set aside, and takes new entries (nearly always for good)."""
    path = tmp_path / "state.sqlite"
    right = filled(path)
    right._db.close()
    whole, source = path.read_bytes(), tmp_path / "source"
    dice, kept = random.Random(1), 0
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(dice.choice([1, 5, 50])):
            data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        path.write_bytes(data)
        state = State(path)
        state.stats.digest(source)
        for number in range(60):
            state.put("tasks", f"stage:{number}", {"new": 1})
        state.commit()
        state._db.close()
        kept += reread(path).tasks.get("stage:7") == '{"new": 1}'
    assert kept > 50


def test_another_format_version_is_set_aside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file of another format version is set aside with a warning that names it."""
    path = tmp_path / "state.sqlite"
    filled(path)._db.execute("PRAGMA user_version=7")
    assert State(path).tasks == {}
    assert "format 7 is not 2" in capsys.readouterr().err


def test_remains_of_a_deleted_file_do_no_harm(tmp_path: Path) -> None:
    """With the file deleted and its write-ahead log left behind, a new and empty one works."""
    path = tmp_path / "state.sqlite"
    state = filled(path)
    assert (tmp_path / "state.sqlite-wal").exists()
    path.unlink()
    again = State(path)
    assert again.tasks == {}
    again.put("tasks", "one", {})
    again.commit()
    assert State(path).tasks == {"one": "{}"}
    state._db.close()


def test_damage_found_while_writing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Damage that shows only when entries are written costs nothing: all that is known goes to a new file."""
    path = tmp_path / "state.sqlite"
    state = filled(path)
    state._db.close()
    path.write_bytes(b"garbage" * 1000)
    state._db = sqlite3.connect(path, isolation_level=None)
    state.put("tasks", "new", {})
    state.commit()
    again = State(path)
    assert (again.tasks, again.stats.seen) == (state.tasks, state.stats.seen)
    assert "is of no use" in capsys.readouterr().err


def test_a_failed_write_can_be_tried_again(tmp_path: Path) -> None:
    """When a write fails half-way, nothing of it is there, and the next commit writes all of it."""
    path = tmp_path / "state.sqlite"
    state = filled(path)
    state._db.execute("CREATE TRIGGER full BEFORE INSERT ON codes BEGIN SELECT RAISE(ABORT, 'full'); END")
    state.put("tasks", "one", 1)
    state.put("codes", "two", 2)
    with pytest.raises(sqlite3.DatabaseError):
        state._write()
    assert "one" not in State(path).tasks
    state._db.execute("DROP TRIGGER full")
    state.commit()
    assert (State(path).tasks["one"], State(path).codes["two"]) == ("1", "2")


def test_a_path_that_is_not_utf8_is_not_kept(tmp_path: Path) -> None:
    """A path that SQLite can't hold is hashed in each run; the others are kept."""
    state = filled(tmp_path / "state.sqlite")
    strange = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.txt"))
    strange.write_bytes(b"x")
    (tmp_path / "plain.txt").write_bytes(b"y")
    time.sleep(0.07)
    assert state.stats.digest(strange) == digest_bytes(b"x")
    state.stats.digest(tmp_path / "plain.txt")
    state.commit()
    seen = State(tmp_path / "state.sqlite").stats.seen
    assert str(tmp_path / "plain.txt") in seen
    assert str(strange) not in seen


def test_a_place_that_can_hold_no_file(tmp_path: Path) -> None:
    """An artifacts folder that is a file is an error that names the path and the setting."""
    (tmp_path / "artifacts").write_text("")
    with pytest.raises(StoreError, match=r"artifacts/state.sqlite can't be opened(.|\n)*hint: .*`artifacts`"):
        State(tmp_path / "artifacts/state.sqlite")


def test_damage_that_two_find(tmp_path: Path) -> None:
    """Only the first of two that have a damaged file open sets it aside: what it then wrote to a new one stays."""
    path = tmp_path / "state.sqlite"
    filled(path)._db.close()
    one, two = State(path), State(path)
    path.write_bytes(b"garbage" * 1000)
    one.put("tasks", "one", 1)
    one.commit()
    assert two.tasks == {}
    two.put("tasks", "two", 2)
    two.commit()
    assert State(path).tasks.keys() >= {"one", "two"}
    assert path.with_name("state.sqlite.damaged").read_bytes() == b"garbage" * 1000


def test_opened_for_the_first_time_by_many_at_once(tmp_path: Path) -> None:
    """Whoever opens a file while others make it waits for them, and writes to the same one."""
    start = threading.Barrier(8)

    def use(path: Path, name: str) -> None:
        start.wait()
        state = State(path)
        state.put("tasks", name, {})
        state.commit()
        state._db.close()

    with ThreadPoolExecutor(8) as pool:
        for number in range(60):
            path = tmp_path / str(number) / "state.sqlite"
            list(pool.map(use, [path] * 8, "abcdefgh"))
            assert State(path).tasks.keys() == set("abcdefgh")
