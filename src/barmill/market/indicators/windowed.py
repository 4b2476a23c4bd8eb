"""The same indicators by the rules of scripts that read the last `window` bars of each row and know nothing before them.

Averages are plain where the definitions have Wilder's, sums start anew in each window, and exponential averages are seeded
by the first values of the window. With them the readers of such a script's values can compare, value by value; they depend
on the length of the window, which the definitions do not.
"""

import functools
from collections.abc import Callable

import numpy as np

from barmill.market.indicators import definitions, series
from barmill.market.indicators.series import Array, mean, window_sum


def ema(x: Array, *, n: int, window: int) -> Array:
    """Exponential average over the window, seeded with the plain average of its first `n` values."""
    return _sliding(x, window, _ema(n))


def macd(close: Array, *, fast: int, slow: int, signal: int, window: int) -> tuple[Array, Array, Array]:
    """As the definition, each average seeded in the window; no line before there is a signal."""
    line = _sliding(close, window, _line(fast, slow, signal))
    smooth = _sliding(close, window, _signal(fast, slow, signal))
    return line, smooth, line - smooth


def rsi(close: Array, *, n: int, window: int) -> Array:  # noqa: ARG001  # shorter than any window
    """Cutler's: plain sums of the last `n` rises and falls; 100 where there was no fall."""
    move = np.diff(close)
    up, down = window_sum(np.maximum(move, 0.0), n), window_sum(np.maximum(-move, 0.0), n)
    return definitions.share(up, down, nothing=100.0)


def atr(high: Array, low: Array, close: Array, *, n: int, window: int) -> Array:  # noqa: ARG001
    """Plain average of `n` true ranges, of which the first bar has none."""
    return series.after(1, mean(definitions.true_range(high, low, close)[1:], n))


def obv(close: Array, volume: Array, *, window: int) -> Array:
    """Signed volume in whole units, summed from the second bar of the window on."""
    return _restarting(definitions.signed(close, np.trunc(volume)), window - 1)


def ad(high: Array, low: Array, close: Array, volume: Array, *, window: int) -> Array:
    """Money flow summed over the window."""
    return _restarting(definitions.money_flow(high, low, close, volume), window)


def mfi(high: Array, low: Array, close: Array, volume: Array, *, n: int, window: int) -> Array:  # noqa: ARG001
    """As the definition, typical prices compared as they are rounded; 100 where no money flowed."""
    typical = (high + low + close) / 3
    move = np.diff(typical, prepend=typical[:1])
    return definitions.money_flow_index(move, typical * volume, n, nothing=100.0)


def _restarting(x: Array, n: int) -> Array:
    """Sum of the last `n` values, or of as many as there are."""
    out = np.cumsum(x)
    out[n:] = window_sum(x, n)[n:]
    return out


def _sliding(x: Array, window: int, last: Callable[[Array], Array]) -> Array:
    """A linear average, started anew in each window: its last value there is a weighted sum of the window."""
    out = last(x[:window])
    if len(x) <= window:
        return out
    # a row at a time in one order: a matrix product may add up in another where the series is longer
    later = np.einsum("ij,j->i", np.lib.stride_tricks.sliding_window_view(x[1:], window), _weights(last, window))
    return np.concatenate((out, later))


@functools.cache
def _weights(last: Callable[[Array], Array], window: int) -> Array:
    return np.array([last(impulse)[-1] for impulse in np.eye(window)])


@functools.cache
def _ema(n: int) -> Callable[[Array], Array]:
    return functools.partial(series.ema, n=n)


@functools.cache
def _line(fast: int, slow: int, signal: int) -> Callable[[Array], Array]:
    def line(x: Array) -> Array:
        found, smooth, _ = definitions.macd(x, fast=fast, slow=slow, signal=signal)
        return np.where(np.isnan(smooth), np.nan, found)

    return line


@functools.cache
def _signal(fast: int, slow: int, signal: int) -> Callable[[Array], Array]:
    return lambda x: definitions.macd(x, fast=fast, slow=slow, signal=signal)[1]
