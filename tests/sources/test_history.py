"""The history of a dataset: what it tells, and what it makes of entries that were never ended."""

import json
import os
from pathlib import Path

import pytest

from barmill import files
from barmill.errors import InputError
from barmill.hashing import digest_bytes
from barmill.sources import locks
from barmill.sources.history import Entry, History, Writing, names, path_of
from tests.support.prices import Shelf, history, run, series, weekdays

NAME = "equities/daily/ACME"
PRICES = dict.fromkeys(weekdays("2024-01-01", 20), 1.0)


def begun(root, kind="update"):
    """A writing that has started, of a series with some content."""
    raw = series(root).raw
    raw.parent.mkdir(parents=True, exist_ok=True)
    raw.write_bytes(b"old")
    writing = Writing(root, NAME, raw, NAME, Entry.begun(kind, "shelf"), ())
    writing.start()
    return writing


def test_the_last_hundred(tmp_path):
    """Of 130 updates the last 100 are told, oldest first."""
    for number in range(130):
        writing = begun(tmp_path)
        writing.entry.rows_after = number
        writing.end("ok")
    found = history(tmp_path)
    assert [each.rows_after for each in found.updates] == list(range(30, 130))
    assert History.read(path_of(tmp_path, NAME)) == found
    assert names(tmp_path) == [NAME]


def test_failures_are_told(tmp_path):
    """A failed update has its errors; the provider stays that of the last that ended well."""
    run(tmp_path, Shelf(PRICES), "load")
    run(tmp_path, Shelf({}, "other"))
    assert [(each.status, each.provider) for each in history(tmp_path).updates] == [("ok", "shelf"), ("failed", "other")]
    assert history(tmp_path).provider == "shelf"
    assert "no bar of ACME" in history(tmp_path).updates[-1].errors[0]


def test_started_and_then_nothing_is_interrupted(tmp_path):
    """An entry that was begun and whose lock nobody holds was interrupted, before anything was published."""
    begun(tmp_path)
    assert [each.status for each in history(tmp_path).updates] == ["interrupted"]


def test_what_an_interrupted_one_left_is_removed(tmp_path):
    """The next update removes the temporary files of an interrupted one, and no others."""
    begun(tmp_path)
    data, told = series(tmp_path).raw, path_of(tmp_path, NAME)
    ours = [files.temporary_name(path) for path in (data, told)]
    others = [files.temporary_name(path) for path in (data.with_name("ACMES.txt"), told.with_name("ACM.json"))]
    for path in (*ours, *others):
        path.touch()
    begun(tmp_path).end("ok")
    assert [path.exists() for path in (*ours, *others)] == [False, False, True, True]


def test_started_by_one_who_holds_the_lock_is_running(tmp_path):
    """An entry that was begun and whose lock is held is still at work."""
    begun(tmp_path)
    with locks.held(tmp_path, NAME, 1):
        assert [each.status for each in history(tmp_path).updates] == ["running"]
    assert [each.status for each in history(tmp_path).updates] == ["interrupted"]


@pytest.mark.parametrize(("content", "status"), [(b"new", "ok"), (b"old", "interrupted")])
def test_a_kill_around_the_rename(tmp_path, content, status):
    """An entry whose new content is in place was done, though it was never ended; if it is not, it was interrupted."""
    writing = begun(tmp_path, "load")
    writing.entry.rows_added = 7
    writing.publish(b"new", digest_bytes(b"new"))
    series(tmp_path).raw.write_bytes(content)
    found = history(tmp_path)
    assert [(each.status, each.rows_added) for each in found.updates] == [(status, 7 if status == "ok" else 0)]
    assert found.provider == ("shelf" if status == "ok" else "")


def test_the_next_update_settles_what_was_left(tmp_path):
    """What became of an interrupted entry is written down by the next one, and stays, whatever becomes of the file then."""
    begun(tmp_path)
    begun(tmp_path).end("ok")
    assert [each["status"] for each in json.loads(path_of(tmp_path, NAME).read_text())["updates"]] == ["interrupted", "ok"]


@pytest.mark.parametrize("content", [b"", b'{"format": 1, "name"', b"[]", b'{"format": 9}'])
def test_a_damaged_history(tmp_path, content):
    """A damaged history is named, does not stop updates, and is kept aside."""
    run(tmp_path, Shelf(PRICES), "load")
    path_of(tmp_path, NAME).write_bytes(content)
    with pytest.raises(InputError, match=r"ACME\.json is damaged"):
        history(tmp_path)
    assert run(tmp_path, Shelf(PRICES)).entry.status == "ok"
    assert len(history(tmp_path).updates) == 1
    assert [path.read_bytes() for path in path_of(tmp_path, NAME).parent.glob(".*.damaged")] == [content]
    assert names(tmp_path) == [NAME]


def test_no_history(tmp_path):
    """A dataset that was put there by hand has an empty history."""
    assert history(tmp_path) == History(NAME)


def test_an_update_that_ends_while_it_is_looked_at(tmp_path, monkeypatch):
    """One that ends after its entry was read and before its lock is looked at was not interrupted."""
    is_held = locks.is_held

    def ends(folder, name):
        writing.end("ok")
        return is_held(folder, name)

    writing = begun(tmp_path)
    monkeypatch.setattr(locks, "is_held", ends)
    assert [each.status for each in history(tmp_path).updates] == ["ok"]


@pytest.mark.parametrize(
    "make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to(path), lambda path: path.symlink_to("/dev/zero")]
)
def test_a_history_that_is_not_a_file(tmp_path, make):
    """A pipe, a folder, a loop of links or a device in place of a history is named with its cure, and nothing hangs."""
    path = path_of(tmp_path, NAME)
    path.parent.mkdir(parents=True)
    make(path)
    with pytest.raises(InputError) as caught:
        History.of(tmp_path, NAME)
    assert caught.value.fact.startswith(f"{path} can't be read: ")
    assert caught.value.hint == "make it a file that can be read, or remove it"
