"""Envelopes: what was packed is unpacked, and nothing else is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barmill.hashing import canonical, digest_bytes, digest_record
from barmill.store.actions import Record
from barmill.store.remote.place import Unfit
from barmill.store.remote.seal import Envelope, is_normal, pack, unpack
from tests.store.remote.places import sha

MANIFEST = {"format": 1, "build": "m.build", "outputs": ["out"], "params": {"n": 1.5}}
KEY = digest_record(MANIFEST)
DATA = digest_bytes(b"data")
READ = [("text", "data/é.txt", digest_bytes(b"in"))]
RECORD = Record(
    KEY, MANIFEST, {"out": {"a/b": (DATA, 4), "empty/": (digest_bytes(b""), 0)}}, READ, "t:a", 0.125, "2026", "host"
)
ENVELOPE = Envelope(RECORD, {DATA: sha(b"data")})
SEALED = pack(ENVELOPE, "sesame")


def test_what_was_packed_is_unpacked():
    """An envelope comes back as it was, sealed or not; the bytes are one canonical JSON object."""
    for key in ("sesame", ""):
        assert unpack(pack(ENVELOPE, key), KEY, key) == ENVELOPE
    assert canonical(json.loads(SEALED)) == SEALED


def test_the_seal_is_that_of_the_format():
    """The seal is the HMAC-SHA-256 of the canonical JSON of the rest."""
    import hashlib
    import hmac

    body = json.loads(SEALED)
    seal = body.pop("seal")
    assert seal == hmac.new(b"sesame", canonical(body), hashlib.sha256).hexdigest()


@given(st.data())
def test_no_changed_byte_is_taken(data):
    """An envelope with some bytes replaced, removed or added is refused, if it is not the same again."""
    start = data.draw(st.integers(0, len(SEALED)))
    end = data.draw(st.integers(start, min(len(SEALED), start + 40)))
    changed = SEALED[:start] + data.draw(st.binary(max_size=40)) + SEALED[end:]
    if changed != SEALED:
        with pytest.raises(Unfit):
            unpack(changed, KEY, "sesame")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


def places(value, path=()):
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from places(each, (*path, key))


def replaced(value, path, new):
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


@given(st.sampled_from(list(places(json.loads(SEALED)))), JSON)
def test_no_changed_value_is_taken(path, new):
    """An envelope with one of its values replaced, well formed as it is, is refused."""
    body = replaced(json.loads(SEALED), path, new)
    try:
        changed = canonical(body)
    except ValueError:
        return
    if changed != SEALED:
        with pytest.raises(Unfit):
            unpack(changed, KEY, "sesame")


@given(st.sampled_from(list(places(json.loads(SEALED)))), JSON)
def test_whatever_an_unsigned_envelope_holds_it_is_taken_or_refused(path, new):
    """Without a key an envelope may be anybody's: it is refused, or is a record of the key that was asked for."""
    body = replaced(json.loads(SEALED), path, new)
    if isinstance(body, dict) and isinstance(body.get("record"), dict):
        record = {name: value for name, value in body["record"].items() if name != "check"}
        body["record"] = record | {"check": digest_record(record)}
    try:
        envelope = unpack(canonical(body), KEY, "")
    except Unfit:
        return
    assert digest_record(envelope.record.manifest) == envelope.record.key == KEY
    assert all(is_normal(name.rstrip("/")) or name in ("", "./") for name in envelope.record.outputs["out"])


@given(st.text(max_size=20))
def test_normal_names_stay_below(name):
    """A name that is called normal leads, below a folder, to a place below it and to itself."""
    import os

    if is_normal(name):
        assert os.path.normpath(f"/top/{name}") == f"/top/{name}"


@pytest.mark.parametrize("names", [["", "a"], ["a", "a/b"], ["a/b", "a/b/c/d"], ["a/", "a/b"]])
def test_no_name_is_a_file_and_a_folder(names):
    """An output is a file, or a folder whose names don't contradict each other."""
    record = Record(KEY, MANIFEST, {"out": dict.fromkeys(names, (DATA, 4))})
    with pytest.raises(Unfit):
        unpack(pack(Envelope(record, {DATA: sha(b"data")}), ""), KEY, "")


def test_outputs_are_those_of_the_manifest():
    """A record without an output that its manifest names is refused: to restore it would remove that output."""
    with pytest.raises(Unfit, match="manifest"):
        unpack(pack(Envelope(Record(KEY, MANIFEST, {}), {}), ""), KEY, "")


def test_every_object_is_vouched_for():
    """A record without the SHA-256 of one of its objects is refused, and one with more of them."""
    for strong in ({}, {DATA: sha(b"data"), digest_bytes(b"x"): sha(b"x")}, {DATA: "x"}):
        with pytest.raises(Unfit, match="vouch"):
            unpack(pack(Envelope(RECORD, strong), ""), KEY, "")


@pytest.mark.parametrize("failed", [["c"], [1], "a", [["a"]], {"a": 1}])
def test_only_pieces_can_have_failed(failed):
    """What failed are names of pieces of the record."""
    manifest = MANIFEST | {"pieces": {"code": ["a", "b"]}}
    for names, fits in ((["a"], True), (failed, False)):
        record = Record(digest_record(manifest), manifest, {"out": {"": (DATA, 4)}}, failed=names)
        packed = pack(Envelope(record, {DATA: sha(b"data")}), "")
        if fits:
            assert unpack(packed, record.key, "").record.failed == names
        else:
            with pytest.raises(Unfit):
                unpack(packed, record.key, "")
