"""Filled bars: made up only between bars that were seen, only where they are expected, and marked."""

import datetime as dt
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from barmill.errors import ConfigError
from barmill.market.fill import METHODS, fill
from tests.support.fill_oracle import filled

NAMES = ("open", "high", "low", "close", "volume", "openint")


def table(rows, kind=None):
    """Bars from {day: (open, high, low, close, volume, openint)}."""
    kind = kind or pa.date32()
    stamps = pa.array(list(rows), pa.int32() if kind == pa.date32() else pa.int64()).view(kind)
    columns = [pa.array([row[at] for row in rows.values()], pa.float64()) for at in range(6)]
    return pa.Table.from_arrays([stamps, *columns], names=["date" if kind == pa.date32() else "time", *NAMES])


def rows_of(result):
    """{day: (values, filled)} of a filled table."""
    stamps = result.column(0).combine_chunks().view(pa.int32()).to_pylist()
    values = zip(*(result.column(name).to_pylist() for name in NAMES), strict=True)
    return {day: (row, mark) for day, row, mark in zip(stamps, values, result.column("filled").to_pylist(), strict=True)}


BARS = {10: (1.0, 4.0, 0.5, 2.0, 100.0, 7.0), 14: (5.0, 8.0, 4.5, 6.0, 300.0, 9.0)}


@pytest.mark.parametrize(
    ("method", "first", "last"),
    [
        ("forward", (2.0, 2.0, 2.0, 2.0, 0.0, 7.0), (2.0, 2.0, 2.0, 2.0, 0.0, 7.0)),
        ("backward", (5.0, 5.0, 5.0, 5.0, 0.0, 9.0), (5.0, 5.0, 5.0, 5.0, 0.0, 9.0)),
        ("interpolate", (2.0, 5.0, 1.5, 3.0, 0.0, 7.0), (4.0, 7.0, 3.5, 5.0, 0.0, 7.0)),
        ("zero", (0.0,) * 6, (0.0,) * 6),
    ],
)
def test_each_method_and_column(method, first, last):
    """Every column of a made-up bar follows the method's rule; volume is never copied."""
    found = rows_of(fill(table(BARS), np.arange(9, 16), method))
    assert sorted(found) == [10, 11, 12, 13, 14]
    assert (found[11], found[13]) == ((first, True), (last, True))
    assert {day: found[day] for day in BARS} == {day: (row, False) for day, row in BARS.items()}


@pytest.mark.parametrize(("method", "days"), [("forward", [11]), ("backward", [13]), ("interpolate", [11]), ("zero", [11])])
def test_limit(method, days):
    """At most so many bars of a gap are made up: those next to the bar that they come from."""
    found = rows_of(fill(table(BARS), np.arange(9, 16), method, 1))
    assert [day for day, (_, mark) in found.items() if mark] == days
    assert not any(mark for _, mark in rows_of(fill(table(BARS), np.arange(9, 16), method, 0)).values())


def test_only_expected_stamps_are_filled():
    """Stamps off the calendar are not made up: of four days between two bars only the two sessions are."""
    assert sorted(rows_of(fill(table(BARS), np.array([10, 12, 13, 14]), "forward"))) == [10, 12, 13, 14]


def test_bars_off_the_calendar_stay():
    """A bar that nobody expects is kept, in its place, unmarked, and its values are the next ones forward."""
    extra = BARS | {12: (9.0, 9.0, 9.0, 9.0, 1.0, 1.0)}
    found = rows_of(fill(table(dict(sorted(extra.items()))), np.array([10, 11, 13, 14]), "forward"))
    assert found[12] == (extra[12], False)
    assert (found[11][0][0], found[13][0][0]) == (2.0, 9.0)


def test_nothing_beyond_the_ends():
    """Before the first and after the last bar nothing is made up, and of no bars there are none."""
    assert sorted(rows_of(fill(table(BARS), np.array([1, 2, 20, 21]), "backward"))) == [10, 14]
    assert len(fill(table(BARS).slice(0, 0), np.array([1, 2]), "forward")) == 0


def test_bars_within_a_day():
    """Stamps within a day keep their type."""
    bars = {minute * 60_000_000: row for minute, row in ((0, BARS[10]), (3, BARS[14]))}
    kind = pa.timestamp("us", "UTC")
    result = fill(table(bars, kind), np.arange(4) * 60_000_000, "forward")
    assert result.schema.field("time").type == kind
    assert [each.minute for each in result.column("time").to_pylist()] == [0, 1, 2, 3]


def test_other_columns_are_those_of_the_bar_before():
    """A column that has no rule, such as the ticker, is carried on."""
    named = table(BARS).append_column("ticker", pa.array(["A", "B"]))
    for method in METHODS:
        assert fill(named, np.arange(10, 15), method).column("ticker").to_pylist() == ["A", "A", "A", "A", "B"]


def test_unknown_volume_stays_unknown():
    """A null of a bar that was seen stays null; a made-up bar has traded nothing."""
    bars = table({10: (1.0, 1.0, 1.0, 1.0, None, None), 12: (1.0, 1.0, 1.0, 1.0, None, None)})
    found = fill(bars, np.arange(10, 13), "forward")
    assert found.column("volume").to_pylist() == [None, 0.0, None]
    assert found.column("openint").to_pylist() == [None, None, None]


@pytest.mark.parametrize(
    ("arguments", "says"), [(("fowrard",), "no way 'fowrard' to fill gaps"), (("forward", -1), "at most -1 bars")]
)
def test_wrong_ways_are_named(arguments, says):
    """An unknown method is an error that names those there are, never a column of nulls."""
    with pytest.raises(ConfigError, match=says):
        fill(table(BARS), np.arange(10, 15), *arguments)


def test_what_a_method_takes_prices_from_must_be_there():
    """Forward needs the close, backward the open: without it the error says which."""
    with pytest.raises(ConfigError, match="'close'"):
        fill(table(BARS).select(["date", "open"]), np.arange(10, 15), "forward")
    assert fill(table(BARS).select(["date", "close"]), np.arange(10, 15), "forward").column("close").to_pylist() == [
        2.0, 2.0, 2.0, 2.0, 6.0,
    ]  # fmt: skip


@given(
    days=st.sets(st.integers(0, 40), max_size=20),
    expected=st.sets(st.integers(0, 40)),
    method=st.sampled_from(METHODS),
    limit=st.none() | st.integers(0, 4),
    split=st.integers(0, 20),
)
def test_equals_the_oracle(days, expected, method, limit, split):
    """Any bars on any calendar, in one piece or two, give what plain Python gives."""
    bars = {day: tuple(float(day * 7 + at) for at in range(6)) for day in sorted(days)}
    whole = table(bars)
    whole = pa.concat_tables([whole[:split], whole[split:]])
    found = rows_of(fill(whole, np.array(sorted(expected), np.int64), method, limit))
    wanted = filled(bars, sorted(expected), method, limit)
    assert sorted(found) == sorted(wanted)
    for day, (row, mark) in wanted.items():
        assert found[day] == (pytest.approx(row), mark)


def test_it_does_without_pandas():
    """Filling imports no pandas."""
    program = (
        "import sys, numpy as np, pyarrow as pa; from pyarrow import csv; from barmill.market.fill import fill\n"
        "bars = csv.read_csv(pa.BufferReader(b'date,open,high,low,close\\n2024-01-02,1,1,1,1\\n2024-01-05,2,2,2,2\\n'),"
        "convert_options=csv.ConvertOptions(column_types={n: pa.float64() for n in ('open', 'high', 'low', 'close')}))\n"
        "print(len(fill(bars, np.arange(19724, 19728), 'interpolate')), 'pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["4", "False"]
    assert dt.date(1970, 1, 1) + dt.timedelta(19724) == dt.date(2024, 1, 2)
