"""Stamps of a file: one form, settled by all stamps together, and one instant for each."""

import datetime as dt
import random
from zoneinfo import ZoneInfo

import pytest

from barmill.errors import InputError
from barmill.market.clock import DOUBLED, SKIPPED, Clock, Form, NoStamp, decide


@pytest.mark.parametrize(
    ("stamps", "forms"),
    [
        (["2024-01-31"], ["ymd"]),
        (["20240131"], ["ymd"]),
        (["202401310930"], ["ymd"]),
        (["20240131093000"], ["ymd"]),
        (["31.01.2024"], ["dmy"]),
        (["01.02.2024", "03.04.2024"], ["dmy"]),
        (["31/01/2024", "01/02/2024"], ["dmy"]),
        (["01/31/2024", "01/02/2024"], ["mdy"]),
        (["01-31-2024"], ["mdy"]),
        (["01/02/2024", "03/04/2024"], ["dmy", "mdy"]),
        (["01-02-2024 09:30"], ["dmy", "mdy"]),
        (["01/01/2024", "02/02/2024"], ["dmy"]),
        (["31/12/69"], ["dmy"]),
        (["31.12.99", "30.12.99"], ["dmy"]),
        (["31/01/2024", "30/01/2024", "01/31/2024", "01/02/2024"], ["dmy", "mdy"]),
        (["10/11/12"], ["dmy", "mdy", "yymmdd"]),
        (["99/12/31"], ["yymmdd"]),
        (["1704204000"], ["seconds"]),
        (["1704204000000"], ["milliseconds"]),
        (["1704204000000000"], ["microseconds"]),
        (["1704204000000000000"], ["nanoseconds"]),
        (["-86400", "0", "86400", "1704204000"], ["seconds"]),
        (["31 Jan 2024"], ["ymd"]),
        ([], ["ymd"]),
        (["x"], ["ymd"]),
    ],
)
def test_form_of_a_file(stamps, forms):
    """The stamps that have one reading settle those that have two; where none does, all readings are returned."""
    assert [each.dates for each in decide(stamps)] == forms


@pytest.mark.parametrize(("order", "found"), [("dmy", "20240201"), ("mdy", "20240102")])
def test_a_known_order_settles_the_dates(order, found):
    """The caller's order decides ambiguous dates."""
    (form,) = decide(["01/02/2024"], order)
    assert Clock("daily", "", form).stamp("01/02/2024") == f"{found},000000"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("31/01/2024", "20240131,000000"),
        ("31-1-2024 9:30", "20240131,093000"),
        ("31.01.2024 00:00:00.000", "20240131,000000"),
        ("31.01.2024 09:30:00.000 GMT+0100", "20240131,083000"),
        ("31-Jan-2024 09:30", "20240131,093000"),
        ("31 January 2024 09:30", "20240131,093000"),
        ("Jan 31, 2024 9:30 PM", "20240131,213000"),
        ("Jan 31, 2024 12:05 am", "20240131,000500"),
        ("2024/1/31 9:30", "20240131,093000"),
        ("20240131 93000", "20240131,093000"),
        ("20240131 093000", "20240131,093000"),
        ("20240131093000", "20240131,093000"),
        ("202401310930", "20240131,093000"),
        ("2024-01-31T09:30Z", "20240131,093000"),
        ("2024-01-31 09:30 +02:00", "20240131,073000"),
    ],
)
def test_spellings_of_an_instant(text, found):
    """A stamp may have any of these spellings, within one form of dates."""
    (form,) = decide([text])
    assert Clock("5min", "UTC", form).stamp(text if ":" in text or len(text) > 10 else f"{text} 00:00") == found


@pytest.mark.parametrize(
    ("times", "found"),
    [
        (["93000", "153000"], ["093000", "153000"]),
        (["0", "500", "1000", "93000"], ["000000", "000500", "001000", "093000"]),
        (["930", "1530"], ["093000", "153000"]),
        (["0930", "1530"], ["093000", "153000"]),
        (["9:30", "15:30"], ["093000", "153000"]),
        (["093000000", "153000000"], ["093000", "153000"]),
    ],
)
def test_times_without_marks(times, found):
    """How many digits a time has is decided from the longest of the file."""
    stamps = [f"20240131 {time}" for time in times]
    (form,) = decide(stamps)
    clock = Clock("1min", "", form)
    assert [clock.stamp(stamp).partition(",")[2] for stamp in stamps] == found


@pytest.mark.parametrize("unit", [1, 10**3, 10**6, 10**9])
def test_epochs(unit):
    """An epoch in any unit is the instant, whatever zone was named."""
    stamp = str(1704204000 * unit)
    (form,) = decide([stamp])
    assert Clock("hourly", "Europe/Warsaw", form).stamp(stamp) == "20240102,140000"


def test_epochs_of_another_unit_are_not_stamps():
    """In a file of milliseconds a number of seconds is rejected, not taken for a day of 1970."""
    (form,) = decide(["1704204000000", "1704204060000", "1704204120"])
    with pytest.raises(NoStamp):
        Clock("1min", "", form).stamp("1704204120")


@pytest.mark.parametrize(
    "text", ["2024-02-31 10:00", "2024-13-01 10:00", "31.13.2024 10:00", "2024-01-31 25:00", "", "x", "10:00"]
)
def test_no_stamps(text):
    """A text that names no moment is not a stamp, or is left to the parser, which rejects it."""
    try:
        found = Clock("5min", "Europe/Warsaw", Form("dmy")).stamp(text)
    except NoStamp:
        return
    pytest.fail(found)


WARSAW = ZoneInfo("Europe/Warsaw")
NEW_YORK = ZoneInfo("America/New_York")


def night(zone, first, step, count):
    """Instants, and the wall clock's text of each."""
    moments = [first + dt.timedelta(minutes=step * number) for number in range(count)]
    return [(moment, f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}") for moment in moments]


def resolved(zone, lines):
    """Instant, or the reason of its rejection, of each line."""
    clock = Clock("15min", zone.key)
    clock.settle(list(enumerate(text for _, text in lines)))
    found = []
    for number, (_, text) in enumerate(lines):
        try:
            found.append(dt.datetime.strptime(f"{clock.stamp(text, number)}+0000", "%Y%m%d,%H%M%S%z"))
        except NoStamp as error:
            found.append(str(error))
    return found


@pytest.mark.parametrize(
    ("zone", "first"),
    [
        (WARSAW, dt.datetime(2023, 10, 28, 23, 0, tzinfo=dt.UTC)),
        (NEW_YORK, dt.datetime(2024, 11, 3, 4, 0, tzinfo=dt.UTC)),
        (ZoneInfo("Australia/Lord_Howe"), dt.datetime(2024, 4, 6, 13, 0, tzinfo=dt.UTC)),
        (ZoneInfo("America/Havana"), dt.datetime(2024, 11, 3, 3, 0, tzinfo=dt.UTC)),
    ],
)
@pytest.mark.parametrize("step", [15, 30])
def test_the_doubled_hour_up_and_down(zone, first, step):
    """Lines that ascend and lines that descend give the same instants in the hour that comes twice."""
    lines = night(zone, first, step, 20)
    assert resolved(zone, lines) == [moment for moment, _ in lines]
    assert resolved(zone, lines[::-1]) == [moment for moment, _ in lines[::-1]]


def test_the_doubled_hour_in_any_order():
    """In any other order a line of the doubled hour is rejected or right, never an hour off."""
    lines = night(NEW_YORK, dt.datetime(2024, 11, 3, 4, 0, tzinfo=dt.UTC), 15, 16)
    for seed in range(50):
        random.Random(seed).shuffle(lines)
        assert all(found in {moment, DOUBLED} for found, (moment, _) in zip(resolved(NEW_YORK, lines), lines, strict=True))


def test_one_round_of_the_doubled_hour_is_not_guessed():
    """Where the file has one round only, nothing says which: its lines are rejected, in each order alike."""
    lines = [
        line
        for at, line in enumerate(night(NEW_YORK, dt.datetime(2024, 11, 3, 4, 30, tzinfo=dt.UTC), 30, 6))
        if at not in {1, 2}
    ]
    expected = [lines[0][0], DOUBLED, DOUBLED, lines[3][0]]
    assert resolved(NEW_YORK, lines) == expected
    assert resolved(NEW_YORK, lines[::-1]) == expected[::-1]


def test_the_skipped_hour_is_rejected():
    """A time that the clocks skipped is not a stamp."""
    lines = [(None, "2024-03-31 01:45:00"), (None, "2024-03-31 02:15:00"), (None, "2024-03-31 03:00:00")]
    assert resolved(WARSAW, lines)[1] == SKIPPED


@pytest.mark.parametrize(
    ("text", "home", "date"),
    [
        ("2024-01-04T15:00:00Z", "Asia/Tokyo", "20240105"),
        ("2024-01-05T00:00:00+09:00", "Asia/Tokyo", "20240105"),
        ("2024-01-04 13:00:00+00:00", "Australia/Sydney", "20240105"),
        ("2024-01-05T21:00:00Z", "America/New_York", "20240105"),
        ("2024-07-05T04:00:00Z", "America/New_York", "20240705"),
        ("2024-07-04T23:00:00Z", "Europe/London", "20240705"),
        ("2024-01-05T00:00:00Z", "America/New_York", "20240105"),
        ("2024-01-05 00:00:00-05:00", "America/New_York", "20240105"),
        ("2024-01-05 16:00:00", "Asia/Tokyo", "20240105"),
        ("2024-01-04T15:00:00Z", "", "20240104"),
    ],
)
def test_daily_stamps_get_the_exchanges_date(text, home, date):
    """A daily stamp with a time and an offset is of the exchange's day; midnight is a label and stays."""
    clock = Clock("daily", "", Form(), home)
    assert clock.stamp(text) == f"{date},000000"
    assert clock.kept == (not home)


def test_daily_epochs_get_the_exchanges_date():
    """An epoch is an instant: 15:00 in UTC is the next day in Tokyo."""
    (form,) = decide(["1704380400"])
    assert Clock("daily", "", form, "Asia/Tokyo").stamp("1704380400") == "20240105,000000"


def test_several_bars_on_a_day_are_not_daily():
    """Two times on one date are refused where daily bars are wanted."""
    clock = Clock("daily")
    clock.stamp("2024-01-31 10:00")
    with pytest.raises(InputError, match="several bars on 2024-01-31"):
        clock.stamp("2024-01-31 11:00")
