"""The family of candle patterns (Nison 1991), filtered by the trend."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from barmill.market.strategies.chart import Chart, Flags, Sides

    Found = tuple[Flags, Flags]

TREND = 50
"""Bars of the exponential mean that tells the trend."""


def candle(chart: "Chart", *, pattern: str, trend: str) -> "Sides":
    """With a pattern; `trend`: only `with` or `against` the side of the exponential mean of 50 bars, or `any`."""
    bull, bear = PATTERNS[pattern](chart)
    if trend != "any":
        mean = chart.ema(TREND)
        up, down = chart.above(chart.close, mean), chart.above(mean, chart.close)
        bull, bear = (bull & up, bear & down) if trend == "with" else (bull & down, bear & up)
    return chart.sides(bull, bear)


def _engulfing(chart: "Chart") -> "Found":
    """A body around the one before, of the other colour."""
    o, c = chart.open, chart.close
    before, after = chart.before(o, 1), chart.before(c, 1)
    return (after < before) & (o <= after) & (c > before), (after > before) & (o >= after) & (c < before)


def _harami(chart: "Chart") -> "Found":
    """A body of the other colour inside the one before, at one of its ends at most.

    Where trade never stops, as of cryptocurrencies, every bar opens at the close before.
    """
    o, c = chart.open, chart.close
    before, after = chart.before(o, 1), chart.before(c, 1)
    smaller = abs(c - o) < abs(after - before)
    bull = smaller & (after < before) & (o >= after) & (c > o) & (c <= before)
    return bull, smaller & (after > before) & (o <= after) & (c < o) & (c >= before)


def _piercing(chart: "Chart") -> "Found":
    """A body that opens at or beyond the close before, and closes in the far half of that body."""
    o, c = chart.open, chart.close
    before, after = chart.before(o, 1), chart.before(c, 1)
    middle = (before + after) / 2
    bull = (after < before) & (o <= after) & (c > middle) & (c <= before)
    return bull, (after > before) & (o >= after) & (c < middle) & (c >= before)


def _pin(chart: "Chart") -> "Found":
    """A shadow of twice the body or more on one side, and less than the body on the other: hammer, shooting star."""
    body, upper, lower = chart.body_high - chart.body_low, chart.high - chart.body_high, chart.body_low - chart.low
    return (body > 0) & (lower >= 2 * body) & (upper < body), (body > 0) & (upper >= 2 * body) & (lower < body)


def _outside(chart: "Chart") -> "Found":
    """A range around the one before."""
    around = (chart.high > chart.before(chart.high, 1)) & (chart.low < chart.before(chart.low, 1))
    return around & (chart.close > chart.open), around & (chart.close < chart.open)


def _inside_break(chart: "Chart") -> "Found":
    """A close outside the bar before, whose range was inside that of the bar before it."""
    high, low = chart.before(chart.high, 1), chart.before(chart.low, 1)
    inside = (high < chart.before(chart.high, 2)) & (low > chart.before(chart.low, 2))
    return inside & (chart.close > high), inside & (chart.close < low)


def _three(chart: "Chart") -> "Found":
    """Three bodies of one colour, each closing beyond the one before: soldiers, crows."""
    o, c = chart.open, chart.close
    o1, c1, o2, c2 = chart.before(o, 1), chart.before(c, 1), chart.before(o, 2), chart.before(c, 2)
    soldiers = (c > o) & (c1 > o1) & (c2 > o2) & (c > c1) & (c1 > c2)
    return soldiers, (c < o) & (c1 < o1) & (c2 < o2) & (c < c1) & (c1 < c2)


def _tweezers(chart: "Chart") -> "Found":
    """The same low, or high, as the bar before, and bodies of two colours."""
    o, c = chart.open, chart.close
    before, after = chart.before(o, 1), chart.before(c, 1)
    bull = (chart.low == chart.before(chart.low, 1)) & (after < before) & (c > o)
    return bull, (chart.high == chart.before(chart.high, 1)) & (after > before) & (c < o)


def _marubozu(chart: "Chart") -> "Found":
    """A body of nine tenths of the range or more, and a range above the average of 30 bars."""
    whole = chart.body_high - chart.body_low >= 0.9 * (chart.high - chart.low)
    large = whole & chart.above(chart.true_range, chart.atr(30))
    return large & (chart.close > chart.open), large & (chart.close < chart.open)


def _doji_break(chart: "Chart") -> "Found":
    """A close outside the bar before, whose body was a tenth of its range or less."""
    body, range_ = chart.body_high - chart.body_low, chart.high - chart.low
    doji = (chart.before(body, 1) <= 0.1 * chart.before(range_, 1)) & (chart.before(range_, 1) > 0)
    return doji & (chart.close > chart.before(chart.high, 1)), doji & (chart.close < chart.before(chart.low, 1))


PATTERNS: dict[str, Callable[["Chart"], "Found"]] = {
    "engulfing": _engulfing,
    "harami": _harami,
    "piercing": _piercing,
    "pin": _pin,
    "outside": _outside,
    "inside_break": _inside_break,
    "three": _three,
    "tweezers": _tweezers,
    "marubozu": _marubozu,
    "doji_break": _doji_break,
}
