"""The backtest of one strategy: from signals, stop and target to trades."""

import numpy as np
from numpy.typing import NDArray

from barmill.market.kernels.jit import loop

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bytes = NDArray[np.int8]

STOP, TARGET, TIME, SIGNAL, END = 1, 2, 3, 4, 5
TINY = 1e-12  # a return of less is rounding


@loop
def simulate(
    prices: tuple[Floats, Floats, Floats, Floats],
    at: Ints,
    side: Bytes,
    distance: Floats,
    exits: tuple[float, float, int],
    costs: tuple[float, float, float],
    stop_first: bool,
    end: int,
) -> tuple[Ints, Ints, Bytes, Bytes, Floats, Floats, Floats]:
    """See `market.backtest`, whose rules these are.

    Args:
        prices: open, high, low, close of every bar.
        at: positions of the bars at whose close there is a signal, ascending.
        side: of each signal, 1 to buy, -1 to sell.
        distance: of each signal, the price distance of which stop and target are multiples.
        exits: stop and target as multiples of it, and the bars after which a position is closed.
        costs: half the spread, slippage, and commission, as fractions of the price of a fill.
        stop_first: which counts if a bar touches both.
        end: position behind the last bar; a position open then is closed at the close before it.

    Returns:
        Of each trade: bars of entry and exit, side, reason, price paid at entry, net return, and what it cost.
    """
    stop, target, hold = exits
    half, slippage, commission = costs
    size = len(at)
    entry, exit_ = np.empty(size, np.int64), np.empty(size, np.int64)
    way, reason = np.empty(size, np.int8), np.empty(size, np.int8)
    paid, net, cost = np.empty(size), np.empty(size), np.empty(size)
    other = _others(side)
    count, k, free = 0, 0, 0
    while k < size and at[k] + 1 < end:
        if at[k] < free:
            k += 1
            continue
        sign, first = float(side[k]), at[k] + 1
        raw, reach = prices[0][first], distance[k]
        fill = raw * (1.0 + sign * (half + slippage))
        ruin = fill * (2.0 - commission)  # where a short position is worth nothing
        levels = (
            (raw - stop * reach, raw + target * reach) if sign > 0 else (raw - target * reach, min(raw + stop * reach, ruin))
        )
        turn = at[other[k]] + 1 if other[k] < size else end
        j, why, price = _leave(prices, (first, first + hold, turn, end), sign, levels, stop_first)
        left = price * (1.0 - sign * (half if why == TARGET else half + slippage))
        gain = sign * (left / fill - 1.0) - commission * (1.0 + left / fill)
        gain = gain if abs(gain) >= TINY else 0.0
        entry[count], exit_[count], way[count], reason[count] = first, j, side[k], why
        paid[count], net[count] = fill, max(gain, -1.0)
        cost[count] = sign * (price / raw - 1.0) - gain
        count += 1
        if gain <= -1.0:
            break
        free = j - 1 if why == SIGNAL else j
        k = other[k] if why == SIGNAL else k + 1
    return entry[:count], exit_[:count], way[:count], reason[:count], paid[:count], net[:count], cost[:count]


@loop
def _others(side: Bytes) -> Ints:
    """Of each signal, the position of the next one of the other side; behind the last where there is none."""
    other = np.full(len(side), len(side))
    for i in range(len(side) - 2, -1, -1):
        other[i] = i + 1 if side[i + 1] != side[i] else other[i + 1]
    return other


@loop
def _leave(
    prices: tuple[Floats, Floats, Floats, Floats],
    bounds: tuple[int, int, int, int],
    sign: float,
    levels: tuple[float, float],
    stop_first: bool,
) -> tuple[int, int, float]:
    """Where a position is closed: bar, reason, price.

    Args:
        prices: open, high, low, close of every bar.
        bounds: bar of the entry, the bar behind the last it may be held in, that of the turn, and the one behind all.
        sign: 1.0 of a long position, -1.0 of a short one.
        levels: the lower and the upper of stop and target.
        stop_first: which counts if a bar touches both.
    """
    open_, high, low, close = prices
    first, limit, turn, end = bounds
    below, above = levels
    last = min(limit, end) - 1
    for j in range(first, last + 1):
        if j == turn:
            return j, SIGNAL, open_[j]
        if j > first and (open_[j] <= below or open_[j] >= above):
            return j, STOP if (open_[j] <= below) == (sign > 0) else TARGET, open_[j]
        if low[j] <= below or high[j] >= above:
            both = low[j] <= below and high[j] >= above
            lost = stop_first if both else (low[j] <= below) == (sign > 0)
            return j, STOP if lost else TARGET, below if lost == (sign > 0) else above
    return last, TIME if limit <= end else END, close[last]
