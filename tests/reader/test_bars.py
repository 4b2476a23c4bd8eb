"""Bars read back are those that were written: of the right series, from the right moment to the right one, in order."""

import datetime as dt
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import barmill
from barmill.errors import BarsError, ConfigError
from barmill.market.schema import VALUES
from barmill.reader import crosswise, query
from tests.support.barstore import BarStore, rows

FIRST = dt.date(2023, 11, 6)
DAYS = [FIRST + dt.timedelta(n) for n in range(120) if (FIRST + dt.timedelta(n)).weekday() < 5]
SHARES = [f"equities/daily/S{n:02d}" for n in range(20)]
RATE = "forex/1min/EURUSD"
START = dt.datetime(2024, 1, 31, 23, 0, tzinfo=dt.UTC)
MINUTES = [START + dt.timedelta(minutes=n) for n in range(180) if n % 60 < 50]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Twenty daily series of different lengths, one of minutes, one without bars."""
    store = BarStore(tmp_path_factory.mktemp("bars"))
    store.set(chunk_daily="month")
    for at, name in enumerate(SHARES):
        store.series(name, DAYS[at : len(DAYS) - at], 100.0 * at)
    store.series("equities/daily/EMPTY", [])
    store.series(RATE, MINUTES)
    store.build()
    return store


def read(store, *arguments, **options):
    """Rows of `read_bars` in the store."""
    return rows(barmill.read_bars(*arguments, root=store.root, **options))


def test_one_series_whole(store):
    """All bars of one dataset, by its name or its ticker in any letter case; the schema is the one stated."""
    table = barmill.read_bars("S03", root=store.root)
    assert rows(table) == store.expected(["equities/daily/S03"])
    assert [(field.name, str(field.type)) for field in table.schema] == [
        ("name", "string"),
        ("date", "date32[day]"),
        *((name, "double") for name in VALUES),
    ]
    assert read(store, "equities/daily/S03") == read(store, "s03") == rows(table)


def test_minutes_are_in_utc(store):
    """Bars within a day have a time in UTC."""
    table = barmill.read_bars("EURUSD", root=store.root)
    assert rows(table) == store.expected([RATE])
    assert str(table.schema.field("time").type) == "timestamp[us, tz=UTC]"


def test_several_globs_and_all(store):
    """Several names, globs of names or tickers, and None: in order of name, each once, whatever the order of asking."""
    assert read(store, ["S02", "S01", "s02"]) == store.expected(SHARES[1:3])
    assert read(store, ["S0*", "equities/daily/S1*"]) == store.expected(SHARES)
    assert read(store, None, frequency="daily") == store.expected(SHARES)
    assert read(store, None, frequency="1min") == store.expected([RATE])


def test_start_is_included_and_end_is_not(store):
    """The first stamp at or after the start, and the last before the end; both may be text, dates, or left out."""
    day, later = DAYS[30], DAYS[40]
    expected = store.expected(["equities/daily/S03"], day, later)
    assert expected[0][1] == day
    assert read(store, "S03", day, later) == read(store, "S03", str(day), f"{later}T00:00:00") == expected
    assert read(store, "S03", day, day) == []
    assert read(store, "S03", None, day) + read(store, "S03", day) == store.expected(["equities/daily/S03"])
    assert read(store, "EURUSD", MINUTES[3], MINUTES[9]) == store.expected([RATE], MINUTES[3], MINUTES[9])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(st.sampled_from(SHARES), min_size=1, max_size=20, unique=True),
    ends=st.tuples(st.dates(dt.date(2023, 10, 1), dt.date(2024, 4, 1)), st.dates(dt.date(2023, 10, 1), dt.date(2024, 4, 1))),
    columns=st.lists(st.sampled_from(VALUES), max_size=6),
    by=st.sampled_from(["name", "time"]),
)
def test_any_window_of_any_series(store, names, ends, columns, by):
    """Whatever is asked for, in either order, from panels or from chunks: the rows that filtering in plain Python gives."""
    start, end = sorted(ends)
    kept = list(dict.fromkeys(columns))
    at = [0, 1, *(2 + VALUES.index(name) for name in kept)]
    expected = [tuple(row[n] for n in at) for row in store.expected(names, start, end)]
    table = barmill.read_bars(names, start, end, columns, by=by, root=store.root)
    assert table.column_names == ["name", "date", *kept]
    assert rows(table) == (expected if by == "name" else sorted(expected, key=lambda row: (row[1], row[0])))


def test_only_what_can_hold_it_is_opened(store, monkeypatch):
    """A month is read from the one chunk that can hold it; across many series, from the one panel."""
    opened = []
    monkeypatch.setattr(query, "open_chunk", lambda path, *_: opened.append(path.name) or path.read_bytes())
    read(store, "S03", "2024-01-10", "2024-01-20")
    assert opened == ["2024-01.parquet"]
    month = dt.date(2024, 1, 1), dt.date(2024, 2, 1)
    assert sorted(read(store, None, *month, frequency="daily", by="time")) == store.expected(SHARES, *month)
    assert opened == ["2024-01.parquet"]


def test_a_panel_that_is_behind_its_chunks_is_not_used(tmp_path):
    """After a change of one series, before the panels are built again, what is read across series is the changed series."""
    store = BarStore(tmp_path)
    for name in SHARES[: crosswise._WORTH]:
        store.series(name, DAYS)
    store.build()
    store.series(SHARES[0], DAYS, 7.0)
    assert store.build("export", "chunks") == [f"export:{SHARES[0]}", f"chunks:{SHARES[0]}"]
    expected = sorted(store.expected(list(store.bars)), key=lambda row: (row[1], row[0]))
    assert read(store, by="time") == expected
    assert store.build("panel") == ["panel:daily/2023", "panel:daily/2024"]
    assert read(store, by="time") == expected


def test_a_day_begins_where_the_exchange_is(tmp_path):
    """A date, and a time without zone, are of the dataset's own zone; one with a zone is that instant."""
    store = BarStore(tmp_path)
    name = "equities/5min/AAPL.US"
    stamps = [dt.datetime(2024, 7, 2, 3, 55, tzinfo=dt.UTC) + dt.timedelta(minutes=5 * n) for n in range(4)]
    store.series(name, stamps)
    store.build()
    midnight = store.expected([name], stamps[1])
    assert len(midnight) == 3
    assert read(store, name, "2024-07-02") == read(store, name, dt.date(2024, 7, 2)) == midnight
    assert read(store, name, dt.datetime(2024, 7, 2)) == read(store, name, "2024-07-02T00:00:00-04:00") == midnight
    assert read(store, name, "2024-07-02T00:00:00Z") == store.expected([name])


def test_a_series_by_chunks(store):
    """The iterator gives the rows of the table, a chunk at a time."""
    pieces = list(barmill.iter_bars("S0*", "2023-12-01", root=store.root))
    chunks = {(name, day.month) for name, day, *_ in store.expected(SHARES[:10], dt.date(2023, 12, 1))}
    assert len(pieces) == len(chunks)
    assert [row for piece in pieces for row in rows(piece)] == read(store, "S0*", "2023-12-01")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"symbols": "S99"}, r"called 'S99'\nhint: the nearest are S"),
        ({"symbols": "Z*"}, "called 'Z\\*'"),
        ({"symbols": []}, "no symbol means no bars"),
        ({"symbols": None}, r"several frequencies: 1min, daily\nhint: .*frequency='1min'"),
        ({"symbols": "S01", "frequency": "hourly"}, "hourly bars is called"),
        ({"symbols": "S01", "columns": ["vwap"]}, r"no column vwap\nhint: there are open"),
        ({"symbols": "S01", "start": "yesterday"}, "'yesterday' is no date"),
        ({"symbols": "S01", "start": "2024-01-02T10:00"}, r"have dates; 2024-01-02T10:00 is a time.*\nhint: .*2024-01-02"),
        ({"symbols": "S01", "end": dt.datetime(2024, 1, 2, tzinfo=dt.UTC)}, "is a time of a day"),
        ({"symbols": "S01", "start": "2024-01-02", "end": "2024-01-01"}, "before the start"),
        ({"symbols": "S01", "by": "date"}, "by='date' is no order"),
    ],
)
def test_what_cannot_be_read_is_told(store, arguments, words):
    """A name, column, moment or order that there is not: the error says what there is."""
    with pytest.raises(BarsError, match=words):
        read(store, **arguments)


def test_a_dataset_without_bars_has_no_rows(store):
    """A series that holds nothing is empty, not an error."""
    table = barmill.read_bars("EMPTY", root=store.root)
    assert (len(table), table.column_names[:2]) == (0, ["name", "date"])


def test_a_changed_scheme_replaces_every_chunk(tmp_path):
    """After another setting there are chunks of the new scheme only, and the same bars in them."""
    store = BarStore(tmp_path)
    for name in SHARES[:16]:
        store.series(name, DAYS)
    for scheme, expected in (("year", ["2023", "2024"]), ("quarter", ["2023-Q4", "2024-Q1"]), ("year", ["2023", "2024"])):
        store.set(chunk_daily=scheme)
        store.build()
        folder = store.root / "artifacts/chunks" / SHARES[0]
        assert sorted(path.stem for path in folder.iterdir()) == expected
        assert read(store) == store.expected(list(store.bars))
        assert sorted(read(store, by="time")) == store.expected(list(store.bars))


@pytest.mark.parametrize("method", ["forward", "backward", "interpolate", "zero"])
def test_filled_bars_are_those_of_the_whole_series(tmp_path, method):
    """A window of the filled series is that window of the series filled as a whole, at the edges of a gap and within it."""
    store = BarStore(tmp_path)
    store.set(chunk_intraday="1 day")
    start = dt.datetime(2024, 1, 9, 22, 0, tzinfo=dt.UTC)
    minutes = [start + dt.timedelta(minutes=n) for n in (*range(30), *range(100, 160))]
    store.series(RATE, minutes)
    store.build("export", "chunks", "sessions")
    whole = read(store, "EURUSD", fill=method)
    assert len(whole) == 160
    assert [row[:-1] for row in whole if not row[-1]] == store.expected([RATE])
    assert [row[1] for row in whole if row[-1]] == [start + dt.timedelta(minutes=n) for n in range(30, 100)]
    for low, high in ((0, 160), (40, 50), (29, 31), (99, 120), (119, 121), (150, 200)):
        window = start + dt.timedelta(minutes=low), start + dt.timedelta(minutes=high)
        filled = read(store, "EURUSD", *window, fill=method, by="time")
        assert filled == [row for row in whole if window[0] <= row[1] < window[1]]
    few = read(store, "EURUSD", columns=["close"], fill=method, limit=3)
    assert sum(row[-1] for row in few) == 3


def test_what_cannot_be_filled_is_told(store, tmp_path):
    """No calendar, no table of sessions, or no such method: an error with the cure."""
    with pytest.raises(BarsError, match=r"S01 has no calendar.*\nhint: .*calendars"):
        read(store, "S01", fill="forward")
    with pytest.raises(BarsError, match=r'not a table of sessions\nhint: run "doit sessions'):
        read(store, "EURUSD", fill="forward")
    other = BarStore(tmp_path)
    other.series(RATE, MINUTES)
    other.build("export", "chunks", "sessions")
    with pytest.raises(ConfigError, match="'spline'"):
        read(other, "EURUSD", fill="spline")


def test_reading_does_not_import_pandas(store):
    """A program that reads bars pays for pyarrow, not for pandas; one that only imports the package for neither."""
    program = (
        "import sys, barmill; some = lambda: [m for m in ('pandas', 'pyarrow') if m in sys.modules]; print(*some());"
        f"barmill.read_bars('S0*', '2024-01-01', by='time', root={str(store.root)!r});"
        f"barmill.read_bars(None, frequency='daily', by='time', root={str(store.root)!r});"
        f"len(list(barmill.iter_bars('EURUSD', root={str(store.root)!r}))); print(*some())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["", "pyarrow"]
