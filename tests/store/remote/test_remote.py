"""Records and objects travel from store to store over a folder."""

import errno
import pickle
import shutil
import types

import pytest

from barmill.errors import ObjectMissing, RemoteError
from barmill.hashing import digest_bytes
from barmill.store.objects import Objects
from barmill.store.remote.options import RemoteOptions, checked
from tests.store.builds import Place
from tests.store.remote.places import KEY, cache_at, contents, put, sha

FILES = {"a.txt": b"a" * 100, "deep/b.bin": bytes(range(256)) * 8192, "empty": b""}


@pytest.fixture
def ours(tmp_path):
    return cache_at(tmp_path / "ours", tmp_path / "remote")


@pytest.fixture
def theirs(tmp_path):
    return cache_at(tmp_path / "theirs", tmp_path / "remote")


def test_a_result_travels(ours, theirs):
    """A record that was sent is fetched with its objects, and is the same to the byte."""
    record = put(ours, FILES)
    ours.remote.send([record.key])
    assert theirs.remote.fetch([record.key]) == {record.key}
    assert theirs.actions.get(record.key) == ours.actions.get(record.key)
    for digest, size in record.objects():
        assert theirs.objects.content(theirs.objects.find(digest, size)) == ours.objects.content(
            ours.objects.find(digest, size)
        )
    assert theirs.remote.counts.hits == 1


def test_what_is_not_there_is_a_miss(theirs, capsys):
    """A record that nobody sent is a miss, without a word."""
    assert theirs.remote.fetch([digest_bytes(b"none")]) == set()
    assert (theirs.remote.counts.misses, capsys.readouterr().err) == (1, "")


def test_the_layout_is_that_of_the_format(ours, tmp_path):
    """Objects are plain bytes under their digest, records have the name of their key; no bytes have no object."""
    record = put(ours, FILES)
    ours.remote.send([record.key])
    names = {f"barmill-1/objects/{digest_bytes(data)[:2]}/{digest_bytes(data)[2:]}": data for data in FILES.values() if data}
    action = f"barmill-1/actions/{record.key[:2]}/{record.key[2:]}.json"
    found = contents(tmp_path / "remote")
    assert found.keys() == {*names, action}
    assert {name: found[name] for name in names} == names


def test_what_is_there_is_not_sent_again(ours, theirs):
    """A second sender of the same result sends nothing."""
    record = put(ours, FILES)
    ours.remote.send([record.key])
    put(theirs, FILES, seconds=7.0)
    theirs.remote.send([record.key])
    assert (theirs.remote.counts.sent, theirs.remote.counts.sent_records) == (0, 0)


def test_an_object_that_went_missing_is_sent_again(ours, theirs, tmp_path):
    """A record whose object is gone from the remote is a miss, until one who has it sends it."""
    record = put(ours, {"": b"x" * 10})
    ours.remote.send([record.key])
    next((tmp_path / "remote/barmill-1/objects").rglob("??????*")).unlink()
    assert theirs.remote.fetch([record.key]) == set()
    again = cache_at(tmp_path / "ours", tmp_path / "remote")
    again.remote.send([record.key])
    assert theirs.remote.fetch([record.key]) == {record.key}


def test_compressed_objects_travel_plain(tmp_path, theirs):
    """An object that is compressed here is plain bytes there, and compressed again where the store does so."""
    ours = cache_at(tmp_path / "ours", tmp_path / "remote")
    ours.objects.compress = theirs.objects.compress = "zstd"
    record = put(ours, {"": b"x" * 100_000})
    ours.remote.send([record.key])
    assert b"x" * 100_000 in contents(tmp_path / "remote").values()
    assert theirs.remote.fetch([record.key])
    assert theirs.objects.find(digest_bytes(b"x" * 100_000), 100_000).suffix == ".zst"


def test_files_travel_as_objects(ours, theirs, tmp_path):
    """Files go by digest, and come by digest, with or without a SHA-256."""
    paths = {}
    for data in (b"one", b"two" * 1_000_000, b""):
        path = tmp_path / f"file{len(data)}"
        path.write_bytes(data)
        paths[digest_bytes(data)] = path
    told = ours.remote.send_files(paths)
    assert told == {digest_bytes(data): (len(data), sha(data)) for data in (b"one", b"two" * 1_000_000, b"")}
    theirs.remote.fetch_objects([(digest, size, strong if size else "") for digest, (size, strong) in told.items()])
    assert all(theirs.objects.has(digest, size) for digest, (size, _) in told.items())


def test_an_object_that_is_not_there_is_an_error(theirs):
    """Asked for an object by its digest, a remote without it is an error that names it."""
    with pytest.raises(ObjectMissing, match=digest_bytes(b"none")):
        theirs.remote.fetch_objects([(digest_bytes(b"none"), 4, "")])


@pytest.mark.parametrize("comes", [True, False])
def test_what_another_takes_away_again_is_fetched_again(tmp_path, monkeypatch, comes):
    """An object that went as soon as it had come is fetched once more; if it always goes, the target is built."""
    options = RemoteOptions(checked(str(tmp_path / "remote")), patience=5.0)
    first = Place(tmp_path / "first", remote=options)
    assert first.ensure() == "built"
    first.cache.remote.drain()
    first.cache.remote.send([path.parent.name + path.stem for path in (first.store / "actions").rglob("*.json")])
    second = Place(tmp_path / "second", remote=options)
    restore, taken = Objects.restore, []

    def takes(self, digest, size, place):
        if not (comes and taken):
            taken.append(digest)
            self.path(digest).unlink()
        restore(self, digest, size, place)

    monkeypatch.setattr(Objects, "restore", takes)
    assert second.ensure() == ("fetched" if comes else "built")
    assert len(taken) == (1 if comes else 3)


def test_a_store_that_is_full_keeps_what_came(ours, theirs, monkeypatch, capsys):
    """Where the disk is full in the middle of a batch, results that came whole are stored; the others are misses, and told."""
    records = [put(ours, {"": bytes([n]) * (n + 1)}, n=n) for n in range(6)]
    ours.remote.send([record.key for record in records])
    add = Objects.add

    def full(self, data, digest):
        if len(data) > 4:
            raise OSError(errno.ENOSPC, "No space left on device", "/somewhere")
        add(self, data, digest)

    monkeypatch.setattr(Objects, "add", full)
    assert theirs.remote.fetch([record.key for record in records]) == {record.key for record in records[:4]}
    theirs.remote.drain()
    (line,) = capsys.readouterr().err.splitlines()
    assert f"No space left on device: {theirs.objects.root} must be writable, and have room; 2 requests failed" in line
    assert theirs.remote.counts.refused == 0
    digest, size = next(records[5].objects())
    with pytest.raises(OSError, match="No space left"):
        theirs.remote.fetch_objects([(digest, size, "")])


def test_a_large_object_for_which_there_is_no_room(ours, theirs, monkeypatch, capsys):
    """It is a miss that is told as what it is; nothing is refused, and nothing of it stays."""
    record = put(ours, {"": bytes(3 << 20)})
    ours.remote.send([record.key])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: types.SimpleNamespace(free=1 << 20))
    assert theirs.remote.fetch([record.key]) == set()
    theirs.remote.drain()
    assert f"no room for {3 << 20} bytes" in capsys.readouterr().err
    assert (theirs.remote.counts.refused, contents(theirs.objects.root / "objects")) == (0, {})


def test_what_is_not_here_cannot_be_sent(ours):
    """To send a record that the store does not have is an error."""
    with pytest.raises(RemoteError, match="is not in the store"):
        ours.remote.send([digest_bytes(b"none")])


def test_the_key_is_not_shown(ours):
    """Neither the cache nor its remote shows the key, and a pickled cache has it."""
    assert KEY not in repr(ours) + repr(ours.remote) + repr(ours._arguments)
    assert pickle.loads(pickle.dumps(ours)).remote._options.key == KEY
