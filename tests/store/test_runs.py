"""The last runs of a project, remembered in its state file."""

import sqlite3

from barmill.store.runs import KEPT, add_run, last_runs
from barmill.store.state import open_state


def test_the_newest_comes_first(tmp_path):
    """Runs come back as they were told, the newest first, and no more than are asked for."""
    state = tmp_path / "state.sqlite"
    for number in range(5):
        add_run(state, {"stages": {"a": {"built": number}}})
    assert [run["stages"]["a"]["built"] for run in last_runs(state, 3)] == [4, 3, 2]


def test_old_runs_are_forgotten(tmp_path):
    """The last hundred are kept."""
    state = tmp_path / "state.sqlite"
    for number in range(KEPT + 3):
        add_run(state, {"stages": {}, "number": number})
    assert [run["number"] for run in last_runs(state, 1000)] == list(range(KEPT + 2, 2, -1))


def test_runs_and_the_state_share_a_file(tmp_path):
    """A state that is open is not disturbed by a run that is remembered, nor by one that is read."""
    path = tmp_path / "state.sqlite"
    state = open_state(path)
    state.put("tasks", "a", {"x": 1})
    state.commit()
    add_run(path, {"stages": {}})
    state.put("tasks", "b", {"x": 2})
    state.commit()
    assert len(last_runs(path)) == 1
    with sqlite3.connect(path) as base:
        assert base.execute("SELECT COUNT(*) FROM tasks").fetchone() == (2,)
    base.close()


def test_what_cannot_be_read_is_no_run(tmp_path):
    """Where there is no file, no table, or nothing that is a run, there are none, and nothing is made."""
    state = tmp_path / "state.sqlite"
    assert last_runs(state) == []
    assert not state.exists()
    state.write_bytes(b"no database at all, and longer than a header of one would be" * 10)
    add_run(state, {"stages": {}})
    assert last_runs(state) == []
    other = tmp_path / "other.sqlite"
    add_run(other, {"stages": {}})
    with sqlite3.connect(other) as base:
        base.executemany("INSERT INTO runs (entry) VALUES (?)", [("no JSON",), ("[]",), ('{"stages": 1}',)])
    base.close()
    assert last_runs(other) == [{"stages": {}}]
