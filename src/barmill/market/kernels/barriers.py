"""Sampling of events and first passage of barriers whose distance is a multiple of volatility."""

import math

import numpy as np
from numpy.typing import NDArray

from barmill.market.kernels.jit import kernel

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


@kernel
def deviation(values: Floats, decay: float, out: Floats) -> None:
    """Exponentially weighted standard deviation, unbiased, of the values up to each; NaN for the first."""
    keep = 1 - decay
    weight = squares = mean = spread = 0.0
    for i in range(len(values)):
        weight, squares = weight * keep + 1, squares * keep * keep + 1
        moved = values[i] - mean
        mean += moved / weight
        spread = keep * spread + moved * (values[i] - mean)
        bias = weight - squares / weight
        out[i] = math.sqrt(spread / bias) if i > 0 and spread >= 0 else np.nan


@kernel
def cusum(values: Floats, threshold: Floats, out: Places) -> int:
    """Places where the sum of moves, restarted at 0 by each event, leaves the threshold of that place; returns how many.

    It is 0, too, where there is no threshold (NaN).
    """
    found, rise, fall = 0, 0.0, 0.0
    for i in range(1, len(values)):
        move = values[i] - values[i - 1]
        rise, fall = max(0.0, rise + move), min(0.0, fall + move)
        if math.isnan(threshold[i]):
            rise = fall = 0.0
        if fall < -threshold[i]:
            fall, out[found] = 0.0, i
            found += 1
        elif rise > threshold[i]:
            rise, out[found] = 0.0, i
            found += 1
    return found


@kernel
def passage(close: Floats, starts: Places, ends: Places, above: Floats, below: Floats, out: Places) -> None:
    """First place after each start, up to its end, whose return is above or below the barriers; its end if there is none."""
    for k in range(len(starts)):
        out[k] = ends[k]
        for j in range(starts[k] + 1, ends[k] + 1):
            gain = close[j] / close[starts[k]] - 1
            if gain > above[k] or gain < -below[k]:
                out[k] = j
                break
