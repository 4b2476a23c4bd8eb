"""Sessions of a calendar: read, counted, looked up, and the bars that they expect."""

import datetime as dt
import subprocess
import sys
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barmill.errors import InputError
from barmill.market.datasets import MINUTES
from barmill.market.sessions import Session, Sessions, write_sessions
from tests.support.calendars import made, moment, table, table_file
from tests.support.gaps_oracle import bar_stamps

WARSAW = ZoneInfo("Europe/Warsaw")
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def grid(sessions, first, last, minutes, phase=0):
    """The expected stamps as moments."""
    return [EPOCH + dt.timedelta(minutes=each) for each in sessions.grid(first, last, minutes, phase).tolist()]


def test_a_table_reads_back(tmp_path):
    """Sessions with and without a break are read as they were written, in any range."""
    rows = [
        Session(dt.date(2024, 1, 2), moment("2024-01-02 01:30"), moment("2024-01-02 08:00")),
        Session(
            dt.date(2024, 1, 3), moment("2024-01-03 01:30"), moment("2024-01-03 08:00"),
            moment("2024-01-03 04:00"), moment("2024-01-03 05:00"),
        ),
    ]  # fmt: skip
    write_sessions(tmp_path / "X.csv", rows)
    found = Sessions.read(tmp_path / "X.csv")
    assert found.between("2024-01-01", dt.date(2024, 1, 5)) == rows
    assert (found.first, found.last, found.on("2024-01-04")) == ("2024-01-02", "2024-01-03", None)
    assert found.on(dt.date(2024, 1, 3)) == rows[1]


@pytest.mark.parametrize(
    "spoil", [lambda text: text[1:], lambda text: text[:-5], lambda text: text.replace("Z", "", 1), str.upper]
)
def test_a_damaged_table_is_refused(tmp_path, spoil):
    """A table that lost its header, an end or a letter is no table of sessions, and the error says which file."""
    path = tmp_path / "XNYS.csv"
    path.write_text(spoil(table_file("XNYS").read_text()))
    with pytest.raises(InputError, match=r"XNYS\.csv is no table of sessions"):
        Sessions.read(path)


def test_rows_in_another_order_are_refused(tmp_path):
    """Swapped or repeated rows are no table."""
    header, first, second, *_ = table_file("XNYS").read_text().splitlines()
    for rows in ([second, first], [first, first]):
        (tmp_path / "X.csv").write_text("\n".join([header, *rows]) + "\n")
        with pytest.raises(InputError):
            Sessions.read(tmp_path / "X.csv")


@pytest.mark.parametrize(
    ("at", "date", "behind"),
    [
        ("2024-11-27 20:59", "2024-11-26", 0),  # an hour before the close of the day before Thanksgiving
        ("2024-11-27 21:00", "2024-11-27", 1),
        ("2024-11-29 17:59", "2024-11-27", 1),  # Thanksgiving is none, the day after closes at 13:00 in New York
        ("2024-11-29 18:00", "2024-11-29", 2),
        ("2024-12-02 12:00", "2024-11-29", 2),  # a weekend is none
    ],
)
def test_the_last_session_that_closed(at, date, behind):
    """The last closed session before a moment, by early closes, holidays and weekends; and how many a series lacks."""
    sessions = table("XNYS")
    assert sessions.last_closed(moment(at)).date == dt.date.fromisoformat(date)
    assert sessions.behind("2024-11-26", moment(at)) == behind
    assert sessions.behind("2026-01-01", moment(at)) == 0


def test_a_moment_in_another_zone_is_the_same_moment():
    """Midnight in Tokyo is the afternoon before in London."""
    tokyo = dt.datetime(2024, 1, 10, 0, 0, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert table("XNYS").last_closed(tokyo).date == dt.date(2024, 1, 8)


def test_before_the_first_close_none_had_closed():
    """There is no last session before the first."""
    assert table("XNYS").last_closed(moment("1970-01-02 12:00")) is None
    assert table("XNYS").behind("1969-12-31", moment("1970-01-02 12:00")) == 0


def test_beyond_the_table_nobody_knows():
    """A moment after the end of the table is an error with the setting that moves it, not a stale answer."""
    short = table("XNYS", "2020-01-01", "2020-12-31")
    assert short.last_closed(moment("2021-01-01 12:00")).date == dt.date(2020, 12, 31)
    with pytest.raises(InputError) as error:
        short.last_closed(moment("2021-02-01 12:00"))
    assert "end on 2020-12-31" in error.value.fact
    assert "sessions_until" in error.value.hint


@pytest.mark.parametrize(
    ("first", "last", "opens", "closes"),
    [
        ("2026-03-02", "2026-03-06", "15:30", "21:55"),
        ("2026-03-09", "2026-03-27", "14:30", "20:55"),  # New York changed its clock on March 8, Warsaw does on March 29
        ("2026-03-30", "2026-04-02", "15:30", "21:55"),
        ("2026-10-26", "2026-10-30", "14:30", "20:55"),  # Warsaw on October 25, New York on November 1
        ("2026-11-02", "2026-11-06", "15:30", "21:55"),
    ],
)
def test_five_minute_bars_of_new_york_by_the_clock_of_warsaw(first, last, opens, closes):
    """Seen from Warsaw, whole sessions run from 15:30 to 21:55, and an hour earlier while only one of the two has changed."""
    sessions = table("XNYS")
    stamps = [each.astimezone(WARSAW) for each in grid(sessions, moment(f"{first} 00:00"), moment(f"{last} 23:59"), 5)]
    by_day = {date: [f"{each:%H:%M}" for each in stamps if each.date() == date] for date in {each.date() for each in stamps}}
    assert {(times[0], times[-1], len(times)) for times in by_day.values()} == {(opens, closes, 78)}
    assert len(by_day) == len(sessions.between(first, last))


def test_early_close():
    """The day after Thanksgiving has bars from 9:30 to 12:55 in New York."""
    stamps = grid(table("XNYS"), moment("2024-11-29 00:00"), moment("2024-11-29 23:59"), 5)
    assert (stamps[0], stamps[-1], len(stamps)) == (moment("2024-11-29 14:30"), moment("2024-11-29 17:55"), 42)


def test_hourly_bars_with_either_phase():
    """A session from 9:30 to 16:00 has seven hourly bars, from 9:00 on or from 9:30 on, as the series stamps them."""
    for phase, first, count in ((0, "14:00", 7), (30, "14:30", 7)):
        stamps = grid(table("XNYS"), moment("2024-01-02 00:00"), moment("2024-01-02 23:59"), 60, phase)
        assert (f"{stamps[0]:%H:%M}", len(stamps)) == (first, count)


def test_bars_in_a_break_are_not_expected():
    """Hong Kong has no bar from 12:00 to 12:55, and hourly bars from 9:00 on touch each hour but that."""
    stamps = grid(table("XHKG"), moment("2024-01-02 00:00"), moment("2024-01-02 23:59"), 5)
    assert len(stamps) == 66
    assert not any(moment("2024-01-02 04:00") <= each < moment("2024-01-02 05:00") for each in stamps)


@pytest.mark.parametrize("frequency", MINUTES)
@pytest.mark.parametrize("calendar", ["XNYS", "XHKG", "XASX", "XWAR", "24/5", "24/7"])
def test_the_grid_equals_the_oracle(calendar, frequency):
    """Over both changes of the clock and a holiday season, every frequency has the bars that counting minutes gives."""
    sessions = table(calendar)
    for first, last in (("2024-03-07", "2024-04-02"), ("2024-10-25", "2024-11-05"), ("2024-12-20", "2025-01-03")):
        span = sessions.between(first, last)
        expected = bar_stamps(span, MINUTES[frequency])
        since, until = span[0].open - dt.timedelta(minutes=MINUTES[frequency]), span[-1].close - dt.timedelta(minutes=1)
        assert expected == [each for each in grid(sessions, since, until, MINUTES[frequency]) if each >= expected[0]]


@settings(deadline=None)
@given(
    minutes=st.sampled_from(sorted(MINUTES.values())),
    phase=st.integers(0, 239),
    since=st.integers(0, 6 * 1440),
    length=st.integers(0, 3 * 1440),
    calendar=st.sampled_from(["XNYS", "XHKG", "24/5", "24/7"]),
)
def test_any_part_of_the_grid_equals_the_oracle(minutes, phase, since, length, calendar):
    """From any minute to any other, at any phase, the bars are those that counting minutes gives."""
    sessions = table(calendar)
    first = moment("2024-11-26 00:00") + dt.timedelta(minutes=since)
    last = first + dt.timedelta(minutes=length)
    every = bar_stamps(sessions.between("2024-11-24", "2024-12-10"), minutes, phase % minutes)
    assert [each for each in every if first <= each <= last] == grid(sessions, first, last, minutes, phase % minutes)


def test_no_sessions_no_bars(tmp_path):
    """An empty calendar expects nothing."""
    sessions = made(tmp_path, [])
    assert len(sessions.grid(moment("2024-01-01 00:00"), moment("2024-02-01 00:00"), 5)) == 0
    assert (sessions.first, sessions.between("2024-01-01", "2024-02-01")) == ("", [])


def test_reading_is_cheap():
    """Reading a table, and asking it for dates, imports neither pandas nor numpy."""
    program = (
        "import sys, pathlib, datetime; from barmill.market.sessions import Sessions\n"
        f"found = Sessions.read(pathlib.Path({str(table_file('XNYS'))!r}))\n"
        "found.behind('2024-01-02', datetime.datetime(2024, 1, 9, tzinfo=datetime.UTC))\n"
        "print(*[name for name in ('pandas', 'numpy', 'pyarrow', 'exchange_calendars') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
