"""How far a dataset is behind, in sessions and in days, and when the next bar is to come."""

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barmill.config import Settings
from barmill.market.datasets import Dataset
from barmill.market.sessions import Session, write_sessions
from barmill.plan import Plan
from barmill.report.lag import Timetable
from tests.support import lag_oracle

HOLIDAYS = {dt.date(2024, 1, 1), dt.date(2024, 1, 15), dt.date(2024, 2, 19), dt.date(2024, 3, 29)}
WEEKDAYS = [
    day for n in range(120) if (day := dt.date(2023, 12, 20) + dt.timedelta(days=n)).weekday() < 5 and day not in HOLIDAYS
]
SESSIONS = [
    (day, dt.datetime.combine(day, dt.time(14, 30), dt.UTC), dt.datetime.combine(day, dt.time(21), dt.UTC)) for day in WEEKDAYS
]


def dataset(frequency="daily", mic="XNAS"):
    """A dataset of the American tree, or one whose exchange is not known."""
    return Dataset("A.US", "A.US", Path("a"), "equities", frequency, "", mic)


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    """A project that has the sessions of XNYS for three months."""
    root = tmp_path_factory.mktemp("plan")
    found = Plan(Settings(artifacts=root))
    path = found.sessions("XNYS")
    path.parent.mkdir(parents=True)
    write_sessions(path, (Session(*each) for each in SESSIONS))
    return found


def at(text):
    """A moment in UTC."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("last", "now", "behind"),
    [
        ("2024-01-12", "2024-01-12T20:59", 0),
        ("2024-01-11", "2024-01-12T20:59", 0),
        ("2024-01-11", "2024-01-12T21:00", 1),
        ("2024-01-12", "2024-01-16T20:59", 0),  # a weekend and a holiday
        ("2024-01-12", "2024-01-16T21:00", 1),
        ("2024-01-12", "2024-01-19T22:00", 4),
        ("2024-01-19T20:55:00Z", "2024-01-19T22:00", 0),
        ("2024-01-19T14:30:00Z", "2024-01-22T22:00", 1),
        ("2024-01-22T01:00:00Z", "2024-01-22T22:00", 1),  # before Monday's session had opened
    ],
)
def test_daily_and_intraday_bars(plan, last, now, behind):
    """Only sessions that have closed count; weekends and holidays are none."""
    lag = Timetable(plan, at(now)).lag(dataset("hourly" if "T" in last else "daily"), last)
    assert lag == (behind, "sessions", "XNYS", "")


@pytest.mark.parametrize(
    ("frequency", "last", "now", "behind"),
    [
        ("weekly", "2024-01-12", "2024-01-18T22:00", 0),
        ("weekly", "2024-01-12", "2024-01-19T21:00", 4),
        ("weekly", "2024-01-08", "2024-01-19T21:00", 4),  # stamped with its first day
        ("monthly", "2024-01-31", "2024-02-28T22:00", 0),
        ("monthly", "2024-01-01", "2024-02-29T22:00", 20),
    ],
)
def test_longer_bars_wait_for_their_end(plan, frequency, last, now, behind):
    """A week or month counts once its last session has closed, whichever of its days the bar is stamped with."""
    assert Timetable(plan, at(now)).lag(dataset(frequency), last).behind == behind


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(WEEKDAYS[:55]),
    st.integers(-3, 30),
    st.integers(0, 24 * 60 - 1),
    st.sampled_from(["daily", "weekly", "monthly"]),
)
def test_any_lag_is_as_counted_by_hand(plan, last, days, minute, frequency):
    """The lag of any bar at any moment is that of a slow count."""
    moment = dt.datetime.combine(last + dt.timedelta(days=days), dt.time(), dt.UTC) + dt.timedelta(minutes=minute)
    lag = Timetable(plan, moment).lag(dataset(frequency), last.isoformat())
    assert lag.behind == lag_oracle.behind(SESSIONS, last, moment, frequency)


@pytest.mark.parametrize(
    ("of", "note"),
    [
        (dataset(mic=""), "no calendar is known; set one in [tool.barmill.calendars]"),
        (dataset(mic="XLON"), 'the sessions of XLON are not built; run "doit sessions"'),
    ],
)
def test_without_sessions_it_is_days(plan, of, note):
    """Where no calendar is known, or it is not built, calendar days are counted, called so, and the reason is told."""
    lag = Timetable(plan, at("2024-01-16T12:00")).lag(of, "2024-01-12")
    assert (lag.behind, lag.unit, lag.note) == (3, "calendar days", note)
    assert Timetable(plan, at("2024-01-16T12:00")).following(of) is None


def test_sessions_that_end_too_early(plan):
    """A table of sessions that ends before the moment is not taken for an exchange that has closed for good."""
    lag = Timetable(plan, at("2025-01-16T12:00")).lag(dataset(), "2024-01-12")
    assert lag.unit == "calendar days"
    assert "sessions of XNYS end on 2024-04-17" in lag.note


@pytest.mark.parametrize(
    ("frequency", "now", "close"),
    [
        ("daily", "2024-01-12T20:59", "2024-01-12T21:00"),
        ("daily", "2024-01-12T21:00", "2024-01-16T21:00"),
        ("weekly", "2024-01-16T12:00", "2024-01-19T21:00"),
        ("monthly", "2024-01-16T12:00", "2024-01-31T21:00"),
    ],
)
def test_the_next_bar(plan, frequency, now, close):
    """The next bar is there when its session, or the last one of its week or month, has closed."""
    assert Timetable(plan, at(now)).following(dataset(frequency)) == at(close)
