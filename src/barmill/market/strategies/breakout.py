"""Families that follow a price out of where it was: breakouts and momentum."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from barmill.market.strategies.chart import Chart, Sides

UNIT = 30
"""Bars of the average true range that distances are measured by."""


def momentum(chart: "Chart", *, n: int, least: float) -> "Sides":
    """With a change over n bars above `least` times what they add up to by chance, sqrt(n) average true ranges."""
    earlier, reach = chart.before(chart.close, n), least * n**0.5 * chart.atr(UNIT)
    return chart.sides(chart.crosses(chart.close, earlier + reach), chart.falls_below(chart.close, earlier - reach))


def donchian(chart: "Chart", *, n: int, beyond: float) -> "Sides":
    """With a close outside the range of the n bars before (Donchian), `beyond` average true ranges or more."""
    reach = beyond * chart.atr(UNIT)
    top, bottom = chart.before(chart.highest(n), 1) + reach, chart.before(chart.lowest(n), 1) - reach
    return chart.sides(chart.crosses(chart.close, top), chart.falls_below(chart.close, bottom))


def keltner(chart: "Chart", *, n: int, width: float) -> "Sides":
    """With a close outside Keltner's channel: exponential mean of n bars, `width` average true ranges on either side."""
    middle, reach = chart.ema(n), width * chart.atr(n)
    return chart.sides(chart.crosses(chart.close, middle + reach), chart.falls_below(chart.close, middle - reach))
