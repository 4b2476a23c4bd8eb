"""Records: one that can't be believed is a miss, and is set aside."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from barmill.hashing import Digest, canonical, digest_record
from barmill.store.actions import FORMAT, Actions, Record


def record(name: str = "one") -> Record:
    """A record as a build writes it."""
    manifest = {"build": f"stage.{name}", "params": {"n": 1.0}, "inputs": {"text": "d" * 32}, "outputs": ["out"]}
    outputs = {"out": {"a": (Digest("e" * 32), 3), "b/c": (Digest("f" * 32), 0)}, "none": {}}
    read = [("text", "data/\udcff.txt", Digest("d" * 32))]
    return Record(
        digest_record(manifest), manifest, outputs, read, f"stage:{name}", 0.25, "2024-01-02T03:04:05.678+00:00", "here"
    )


def quarantined(root: Path) -> list[str]:
    """What was set aside."""
    folder = root / "quarantine"
    return sorted(os.listdir(folder)) if folder.exists() else []


def test_a_record_comes_back(tmp_path: Path) -> None:
    """What is written is read again, to the last field, and the file is read-only with no other beside it."""
    actions = Actions(tmp_path)
    actions.put(record())
    assert actions.get(record().key) == record()
    path = actions.path(record().key)
    assert os.listdir(path.parent) == [path.name]
    assert path.stat().st_mode & 0o777 == 0o444


def test_no_record(tmp_path: Path) -> None:
    """A key without a record is a miss."""
    assert Actions(tmp_path).get(Digest("0" * 32)) is None
    assert quarantined(tmp_path) == []


def test_a_record_is_replaced(tmp_path: Path) -> None:
    """A second record of the same key takes the place of the first."""
    actions, old = Actions(tmp_path), record()
    actions.put(old)
    new = Record(old.key, old.manifest, {"out": {"": (Digest("a" * 32), 1)}})
    actions.put(new)
    assert actions.get(old.key) == new


def reformatted(body: dict[str, object]) -> bytes:
    """A record of the next format version, in itself right."""
    body = {**body, "format": FORMAT + 1}
    del body["check"]
    return canonical({**body, "check": digest_record(body)})


def without(field: str) -> Callable[[dict[str, object]], bytes]:
    """A record that lacks a field, in itself right."""

    def cut(body: dict[str, object]) -> bytes:
        body = {name: value for name, value in body.items() if name not in {field, "check"}}
        return canonical({**body, "check": digest_record(body)})

    return cut


DAMAGES: dict[str, Callable[[dict[str, object]], bytes]] = {
    "empty": lambda body: b"",
    "truncated": lambda body: canonical(body)[:-7],
    "garbage": lambda body: b"\x00\xff garbage",
    "other JSON": lambda body: b"[1, 2]",
    "null": lambda body: b"null",
    "deep": lambda body: b"[" * 100_000,
    "edited": lambda body: canonical(body).replace(b"stage.one", b"stage.two"),
    "digest edited": lambda body: canonical(body).replace(b"e" * 32, b"e" * 31 + b"f"),
    "no outputs": without("outputs"),
    "no key": without("key"),
    "unknown field": lambda body: canonical({**body, "more": 1}),
}


def test_a_record_of_another_format_is_left_to_its_readers(tmp_path: Path) -> None:
    """In a shared store a record of another version is a miss, stays where it is, and is replaced by a build's own."""
    actions, key = Actions(tmp_path), record().key
    actions.put(record())
    path = actions.path(key)
    path.chmod(0o644)
    other = reformatted(json.loads(path.read_bytes()))
    path.write_bytes(other)
    assert actions.get(key) is None
    assert (path.read_bytes(), quarantined(tmp_path)) == (other, [])
    actions.put(record())
    assert actions.get(key) == record()


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_record_is_a_miss(tmp_path: Path, name: str) -> None:
    """A record that is damaged in any way is a miss, is set aside, and can be written again."""
    actions, key = Actions(tmp_path), record().key
    actions.put(record())
    path = actions.path(key)
    body = json.loads(path.read_bytes())
    path.chmod(0o644)
    path.write_bytes(DAMAGES[name](body))
    assert actions.get(key) is None
    assert quarantined(tmp_path) == [path.name]
    actions.put(record())
    assert actions.get(key) == record()


def test_any_flipped_bit_is_a_miss(tmp_path: Path) -> None:
    """Whichever bit of a record is turned, it is a miss or still says the same."""
    actions, key = Actions(tmp_path), record().key
    actions.put(record())
    path = actions.path(key)
    right = path.read_bytes()
    for position in range(len(right) * 8):
        data = bytearray(right)
        data[position // 8] ^= 1 << position % 8
        path.unlink(missing_ok=True)
        path.write_bytes(data)
        assert actions.get(key) in (None, record())


def test_a_record_under_anothers_name_is_a_miss(tmp_path: Path) -> None:
    """Two records whose names were swapped are both misses."""
    actions = Actions(tmp_path)
    one, two = record("one"), record("two")
    actions.put(one)
    actions.put(two)
    first, second = actions.path(one.key).read_bytes(), actions.path(two.key).read_bytes()
    for path, data in ((actions.path(one.key), second), (actions.path(two.key), first)):
        path.chmod(0o644)
        path.write_bytes(data)
    assert actions.get(one.key) is None
    assert actions.get(two.key) is None
