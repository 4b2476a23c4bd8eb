"""What a rule sees of a series: its bars, and means, ranges and comparisons of them, each known at the close of its bar."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from barmill.market.kernels import rolling
from barmill.market.series import MINUTE, Series

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Sides = NDArray[np.int8]

_TINY = 1e-9  # of a value: by less than that it is not above another, whatever the rounding of a mean says
_MOST = 48  # results that are remembered
_DAY = 24 * 60 * MINUTE


class Chart:
    """The bars of a series, and what can be worked out of them: a value per bar, NaN until there are enough bars.

    Args:
        series: the bars.

    Attributes:
        open, high, low, close, volume: float64; a volume that is not known is 0.
        body_high, body_low: the greater and the lesser of open and close.
        true_range: greatest of high - low and the distances of both from the close before (Wilder 1978); of the first bar
            high - low.
        hour: int64, hour of the day, UTC.
        new_hour: whether a bar is the first one of its hour.
    """

    def __init__(self, series: Series) -> None:
        self.open, self.high, self.low, self.close = series.open, series.high, series.low, series.close
        self.volume = np.nan_to_num(series.volume)
        self.body_high, self.body_low = np.maximum(self.open, self.close), np.minimum(self.open, self.close)
        close = np.append(self.close[:1], self.close[:-1])
        self.true_range = np.maximum(self.high, close) - np.minimum(self.low, close)
        self.true_range[:1] = (self.high - self.low)[:1]
        hours = series.time // (60 * MINUTE)
        self.hour = hours % 24
        self.new_hour = np.diff(hours, prepend=hours[:1] - 1) != 0
        self._known: dict[tuple[str, int], Floats] = {}

    def ema(self, n: int) -> Floats:
        """Exponential mean of the closes: the indicator EMA."""
        return self._once("ema", n, lambda: self.ema_of(self.close, n))

    def ema_of(self, values: Floats, n: int) -> Floats:
        """Exponential mean of other values."""
        mean: Floats = rolling.ema(values, n)
        return mean

    def atr(self, n: int) -> Floats:
        """Average true range, Wilder's mean."""
        return self._once("atr", n, lambda: rolling.wilder(self.true_range, n))

    def rsi(self, n: int) -> Floats:
        """Relative strength index, 0 to 100 (Wilder 1978), 100 where there was no fall: the indicator RSI."""
        return self._once("rsi", n, lambda: self._strength(n))

    def mean(self, n: int) -> Floats:
        """Mean of the last n closes."""
        return self._moments(n)[0]

    def deviation(self, n: int) -> Floats:
        """Standard deviation of the last n closes, of the population."""
        return self._moments(n)[1]

    def mean_of(self, values: Floats, n: int) -> Floats:
        """Mean of the last n of other values, of which the first may be NaN."""
        first = int(np.isnan(values).sum())
        return np.append(values[:first], rolling.moments(values[first:], n)[0])

    def usual(self, values: Floats, n: int, width: float) -> Floats:
        """The mean of the n values before, and `width` of their standard deviations."""
        mean, deviation = rolling.moments(values, n)
        return self.before(mean + width * deviation, 1)

    def tails_of(self, values: Floats, n: int, share: float) -> tuple[Floats, Floats]:
        """The values that a share of the last n values is below, and above, of values of which the first may be NaN."""
        low, high = rolling.tails(values, n, share)
        return low, high

    def highest(self, n: int) -> Floats:
        """The highest high of the last n bars."""
        return self._once("highest", n, lambda: rolling.highest(self.high, n))

    def lowest(self, n: int) -> Floats:
        """The lowest low of the last n bars."""
        return self._once("lowest", n, lambda: -rolling.highest(-self.low, n))

    def most_volume(self, n: int) -> Floats:
        """The greatest of the last n volumes."""
        return self._once("most_volume", n, lambda: rolling.highest(self.volume, n))

    def efficiency(self, n: int) -> Floats:
        """Kaufman's efficiency ratio (1995): |change over n bars| / sum of |change| of each; 0 where nothing moved."""
        return self._once("efficiency", n, lambda: self._efficiency(n))

    def before(self, values: Floats, n: int) -> Floats:
        """The values of n bars ago."""
        return np.append(np.full(min(n, len(values)), np.nan), values[: max(len(values) - n, 0)])

    def known(self, values: Floats) -> Flags:
        """Whether there are enough bars for the values."""
        return ~np.isnan(values)

    def above(self, values: Floats, level: Floats | float) -> Flags:
        """Whether the values are above the level, by more than rounding."""
        return values - level > _TINY * np.abs(level)

    def crosses(self, values: Floats, level: Floats | float) -> Flags:
        """Whether the values are above the level and were not at the bar before, when both were known."""
        return self._begins(self.above(values, level), self.known(values - level))

    def falls_below(self, values: Floats, level: Floats | float) -> Flags:
        """Whether the values are below the level and were not at the bar before, when both were known."""
        below = level - values > _TINY * np.abs(level)
        return self._begins(below, self.known(values - level))

    def sides(self, buy: Flags, sell: Flags) -> Sides:
        """1 where to buy, -1 where to sell, 0 where neither or both."""
        return buy.astype(np.int8) - sell.astype(np.int8)

    def _begins(self, now: Flags, known: Flags) -> Flags:
        found = now.copy()
        found[:1] = False
        found[1:] &= ~now[:-1] & known[:-1]
        return found

    def _moments(self, n: int) -> tuple[Floats, Floats]:
        if ("mean", n) not in self._known:
            mean, deviation = rolling.moments(self.close, n)
            self._once("mean", n, lambda: mean)
            self._once("deviation", n, lambda: deviation)
        return self._known["mean", n], self._known["deviation", n]

    def _strength(self, n: int) -> Floats:
        change = np.diff(self.close)
        gain, loss = rolling.wilder(np.maximum(change, 0.0), n), rolling.wilder(np.maximum(-change, 0.0), n)
        total = gain + loss
        still = total <= 0.0
        strength = np.where(still, 100.0, 100.0 * gain / np.where(still, 1.0, total))
        return np.append(np.full(min(1, len(self.close)), np.nan), strength)

    def _efficiency(self, n: int) -> Floats:
        path = self.mean_of(np.abs(self.close - self.before(self.close, 1)), n) * n
        still = path <= _TINY * self.close
        return np.where(still, 0.0, np.abs(self.close - self.before(self.close, n)) / np.where(still, 1.0, path))

    def _once(self, name: str, n: int, work_out: Callable[[], Floats]) -> Floats:
        """What was worked out before, or now; of many results the last ones are remembered, so that memory stays flat."""
        key = name, n
        if key not in self._known:
            while len(self._known) >= _MOST:
                del self._known[next(iter(self._known))]
            self._known[key] = work_out()
        return self._known[key]
