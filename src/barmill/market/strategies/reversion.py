"""Families that expect a return to the mean."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from barmill.market.strategies.chart import Chart, Sides


def band_reversion(chart: "Chart", *, n: int, width: float) -> "Sides":
    """Back into Bollinger's bands (2001): mean of n closes, `width` standard deviations on either side."""
    mean, reach = chart.mean(n), width * chart.deviation(n)
    return chart.sides(chart.crosses(chart.close, mean - reach), chart.falls_below(chart.close, mean + reach))


def rsi_reversion(chart: "Chart", *, n: int, level: int) -> "Sides":
    """Against Wilder's relative strength index when it leaves the zone below `level`, or above 100 - `level`."""
    strength = chart.rsi(n)
    return chart.sides(chart.crosses(strength, level), chart.falls_below(strength, 100 - level))
