"""Families that act by the time of the day, or by the regime."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from barmill.market.strategies.chart import Chart, Sides

HOURS = {"asia": (0, 7), "london": (7, 12), "overlap": (12, 16), "newyork": (16, 21), "day": (7, 21)}
"""Session → its first hour and the one behind its last, UTC."""


def clock(chart: "Chart", *, session: str, n: int) -> "Sides":
    """At the first bar of each hour of a session, with the change over n bars."""
    start, end = HOURS[session]
    due = chart.new_hour & (chart.hour >= start) & (chart.hour < end)
    earlier = chart.before(chart.close, n)
    return chart.sides(due & (chart.close > earlier), due & (chart.close < earlier))


def regime(chart: "Chart", *, n: int, clear: float, m: int) -> "Sides":
    """With a breakout from the m bars before while the efficiency ratio of n bars is above `clear` (a trend), else against it.

    This regime is the strategy's own, worked out of the bars so far. Regimes that were fitted to the whole series would know
    what is to come, and a strategy that is conditioned on them would, too.
    """
    efficiency = chart.efficiency(n)
    trending = chart.above(efficiency, clear)
    ranging = chart.known(efficiency) & ~trending
    up = chart.crosses(chart.close, chart.before(chart.highest(m), 1))
    down = chart.falls_below(chart.close, chart.before(chart.lowest(m), 1))
    return chart.sides((trending & up) | (ranging & down), (trending & down) | (ranging & up))
