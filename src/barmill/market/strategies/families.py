"""The table of strategy families: each a rule and a grid of its parameters."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from barmill.market.strategies.breakout import UNIT, donchian, keltner, momentum
from barmill.market.strategies.candles import PATTERNS, TREND, candle
from barmill.market.strategies.conditions import HOURS, clock, regime
from barmill.market.strategies.reversion import ZONE, band_reversion, rsi_reversion
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
        needs: of the parameters: the bars that there must be for the rule to speak at the last of them; 0 where that is no more
            than the average true range needs, without which there is no signal.
    """

    rule: Rule
    grid: Mapping[str, Sequence[Any]]
    needs: Callable[..., int]


def _one_more(n: int, **_: float) -> int:
    """A value of n bars is compared with that of the bar before, or a bar with the n before it."""
    return n + 1


_BARS = (10, 20, 30, 60, 120)
_WIDTHS = (0.5, 1, 1.5, 2, 2.5, 3)
FAMILIES: dict[str, Family] = {
    "ma_cross": Family(
        ma_cross, {"fast": (5, 8, 13, 21, 34), "ratio": (2, 3, 4, 6, 8, 12)}, lambda fast, ratio: fast * ratio + 1
    ),
    "efficient_trend": Family(
        efficient_trend, {"n": (10, 15, 20, 30, 45, 60), "least": (0.2, 0.25, 0.3, 0.35, 0.4)}, lambda n, **_: n + 2
    ),
    "macd": Family(
        macd,
        {"fast": (5, 8, 12, 16, 24), "ratio": (2, 3), "smooth": (5, 9, 15)},
        lambda fast, ratio, smooth: fast * ratio + smooth,
    ),
    "band_reversion": Family(band_reversion, {"n": _BARS, "width": (1, 1.25, 1.5, 1.75, 2, 2.5)}, _one_more),
    "rsi_reversion": Family(
        rsi_reversion, {"n": (3, 5, 7, 10, 14, 21), "share": (0.02, 0.05, 0.1, 0.15, 0.2)}, lambda n, **_: n + ZONE + 1
    ),
    "momentum": Family(
        momentum, {"n": (5, 10, 15, 30, 60, 120), "least": (0.25, 0.5, 0.75, 1, 1.25)}, lambda n, **_: max(n + 1, UNIT) + 1
    ),
    "donchian": Family(
        donchian, {"n": (10, 20, 30, 60, 90, 120), "beyond": (0, 0.25, 0.5, 0.75, 1)}, lambda n, **_: max(n + 1, UNIT) + 1
    ),
    "keltner": Family(keltner, {"n": (15, 20, 30, 60, 120), "width": (1, 1.25, 1.5, 2, 2.5, 3)}, _one_more),
    "squeeze": Family(squeeze, {"n": (5, 10, 15, 20, 30), "m": (60, 120, 240), "tight": (0.7, 0.9)}, lambda n, m, **_: n + m),
    "range_burst": Family(range_burst, {"n": _BARS, "width": _WIDTHS}, _one_more),
    "volume_burst": Family(volume_burst, {"n": _BARS, "width": _WIDTHS}, _one_more),
    "candle": Family(
        candle,
        {"pattern": tuple(PATTERNS), "trend": ("any", "with", "against")},
        lambda trend, **_: 0 if trend == "any" else TREND,
    ),
    "clock": Family(clock, {"session": tuple(HOURS), "n": (5, 10, 15, 30, 60, 120)}, _one_more),
    "regime": Family(
        regime, {"n": (30, 60, 120), "clear": (0.1, 0.2), "m": (5, 10, 15, 20, 30)}, lambda n, m, **_: max(n + 1, m + 2)
    ),
}
"""Name → family. Each has 30 rules by default, with 11 exits each: 14 x 330 strategies are 4,620."""

EXITS = tuple((stop, target) for stop in (2, 3, 5) for target in (3, 5, 8, 12) if target >= stop)
"""Stop and target of the default strategies, as multiples of the average true range."""

HOLD = 240
"""Bars that they hold a position at most."""
