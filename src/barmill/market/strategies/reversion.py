"""Families that expect a return to the mean."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from barmill.market.strategies.chart import Chart, Sides

ZONE = 120
"""Bars that the zones of the relative strength index are told from."""


def band_reversion(chart: "Chart", *, n: int, width: float) -> "Sides":
    """Back into Bollinger's bands (2001): mean of n closes, `width` standard deviations on either side.

    No close is more than sqrt(n - 1) deviations away from a mean that it is part of.
    """
    mean, reach = chart.mean(n), width * chart.deviation(n)
    return chart.sides(chart.crosses(chart.close, mean - reach), chart.falls_below(chart.close, mean + reach))


def rsi_reversion(chart: "Chart", *, n: int, share: float) -> "Sides":
    """Against Wilder's relative strength index when it leaves the zone of its lowest, or highest, `share` of the last 120 bars.

    The zones follow the index (dynamic zones, Zamansky and Stendahl 1997), for the longer it is the less it strays from 50.
    """
    strength = chart.rsi(n)
    low, high = chart.tails_of(strength, ZONE, share)
    return chart.sides(chart.crosses(strength, low), chart.falls_below(strength, high))
