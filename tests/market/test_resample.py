"""Coarser bars of finer ones: by hand, and as the suppliers of real bars at several frequencies have them."""

import csv
import datetime as dt

import numpy as np
import pytest

from barmill.market.resample import resample
from barmill.market.series import Series
from tests.support.real import real_data
from tests.support.series import MINUTE, MONDAY, bars, walk


def test_five_minutes_by_hand():
    """First open, highest high, lowest low, last close, sum of the known volumes; stamped at the start."""
    series = bars(*[(k, k + 2, k - 1, k + 1) for k in range(1, 11)])
    volume = np.array([1, 2, np.nan, 4, 5, *[np.nan] * 5])
    found, last = resample(Series(**{**vars(series), "volume": volume}), 5, 1)
    assert ((found.time - MONDAY) // MINUTE).tolist() == [0, 5]
    prices = [getattr(found, name).tolist() for name in ("open", "high", "low", "close")]
    assert prices == [[1, 6], [7, 12], [0, 5], [6, 11]]
    np.testing.assert_array_equal(found.volume, [12, np.nan])
    assert last.tolist() == [4, 9]


def test_broken_periods_at_the_ends_are_left_out():
    """A period whose start or end lies beyond the series has no bar; one with a hole inside has."""
    series = walk(60)
    kept = np.ones(60, bool)
    kept[[0, 1, 22, 58, 59]] = False
    found, last = resample(series[kept], 15, 1)
    assert ((found.time - MONDAY) // MINUTE).tolist() == [15, 30]
    assert series[kept].time[last].tolist() == [series.time[29], series.time[44]]
    assert found.high[0] == series.high[kept & (np.arange(60) // 15 == 1)].max()


def test_periods_without_a_bar_are_left_out():
    """Nothing is made where nothing is."""
    series = walk(60)
    found, _ = resample(series[np.r_[0:15, 45:60]], 15, 1)
    assert ((found.time - MONDAY) // MINUTE).tolist() == [0, 45]


def test_the_same_frequency_is_the_series():
    """One minute from one minute changes nothing."""
    series = walk(10)
    found, last = resample(series, 1, 1)
    assert found is series
    assert last.tolist() == list(range(10))


@pytest.mark.parametrize(("minutes", "own"), [(5, 2), (7, 1)])
def test_lengths_that_do_not_fit(minutes, own):
    """A length that is no multiple of the finer one, or divides no day, is an error."""
    with pytest.raises(ValueError, match=f"{minutes} minutes"):
        resample(walk(10), minutes, own)


def test_an_empty_series():
    """No bars make no bars."""
    assert len(resample(walk(3)[:0], 5, 1).bars) == 0


def read(path, header):
    """A supplier's CSV of stamp and five numbers as a series; stray bytes before the first stamp are dropped."""
    rows = list(csv.reader(path.read_text().splitlines()[header:]))
    moments = [dt.datetime.fromisoformat(row[0].removeprefix("-(")).replace(tzinfo=dt.UTC) for row in rows]
    time = np.array([int(moment.timestamp()) * 1_000_000 for moment in moments])
    return Series(time, *np.array([[float(value) for value in row[1:]] for row in rows]).T)


MT5 = ("eurusd-mt5", "EURUSD_{}.csv", 0)
CRYPTO = ("crypto-1m-5m", "ADAUSDT_{}.csv", 1)


@pytest.mark.real
@pytest.mark.parametrize(
    ("source", "fine", "coarse", "own", "minutes", "fewest"),
    [
        (MT5, "M1", "M15", 1, 15, 3359),
        (MT5, "M1", "H4", 1, 240, 216),
        (MT5, "M15", "H4", 15, 240, 3233),
        (CRYPTO, "1m", "5m", 1, 5, 8639),
        (CRYPTO, "1m", "60m", 1, 60, 719),
        (CRYPTO, "5m", "60m", 5, 60, 719),
    ],
)
def test_real_bars_of_two_frequencies_agree(source, fine, coarse, own, minutes, fewest):
    """Where a supplier's coarser bars lie within the finer series, ours are there at the same stamps, and equal to the bit."""
    folder, name, header = source
    made = resample(read(real_data(folder, name.format(fine)), header), minutes, own).bars
    theirs = read(real_data(folder, name.format(coarse)), header)
    theirs = theirs[(theirs.time >= made.time[0]) & (theirs.time <= made.time[-1])]
    made = made[(made.time >= theirs.time[0]) & (made.time <= theirs.time[-1])]
    assert len(made) >= fewest
    for column in vars(made):
        np.testing.assert_array_equal(getattr(made, column), getattr(theirs, column), err_msg=column)
