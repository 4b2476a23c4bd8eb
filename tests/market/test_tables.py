"""The one writer of Parquet: the order that it demands, the codecs it knows, and what it writes in parts."""

import itertools

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barmill.errors import ConfigError
from barmill.market.compression import compression_of, parse_compression
from barmill.market.tables import ParquetRows, ascends, read_parquet, text_array, write_parquet

KEYS = st.tuples(st.integers(0, 2), st.sampled_from(["", "a", "b", "ą"]), st.sampled_from([0.5, 1.5]))


def table(rows):
    """Rows of an integer, a text and a number."""
    kinds = {"n": pa.int64(), "text": pa.string(), "x": pa.float64()}
    return pa.table({name: pa.array([row[at] for row in rows], kind) for at, (name, kind) in enumerate(kinds.items())})


@settings(deadline=None)
@given(st.lists(KEYS, max_size=6), st.integers(0, 6))
def test_order_is_that_of_tuples(rows, cut):
    """Rows ascend if Python's tuples do, in one piece or in two."""
    pieces = pa.concat_tables([table(rows[:cut]), table(rows[cut:])])
    for keys in (table(rows), pieces):
        assert ascends(keys) == all(a < b for a, b in itertools.pairwise(rows))


@pytest.mark.parametrize("rows", [[(1, "a", None)], [(1, "a", 0.5), (None, "b", 0.5)], [(1, "a", 0.5), (1, "a", float("nan"))]])
def test_null_and_nan_have_no_order(rows):
    """A key that is null, or not a number beside another row, is no order."""
    assert not ascends(table(rows))


def test_rows_out_of_order_are_refused(tmp_path):
    """A table that is not in its total order, in itself or after the part before it, is not written."""
    with pytest.raises(ValueError, match=r"rows are not in strictly ascending order of n, text"):
        write_parquet(tmp_path / "t.parquet", table([(1, "b", 0.5), (1, "a", 0.5)]), ["n", "text"])
    with ParquetRows(tmp_path / "t.parquet", table([]).schema, ["n"]) as parts:
        parts.write(table([(1, "a", 0.5)]))
        parts.write(table([]))
        with pytest.raises(ValueError, match="strictly ascending"):
            parts.write(table([(1, "b", 0.5)]))


def test_parts_are_read_as_one(tmp_path):
    """A file written in parts holds their rows; row groups are no larger than asked for."""
    path = tmp_path / "t.parquet"
    rows = [(n, f"{n}", n / 2) for n in range(10)]
    with ParquetRows(path, table([]).schema, ["n"], row_group=3, metadata={"who": "ż"}) as parts:
        parts.write(table(rows[:4]))
        parts.write(table(rows[4:]))
    assert read_parquet(path).replace_schema_metadata(None).equals(table(rows))
    said = pq.read_metadata(path)
    assert [said.row_group(at).num_rows for at in range(said.num_row_groups)] == [3, 1, 3, 3]
    assert said.metadata == {b"who": "ż".encode()}


@pytest.mark.parametrize(("text", "codec", "level"), [("none", "UNCOMPRESSED", 0), ("lz4", "LZ4", 0), ("zstd:9", "ZSTD", 9)])
def test_the_codec_is_in_the_file(tmp_path, text, codec, level):
    """A file has the codec that was asked for; a higher level makes it smaller."""
    rows = table([(n, str(n * n % 97), n % 13 / 2) for n in range(5000)])
    write_parquet(tmp_path / "t.parquet", rows, ["n"], compression=text)
    write_parquet(tmp_path / "plain.parquet", rows, ["n"], compression="zstd:1")
    assert pq.read_metadata(tmp_path / "t.parquet").row_group(0).column(0).compression == codec
    assert read_parquet(tmp_path / "t.parquet").equals(rows)
    assert (tmp_path / "t.parquet").stat().st_size < (tmp_path / "plain.parquet").stat().st_size or level == 0


@pytest.mark.parametrize(
    ("text", "spelled"),
    [("zstd", "zstd:1"), ("ZSTD:22", "zstd:22"), (" gzip ", "gzip:6"), ("brotli:0", "brotli:0"), ("lz4", "lz4")],
)
def test_spellings_of_a_codec(text, spelled):
    """A level that is not said is spelled out: another default would be another parameter of a build."""
    assert parse_compression(text) == spelled


@pytest.mark.parametrize("text", ["", "zip", "zstd:0", "zstd:23", "zstd:", "lz4:1", "gzip:x", "none:1"])
def test_no_codec(text):
    """What is no codec and level is refused, with those there are."""
    with pytest.raises(ConfigError, match="none, snappy, lz4, gzip:1-9, zstd:1-22, brotli:0-11"):
        parse_compression(text)


def test_codec_of_a_stage():
    """A stage has its own, else the usual one."""
    assert compression_of("panel", {"panel": "zstd:3"}) == "zstd:3"
    assert compression_of("chunks", {"panel": "zstd:3"}) == "zstd:1"


def test_text_arrays():
    """Text of any content becomes an array of it."""
    words = ["", "a,b", 'c"d', "line\nend", "żółć", "\0"]
    assert text_array(words).to_pylist() == words
    assert text_array([]).to_pylist() == []
