"""Barriers whose distance follows volatility: the triple-barrier method (Lopez de Prado 2018, chapter 3).

The volatility at a bar is the exponentially weighted deviation of returns over a day: of the close against that of the last bar
more than a day before. Successive ones share most of their day: what w days of them say of a walk is the root of
1 - (2 / w^2) (w / 2 - 1 / 6) of its deviation, 0.58 after one day, 0.84 after three, 0.95 after ten. So the first three days'
volatility has no event. An event is a bar at which the moves of ln(close) since the last event add up to more than a threshold
(symmetric CUSUM filter). From there the close runs until it has gained or lost its barriers, or the horizon is over.

A close that is not positive has no return: such a bar has no volatility and no event, and ends nothing; the others are as if it
were not there. Everything about an event but its outcome is known at its bar. Of the events whose horizon reaches beyond the
data only what ended quickly is known: do not count the outcomes of any of them.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from barmill.market import arrays
from barmill.market.series import MINUTE, Series

if TYPE_CHECKING:
    import pyarrow as pa

OUTCOMES = ("profit", "loss", "time", "censored")
_DAY = 1440 * MINUTE
_SETTLED = 3  # days


def volatility(series: Series, span: int) -> NDArray[np.float64]:
    """Volatility of returns over a day at each bar, NaN where it is not yet known; shape (n,), a plain number.

    Args:
        series: n bars.
        span: of the weights in bars: each bar's is 1 - 2 / (span + 1) times the next one's.
    """
    from barmill.market.kernels import barriers as kernels

    found, valued = np.full(len(series), np.nan), np.flatnonzero(series.close > 0)
    there = series[valued]
    before = _day_before(there)
    known = np.flatnonzero(before >= 0)
    deviation = np.empty(len(known))
    kernels.deviation(there.close[known] / there.close[before[known]] - 1, 2 / (span + 1), deviation)
    found[valued[known]] = deviation
    return found


def settled(series: Series, scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """The volatility where it rests on the returns of three days or more, NaN elsewhere; shape (n,).

    Args:
        series: n bars.
        scale: what `volatility` says of them. A day has as many bars as the fullest one so far.
    """
    known = np.flatnonzero(~np.isnan(scale))
    day = np.maximum.accumulate(known - _day_before(series)[known])
    found = np.full(len(scale), np.nan)
    rests = known[np.arange(len(known)) >= _SETTLED * day]
    found[rests] = scale[rests]
    return found


def _day_before(series: Series) -> NDArray[np.int64]:
    """Position of the last bar more than a day before each; -1 where there is none."""
    return np.searchsorted(series.time, series.time - _DAY) - 1


def sample(series: Series, threshold: NDArray[np.float64]) -> NDArray[np.int64]:
    """Positions of the events; a bar without threshold (NaN) is none, and no move up to it counts.

    A bar whose close is not positive has no event; the move across it counts.

    Args:
        series: n bars.
        threshold: what the sum of moves must pass at each bar, in ln(close); shape (n,).
    """
    from barmill.market.kernels import barriers as kernels

    valued = np.flatnonzero(series.close > 0)
    found = np.empty(len(valued), np.int64)
    return valued[found[: kernels.cusum(np.log(series.close[valued]), threshold[valued], found)]]


def label(
    series: Series, events: NDArray[np.int64], scale: NDArray[np.float64], profit: float, loss: float, horizon: int
) -> "pa.Table":
    """Outcomes of events, a row each.

    Args:
        series: n bars.
        events: ascending positions; those whose `scale` is not known, or whose close is not positive, are left out.
        scale: volatility at each bar, shape (n,).
        profit: distance of the upper barrier in volatilities; the return must pass it.
        loss: distance of the lower one.
        horizon: minutes to the vertical barrier, which is the first bar with a positive close at or after them.

    Returns:
        `time`, `entry` (close), `volatility`, `end` (stamp of the bar at which it ended), `gain` (return until then),
        `outcome` (profit, loss, time; censored where the data ended first), `label` (1, -1, 0; null where censored). `end`
        and `gain` are null where censored.
    """
    import pyarrow as pa

    from barmill.market.kernels import barriers as kernels

    valued = series.close > 0
    events = events[~np.isnan(scale[events]) & valued[events]]
    wide = scale[events]
    series, events = series[valued], (np.cumsum(valued) - 1)[events]
    n = len(series)
    vertical = np.searchsorted(series.time, series.time[events] + horizon * MINUTE)
    ends = np.empty(len(events), np.int64)
    kernels.passage(series.close, events, np.minimum(vertical, n - 1), profit * wide, loss * wide, ends)
    gain = series.close[ends] / series.close[events] - 1
    codes = np.where(vertical == n, np.int8(3), np.int8(2))
    codes = np.where(gain > profit * wide, np.int8(0), np.where(gain < -loss * wide, np.int8(1), codes))
    known = codes != OUTCOMES.index("censored")
    return pa.table(
        {
            "time": arrays.utc(series.time[events]),
            "entry": arrays.arrow(series.close[events]),
            "volatility": arrays.arrow(wide),
            "end": arrays.utc(series.time[ends], known),
            "gain": arrays.arrow(gain, known=known),
            "outcome": arrays.coded(codes, OUTCOMES),
            "label": arrays.arrow(np.array([1, -1, 0, 0], np.int8)[codes], known=known),
        }
    )
