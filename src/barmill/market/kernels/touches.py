"""First passage of levels around an entry, and what a position with target, stop and horizon comes to.

Prices are in the quote unit, stamps in microseconds. A touch is a number of bars after the entry's; 0 means none.
"""

import numpy as np
from numpy.typing import NDArray

from barmill.market.kernels.jit import kernel, part

Floats = NDArray[np.float64]
Stamps = NDArray[np.int64]
Counts = NDArray[np.int32]

MINUTE = 60_000_000
FINEST = 1e6  # of a pip: results are whole millionths, and a level is touched from a millionth of a pip before it
TARGET, STOP, NONE, AMBIGUOUS, CENSORED = range(5)


@kernel
def scan(
    time: Stamps, o: Floats, h: Floats, low: Floats, c: Floats, levels: Floats, slack: float, horizons: Stamps,
    up: Counts, up_low: Floats, down: Counts, down_high: Floats, end: Counts, end_high: Floats, end_low: Floats,
) -> None:  # fmt: skip
    """One look forward from the close of each bar, as far as the longest horizon.

    up[k, i] is the first bar that reaches levels[k] above the close of bar i, up_low[k, i] the lowest price until then:
    of the bars between, and the open of that bar; down and down_high likewise below. end[k, i] is the last bar within
    horizons[k], end_high and end_low the extremes up to and with it. The entry itself counts among the extremes.
    """
    count, ends = len(levels), len(horizons)
    for i in range(len(c)):
        entry = highest = lowest = c[i]
        above, below, horizon = 0, 0, 0
        next_up, next_down = entry + levels[0] - slack, entry - levels[0] + slack
        next_end = time[i] + horizons[0]
        j = i + 1
        while True:
            while horizon < ends and (j == len(c) or time[j] > next_end):
                end[horizon, i], end_high[horizon, i], end_low[horizon, i] = j - 1 - i, highest, lowest
                horizon += 1
                if horizon < ends:
                    next_end = time[i] + horizons[horizon]
            if horizon == ends:
                break
            while h[j] >= next_up:
                up[above, i], up_low[above, i] = j - i, min(lowest, o[j])
                above += 1
                next_up = entry + levels[above] - slack if above < count else np.inf
            while low[j] <= next_down:
                down[below, i], down_high[below, i] = j - i, max(highest, o[j])
                below += 1
                next_down = entry - levels[below] + slack if below < count else -np.inf
            highest, lowest = max(highest, h[j]), min(lowest, low[j])
            j += 1


@part
def whole(value: float) -> float:
    """The nearest whole millionth."""
    return float(np.rint(value * FINEST) / FINEST)


@kernel
def outcomes(
    time: Stamps, o: Floats, c: Floats, sign: float, pip: float, target: float, stop: float, horizon: int, tie: int,
    at_target: Counts, worst: Floats, at_stop: Counts, best: Floats, at_end: Counts, end_best: Floats, end_worst: Floats,
    outcome: NDArray[np.int8], magnitude: Floats, to_target: Counts, to_stop: Counts, mfe: Floats, mae: Floats, r: Floats,
) -> None:  # fmt: skip
    """What a position opened at each close comes to; `market.touches` describes the columns that it writes.

    sign is 1 for a position that gains from rising prices, -1 for the other; target and stop are in pips. worst is the
    most adverse price before the target is touched, best the most favourable before the stop is; tie is the outcome
    where one bar touches both and does not open beyond either.
    """
    n = len(c)
    for i in range(n):
        a = at_target[i] if at_target[i] <= at_end[i] else 0
        b = at_stop[i] if at_stop[i] <= at_end[i] else 0
        to_target[i] = (time[i + a] - time[i]) // MINUTE
        to_stop[i] = (time[i + b] - time[i]) // MINUTE
        if a > 0 and (b == 0 or a < b):
            found = TARGET
        elif b > 0 and (a == 0 or b < a):
            found = STOP
        elif a == 0:
            found = NONE if time[i] + horizon <= time[n - 1] else CENSORED
        else:
            opened = whole(sign * (o[i + a] - c[i]) / pip)
            found = TARGET if opened >= target else STOP if opened <= -stop else tie
        outcome[i] = found
        if found == TARGET:
            magnitude[i] = mfe[i] = max(target, whole(sign * (o[i + a] - c[i]) / pip))
            mae[i] = max(0.0, whole(sign * (c[i] - worst[i]) / pip))
        elif found == STOP:
            magnitude[i] = min(-stop, whole(sign * (o[i + b] - c[i]) / pip))
            mae[i], mfe[i] = -magnitude[i], max(0.0, whole(sign * (best[i] - c[i]) / pip))
        elif found == NONE:
            magnitude[i] = whole(sign * (c[i + at_end[i]] - c[i]) / pip)
            mfe[i], mae[i] = whole(sign * (end_best[i] - c[i]) / pip), whole(sign * (c[i] - end_worst[i]) / pip)
        else:
            magnitude[i] = mfe[i] = mae[i] = np.nan
        r[i] = magnitude[i] / stop
