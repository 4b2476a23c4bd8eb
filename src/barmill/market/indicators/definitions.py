"""What each indicator is, by its published definition, over the whole history.

Each function takes series (see `series`) and gives one, or several of the same length. Sources: Wilder, New Concepts in
Technical Trading Systems (1978); Bollinger on Bollinger Bands (2001); Granville, New Key to Stock Market Profits (1963);
ChartSchool of StockCharts for the worked examples of the others.
"""

import numpy as np

from barmill.market.indicators import series
from barmill.market.indicators.series import Array, ema, mean, ratio, wilder, window_sum
from barmill.market.indicators.ta import TALIB

_TIE = 8 * 2.0**-53  # rounding of two sums of three prices is at most 6 half-units in the last place


def macd(close: Array, *, fast: int, slow: int, signal: int) -> tuple[Array, Array, Array]:
    """EMA(fast) - EMA(slow), its EMA(signal), and the difference; each EMA is seeded by its own first values."""
    line = ema(close, fast) - ema(close, slow)
    smooth = series.after(min(slow - 1, len(line)), ema(line[slow - 1 :], signal))
    return line, smooth, line - smooth


def rsi(close: Array, *, n: int) -> Array:
    """100 · gain / (gain + loss), Wilder's averages of the rises and falls; 100 where there was no fall.

    TA-Lib's gives 0 for a series that never moved.
    """
    gain, loss = _moves(close)
    return share(wilder(gain, n), wilder(loss, n), nothing=100.0)


def true_range(high: Array, low: Array, close: Array) -> Array:
    """The greatest of high - low and the distances of both from the close before; of the first bar high - low."""
    found: Array = TALIB.TRANGE(high, low, close) if len(high) > 1 else high - low
    found[:1] = high[:1] - low[:1]
    return found


def atr(high: Array, low: Array, close: Array, *, n: int) -> Array:
    """Wilder's average of the true range, from the first bar on; TA-Lib's leaves out the first bar."""
    return wilder(true_range(high, low, close), n)


def obv(close: Array, volume: Array) -> Array:
    """Volume of rises less volume of falls since the start, where it is 0; TA-Lib's starts at the first volume."""
    return np.cumsum(signed(close, volume))


def signed(close: Array, volume: Array) -> Array:
    """Volume with the sign of the close's change; 0 in the first bar."""
    return np.sign(np.diff(close, prepend=close[:1])) * volume


def bollinger(close: Array, *, n: int, width: float) -> tuple[Array, Array, Array, Array]:
    """Average ± width population deviations: upper, middle, lower, and (upper - lower) / middle where that is positive."""
    middle = mean(close, n)
    reach = width * series.deviation(close, n)
    return middle + reach, middle, middle - reach, ratio(2 * reach, middle)


def mfi(high: Array, low: Array, close: Array, volume: Array, *, n: int) -> Array:
    """100 · positive / (positive + negative) money flow of `n` changes; NaN where no money flowed, or a flow is negative.

    Typical prices that are equal as decimals but not as rounded sums count as equal: their flow has no sign.
    """
    whole = high + low + close
    move = np.diff(whole, prepend=whole[:1])
    move[np.abs(move) <= _TIE * np.abs(whole)] = 0.0
    return money_flow_index(move, whole / 3 * volume, n, nothing=np.nan)


def money_flow_index(move: Array, flow: Array, n: int, *, nothing: float) -> Array:
    """The index of flows of which the first bar's is not counted; `nothing` is its value where none flowed.

    A price below 0 makes a flow negative; where one counts there is no index.
    """
    flow = np.where(flow >= 0, flow, np.nan)
    up, down = (window_sum(np.where(sign * move > 0, flow, 0.0)[1:], n) for sign in (1, -1))
    return share(up, down, nothing=nothing)


def money_flow(high: Array, low: Array, close: Array, volume: Array) -> Array:
    """Volume times ((close - low) - (high - close)) / (high - low); 0 for a bar without a positive range."""
    reach = high - low
    share = np.divide((close - low) - (high - close), reach, out=np.zeros(len(reach)), where=reach > 0)
    return share * volume


def ad(high: Array, low: Array, close: Array, volume: Array) -> Array:
    """Sum of the money flow since the start."""
    return np.cumsum(money_flow(high, low, close, volume))


def cmf(high: Array, low: Array, close: Array, volume: Array, *, n: int) -> Array:
    """Money flow of `n` bars by their volume."""
    return ratio(window_sum(money_flow(high, low, close, volume), n), window_sum(volume, n))


def volume_ratio(volume: Array, *, n: int) -> Array:
    """Volume by its average of `n` bars, itself among them."""
    return ratio(volume, mean(volume, n))


def log_return(close: Array) -> Array:
    """ln(close / close before); NaN where either is not positive."""
    before = np.concatenate((np.full(1, np.nan), close[:-1]))[: len(close)]
    out = np.full(len(close), np.nan)
    np.divide(close, before, out=out, where=(close > 0) & (before > 0))
    np.log(out, out=out)
    return out


def high_low_range(high: Array, low: Array, close: Array) -> Array:
    """(high - low) / close; NaN where the close is not positive."""
    return ratio(high - low, close)


def close_open_diff(open: Array, close: Array) -> Array:  # noqa: A002  # named as the bar's column
    """(close - open) / open; NaN where the open is not positive."""
    return ratio(close - open, open)


def _moves(close: Array) -> tuple[Array, Array]:
    move = np.diff(close)
    return np.maximum(move, 0.0), np.maximum(-move, 0.0)


def share(up: Array, down: Array, *, nothing: float) -> Array:
    """100 · up / (up + down) of sums that start with the second bar; `nothing` where both are 0."""
    out = 100 * ratio(up, up + down)
    out[(down == 0) & (up == 0)] = nothing
    return series.after(1, out)
