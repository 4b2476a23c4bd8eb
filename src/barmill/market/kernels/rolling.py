"""Rolling statistics of a series of floats; each value is of the bar and those before it, NaN until there are enough."""

import numpy as np
from numpy.typing import NDArray

from barmill.market.kernels.jit import loop

Floats = NDArray[np.float64]


@loop
def ema(values: Floats, span: int) -> Floats:
    """Exponential mean with alpha = 2 / (span + 1): that of the first `span` values, then mean + alpha (value - mean).

    The values before the first that is not NaN are left out. It is the EMA of `market.indicators`, to within rounding.
    """
    out = np.full(len(values), np.nan)
    alpha = 2.0 / (span + 1.0)
    mean, seen = 0.0, 0
    for i in range(len(values)):
        if seen == 0 and values[i] != values[i]:
            continue
        seen += 1
        if seen <= span:
            mean += values[i] / span
        else:
            mean += alpha * (values[i] - mean)
        if seen >= span:
            out[i] = mean
    return out


@loop
def wilder(values: Floats, n: int) -> Floats:
    """Wilder's mean (1978): that of the first n values, then mean + (value - mean) / n."""
    out = np.full(len(values), np.nan)
    mean = 0.0
    for i in range(len(values)):
        if i < n:
            mean += values[i] / n
        else:
            mean += (values[i] - mean) / n
        if i >= n - 1:
            out[i] = mean
    return out


@loop
def moments(values: Floats, n: int) -> tuple[Floats, Floats]:
    """Mean and standard deviation (of the population) of the last n values.

    Both are carried from window to window (Welford's update), and counted anew at every n-th bar, so that no error adds up.
    """
    mean, deviation = np.full(len(values), np.nan), np.full(len(values), np.nan)
    average, squares = 0.0, 0.0
    for i in range(n - 1, len(values)):
        if (i + 1) % n == 0 or i == n - 1:
            average, squares = 0.0, 0.0
            for j in range(i - n + 1, i + 1):
                average += values[j] / n
            for j in range(i - n + 1, i + 1):
                squares += (values[j] - average) ** 2
        else:
            new, old, before = values[i], values[i - n], average
            average += (new - old) / n
            squares += (new - old) * (new - average + old - before)
        mean[i] = average
        deviation[i] = np.sqrt(max(squares, 0.0) / n)
    return mean, deviation


@loop
def tails(values: Floats, n: int, share: float) -> tuple[Floats, Floats]:
    """The quantiles `share` and 1 - `share` of the last n values, between neighbours in proportion (Hyndman and Fan 1996, 7).

    The values before the first that is not NaN are left out. The window is kept in order: n steps a value at most.
    """
    below, above = np.full(len(values), np.nan), np.full(len(values), np.nan)
    ordered = np.empty(n)
    place = (n - 1) * share
    low = int(place)
    part, high = place - low, min(low + 1, n - 1)
    first = 0
    while first < len(values) and values[first] != values[first]:
        first += 1
    for i in range(first, len(values)):
        seen = i - first
        free = min(seen, n - 1)  # the place that the window's oldest value leaves free; behind the last as long as it grows
        if seen >= n:
            free = np.searchsorted(ordered, values[i - n])
        while free > 0 and ordered[free - 1] > values[i]:
            ordered[free] = ordered[free - 1]
            free -= 1
        while free < min(seen, n - 1) and ordered[free + 1] < values[i]:
            ordered[free] = ordered[free + 1]
            free += 1
        ordered[free] = values[i]
        if seen >= n - 1:
            below[i] = ordered[low] + part * (ordered[high] - ordered[low])
            above[i] = ordered[n - 1 - low] - part * (ordered[n - 1 - low] - ordered[n - 1 - high])
    return below, above


@loop
def highest(values: Floats, n: int) -> Floats:
    """The greatest of the last n values, by a queue of the candidates (Lemire 2006)."""
    out = np.full(len(values), np.nan)
    queue = np.empty(len(values), np.int64)
    first, end = 0, 0
    for i in range(len(values)):
        while end > first and values[queue[end - 1]] <= values[i]:
            end -= 1
        queue[end] = i
        end += 1
        if queue[first] <= i - n:
            first += 1
        if i >= n - 1:
            out[i] = values[queue[first]]
    return out
