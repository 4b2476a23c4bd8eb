"""Strategies that never trade, and why: a series too short for them is told apart from a rule that was never met."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from barmill.market.backtest import ATR
from barmill.market.strategies.families import FAMILIES
from barmill.market.strategies.strategy import Strategy

REASONS = {
    "too_short": "the series has fewer bars than the rule looks back on, and one to enter at",
    "no_signal": "what the rule waits for never came",
    "at_the_end": "its signal came at the last bar, which no bar follows to enter at",
}
"""Why a strategy never trades → what that means."""

COLUMNS = ("strategy", "reason", "bars", "needed")


class Silence(NamedTuple):
    """A strategy that never trades.

    Attributes:
        strategy: its id.
        reason: a key of `REASONS`.
        bars: of the series.
        needed: the bars below which it can't trade.
    """

    strategy: str
    reason: str
    bars: int
    needed: int

    @classmethod
    def parse(cls, row: Mapping[str, str]) -> "Silence":
        """As it was written, a text for each of `COLUMNS`."""
        return cls(row["strategy"], row["reason"], int(row["bars"]), int(row["needed"]))


def silent(table: Mapping[str, Sequence[Any]], bars: int) -> list[Silence]:
    """The strategies without an error that never trade, in the table's order.

    Args:
        table: columns of `results.COLUMNS`, as lists.
        bars: of the series.
    """
    rows = zip(*(table[name] for name in ("strategy", "error", "n_trades", "n_signals")), strict=True)
    return [_why(name, signals, bars) for name, error, trades, signals in rows if not error and not trades]


def bars_needed(strategy: Strategy) -> int:
    """The bars below which a strategy can't trade: what its rule looks back on, and one to enter at."""
    return max(FAMILIES[strategy.family].needs(**strategy.params), ATR) + 1


def _why(name: str, signals: int, bars: int) -> Silence:
    needed = bars_needed(Strategy.parse(name))
    return Silence(name, "too_short" if bars < needed else "at_the_end" if signals else "no_signal", bars, needed)
