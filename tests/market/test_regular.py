"""Regular sessions: our own calendars by their rule, the library's within its bounds, and what it can't compute."""

import datetime as dt
from itertools import pairwise
from zoneinfo import ZoneInfo

import exchange_calendars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from barmill.errors import InputError
from barmill.market.calendars import calendars
from barmill.market.regular import regular

DAY = dt.timedelta(days=1)
NEW_YORK, DHAKA = ZoneInfo("America/New_York"), ZoneInfo("Asia/Dhaka")


def wall(day, hour, minute, zone):
    """A wall-clock time as a moment in UTC."""
    return dt.datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).astimezone(dt.UTC)


def by_rule(name, day):
    """Opening and close of a day of one of our calendars, written out; None if it has no session."""
    if name == "24/7":
        return wall(day, 0, 0, dt.UTC), wall(day + DAY, 0, 0, dt.UTC)
    if name == "24/5":
        return (wall(day - DAY, 17, 0, NEW_YORK), wall(day, 17, 0, NEW_YORK)) if day.weekday() < 5 else None
    return (wall(day, 10, 0, DHAKA), wall(day, 14, 30, DHAKA)) if day.weekday() not in (4, 5) else None


@given(
    name=st.sampled_from(["24/7", "24/5", "XDHA"]),
    since=st.dates(dt.date(1970, 1, 1), dt.date(2040, 1, 1)),
    length=st.integers(0, 40),
)
def test_our_calendars_follow_their_rule(name, since, length):
    """Every day that the rule names has its session at the hours of its own clock, in any range."""
    days = [since + DAY * n for n in range(length + 1)]
    expected = [(day, *ends) for day in days if (ends := by_rule(name, day))]
    assert expected == [each[:3] for each in regular(calendars()[name], since, days[-1])]


def test_the_week_of_foreign_exchange_has_no_hole():
    """Each session opens when the one before closes, but over the weekend, also where the clock changes."""
    found = regular(calendars()["24/5"], dt.date(2024, 1, 1), dt.date(2024, 12, 31))
    for before, after in pairwise(found):
        assert after.open - before.close == (2 * DAY if after.date.weekday() == 0 else 0 * DAY) + _shift(before, after)


def _shift(before, after):
    """How much later or earlier the clock of New York was set between two moments."""
    return before.close.astimezone(NEW_YORK).utcoffset() - after.open.astimezone(NEW_YORK).utcoffset()


@pytest.mark.parametrize(("name", "first", "last"), [("XSAU", "2021-01-03", ""), ("XBOM", "1997-01-01", "2026-12-31")])
def test_the_library_s_bounds_cut_off(name, first, last):
    """A calendar that the library knows for some years only has the sessions of these; outside of them it has none."""
    found = regular(calendars()[name], dt.date(1970, 1, 1), dt.date(2029, 12, 31))
    assert str(found[0].date) == first
    assert str(found[-1].date) == last or not last
    assert regular(calendars()[name], dt.date(1970, 1, 1), dt.date(1979, 12, 31)) == []


def test_what_the_library_can_t_compute_is_told(monkeypatch):
    """A fault of the library names the calendar, the versions and the cure."""

    class Broken:
        bound_min = bound_max = staticmethod(lambda: None)

        def __init__(self, start, end):
            raise NotImplementedError("subclass " * 100)

    monkeypatch.setattr(exchange_calendars.exchange_calendar_xwar, "XWARExchangeCalendar", Broken)
    with pytest.raises(InputError) as error:
        regular(calendars()["XWAR"], dt.date(2024, 1, 1), dt.date(2024, 12, 31))
    assert f"exchange_calendars {exchange_calendars.__version__} and pandas" in error.value.fact
    assert "cannot compute XWAR from 2024-01-01 to 2024-12-31: NotImplementedError" in error.value.fact
    assert len(error.value.fact) < 400
    assert "setting calendars" in error.value.hint


def test_every_calendar_that_is_offered_can_be_computed():
    """With the installed exchange_calendars and pandas, each calendar has sessions in 2024."""
    since, until = dt.date(2024, 1, 1), dt.date(2024, 12, 31)
    assert [name for name, each in calendars().items() if len(regular(each, since, until)) < 150] == []
