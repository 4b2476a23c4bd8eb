"""Manifests vouch for themselves: what was changed in any byte is not believed."""

import json

import pytest

from barmill.errors import ChunkCorrupt, ChunkMissing
from barmill.market.manifest import Chunk, Identity, Manifest, seal

IDENTITY = Identity("forex/1min/EURUSD", "EURUSD", "forex", "1min", "UTC", "month")
CHUNKS = tuple(
    Chunk(name, f"EURUSD/{name}.parquet", f"{name}-01T00:00:00Z", f"{name}-28T23:59:00Z", rows, "ab" * 16, 9)
    for name, rows in (("2025-01", 1), ("2025-02", 2))
)
MANIFEST = Manifest(IDENTITY, {"time": "timestamp[us, tz=UTC]", "open": "double"}, CHUNKS)


def test_read_is_what_was_written(tmp_path):
    """A manifest read back equals the one written, and is JSON with sums of its chunks, whose paths are relative to it."""
    path = tmp_path / "EURUSD.json"
    path.write_bytes(MANIFEST.encode())
    assert Manifest.read(path) == MANIFEST
    told = json.loads(path.read_text())
    assert (told["format"], told["rows"], told["start"], told["end"]) == (1, 3, "2025-01-01T00:00:00Z", "2025-02-28T23:59:00Z")
    assert MANIFEST.files(path) == [tmp_path / "EURUSD/2025-01.parquet", tmp_path / "EURUSD/2025-02.parquet"]


def test_every_flipped_bit_is_found(tmp_path):
    """One bit turned in any byte: the manifest is not believed."""
    path, data = tmp_path / "m.json", MANIFEST.encode()
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :])
        with pytest.raises(ChunkCorrupt):
            Manifest.read(path)


def test_every_truncation_is_found(tmp_path):
    """A manifest cut off at any byte, or with more at its end, is not believed; the error has its path and the cure."""
    path, data = tmp_path / "m.json", MANIFEST.encode()
    for cut in [*(data[:n] for n in range(len(data))), data + b"\n", b"{}", b"{}\n"]:
        path.write_bytes(cut)
        with pytest.raises(ChunkCorrupt, match=r"m\.json.*\nhint: run \"doit\""):
            Manifest.read(path)


def test_no_manifest(tmp_path):
    """A manifest that is not there is missing, not damaged."""
    with pytest.raises(ChunkMissing, match=r"m\.json does not exist"):
        Manifest.read(tmp_path / "m.json")


@pytest.mark.parametrize(
    ("told", "words"), [({"format": 2}, "format 2"), ({"a": 1}, "format None"), ({"format": 1}, "lacks 'name'")]
)
def test_a_sound_file_of_another_kind(tmp_path, told, words):
    """A file with a check of its own that is no manifest of this format is named."""
    path = tmp_path / "m.json"
    path.write_bytes(seal(told))
    with pytest.raises(ChunkCorrupt, match=words):
        Manifest.read(path)
