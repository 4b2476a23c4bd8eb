"""The backtest of one strategy: its rules, from signals to metrics.

- A signal stands at the close of a bar and knows nothing beyond it. The position is opened at the open of the next bar, and
  is the whole equity: no leverage, gains and losses compound. There is one position at a time.
- Stop and target are multiples of the average true range (Wilder, `ATR` bars) at the signal's bar, away from the entry bar's
  open. They hold from that open on. A bar that opens beyond one of them closes the position at its open. A bar that touches
  both closes it at the stop, or at the target, as `stop_first` says; what came first within a bar can't be known. The stop of a
  short position is never beyond the price at which it is worth nothing, about twice that of its entry.
- A signal of the other side closes it at the open of the next bar, where the other position is opened. One of the same side
  changes nothing.
- After `hold` bars, the first included, it is closed at the bar's close.
- A fill is half the spread away from the price, against the trade, and slippage away, too, unless it is the target, a limit
  order. Commission is taken of the value of each fill. A position that has lost everything is the last one. Nothing is taken
  for holding one over night: no interest, swap, borrowing or funding.
- A bar with a price that is not positive has no return: it is left out, and the others are as if it were not there.
- In-sample and out-of-sample bars are traded apart: a position open at the end of either is closed at its last close, so that
  none has a result in both. A signal at the last in-sample bar is an out-of-sample entry. All bars together are the two, one
  after the other; after a total loss in-sample nothing is left to trade with, and they are the in-sample trades, with an
  equity of 0 from then on.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from barmill.hashing import Digest, digest_bytes
from barmill.market.costs import Costs
from barmill.market.samples import split
from barmill.market.series import Series
from barmill.market.strategies.chart import Chart

if TYPE_CHECKING:
    from barmill.market.kernels.trades import Bytes, Floats, Ints

    Trades = tuple[Ints, Ints, Bytes, Bytes, Floats, Floats, Floats]

ATR = 30
"""Bars of the average true range that stops and targets are multiples of."""


@dataclass(frozen=True)
class Signals:
    """Where a strategy wants a position.

    Attributes:
        at: int64, positions of the bars, ascending.
        side: int8, 1 to buy, -1 to sell; of the same shape.
        distance: float64, average true range at each; positive.
    """

    at: NDArray[np.int64]
    side: NDArray[np.int8]
    distance: NDArray[np.float64]

    @classmethod
    def of(cls, sides: NDArray[np.int8], atr: NDArray[np.float64]) -> "Signals":
        """The signals among the sides of all bars (0 for none); those at which there is no range yet are left out."""
        at = np.flatnonzero((sides != 0) & (atr > 0))
        return cls(at, sides[at], atr[at])

    def digest(self) -> Digest:
        """Digest of where the signals are; what they are traded at follows from it and the bars."""
        return digest_bytes(self.at.tobytes() + self.side.tobytes())


@dataclass(frozen=True)
class Backtest:
    """What strategies on one series are traded by.

    Args:
        series: the bars.
        costs: of trading.
        split: position of the first out-of-sample bar, see `market.samples`.
        stop_first: whether a bar that touches stop and target closes at the stop.
        per_year: bars in a year, see `market.years`.
        left_out: how many bars are left out, because a price of theirs is not positive.
    """

    series: Series
    costs: Costs
    split: int
    stop_first: bool
    per_year: float
    left_out: int = 0

    @classmethod
    def read(
        cls, files: Sequence[Path], costs: Costs, *, out_of_sample: float | str, stop_first: bool, per_year: float
    ) -> Self:
        """On the bars of Parquet files, of which some are out of sample, as `market.samples` says."""
        read = Series.read(files)
        series = read[np.flatnonzero(read.has_return())]  # a copy: numba compiles for writable arrays
        return cls(series, costs, split(series.time, out_of_sample), stop_first, per_year, len(read) - len(series))

    def signals(self, rule: Callable[..., NDArray[np.int8]], params: Mapping[str, Any]) -> Signals:
        """The signals of a rule with these parameters; whatever it raises comes through."""
        chart = self.chart
        with np.errstate(invalid="ignore", divide="ignore"):
            return Signals.of(rule(chart, **params), chart.atr(ATR))

    @functools.cached_property
    def chart(self) -> Chart:
        """What a rule sees of the bars."""
        return Chart(self.series)

    def trade(self, signals: Signals, exits: tuple[float, float, int]) -> tuple["Trades", "Trades"]:
        """In-sample and out-of-sample trades of a strategy, as `kernels.trades.simulate` returns them.

        Args:
            signals: where it wants a position.
            exits: stop and target as multiples of the average true range, and bars to hold at most.
        """
        from barmill.market.kernels.trades import simulate

        bars = self.series
        prices = (bars.open, bars.high, bars.low, bars.close)
        cut = int(np.searchsorted(signals.at, self.split - 1))
        parts = ((slice(0, cut), self.split), (slice(cut, None), len(bars)))
        found = [
            simulate(
                prices, signals.at[part], signals.side[part], signals.distance[part], exits,
                self.costs.fractions(), self.stop_first, end,
            )
            for part, end in parts
        ]  # fmt: skip
        return found[0], found[1]

    def equity(self, signals: Signals, exits: tuple[float, float, int]) -> NDArray[np.float64]:
        """The equity of a strategy at the close of every bar, starting with 1. See `trade`."""
        from barmill.market.kernels.performance import equity_curve

        trades, _ = self._all_trades(signals, exits)
        curve: NDArray[np.float64] = equity_curve(self.series.close, trades, self.costs.fractions()[2])
        return curve

    def measure(self, signals: Signals, exits: tuple[float, float, int]) -> NDArray[np.float64]:
        """The values of `metrics.COLUMNS` of a strategy; NaN where undefined. See `trade`."""
        from barmill.market.kernels.performance import measure

        trades, cut = self._all_trades(signals, exits)
        commission = self.costs.fractions()[2]
        values: NDArray[np.float64] = measure(self.series.close, trades, cut, self.split, commission, self.per_year)
        return values

    def _all_trades(self, signals: Signals, exits: tuple[float, float, int]) -> tuple["Trades", int]:
        """All trades, and how many of them are in-sample."""
        inside, outside = self.trade(signals, exits)
        columns: Any = zip(inside, outside, strict=True)
        trades: Any = tuple(np.concatenate(parts) for parts in columns)
        return trades, len(inside[0])
