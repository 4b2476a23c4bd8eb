"""Sums and averages over a series: the parts that indicators are made of.

A series is a float64 array without NaN, oldest first. Where a result has no value yet it is NaN. No result depends on what
comes after it, so a longer series gives the same values, to the bit.
"""

import numpy as np
import numpy.typing as npt

from barmill.market.indicators.ta import TALIB

Array = npt.NDArray[np.float64]


def window_sum(x: Array, n: int) -> Array:
    """Sum of the last `n` values.

    Each sum is made of its own window only, by doubling: n = 20 adds a sum of 16 to one of 4. TA-Lib's running sum (0.8.1)
    keeps a trace of what left the window, so that the sum of 20 zeros after other values is 4e-9.
    """
    out = np.full(len(x), np.nan)
    size = len(x) - n + 1
    if size <= 0:
        return out
    total = np.zeros(size)
    span, part, end = 1, x, len(x)
    while n:
        if n & 1:
            total += part[end - size : end]
            end -= span
        n >>= 1
        if n:
            part, end = part[span:] + part[:-span], end - span
            span *= 2
    out[-size:] = total
    return out


def mean(x: Array, n: int) -> Array:
    """Plain average of the last `n` values."""
    return window_sum(x, n) / n


def deviation(x: Array, n: int) -> Array:
    """Population standard deviation of the last `n` values; exactly 0 where they are equal."""
    out = np.full(len(x), np.nan)
    if len(x) >= n:
        windows = np.lib.stride_tricks.sliding_window_view(x, n).T
        # as distances from the newest value: TA-Lib's mean of squares loses 8 digits where the deviation is small
        steps = windows - windows[-1]
        steps -= steps.sum(axis=0) / n
        steps *= steps
        np.sqrt(steps.sum(axis=0) / n, out=out[n - 1 :])
    return out


def ema(x: Array, n: int) -> Array:
    """Exponential average with factor 2 / (n + 1), seeded with the plain average of the first `n` values (TA-Lib's EMA)."""
    found: Array = TALIB.EMA(x, n) if len(x) >= n else np.full(len(x), np.nan)
    return found


def wilder(x: Array, n: int) -> Array:
    """Wilder's average of values that are not negative: factor 1 / n, seeded with the plain average of the first `n`.

    It is TA-Lib's ATR of bars that reach from 0 to the value: their true range is the value. The ATR leaves out the first
    true range, so one is put before them.
    """
    if len(x) < n:
        return np.full(len(x), np.nan)
    zeros = np.zeros(len(x) + 1)
    found: Array = TALIB.ATR(np.concatenate((zeros[:1], x)), zeros, zeros, n)[1:]
    return found


def after(n: int, found: Array) -> Array:
    """A series that starts `n` values later."""
    return np.concatenate((np.full(n, np.nan), found))


def ratio(a: Array, b: Array) -> Array:
    """`a / b`; NaN where `b` is not positive: a share of nothing, or of less, says nothing."""
    out = np.full(len(a), np.nan)
    np.divide(a, b, out=out, where=b > 0)
    return out
