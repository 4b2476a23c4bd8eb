"""Gaps: what is missing, what is too much, and why; each case that detectors without a calendar get wrong is a test here."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barmill.market.datasets import MINUTES
from barmill.market.gaps import find
from tests.support.calendars import EPOCH, day, made, micros, moment, table
from tests.support.gaps_oracle import bar_stamps, missing_runs, verdicts


def daily(sessions, dates, frequency="daily", tolerance=0.0, halted_after=10):
    """The gaps of bars on these dates."""
    return find(np.array(sorted(map(day, dates)), np.int64), frequency, sessions, tolerance, halted_after)


def within(sessions, stamps, minutes, tolerance=0.0):
    """The gaps of bars at these moments."""
    frequency = next(name for name, length in MINUTES.items() if length == minutes)
    return find(np.array(sorted(map(micros, stamps)), np.int64), frequency, sessions, tolerance, 10)


def days_of(calendar, first, last, without=()):
    """Dates of the sessions in a range."""
    return [str(each) for each in table(calendar).expected(first, last) if str(each) not in without]


def bars_of(calendar, first, last, minutes):
    """Moments of the bars of the sessions in a range, by counting minutes."""
    return bar_stamps(table(calendar).between(first, last), minutes)


def spans(gaps):
    """(start, end, missing, verdict) of each range."""
    return [(each["start"], each["end"], each["missing"], each["verdict"]) for each in gaps.ranges]


@pytest.mark.parametrize(
    ("first", "last"), [("2024-01-05", "2024-01-08"), ("2024-07-03", "2024-07-05"), ("2024-03-28", "2024-04-01")]
)
def test_weekends_and_holidays_are_no_gaps(first, last):
    """From Friday to Monday, over Independence Day and over Easter nothing is missing."""
    assert daily(table("XNYS"), [first, last]).verdict == "complete"


def test_lost_days_are_found_by_date():
    """Three days lost of dates without a time are one range of three sessions."""
    dates = days_of("XNYS", "2024-01-02", "2024-03-28", without=("2024-02-06", "2024-02-07", "2024-02-08"))
    gaps = daily(table("XNYS"), dates)
    assert spans(gaps) == [("2024-02-06", "2024-02-08", 3, "missing")]
    assert (gaps.verdict, gaps.expected, gaps.missing, gaps.rows) == ("missing", 61, 3, 58)


def test_a_range_over_a_weekend_is_one():
    """Friday and Monday lost are one range, not two, and its sessions are two."""
    gaps = daily(table("XNYS"), days_of("XNYS", "2024-01-02", "2024-02-28", without=("2024-01-26", "2024-01-29")))
    assert spans(gaps) == [("2024-01-26", "2024-01-29", 2, "missing")]
    assert gaps.ranges[0]["sessions"] == 2


def test_crypto_has_no_weekend():
    """A series of a market that never closes, without a bar on any weekend, lacks each of them."""
    weekdays = [date for date in days_of("24/7", "2024-01-01", "2024-02-29") if dt.date.fromisoformat(date).weekday() < 5]
    gaps = daily(table("24/7"), weekdays)
    assert gaps.missing == 16
    assert {each["missing"] for each in gaps.ranges} == {2}
    assert gaps.verdict == "thinly traded"  # the same two days each week: no single loss, and never `complete`


def test_a_bar_that_is_late_within_its_day_is_that_day_s():
    """A daily bar has a date, so one that was stamped hours late is no gap, and none of nothing is reported."""
    gaps = daily(table("24/7"), days_of("24/7", "2024-01-01", "2024-01-10"))
    assert (gaps.verdict, gaps.ranges) == ("complete", [])


def test_bars_on_closed_days_are_extra_rows():
    """A bar on New Year's Day is reported, not only what is absent."""
    gaps = daily(table("XNYS"), [*days_of("XNYS", "2023-12-20", "2024-01-10"), "2024-01-01", "2024-01-06", "2024-01-07"])
    assert (gaps.verdict, gaps.extra, gaps.missing) == ("extra rows", 3, 0)
    assert gaps.extra_ranges == [
        {"start": "2024-01-01", "end": "2024-01-01", "rows": 1},
        {"start": "2024-01-06", "end": "2024-01-07", "rows": 2},
    ]


def test_a_month_is_a_month():
    """A monthly bar may be dated anywhere in its month: late is no gap; a lost month is one; a second bar is extra."""
    assert daily(table("XNYS"), ["2024-01-31", "2024-02-03", "2024-03-28", "2024-04-30"], "monthly").verdict == "complete"
    gaps = daily(table("XNYS"), ["2024-01-31", "2024-03-28", "2024-04-30"], "monthly")
    assert spans(gaps) == [("2024-02-01", "2024-02-29", 1, "missing")]
    assert gaps.ranges[0]["sessions"] == 20
    assert spans(daily(table("XNYS"), ["2024-01-31", "2024-04-30"], "monthly")) == [("2024-02-01", "2024-03-28", 2, "halted")]
    gaps = daily(table("XNYS"), ["2024-01-31", "2024-03-03", "2024-03-28", "2024-04-30"], "monthly")
    assert (gaps.missing, gaps.extra_ranges) == (1, [{"start": "2024-03-28", "end": "2024-03-28", "rows": 1}])


def test_a_week_is_a_week():
    """A weekly bar may be dated anywhere from Monday to Sunday; a week without a session expects none."""
    assert daily(table("XNYS"), ["2024-01-05", "2024-01-08", "2024-01-21"], "weekly").verdict == "complete"
    assert spans(daily(table("XNYS"), ["2024-01-05", "2024-01-19"], "weekly")) == [("2024-01-08", "2024-01-12", 1, "missing")]
    assert daily(table("XNYS"), ["2001-09-10", "2001-09-17"], "weekly").verdict == "complete"


@pytest.mark.parametrize("frequency", MINUTES)
@pytest.mark.parametrize("calendar", ["XNYS", "XHKG", "24/5"])
def test_nights_breaks_and_changes_of_the_clock_are_no_gaps(calendar, frequency):
    """Whole series over the turn of the year and both changes of the clock are complete at every frequency."""
    for first, last in (("2024-12-20", "2025-01-08"), ("2024-03-05", "2024-04-02"), ("2024-10-24", "2024-11-06")):
        gaps = within(table(calendar), bars_of(calendar, first, last, MINUTES[frequency]), MINUTES[frequency])
        assert (gaps.verdict, gaps.missing, gaps.extra) == ("complete", 0, 0)


def test_an_ordinary_winter_night_is_none():
    """From 15:59 in New York to 9:30 the next morning, in winter, nothing is missing."""
    gaps = within(table("XNYS"), [moment("2024-01-09 20:59"), moment("2024-01-10 14:30")], 1)
    assert gaps.verdict == "complete"


def test_days_lost_of_minutes_are_found():
    """From Monday's 10:00 to Friday's 8:59 after the open: each lost minute between is counted, in one range."""
    every = bars_of("XNYS", "2024-01-08", "2024-01-12", 1)
    kept = [each for each in every if each <= moment("2024-01-08 15:00") or each >= moment("2024-01-12 15:00")]
    gaps = within(table("XNYS"), kept, 1)
    assert [each["missing"] for each in gaps.ranges] == [len(every) - len(kept)]
    assert (gaps.ranges[0]["start"], gaps.ranges[0]["end"]) == ("2024-01-08T15:01:00Z", "2024-01-12T14:59:00Z")
    assert (gaps.ranges[0]["sessions"], gaps.verdict) == (5, "missing")


def test_an_afternoon_and_a_morning_lost_are_found():
    """From Friday's 15:00 to Monday's 18:00 UTC both parts are missing, the weekend is not."""
    every = bars_of("XNYS", "2024-01-12", "2024-01-16", 1)  # the 15th is a holiday
    kept = [each for each in every if each <= moment("2024-01-12 15:00") or each >= moment("2024-01-16 18:00")]
    assert within(table("XNYS"), kept, 1).missing == 359 + 210


def test_hourly_bars_need_no_declaration():
    """The grid of hourly bars is read off the series: on the hour, or on the half."""
    for phase in (0, 30):
        stamps = bar_stamps(table("XNYS").between("2024-01-08", "2024-02-09"), 60, phase)
        assert within(table("XNYS"), stamps, 60).verdict == "complete"
        assert within(table("XNYS"), [*stamps[:50], *stamps[51:]], 60).missing == 1


def test_bars_off_the_grid_and_out_of_session_are_extra():
    """A bar at 9:32 of a five-minute series, one with seconds, and one in the night are extra rows, and hide no gap."""
    stamps = bars_of("XNYS", "2024-01-08", "2024-01-09", 5)
    extra = [moment("2024-01-08 14:32"), moment("2024-01-08 15:00").replace(second=7), moment("2024-01-09 03:00")]
    gaps = within(table("XNYS"), [*stamps[:10], *stamps[11:], *extra], 5)
    assert (gaps.extra, gaps.missing) == (3, 1)
    assert gaps.extra_ranges[1]["start"] == "2024-01-08T15:00:07Z"


def test_two_hundred_of_a_million_minutes():
    """Of a million session minutes of ten years with 200 removed, exactly these are missing."""
    sessions = table("XNYS")
    every = sessions.grid(moment("2014-01-01 00:00"), moment("2024-12-31 23:59"), 1)[:1_000_000]
    assert len(every) == 1_000_000
    lost = np.sort(np.random.default_rng(1).choice(np.arange(1, len(every) - 1), 200, replace=False))
    gaps = find(np.delete(every, lost) * 60_000_000, "1min", sessions, 0.0, 10)
    assert (gaps.missing, gaps.extra, sum(each["missing"] for each in gaps.ranges)) == (200, 0, 200)
    starts = {each["start"] for each in gaps.ranges}
    assert {f"{np.datetime64(int(minute), 'm')}:00Z" for minute in every[lost][:1]} <= starts


def test_a_halt_is_long_and_alone():
    """Ten sessions and more without a bar in a series that trades every day are a halt, fewer are missing."""
    for lost, verdict in ((9, "missing"), (10, "halted")):
        dates = days_of("XNYS", "2024-01-02", "2024-06-28")
        gaps = daily(table("XNYS"), [*dates[:50], *dates[50 + lost :]])
        assert (gaps.verdict, spans(gaps)[0][2:]) == (verdict, (lost, verdict))


def test_two_lonely_losses_are_no_thin_trading():
    """Two ranges near each other are missing; five are thin trading, and so is a sixth beside them."""
    dates = days_of("XNYS", "2024-01-02", "2024-12-31")
    for lost, verdict in (
        ((50, 55), "missing"),
        ((50, 53, 56, 59, 62), "thinly traded"),
        ((50, 53, 56, 59, 62, 78), "thinly traded"),
    ):
        gaps = daily(table("XNYS"), [date for at, date in enumerate(dates) if at not in lost])
        assert {each["verdict"] for each in gaps.ranges} == {verdict}


def test_tolerance():
    """Up to the tolerated share of expected bars may be missing; the ranges are listed all the same."""
    dates = days_of("XNYS", "2024-01-02", "2024-12-31")
    for tolerance, verdict in ((0.0, "missing"), (0.01, "complete")):
        gaps = daily(table("XNYS"), [*dates[:100], *dates[102:]], tolerance=tolerance)
        assert (gaps.verdict, gaps.missing, len(gaps.ranges)) == (verdict, 2, 1)


def test_what_the_calendar_does_not_reach_is_not_judged():
    """Bars before the first or after the last session of the table are counted apart, neither missing nor extra."""
    short = table("XNYS", "2020-01-01", "2020-12-31")
    gaps = daily(short, ["2019-12-30", "2020-01-02", "2020-01-03", "2021-01-04", "2021-06-01"])
    assert (gaps.unjudged, gaps.expected, gaps.missing, gaps.verdict) == (3, 2, 0, "complete")
    assert daily(short, ["2019-12-30", "2021-06-01"]).verdict == "not judged"
    assert (gaps.start, gaps.end) == ("2019-12-30", "2021-06-01")


def test_no_calendar_and_no_bars_are_said():
    """A series without a calendar is not complete, and neither is one without bars."""
    gaps = daily(None, ["2024-01-02", "2024-03-01"])
    assert (gaps.verdict, gaps.rows, gaps.start, gaps.missing) == ("no calendar", 2, "2024-01-02", 0)
    assert daily(table("XNYS"), []).verdict == "no bars"


def test_an_early_close_and_a_bar_after_it():
    """After the early close of Christmas Eve no bar is expected, and one that is there is extra."""
    stamps = [*bars_of("XNYS", "2024-12-23", "2024-12-26", 5), moment("2024-12-24 18:00")]
    gaps = within(table("XNYS"), stamps, 5)
    assert (gaps.missing, gaps.extra, gaps.extra_ranges[0]["start"]) == (0, 1, "2024-12-24T18:00:00Z")


@given(
    sessions=st.lists(st.integers(19_000, 19_120), unique=True, min_size=1, max_size=90),
    bars=st.lists(st.integers(18_990, 19_130), unique=True, min_size=1, max_size=90),
    halted_after=st.integers(1, 12),
)
def test_any_days_equal_the_oracle(tmp_path_factory, sessions, bars, halted_after):
    """Any bars on any calendar give the ranges, the verdicts and the extra rows of plain Python."""
    calendar = made(tmp_path_factory.mktemp("made"), [EPOCH + dt.timedelta(each) for each in sorted(sessions)])
    gaps = find(np.array(sorted(bars), np.int64), "daily", calendar, 0.0, halted_after)
    judged = sorted(each for each in bars if min(sessions) <= each <= max(sessions))
    expected = [each for each in sorted(sessions) if judged and judged[0] <= each <= judged[-1]]
    runs = missing_runs(expected, judged)
    found = [(day(each["start"]), day(each["end"]), each["missing"], each["verdict"]) for each in gaps.ranges]
    kinds = verdicts(expected, judged, [len(run) for run in runs], halted_after)
    assert found == [(expected[run[0]], expected[run[-1]], len(run), kind) for run, kind in zip(runs, kinds, strict=True)]
    assert gaps.extra == len(set(judged) - set(sessions))
    assert gaps.unjudged == len(bars) - len(judged)


@settings(deadline=None, max_examples=50)
@given(lost=st.sets(st.integers(1, 600), max_size=120), calendar=st.sampled_from(["XNYS", "XHKG", "24/5"]))
def test_any_bars_within_a_day_equal_the_oracle(lost, calendar):
    """Any bars lost of any sessions give the ranges and verdicts of plain Python."""
    every = bars_of(calendar, "2024-11-20", "2024-12-30", 15)
    kept = [each for at, each in enumerate(every) if at not in lost or at == len(every) - 1]
    gaps = within(table(calendar), kept, 15)
    runs = missing_runs(every, kept)
    assert [moment(each["start"][:16].replace("T", " ")) for each in gaps.ranges] == [every[run[0]] for run in runs]
    kinds = verdicts(every, kept, [each["sessions"] for each in gaps.ranges], 10)
    assert [each["verdict"] for each in gaps.ranges] == kinds
    days = table(calendar).between("2024-11-20", "2024-12-30")
    touched = [
        sum(1 for each in days if each.open < every[run[-1]] + dt.timedelta(minutes=15) and each.close > every[run[0]])
        for run in runs
    ]
    assert [each["sessions"] for each in gaps.ranges] == touched
