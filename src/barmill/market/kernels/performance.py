"""What came of a strategy's trades: one pass over the bars in which it had a position."""

import numpy as np
from numpy.typing import NDArray

from barmill.market.kernels.jit import loop

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bytes = NDArray[np.int8]
Trades = tuple[Ints, Ints, Bytes, Bytes, Floats, Floats, Floats]

WIDTH = 21  # metrics of a sample
S1, S2, S3, S4, BELOW, HELD, EQUITY = range(
    7
)  # sums of r to the powers 1 to 4, of min(r, 0)^2, bars with a position, E at the end
BLOCKS = 10
TINY = 1e-12  # a return of less is rounding
CALM, DEEPEST, SQUARED = range(3)  # of a curve: 1 / the highest E, greatest fall, sum of squared falls
FROM, GAINS, ENDED = range(3, 6)  # E at the end of the last block, blocks with a gain, blocks that have ended


@loop
def measure(close: Floats, trades: Trades, cut: int, split: int, commission: float, per_year: float) -> Floats:
    """The metrics of `market.metrics.METRICS`, in that order: of all bars, of those before `split`, and of the others.

    Args:
        close: of every bar.
        trades: what `simulate` returned, ascending.
        cut: number of trades that were opened and closed before `split`; the others were opened at or behind it.
        split: position of the first out-of-sample bar.
        commission: as a fraction of the price, of one side.
        per_year: bars in a year.
    """
    out, sums = np.empty((3, WIDTH)), np.zeros((3, 7))
    curves = np.zeros((3, 6))
    curves[:, CALM] = curves[:, FROM] = 1.0
    end, count = len(close), len(trades[0])
    equity = 1.0
    for row in (1, 2):
        bounds = (0, cut, 0, split) if row == 1 else (cut, count, split, end)
        _walk(close, trades, bounds, (equity, commission), (curves[0], curves[row], sums[row]))
        _summarise(out[row], trades, bounds, sums[row], curves[row], per_year)
        equity *= sums[row, EQUITY]
    if sums[1, EQUITY] > 0.0:
        sums[0] = sums[1] + sums[2]
    else:  # nothing is left to trade with: the later returns are those of a new equity, in its own sample only
        sums[0], count = sums[1], cut
    sums[0, EQUITY] = equity
    _summarise(out[0], trades, (0, count, 0, end), sums[0], curves[0], per_year)
    return out.ravel()


@loop
def _walk(
    close: Floats,
    trades: Trades,
    bounds: tuple[int, int, int, int],
    scale: tuple[float, float],
    state: tuple[Floats, Floats, Floats],
) -> None:
    """Go through some trades, from the first bar of a sample to its last, and note what becomes of the equity."""
    entry, exit_, way, _, paid, net, _ = trades
    first, last, start, stop = bounds
    whole, commission = scale  # whole: what the equity was before this sample
    curve, part, sums = state
    s1, s2, s3, s4, below, held = 0.0, 0.0, 0.0, 0.0, 0.0, 0
    fall, fall_all = (1.0, 0.0, 0.0), (curve[CALM], curve[DEEPEST], curve[SQUARED])
    equity, before, seen = 1.0, 1.0, start  # seen: position behind the last bar that was counted
    due, due_all = _due(part, start, stop), _due(curve, 0, len(close))
    for i in range(first, last + 1):
        j, until = (entry[i], exit_[i]) if i < last else (stop, stop)
        base, step, floor = equity, 0.0, 0.0
        if i < last:
            step, floor = base * way[i] / paid[i], base * (1.0 - commission - way[i])
        while True:
            if j != seen - 1:  # else it is one bar in which one position ends and another begins
                if held > 0:
                    r = _return(equity, before)
                    square = r * r
                    s1, s2, s3, s4 = s1 + r, s2 + square, s3 + square * r, s4 + square * square
                    below += square if r < 0.0 else 0.0
                flat = j - seen + (held > 0)  # the last bar, and those without a position since
                fall = _marked(fall, equity, flat)
                if start > 0:  # before that both are the same
                    fall_all = _marked(fall_all, equity * whole, flat)
                while j >= due:
                    due = _end_block(part, equity, start, stop)
                while j >= due_all:
                    due_all = _end_block(curve, equity * whole, 0, len(close))
                if j == stop:
                    break
                before, seen, held = equity, j + 1, held + 1
            if j == until:
                equity = base * (1.0 + net[i])
                break
            equity = max(floor + step * close[j], 0.0)
            j += 1
    sums[S1], sums[S2], sums[S3], sums[S4], sums[BELOW], sums[HELD], sums[EQUITY] = s1, s2, s3, s4, below, held, equity
    part[CALM], part[DEEPEST], part[SQUARED] = fall
    curve[CALM], curve[DEEPEST], curve[SQUARED] = fall_all if start > 0 else fall


@loop
def equity_curve(close: Floats, trades: Trades, commission: float) -> Floats:
    """The equity at the close of every bar, starting with 1, compounded, a position valued at the close."""
    entry, exit_, way, _, paid, net, _ = trades
    curve = np.ones(len(close))
    equity, seen = 1.0, 0
    for i in range(len(entry)):
        curve[seen : entry[i]] = equity
        for j in range(entry[i], exit_[i]):
            curve[j] = max(equity * (1.0 + way[i] * (close[j] / paid[i] - 1.0) - commission), 0.0)
        equity *= 1.0 + net[i]
        curve[exit_[i]] = equity
        seen = exit_[i] + 1
    curve[seen:] = equity
    return curve


@loop
def _return(now: float, before: float) -> float:
    r = now / before - 1.0 if before > 0.0 else 0.0
    return r if abs(r) >= TINY else 0.0


@loop
def _marked(fall: tuple[float, float, float], equity: float, bars: int) -> tuple[float, float, float]:
    """The falls from the peak (see `CALM`), with those of some bars at whose close the equity is this."""
    calm, deepest, squared = fall
    below = 1.0 - equity * calm
    if below < TINY:
        return min(1.0 / equity, calm), deepest, squared
    return calm, max(deepest, below), squared + bars * below * below


@loop
def _end_block(curve: Floats, equity: float, start: int, stop: int) -> int:
    """Note that a block of the bars from start to stop has ended; returns the position at which the next one has."""
    curve[GAINS] += equity > curve[FROM] * (1.0 + TINY)
    curve[FROM] = equity
    curve[ENDED] += 1.0
    return _due(curve, start, stop)


@loop
def _due(curve: Floats, start: int, stop: int) -> int:
    """Position behind the last bar of the block that goes on; behind all bars when all have ended."""
    block: int = int(curve[ENDED]) + 1
    due: int = start + (stop - start) * block // BLOCKS if block <= BLOCKS else stop + 1
    return due


@loop
def _ratio(above: float, below: float) -> float:
    if below != 0.0:
        return above / below
    return np.nan if above == 0.0 else np.inf * np.sign(above)


@loop
def _summarise(
    out: Floats, trades: Trades, bounds: tuple[int, int, int, int], sums: Floats, curve: Floats, per_year: float
) -> None:
    """Write the metrics of a sample."""
    first, last, start, stop = bounds
    net, cost = trades[5][first:last], trades[6][first:last]
    won, lost = net[net > 0.0], -net[net < 0.0]
    count, n = float(last - first), float(max(stop - start, 1))
    mean, deepest, total = sums[S1] / n, curve[DEEPEST], _return(sums[EQUITY], 1.0)
    annual = (1.0 + total) ** (per_year / n) - 1.0
    m2 = max(sums[S2] / n - mean**2, 0.0)
    m3 = sums[S3] / n - 3.0 * mean * sums[S2] / n + 2.0 * mean**3
    m4 = sums[S4] / n - 4.0 * mean * sums[S3] / n + 6.0 * mean**2 * sums[S2] / n - 3.0 * mean**4
    out[0] = count
    out[1] = len(won) / count if count else np.nan
    out[2] = _ratio(won.sum(), lost.sum())
    out[3] = total
    out[4] = annual
    out[5] = _ratio(mean, np.sqrt(m2 * n / max(n - 1.0, 1.0))) * np.sqrt(per_year)
    out[6] = _ratio(mean, np.sqrt(sums[BELOW] / n)) * np.sqrt(per_year)
    out[7] = _ratio(annual, deepest)
    out[8] = deepest
    out[9] = _ratio(total, deepest)
    out[10] = np.sqrt(curve[SQUARED] / n)
    out[11] = net.sum() / count if count else np.nan
    out[12] = won.mean() if len(won) else np.nan
    out[13] = -lost.mean() if len(lost) else np.nan
    out[14] = won.max() if len(won) else np.nan
    out[15] = -lost.max() if len(lost) else np.nan
    out[16] = sums[HELD] / n
    out[17] = cost.sum()
    out[18] = curve[GAINS]
    out[19] = m3 / m2**1.5 if m2 > 0.0 else np.nan
    out[20] = m4 / m2**2 if m2 > 0.0 else np.nan
