"""Bars of one frequency from those of a finer one."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from barmill.market.series import MINUTE, Series


class Resampled(NamedTuple):
    """Coarser bars, and where they come from.

    Attributes:
        bars: the coarser bars; `time` is where each one's period starts.
        last: int64, for each the position in the finer series of the last bar it was made of: once that has closed, the
            coarser bar is known.
    """

    bars: Series
    last: NDArray[np.int64]


def resample(series: Series, minutes: int, own: int) -> Resampled:
    """Bars of `minutes`, from bars of `own` minutes.

    A period starts where the minutes since midnight UTC are a whole multiple of `minutes`, and takes the finer bars that
    start in it: the first open, highest high, lowest low, last close, sum of the volumes (of those that are known; NaN if
    none is). Periods without a bar are left out. So is the first one, unless the finer bar that starts it is there, and the
    last, unless the one that ends it is: bars beyond the series would change them.

    Args:
        series: the finer bars, stamped at their start.
        minutes: length of the coarser bars; a whole multiple of `own` and a divisor of a day, else ValueError.
        own: length of the finer bars.
    """
    if minutes % own or 1440 % minutes:
        raise ValueError(f"bars of {minutes} minutes can't be made of bars of {own}")
    if minutes == own:
        return Resampled(series, np.arange(len(series)))
    period = series.time // (minutes * MINUTE)
    first = np.flatnonzero(np.diff(period, prepend=period[:1] - 1))
    last = np.append(first[1:], len(series)) - 1
    starts = len(first) > 0 and series.time[0] > period[0] * minutes * MINUTE
    ends = len(first) > 0 and series.time[-1] + own * MINUTE < (period[-1] + 1) * minutes * MINUTE
    whole = slice(int(starts), len(first) - int(ends))
    return Resampled(_merge(series, period * minutes * MINUTE, first[whole], last[whole]), last[whole])


def _merge(series: Series, start: NDArray[np.int64], first: NDArray[np.int64], last: NDArray[np.int64]) -> Series:
    """One bar of each run of bars from `first` to `last`, stamped with the `start` of its first."""
    if not len(first):
        return series[:0]
    series, time = series[: last[-1] + 1], start[first]
    known = ~np.isnan(series.volume)
    volume = np.add.reduceat(np.where(known, series.volume, 0.0), first)
    return Series(
        time,
        series.open[first],
        np.maximum.reduceat(series.high, first),
        np.minimum.reduceat(series.low, first),
        series.close[last],
        np.where(np.logical_or.reduceat(known, first), volume, np.nan),
    )
