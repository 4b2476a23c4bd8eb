"""The table of strategy families: each a rule and a grid of its parameters."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from barmill.market.strategies.breakout import donchian, keltner, momentum
from barmill.market.strategies.candles import PATTERNS, candle
from barmill.market.strategies.conditions import HOURS, clock, regime
from barmill.market.strategies.reversion import band_reversion, rsi_reversion
from barmill.market.strategies.trend import efficient_trend, ma_cross, macd
from barmill.market.strategies.volatility import range_burst, squeeze, volume_burst

if TYPE_CHECKING:
    from barmill.market.strategies.chart import Sides

Rule = Callable[..., "Sides"]
"""A function of a chart and a family's parameters, to the side of every bar: 1 to buy, -1 to sell, 0."""


@dataclass(frozen=True)
class Family:
    """A family of strategies.

    Attributes:
        rule: where they want a position.
        grid: parameter → its values by default.
    """

    rule: Rule
    grid: Mapping[str, Sequence[Any]]


_BARS = (10, 20, 30, 60, 120)
FAMILIES: dict[str, Family] = {
    "ma_cross": Family(ma_cross, {"fast": (5, 8, 13, 21, 34), "ratio": (2, 3, 4, 6, 8, 12)}),
    "efficient_trend": Family(efficient_trend, {"n": (10, 15, 20, 30, 45, 60), "least": (0.2, 0.25, 0.3, 0.35, 0.4)}),
    "macd": Family(macd, {"fast": (5, 8, 12, 16, 24), "ratio": (2, 3), "smooth": (5, 9, 15)}),
    "band_reversion": Family(band_reversion, {"n": _BARS, "width": (1, 1.5, 2, 2.25, 2.5, 3)}),
    "rsi_reversion": Family(rsi_reversion, {"n": (3, 5, 7, 10, 14, 21), "level": (15, 20, 25, 30, 35)}),
    "momentum": Family(momentum, {"n": (5, 10, 15, 30, 60, 120), "least": (0.25, 0.5, 0.75, 1, 1.25)}),
    "donchian": Family(donchian, {"n": (10, 20, 30, 60, 90, 120), "beyond": (0, 0.25, 0.5, 0.75, 1)}),
    "keltner": Family(keltner, {"n": _BARS, "width": (1, 1.5, 2, 2.5, 3, 3.5)}),
    "squeeze": Family(squeeze, {"n": (5, 10, 15, 20, 30), "m": (60, 120, 240), "tight": (0.7, 0.9)}),
    "range_burst": Family(range_burst, {"n": _BARS, "times": (1.25, 1.5, 1.75, 2, 2.5, 3)}),
    "volume_burst": Family(volume_burst, {"n": _BARS, "times": (1.25, 1.5, 1.75, 2, 2.5, 3)}),
    "candle": Family(candle, {"pattern": tuple(PATTERNS), "trend": ("any", "with", "against")}),
    "clock": Family(clock, {"session": tuple(HOURS), "n": (5, 10, 15, 30, 60, 120)}),
    "regime": Family(regime, {"n": (30, 60, 120), "clear": (0.1, 0.2), "m": (5, 10, 15, 20, 30)}),
}
"""Name → family. Each has 30 rules by default, with 11 exits each: 14 x 330 strategies are 4,620."""

EXITS = tuple((stop, target) for stop in (2, 3, 5) for target in (3, 5, 8, 12) if target >= stop)
"""Stop and target of the default strategies, as multiples of the average true range."""

HOLD = 240
"""Bars that they hold a position at most."""
