"""Uploads in the background, and the kin of targets with pieces."""

import sys
import threading
from dataclasses import replace

import pytest

from barmill.hashing import digest_bytes
from barmill.store.remote.folder import Folder
from tests.store.remote.places import cache_at, contents, put


@pytest.fixture
def ours(tmp_path):
    return cache_at(tmp_path / "ours", tmp_path / "remote")


@pytest.fixture
def theirs(tmp_path):
    return cache_at(tmp_path / "theirs", tmp_path / "remote")


def test_what_is_offered_is_there_when_drained(ours, theirs, capsys):
    """Everything offered is in the remote when `drain` has ended, and nothing is said."""
    records = [put(ours, {"": bytes([number]) * 1000}, params={"n": number}) for number in range(200)]
    for record in records:
        ours.remote.offer(record.key)
    ours.remote.drain()
    keys = {record.key for record in records}
    assert theirs.remote.fetch(keys) == keys
    assert (ours.remote.counts.sent_records, capsys.readouterr().err) == (200, "")


def test_an_impatient_end_tells_what_is_left(ours, monkeypatch, capsys):
    """A drain that may take a moment only says how many were not sent."""
    held = threading.Event()
    write = Folder.write
    monkeypatch.setattr(Folder, "write", lambda self, *arguments: held.wait(30) and write(self, *arguments))
    ours.remote.offer(put(ours, {"": b"x"}).key)
    ours.remote.drain(0.01)
    assert "1 results were not sent" in capsys.readouterr().err
    held.set()
    ours.remote.drain()


def test_damage_here_is_not_sent(ours, tmp_path, capsys):
    """An object that is damaged in the local store does not reach the remote, nor does its record."""
    record = put(ours, {"": b"sound"})
    path = ours.objects.path(digest_bytes(b"sound"))
    path.chmod(0o644)
    path.write_bytes(b"sick!")
    ours.remote.offer(record.key)
    ours.remote.drain()
    assert contents(tmp_path / "remote") == {}
    assert "has the digest" in capsys.readouterr().err


def test_reading_only_nothing_is_offered(tmp_path):
    """With `read` nothing is sent."""
    cache = cache_at(tmp_path / "ours", tmp_path / "remote", mode="read")
    cache.remote.offer(put(cache, {"": b"x"}).key)
    cache.remote.drain()
    assert not cache.remote.writes
    assert not (tmp_path / "remote").exists()


def test_objects_come_before_their_record(ours, tmp_path, monkeypatch):
    """A record is written when each of its objects is there, and its mark among its kin before it."""
    written = []
    write = Folder.write
    monkeypatch.setattr(Folder, "write", lambda self, name, data: written.append(name) or write(self, name, data))
    record = put(ours, {"a": b"a", "b": b"b"}, pieces={"code": ["p"]})
    ours.remote.send([record.key])
    assert [name.split("/")[1] for name in written] == ["objects", "objects", "kin", "actions"]


def test_kin_come_from_the_remote(ours, theirs):
    """What others worked out of a target's pieces is fetched, as much as is needed and no more."""
    first = put(ours, {"": b"one"}, pieces={"code": ["a", "b"]})
    second = put(ours, {"": b"two"}, pieces={"code": ["b", "c"]})
    other = put(ours, {"": b"six"}, pieces={"other": ["a"]})
    foreign = put(ours, {"": b"far"}, pieces={"code": ["a"]}, params={"n": 1})
    for record in (first, second, other, foreign):
        ours.remote.send([record.key])
    wanted = second.manifest | {"pieces": {"code": ["a", "b", "d"]}}
    theirs.remote.fetch_kin(wanted)
    assert theirs.actions.get(first.key) is not None
    assert theirs.actions.get(other.key) is None
    assert theirs.actions.get(foreign.key) is None
    assert theirs.kin.held(wanted) == {("code", "a"), ("code", "b")}


def test_kin_that_are_here_are_not_fetched(ours, theirs):
    """Where the local store holds all pieces nothing is asked."""
    put(theirs, {"": b"one"}, pieces={"code": ["a"]})
    record = theirs.actions.get(put(theirs, {"": b"one"}, pieces={"code": ["a"]}).key)
    theirs.kin.note(record)
    asked = []
    theirs.remote._fetch._place.names = asked.append
    theirs.remote.fetch_kin(record.manifest)
    assert asked == []


def test_a_mark_of_kin_that_is_no_record_means_nothing(ours, theirs, tmp_path):
    """Names in the kin's folder that are no keys, or of records that are not kin, are passed over."""
    good = put(ours, {"": b"one"}, pieces={"code": ["a"]})
    foreign = put(ours, {"": b"far"}, pieces={"code": ["a"]}, params={"n": 1})
    for record in (good, foreign):
        ours.remote.send([record.key])
    (folder, *_) = [p.parent for p in (tmp_path / "remote/barmill-1/kin").rglob(good.key)]
    for name in ("0" * 32, "x", foreign.key, "A" * 32):
        (folder / name).touch()
    theirs.remote.fetch_kin(good.manifest)
    assert theirs.actions.get(good.key) is not None
    assert theirs.actions.get(foreign.key) is None


def test_what_failed_in_part_does_not_replace_what_is_whole(ours, theirs):
    """A record in which pieces failed replaces neither here nor in the remote one of the same key in which none did."""
    whole = put(ours, {"": b"whole"}, pieces={"code": ["a", "b"]})
    ours.remote.send([whole.key])
    partly = replace(put(theirs, {"": b"part"}, pieces={"code": ["a", "b"]}), failed=["b"])
    theirs.actions.put(partly)
    theirs.remote.send([whole.key])
    assert theirs.remote.fetch([whole.key]) == {whole.key}
    assert theirs.actions.get(whole.key).outputs == whole.outputs


def test_what_failed_in_part_gives_its_other_pieces(ours, theirs):
    """The pieces that a record holds beside those that failed are known to others."""
    record = replace(put(ours, {"": b"part"}, pieces={"code": ["a", "b"]}), failed=["b"])
    ours.actions.put(record)
    ours.remote.send([record.key])
    theirs.remote.fetch_kin(record.manifest)
    assert theirs.kin.held(record.manifest) == {("code", "a")}


def test_warnings_that_nobody_reads(ours, monkeypatch):
    """Where standard error is closed, what can't be sent is counted as ever, and the end does not wait for it."""

    class Nobody:
        def write(self, text):
            raise BrokenPipeError

    def fail(self, *arguments):
        raise ArithmeticError

    monkeypatch.setattr(Folder, "write", fail)
    monkeypatch.setattr(sys, "stderr", Nobody())
    for number in range(3):
        ours.remote.offer(put(ours, {"": bytes([number])}, params={"n": number}).key)
        ours.remote.drain(20)
    monkeypatch.undo()
    assert ours.remote.counts.unsent == 3
