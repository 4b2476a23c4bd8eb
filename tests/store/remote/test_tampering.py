"""What somebody changed in the remote is refused, told, never stored, and replaced by who builds it."""

import json

import pytest

from barmill.errors import ObjectCorrupt
from barmill.hashing import canonical, digest_bytes, digest_record
from tests.store.remote.places import KEY, cache_at, contents, put, sha

SMALL, LARGE = b"small" * 100, b"large" * 400_000


@pytest.fixture
def place(tmp_path):
    return tmp_path / "remote/barmill-1"


@pytest.fixture
def ours(tmp_path):
    return cache_at(tmp_path / "ours", tmp_path / "remote")


@pytest.fixture
def theirs(tmp_path):
    return cache_at(tmp_path / "theirs", tmp_path / "remote")


@pytest.fixture
def record(ours):
    record = put(ours, {"small": SMALL, "large": LARGE})
    ours.remote.send([record.key])
    return record


def at(place, data: bytes):
    digest = digest_bytes(data)
    return place / "objects" / digest[:2] / digest[2:]


def envelope(place, record):
    return place / "actions" / record.key[:2] / f"{record.key[2:]}.json"


def flipped(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


OBJECT_FAULTS = {
    "flipped": flipped,
    "truncated": lambda data: data[:-1],
    "longer": lambda data: data + b"!",
    "emptied": lambda data: b"",
    "swapped": lambda data: LARGE if data == SMALL else SMALL,
    "swapped at its length": lambda data: b"x" * len(data),
}


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("fault", OBJECT_FAULTS)
def test_a_changed_object_is_refused(place, theirs, record, ours, data, fault, capsys):
    """An object that is not to the bit what its record vouches for is not stored, is told, and is replaced."""
    at(place, data).write_bytes(OBJECT_FAULTS[fault](data))
    assert theirs.remote.fetch([record.key]) == set()
    assert not theirs.objects.has(digest_bytes(data), len(data))
    assert theirs.actions.get(record.key) is None
    assert theirs.remote.counts.refused == 1
    assert digest_bytes(data)[2:] in capsys.readouterr().err
    put(theirs, {"small": SMALL, "large": LARGE})
    theirs.remote.send([record.key])
    assert at(place, data).read_bytes() == data


def test_an_object_with_the_same_name_but_other_bytes_is_refused(place, theirs, record, ours, capsys):
    """Where xxh3 is met by a forger, the SHA-256 in the record is not."""
    path = envelope(place, record)
    body = json.loads(path.read_bytes())
    body["strong"][digest_bytes(SMALL)] = sha(b"other")
    path.write_bytes(canonical(body | {"seal": ""}))
    unkeyed = cache_at(theirs.objects.root.parent, place.parent, key="")
    assert unkeyed.remote.fetch([record.key]) == set()
    assert not unkeyed.objects.has(digest_bytes(SMALL), len(SMALL))
    assert "SHA-256" in capsys.readouterr().err


def test_fetched_objects_are_compared_with_both_digests(theirs, record, place):
    """An object asked for by its digest alone is compared with that, and with the SHA-256 if one is known."""
    with pytest.raises(ObjectCorrupt, match="SHA-256"):
        theirs.remote.fetch_objects([(digest_bytes(SMALL), len(SMALL), sha(b"other"))])
    at(place, SMALL).write_bytes(flipped(SMALL))
    with pytest.raises(ObjectCorrupt, match="has the digest"):
        theirs.remote.fetch_objects([(digest_bytes(SMALL), len(SMALL), "")])
    assert contents(theirs.objects.root) == {}


RECORD_FAULTS = {
    "flipped": flipped,
    "truncated": lambda data: data[:-1],
    "empty": lambda data: b"",
    "no JSON": lambda data: b"\xff\xfe\x00garbage",
    "a list": lambda data: b"[]",
    "deep": lambda data: b"[" * 100_000,
    "a huge number": lambda data: b'{"format":' + b"9" * 10_000 + b"}",
    "with a blank": lambda data: data + b" ",
    "of another key": lambda data: data.replace(b"t:a", b"t:b"),
}


@pytest.mark.parametrize("fault", RECORD_FAULTS)
def test_a_changed_record_is_refused(place, theirs, record, fault, capsys):
    """A record that is not to the bit what was signed is a miss with a warning, and is replaced."""
    path = envelope(place, record)
    good = path.read_bytes()
    path.write_bytes(RECORD_FAULTS[fault](good))
    assert theirs.remote.fetch([record.key]) == set()
    assert contents(theirs.objects.root) == {}
    assert theirs.remote.counts.refused == 1
    err = capsys.readouterr().err
    assert err.count("warning") == 1
    assert KEY not in err
    put(theirs, {"small": SMALL, "large": LARGE})
    theirs.remote.send([record.key])
    assert path.read_bytes() == good


def test_a_record_in_the_place_of_another_is_refused(place, ours, theirs, record):
    """A signed record does not stand for another action."""
    other = put(ours, {"": b"other"}, params={"other": 1})
    ours.remote.send([other.key])
    envelope(place, record).write_bytes(envelope(place, other).read_bytes())
    assert theirs.remote.fetch([record.key, other.key]) == {other.key}


@pytest.mark.parametrize(("key", "word"), [("", "is not signed"), ("other", "is signed with another key")])
def test_records_without_our_signature_are_misses(tmp_path, theirs, key, word, capsys):
    """Who has a key believes no record that is unsigned or signed with another; many such are told in one line."""
    strange = cache_at(tmp_path / "strange", tmp_path / "remote", key=key)
    records = [put(strange, {"": bytes([number])}, params={"n": number}) for number in range(20)]
    strange.remote.send([record.key for record in records])
    assert theirs.remote.fetch([record.key for record in records]) == set()
    err = capsys.readouterr().err
    assert (err.count("\n"), word in err, theirs.remote.counts.refused) == (1, True, 20)
    mine = put(theirs, {"": b"\0"}, params={"n": 0})
    theirs.remote.send([mine.key])
    third = cache_at(tmp_path / "third", tmp_path / "remote")
    assert third.remote.fetch([mine.key]) == {mine.key}


def test_who_has_no_key_takes_signed_records(tmp_path, record):
    """Without a key, signatures are not looked at; digests are."""
    open_ = cache_at(tmp_path / "open", tmp_path / "remote", key="")
    assert open_.remote.fetch([record.key]) == {record.key}


NAMES = ["../x", "/etc/x", "a/../../x", "a//b", "./a", ".", "..", "a/", "\0", "a\0b", "a/.", "x" * 256, "\ud800", "a/b/../c"]


def forged(name: str, data: bytes, size: object = None, role: str = "out", digest: object = None) -> tuple[str, bytes]:
    """Key and unsigned envelope of a record with one output file of that name."""
    manifest = {"format": 1, "build": "m.build", "outputs": [role]}
    found = digest_bytes(data) if digest is None else digest
    body = {
        "format": 1, "key": digest_record(manifest), "manifest": manifest, "read": [], "task": "t", "seconds": 0.1,
        "started": "", "host": "", "outputs": {role: {name: [found, len(data) if size is None else size]}},
    }  # fmt: skip
    body["check"] = digest_record(body)
    strong = {} if name.endswith("/") else {str(found): sha(data)}
    return body["key"], canonical({"format": 1, "record": body, "strong": strong, "seal": ""})


def left(place, key: str, data: bytes, packed: bytes) -> None:
    for path, content in ((place / "actions" / key[:2] / f"{key[2:]}.json", packed), (at(place, data), data)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def test_a_harmless_forgery_is_taken(tmp_path, place):
    """The forger of these tests makes records that are taken if nothing is wrong with them."""
    key, packed = forged("a/b", b"data")
    left(place, key, b"data", packed)
    assert cache_at(tmp_path / "open", tmp_path / "remote", key="").remote.fetch([key]) == {key}


HARMS = {
    **{f"name {name[:20]!r}": {"name": name} for name in NAMES},
    **{f"role {role!r}": {"name": "", "role": role} for role in ("..", "a/b", "", "/x", "a\0")},
    **{f"size {size!r}": {"name": "", "size": size} for size in (-1, 1 << 62, 1e3, True, "4", None.__class__.__name__, [4])},
    **{f"digest {digest!r}": {"name": "", "digest": digest} for digest in ("", "A" * 32, "../" + "a" * 29, "a" * 31, "é" * 32)},
}


@pytest.mark.parametrize("harm", HARMS)
def test_a_record_that_could_do_harm_is_refused(tmp_path, place, harm):
    """Whoever wrote it, with a key or none: a record with such a name, role, size or digest is never stored."""
    key, packed = forged(data=b"data", **HARMS[harm])
    left(place, key, b"data", packed)
    cache = cache_at(tmp_path / "open", tmp_path / "remote", key="")
    assert cache.remote.fetch([key]) == set()
    assert cache.remote.counts.refused == 1
    assert contents(cache.objects.root) == {}


def test_a_size_that_no_disk_has_is_not_waited_for(tmp_path, place):
    """An object that is said to be larger than it is is refused before its bytes are read."""
    key, packed = forged("", b"data", size=1 << 50)
    left(place, key, b"data", packed)
    cache = cache_at(tmp_path / "open", tmp_path / "remote", key="")
    assert cache.remote.fetch([key]) == set()
    assert cache.remote.counts.received == 0


def test_what_is_told_of_a_record_is_harmless(tmp_path, place, capsys):
    """No control character of a forged record reaches a terminal, and no endless text."""
    key, packed = forged("", b"data")
    body = json.loads(packed)
    body["record"]["format"] = "\x1b[2J" * 500
    left(place, key, b"data", canonical(body))
    cache = cache_at(tmp_path / "open", tmp_path / "remote", key="")
    assert cache.remote.fetch([key]) == set()
    err = capsys.readouterr().err
    assert "\x1b" not in err
    assert len(err) < 1000


SHOWN = {"\x1b[2J": "?[2J", "x\ud800y": "x?y", "a\nerror: b": "a?error: b", "z" * 9999: "z" * 500}


@pytest.mark.parametrize("text", SHOWN, ids=["escape", "surrogate", "lines", "endless"])
def test_what_a_record_says_of_its_build_may_be_shown(tmp_path, place, text):
    """Name, host and time of a build, and the paths that it read, are stored so that they do nothing to a terminal."""
    key, packed = forged("", b"data")
    body = json.loads(packed)
    del body["record"]["check"]
    body["record"] |= {"task": text, "host": text, "started": text, "read": [["text", text, digest_bytes(b"a")]]}
    body["record"]["check"] = digest_record(body["record"])
    left(place, key, b"data", canonical(body))
    cache = cache_at(tmp_path / "open", tmp_path / "remote", key="")
    assert cache.remote.fetch([key]) == {key}
    stored = cache.actions.get(key)
    assert (stored.task, stored.host, stored.started) == (SHOWN[text],) * 3
    ((_, path, _),) = stored.read
    assert path == ("z" * 4096 if text.isprintable() else SHOWN[text])


@pytest.mark.parametrize(("seconds", "taken"), [(1e11, True), (1e300, False), (10**400, False)])
def test_seconds_that_nobody_has(tmp_path, place, seconds, taken):
    """A build that is said to have taken longer than a clock can wait, or a number can tell, is no reason to fail."""
    key, packed = forged("", b"data")
    body = json.loads(packed)
    del body["record"]["check"]
    body["record"]["seconds"] = seconds
    body["record"]["check"] = digest_record(body["record"])
    left(place, key, b"data", canonical(body))
    cache = cache_at(tmp_path / "open", tmp_path / "remote", key="")
    assert cache.remote.fetch([key]) == ({key} if taken else set())


def test_many_faults_of_a_kind_are_one_line(tmp_path, place, capsys):
    """A remote full of forged names is told once, and counted."""
    keys = []
    for number in range(30):
        key, packed = forged(f"../{number}", b"data", role=f"role{number}")
        left(place, key, b"data", packed)
        keys.append(key)
    cache = cache_at(tmp_path / "open", tmp_path / "remote", key="")
    assert cache.remote.fetch(keys) == set()
    cache.remote.drain()
    err = capsys.readouterr().err
    assert err.count("warning") == 2
    assert "30 records and objects were refused in all" in err
