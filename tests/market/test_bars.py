"""Raw Stooq files of any quality, read by a fast path and a careful one that must agree."""

import csv
import inspect
import io
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barmill.market import bars as reading
from barmill.market.bars import read_bars, write_bars
from barmill.market.schema import RAW_HEADER
from barmill.sample import quirks
from barmill.sample.prices import Shape, bars, daily, generator, text
from tests.support.bars_oracle import read
from tests.support.real import real_data

LINES = bars("AAPL.US", "D", daily(60), Shape(price=100), generator(1, "good"))
GOOD = LINES[1:]
QUIRKS = {name: quirk for name, quirk in vars(quirks).items() if inspect.isfunction(quirk) and not name.startswith("_")}


def as_oracle(data: bytes) -> tuple[dict, dict]:
    """What `read_bars` says, in the oracle's form: values from the written CSV."""
    bars = read_bars(data)
    rows = csv.DictReader(io.StringIO(write_bars(bars.table).decode()))
    found = {}
    for row in rows:
        values = [row[name] for name in ("open", "high", "low", "close", "volume", "openint")]
        found[f"{row['date']} {row['time']}"] = tuple(float(value) if value else None for value in values)
    return found, {each["line"]: each["reason"] for each in bars.rejected}


@pytest.mark.parametrize("quirk", sorted(QUIRKS))
def test_every_quirk_of_the_sample(quirk):
    """Each quirk is read as the oracle reads it, line numbers included."""
    data = text(QUIRKS[quirk](LINES))
    assert as_oracle(data) == read(data)


def test_good_file_takes_the_fast_path(monkeypatch):
    """A file without fault is never read line by line."""
    monkeypatch.setattr(reading, "_read_carefully", None)
    assert read_bars(text(LINES)).table.num_rows == 60
    assert read_bars(text(LINES, "\n")).table.num_rows == 60


def test_both_paths_write_the_same_bytes():
    """The careful path gives the fast path's bytes on a good file."""
    data = text(LINES)
    assert write_bars(read_bars(data).table) == write_bars(reading._read_carefully(data).table)


def line(**changes: str) -> str:
    """A good line with other fields."""
    fields = {
        "ticker": "A", "per": "D", "date": "20240131", "time": "000000",
        "open": "1", "high": "2", "low": "0.5", "close": "1.5", "volume": "10", "openint": "0",
    } | changes  # fmt: skip
    return ",".join(fields.values())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"date": "20240230"}, "invalid_rows"),
        ({"date": "2024-01-3"}, "invalid_rows"),
        ({"date": "00000101"}, "invalid_rows"),
        ({"date": ""}, "invalid_rows"),
        ({"time": "240000"}, "invalid_rows"),
        ({"time": "000060"}, "invalid_rows"),
        ({"close": "n/a"}, "non_numeric_prices"),
        ({"close": "nan"}, "non_numeric_prices"),
        ({"close": "inf"}, "non_numeric_prices"),
        ({"close": "1e999"}, "non_numeric_prices"),
        ({"close": "1_0"}, "non_numeric_prices"),
        ({"close": "0x10"}, "non_numeric_prices"),
        ({"close": ""}, "non_numeric_prices"),
        ({"open": "1.5.2"}, "non_numeric_prices"),
        ({"close": '"1'}, "non_numeric_prices"),
        ({"ticker": '"A'}, "invalid_rows"),
        ({"openint": "0,1"}, "invalid_rows"),
    ],
)
def test_bad_line_is_quarantined(changes, reason):
    """A line that is no bar is rejected with its number and reason; its neighbours are kept."""
    data = f"{RAW_HEADER}\r\n{line(date='20240130')}\r\n{line(**changes)}\r\n{line(date='20240201')}\r\n".encode()
    found = read_bars(data)
    assert [(each["line"], each["reason"]) for each in found.rejected] == [(3, reason)]
    assert found.table.column("date").to_pylist() == ["2024-01-30", "2024-02-01"]
    assert as_oracle(data) == read(data)


@pytest.mark.parametrize(
    ("changes", "value"),
    [
        ({"volume": ""}, None),
        ({"volume": "n/a"}, None),
        ({"volume": "inf"}, None),
        ({"volume": "14.377440317367"}, 14.377440317367),
    ],
)
def test_volume_may_be_missing_or_fractional(changes, value):
    """A volume that is no number is empty; the bar is kept."""
    found = read_bars(f"{RAW_HEADER}\r\n{line(**changes)}\r\n".encode())
    assert found.rejected == []
    assert found.table.column("volume").to_pylist() == [value]


def test_later_line_of_a_stamp_wins():
    """Of two lines with one stamp the later is the bar, wherever the earlier stands in the file."""
    stamps = [f"2024{month:02d}{day:02d}" for month in range(1, 13) for day in range(1, 29)]
    lines = [line(date=stamp) for stamp in stamps] * 30
    lines = [*lines[:10_000], line(date=stamps[0], close="1.75")]
    found = read_bars("\n".join([RAW_HEADER, *lines, ""]).encode())
    assert found.table.column("close")[0].as_py() == 1.75
    assert found.table.num_rows == len(stamps)
    assert found.rejected == []
    assert found.given.num_rows == len(lines)
    assert not found.ordered


def test_intraday_times():
    """Intraday stamps keep their time of day."""
    found = read_bars(f"{RAW_HEADER}\r\n{line(per='5', time='153000')}\r\n{line(per='5', time='153500')}\r\n".encode())
    assert found.table.column("time").to_pylist() == ["15:30:00", "15:35:00"]


def test_rejected_text_is_printable_and_short():
    """What is quoted from a binary file is escaped and cut."""
    found = read_bars(b"<TICKER>,x\n" + b"\xff\x00\x01" * 500)
    (rejection,) = found.rejected
    assert rejection["text"].isprintable()
    assert len(rejection["text"]) == 200


BAD_FIELDS = st.sampled_from(
    ["", " ", "n/a", "-1", "0", "1e5", "+2", " 3 ", "nan", '"', "\xb3", "20240230", "20240105", "x" * 30]
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 14), st.integers(0, 9), BAD_FIELDS), max_size=4),
    st.permutations(range(15)),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_any_mix_of_defects_is_read_as_the_oracle_reads_it(changes, order, end, header):
    """Injected fields, shuffled lines, both line ends, with and without header: bars and rejections are the oracle's."""
    lines = [GOOD[place].split(",") for place in order]
    for row, column, value in changes:
        lines[row][column] = value
    content = end.join([*([RAW_HEADER] if header else []), *(",".join(fields) for fields in lines), ""])
    data = content.encode("latin-1")
    assert as_oracle(data) == read(data)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400))
def test_nothing_raises(data):
    """Bytes of any kind are read without an error."""
    read_bars(data)


@pytest.mark.real
@pytest.mark.parametrize("tree", ["stooq-uk-pl-us", "stooq-us-etf", "stooq-world"])
def test_real_files(tree):
    """Every real bulk file is read as the oracle reads it."""
    paths = sorted(real_data(tree).rglob("*.txt"))
    assert len(paths) > 40
    for path in paths:
        data = path.read_bytes()
        assert as_oracle(data) == read(data), path


def test_pandas_stays_out():
    """Reading and writing bars imports no pandas, which costs more than all the work."""
    import subprocess

    program = (
        "import sys; from barmill.market.bars import read_bars, write_bars; from barmill.market.quality import diagnose;"
        "from barmill.market.rules import examine;"
        f"b = read_bars({text(LINES)!r}); write_bars(b.table);"
        "diagnose('A', b, examine(b.table, 'equities', {})); print('pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n"])
def test_any_line_end_ends_a_line(end):
    """Lines that end in LF, CRLF or CR alone are the same lines, with the same numbers."""
    lines = [RAW_HEADER, line(date="20240130"), "nonsense", line(date="20240201"), ""]
    found = read_bars(end.join(lines).encode())
    assert (found.table.column("date").to_pylist(), found.has_header) == (["2024-01-30", "2024-02-01"], True)
    assert [each["line"] for each in found.rejected] == [3]
    assert read_bars(end.join([*lines[:2], *lines[3:]]).encode()).rejected == []
