"""Families that wait for volatility or volume to change."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from barmill.market.strategies.chart import Chart, Sides

_EDGE = 0.25  # of a bar's range: a close this near to its end is a strong one


def squeeze(chart: "Chart", *, n: int, m: int, tight: float) -> "Sides":
    """With a close outside the range of the n bars before, when their deviation was below `tight` of its mean over m bars."""
    deviation = chart.deviation(n)
    quiet = chart.above(tight * chart.before(chart.mean_of(deviation, m), 1), chart.before(deviation, 1))
    top, bottom = chart.before(chart.highest(n), 1), chart.before(chart.lowest(n), 1)
    return chart.sides(quiet & (chart.close > top), quiet & (chart.close < bottom))


def range_burst(chart: "Chart", *, n: int, width: float) -> "Sides":
    """With a bar whose true range exceeds the mean of the n bars before by `width` deviations, if it closes near its end."""
    wide = chart.above(chart.true_range, chart.usual(chart.true_range, n, width))
    edge = _EDGE * (chart.high - chart.low)
    return chart.sides(wide & (chart.close > chart.high - edge), wide & (chart.close < chart.low + edge))


def volume_burst(chart: "Chart", *, n: int, width: float) -> "Sides":
    """With the body of a bar whose volume exceeds the mean of the n bars before by `width` deviations.

    Where none of those bars has a volume, as of currencies, its true range is compared with theirs: range and volume rise and
    fall together (Karpoff 1987).
    """
    busy = chart.above(chart.volume, chart.usual(chart.volume, n, width))
    wide = chart.above(chart.true_range, chart.usual(chart.true_range, n, width))
    counted = chart.before(chart.most_volume(n), 1) > 0
    busy = (counted & busy) | (~counted & wide)
    return chart.sides(busy & (chart.close > chart.open), busy & (chart.close < chart.open))
