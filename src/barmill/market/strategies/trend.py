"""Families that follow a trend."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from barmill.market.strategies.chart import Chart, Sides


def ma_cross(chart: "Chart", *, fast: int, ratio: int) -> "Sides":
    """With the fast exponential mean when it crosses the slow one, which is `ratio` times as long."""
    quick, slow = chart.ema(fast), chart.ema(fast * ratio)
    return chart.sides(chart.crosses(quick, slow), chart.falls_below(quick, slow))


def efficient_trend(chart: "Chart", *, n: int, least: float) -> "Sides":
    """With the change over n bars when Kaufman's efficiency ratio of them rises above `least`."""
    clear = chart.crosses(chart.efficiency(n), least)
    earlier = chart.before(chart.close, n)
    return chart.sides(clear & (chart.close > earlier), clear & (chart.close < earlier))


def macd(chart: "Chart", *, fast: int, ratio: int, smooth: int) -> "Sides":
    """With MACD (Appel 1979) when it crosses its own exponential mean of `smooth` bars."""
    line = chart.ema(fast) - chart.ema(fast * ratio)
    level = chart.close + chart.ema_of(line, smooth)  # compared at the height of the price, whose rounding is known
    return chart.sides(chart.crosses(chart.close + line, level), chart.falls_below(chart.close + line, level))
