"""Periods of a calendar, against datetime's own idea of them."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from barmill.errors import ConfigError
from barmill.market.periods import parse_name, parse_scheme, period_of
from tests.support.chunks_oracle import period_name

SCHEMES = ("week", "month", "quarter", "year", "1 days", "7 days", "30 days", "365 days")
ZONES = ("UTC", "America/New_York", "Europe/Warsaw", "Australia/Sydney", "America/Sao_Paulo", "America/Havana", "Asia/Beirut")


@given(st.sampled_from(SCHEMES), st.dates())
@example("week", dt.date.min)
@example("week", dt.date.max)
@example("month", dt.date.max)
@example("30 days", dt.date.min)
@example("30 days", dt.date.max)
def test_every_day_is_in_the_period_of_its_name(scheme, day):
    """A period holds its day, all its days have its name, and the days beside it have another."""
    period = period_of(scheme, day)
    assert period.first <= day <= period.last
    assert parse_name(period.name) == period
    assert {period_of(scheme, each) for each in (period.first, period.last)} == {period}
    if period.first > dt.date.min:
        assert period_of(scheme, period.first - dt.timedelta(1)).name < period.name
    if period.last < dt.date.max:
        assert period_of(scheme, period.last + dt.timedelta(1)).name > period.name


@given(st.sampled_from(SCHEMES), st.dates(dt.date(1900, 1, 1), dt.date(2100, 12, 31)))
def test_names_are_those_of_the_calendar(scheme, day):
    """strftime, and counting days one by one, give the same names."""
    assert period_of(scheme, day).name == period_name(scheme, day)


@given(
    st.sampled_from(SCHEMES),
    st.sampled_from(ZONES),
    st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2030, 1, 1), timezones=st.just(dt.UTC)),
)
@example("month", "America/Sao_Paulo", dt.datetime(2017, 10, 15, 3, tzinfo=dt.UTC))  # midnight did not come
@example("month", "America/Havana", dt.datetime(2020, 11, 1, 5, tzinfo=dt.UTC))  # it came twice
def test_an_instant_is_in_the_period_of_its_local_date(scheme, zone, instant):
    """Bounds in a time zone hold exactly the instants whose local date is in the period."""
    period = period_of(scheme, instant.astimezone(ZoneInfo(zone)).date())
    first, end = period.instants(ZoneInfo(zone))
    assert first <= (instant - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1) < end


def test_bounds_of_a_period():
    """Days are half open, and a month in New York begins at its midnight."""
    period = period_of("month", dt.date(1970, 2, 10))
    assert period.days() == (31, 59)
    assert period.instants(ZoneInfo("America/New_York")) == ((31 * 24 + 5) * 3_600_000_000, (59 * 24 + 5) * 3_600_000_000)


@pytest.mark.parametrize(
    ("text", "scheme"), [("Year", "year"), (" week ", "week"), ("30d", "30 days"), ("1 day", "1 days"), ("90 days", "90 days")]
)
def test_spellings_of_a_scheme(text, scheme):
    """Each spelling of a scheme is written in one way."""
    assert parse_scheme(text) == scheme


@pytest.mark.parametrize("text", ["", "fortnight", "0 days", "-3 days", "1.5 days", "years", "99999 days"])
def test_no_scheme(text):
    """What is no scheme is refused, with those there are."""
    with pytest.raises(ConfigError, match="week, month, quarter, year"):
        parse_scheme(text)


@pytest.mark.parametrize(
    "name", ["", "24", "2024-13", "2024-W54", "2023-W53", "2024-Q5", "2024-01-02_30d", "2024-02-30_1d", "2024-01-01_0d", "0000"]
)
def test_no_period(name):
    """A name that no period has is none: a week that the year has not, a day that begins no span."""
    assert parse_name(name) is None
