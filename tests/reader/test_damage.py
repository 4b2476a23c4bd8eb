"""Damage to what bars are read from: an error that names the file and the cure, or the right values; never others."""

import datetime as dt
import os
import shutil
import threading

import pyarrow.parquet as pq
import pytest

import barmill
from barmill.errors import BarsError, ChunkCorrupt, ChunkMissing
from barmill.files import write_atomic
from barmill.market.manifest import Manifest
from barmill.reader import crosswise, query, rebuild
from tests.support.barstore import BarStore, rows

DAYS = [dt.date(2023, 12, 20) + dt.timedelta(n) for n in range(24)]
NAMES = [f"equities/daily/S{n:02d}" for n in range(crosswise._WORTH)]
CHUNK, MANIFEST = f"artifacts/chunks/{NAMES[0]}/2023.parquet", f"artifacts/chunks/{NAMES[0]}.json"
PANEL, SAID = "artifacts/panel/daily/2023.parquet", "artifacts/panel/daily/2023.json"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A built store, which each test takes a copy of."""
    store = BarStore(tmp_path_factory.mktemp("whole"))
    for at, name in enumerate(NAMES):
        store.series(name, DAYS, 10.0 * at)
    store.build()
    return store


@pytest.fixture
def store(whole, tmp_path, monkeypatch):
    """A copy of the built store, where readers lose no time in waiting for a build that is not there."""
    monkeypatch.setattr(query, "_PAUSE", 0)
    shutil.copytree(whole.root, tmp_path / "p")
    return BarStore(tmp_path / "p", whole.bars)


def read(store, by):
    """All bars."""
    return rows(barmill.read_bars(by=by, root=store.root))


def flipped(data, at):
    """The bytes with one bit turned."""
    return data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :]


@pytest.mark.parametrize(
    ("file", "by"), [(CHUNK, "name"), (MANIFEST, "name"), (MANIFEST, "time"), (PANEL, "time"), (SAID, "time")]
)
def test_one_bit_in_any_byte_is_found(store, file, by):
    """One bit turned in any byte of a chunk, a panel or a manifest: every read of it fails, none gives other values."""
    path = store.root / file
    data = path.read_bytes()
    step = 1 if len(data) < 5000 else 7
    for at in range(0, len(data), step):
        path.write_bytes(flipped(data, at))
        with pytest.raises(ChunkCorrupt, match=rf"{path.name}.*"):
            barmill.read_bars(NAMES if by == "time" else NAMES[0], by=by, root=store.root)
    path.write_bytes(data)
    assert sorted(read(store, by)) == store.expected(NAMES)


@pytest.mark.parametrize("cut", [0, 1, 100, -1])
@pytest.mark.parametrize("file", [CHUNK, MANIFEST])
def test_a_truncated_file_is_named_with_its_cure(store, file, cut):
    """A chunk or a manifest that is cut off or empty: the error has its path and what to run; other series are still read."""
    path = store.root / file
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ChunkCorrupt, match=rf'{path.name}.*\n?.*hint: run "doit'):
        barmill.read_bars(NAMES[0], root=store.root)
    assert rows(barmill.read_bars(NAMES[1:], root=store.root)) == store.expected(NAMES[1:])


@pytest.mark.parametrize("file", [CHUNK, MANIFEST])
def test_a_deleted_file_is_missed(store, file):
    """A chunk or a manifest that is gone is an error, not fewer rows."""
    (store.root / file).unlink()
    with pytest.raises(ChunkMissing, match=r'does not exist\nhint: run "doit'):
        barmill.read_bars(NAMES[0], root=store.root)
    with pytest.raises(ChunkMissing):
        list(barmill.iter_bars(NAMES[0], root=store.root))


def test_an_empty_object_is_no_manifest(store):
    """A manifest replaced by {} is damage, not a dataset without bars."""
    (store.root / MANIFEST).write_text("{}")
    with pytest.raises(ChunkCorrupt, match="damaged: 2 bytes"):
        barmill.read_bars(NAMES[0], root=store.root)


def test_another_series_chunk_is_found(store):
    """A sound chunk of another series in the place of one is not taken for it."""
    shutil.copy(store.root / f"artifacts/chunks/{NAMES[1]}/2023.parquet", store.root / CHUNK)
    with pytest.raises(ChunkCorrupt, match=r"not what its manifest vouches for"):
        barmill.read_bars(NAMES[0], root=store.root)


@pytest.mark.parametrize("file", [PANEL, SAID])
def test_without_a_panel_the_chunks_are_read(store, file):
    """A panel or its manifest that is gone costs time, not rows."""
    (store.root / file).unlink()
    assert sorted(read(store, "time")) == store.expected(NAMES)


@pytest.mark.parametrize("file", [CHUNK, MANIFEST, PANEL, SAID])
def test_what_is_damaged_comes_back_with_a_build(store, file):
    """Whatever is deleted or cut off is restored by the next build, to the byte."""
    path = store.root / file
    data = path.read_bytes()
    for damage in (path.unlink, lambda: path.write_bytes(data[:-9]), lambda: path.write_bytes(b"")):
        damage()
        assert store.build() == []
        assert path.read_bytes() == data


def test_a_manifest_is_made_again_from_its_chunks(store, capsys):
    """Without a manifest, raw data or store: made again it is the same to the byte."""
    before = {path: path.read_bytes() for path in (store.root / "artifacts/chunks").rglob("*.json")}
    for path in before:
        path.unlink()
    shutil.rmtree(store.root / "artifacts/store")
    assert rebuild.main([str(store.root / "artifacts/chunks")]) == 0
    assert {path: path.read_bytes() for path in (store.root / "artifacts/chunks").rglob("*.json")} == before
    assert "S00.json: 2 chunks, 24 bars" in capsys.readouterr().out
    assert read(store, "name") == store.expected(NAMES)


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda folder: (folder / "2023.parquet").write_bytes(b""), "2023.parquet is no chunk, or is damaged"),
        (lambda folder: flip(folder / "2023.parquet"), "2023.parquet is damaged"),
        (lambda folder: os.rename(folder / "2023.parquet", folder / "2022.parquet"), "bars outside its period"),
        (lambda folder: os.rename(folder / "2023.parquet", folder / "2023-12.parquet"), "no chunk by year"),
        (lambda folder: shutil.copy(folder.parent / "S01/2023.parquet", folder), "of another dataset or scheme"),
        (lambda folder: [path.unlink() for path in folder.iterdir()], "there is no chunk in"),
    ],
    ids=["empty", "damaged", "other year", "other scheme", "other dataset", "none"],
)
def test_no_manifest_is_made_of_what_does_not_fit(store, capsys, harm, words):
    """Damaged chunks, and those of two datasets or schemes in a folder, are refused; the manifest stays as it was."""
    folder = (store.root / CHUNK).parent
    before = (store.root / MANIFEST).read_bytes()
    harm(folder)
    assert rebuild.main([str(folder)]) == 1
    assert words in capsys.readouterr().err
    assert (store.root / MANIFEST).read_bytes() == before


def flip(path):
    """Turn a bit of the last value in the first column of a file."""
    column = pq.read_metadata(path).row_group(0).column(0)
    path.write_bytes(flipped(path.read_bytes(), column.data_page_offset + column.total_compressed_size - 1))


def test_a_reader_beside_a_build_reads_one_of_its_states(whole, tmp_path):
    """While a build replaces a series over and over, each read gives all of one state, old or new."""
    name = NAMES[0]
    states = []
    for first in (0.0, 500.0):
        store = BarStore(tmp_path / str(first))
        store.series(name, DAYS, first)
        store.build()
        states.append((store, store.expected([name])))
    reading = BarStore(tmp_path / "read")
    shutil.copytree(states[0][0].root, reading.root)
    stop = threading.Event()

    def replace_over_and_over():
        while not stop.is_set():
            for store, _ in states:
                source = store.root / f"artifacts/chunks/{name}"
                for path in source.iterdir():
                    write_atomic(reading.root / f"artifacts/chunks/{name}" / path.name, path.read_bytes())
                write_atomic(reading.root / f"artifacts/chunks/{name}.json", source.with_name("S00.json").read_bytes())
                stop.wait(0.2)

    builder = threading.Thread(target=replace_over_and_over)
    builder.start()
    try:
        for _ in range(100):
            assert rows(barmill.read_bars(name, root=reading.root)) in [expected for _, expected in states]
    finally:
        stop.set()
        builder.join()


def test_errors_are_of_one_family():
    """Who reads bars catches one error."""
    assert issubclass(ChunkCorrupt, BarsError)
    assert issubclass(ChunkMissing, BarsError)
    assert Manifest.__doc__
