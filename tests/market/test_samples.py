"""The border between in sample and out of it: a date that new bars do not move."""

import datetime as dt

import numpy as np
import pytest

from barmill.errors import ConfigError
from barmill.market import border as setting
from barmill.market.samples import border, split, text_of

MINUTE = 60_000_000


def stamps(first, last, minutes=60):
    """Stamps from one moment to another, microseconds since 1970."""
    start, end = (int(np.datetime64(each, "us").astype(np.int64)) for each in (first, last))
    return np.arange(start, end + 1, minutes * MINUTE)


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("2010-03-05", "2022-08-09", "2018-01-01T00:00Z"),  # ten years: the start of a year
        ("2022-01-15", "2023-05-20", "2022-12-01T00:00Z"),  # ten months: of a month
        ("2023-05-01T07:00", "2023-05-20T12:00", "2023-05-14T00:00Z"),  # ten days: of a day
        ("2023-05-01T07:30", "2023-05-03T12:30", "2023-05-02T20:00Z"),  # ten hours: of an hour
    ],
)
def test_a_share_becomes_the_start_of_a_period(first, last, expected):
    """Of the coarsest that the rows span ten of, and in which the share begins."""
    time = stamps(first, last, 30)
    moment = border(time, 0.3)
    assert text_of(moment) == expected
    inside = split(time, 0.3)
    assert time[inside - 1] < moment <= time[inside]
    assert 0.58 < inside / len(time) <= 0.7


def test_a_date_is_the_border():
    """Whatever rows there are: before it they are in sample, from its start in UTC on they are not."""
    time = stamps("2023-05-01", "2023-05-20")
    assert setting.of_setting(dt.date(2023, 5, 9)) == "2023-05-09"
    for part in (time, time[:300], time[100:]):
        assert text_of(border(part, "2023-05-09")) == "2023-05-09T00:00Z"
    assert split(time, "2023-05-09") == 8 * 24
    assert split(time, "2024-01-01") == len(time)
    assert split(time, "2020-01-01") == 0


@pytest.mark.parametrize(("first", "minutes", "most"), [("2010-01-01", 240, 1), ("2020-01-01", 60, 1), ("2023-06-01", 60, 23)])
def test_new_bars_hardly_ever_move_the_border(first, minutes, most):
    """A month of new bars moves the border of years of them once at most, that of months of them no more often than by days."""
    time = stamps(first, "2024-01-31", minutes)
    start = int(np.searchsorted(time, stamps("2024-01-01", "2024-01-01")[0]))
    found = [border(time[:size], 0.3) for size in range(start, len(time), max(1, (len(time) - start) // 500))]
    moves = np.diff(found)
    assert np.count_nonzero(moves) <= most
    assert (moves >= 0).all()


def test_a_share_of_none_leaves_all_in_sample():
    """And no rows have no border to speak of."""
    time = stamps("2023-05-01", "2023-05-20")
    assert split(time, 0.0) == len(time)
    assert split(time[:0], 0.3) == split(time[:1], 0.3) == 0


def test_few_rows_are_divided_at_a_row():
    """Within ten hours no period is long enough to start: 7 of 10 rows are in sample, and 350 of 500."""
    time = stamps("2023-05-01T00:00", "2023-05-01T09:00", 1)
    for count in (10, 500):
        assert split(time[:count], 0.3) == count * 7 // 10


@pytest.mark.parametrize("share", [1.0, -0.1, float("nan")])
def test_what_is_not_a_share(share):
    """It is refused with the value and an example."""
    with pytest.raises(ConfigError, match=f"out_of_sample: {share}"):
        setting.of_setting(share)
