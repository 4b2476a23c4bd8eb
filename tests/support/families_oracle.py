"""The rules of the strategy families in slow plain Python, each written from its definition, one bar at a time."""

import math

TINY = 1e-9


def above(value, level):
    """Whether a value is above a level by more than rounding; what is not known is not."""
    return value is not None and level is not None and value - level > TINY * abs(level)


def below(value, level):
    """Whether a value is below a level by more than rounding."""
    return value is not None and level is not None and level - value > TINY * abs(level)


class Bars:
    """Bars as lists, and what can be said of each from those up to it."""

    def __init__(self, series):
        self.open, self.high, self.low, self.close, self.volume = (
            getattr(series, name).tolist() for name in ("open", "high", "low", "close", "volume")
        )
        self.minute = [stamp // 60_000_000 for stamp in series.time.tolist()]
        self.count = len(self.close)
        self.strengths = {}

    def ema(self, i, n, values=None):
        """Exponential mean of the values up to i, started with the mean of the first n that are known."""
        known = [each for each in (values or self.close)[: i + 1] if each is not None]
        if len(known) < n:
            return None
        mean = sum(known[:n]) / n
        for each in known[n:]:
            mean = 2 / (n + 1) * each + (1 - 2 / (n + 1)) * mean
        return mean

    def window(self, values, i, n):
        """The last n values at i; None if there are not as many."""
        part = values[i - n + 1 : i + 1] if i >= n - 1 else []
        return part if len(part) == n and None not in part else None

    def mean(self, values, i, n):
        """Their mean."""
        part = self.window(values, i, n)
        return part and sum(part) / n

    def deviation(self, i, n):
        """Standard deviation of the last n closes, of the population."""
        part = self.window(self.close, i, n)
        return None if part is None else math.sqrt(sum((each - sum(part) / n) ** 2 for each in part) / n)

    def true_range(self, i):
        """Wilder's true range."""
        if i == 0:
            return self.high[0] - self.low[0]
        before = self.close[i - 1]
        return max(self.high[i] - self.low[i], abs(self.high[i] - before), abs(self.low[i] - before))

    def wilder(self, values, n):
        """Wilder's mean of the values; None if there are not n."""
        if len(values) < n:
            return None
        mean = sum(values[:n]) / n
        for each in values[n:]:
            mean = (mean * (n - 1) + each) / n
        return mean

    def atr(self, i, n):
        """Average true range."""
        return self.wilder([self.true_range(k) for k in range(i + 1)], n) if i >= 0 else None

    def rsi(self, i, n):
        """Relative strength index."""
        if (i, n) not in self.strengths:
            self.strengths[i, n] = self._strength(i, n)
        return self.strengths[i, n]

    def _strength(self, i, n):
        changes = [b - a for a, b in zip(self.close[:i], self.close[1 : i + 1], strict=True)]
        up, down = (self.wilder([max(sign * each, 0.0) for each in changes], n) for sign in (1, -1))
        if up is None:
            return None
        return 100 - 100 / (1 + up / down) if down else 100.0

    def efficiency(self, i, n):
        """Kaufman's efficiency ratio."""
        if i < n:
            return None
        path = sum(abs(self.close[k] - self.close[k - 1]) for k in range(i - n + 1, i + 1))
        return abs(self.close[i] - self.close[i - n]) / path if path > TINY * self.close[i] else 0.0

    def highest(self, i, n):
        """The highest high of n bars."""
        part = self.window(self.high, i, n) if i >= 0 else None
        return part and max(part)

    def lowest(self, i, n):
        """The lowest low of n bars."""
        part = self.window(self.low, i, n) if i >= 0 else None
        return part and min(part)


def _plus(value, more):
    return None if value is None or more is None else value + more


def _times(value, times):
    return None if value is None else value * times


def _begins(test, pair, i):
    """Whether a test of (value, level) holds now and did not at the bar before, when both were known."""
    if i == 0:
        return False
    before = pair(i - 1)
    return test(*pair(i)) and None not in before and not test(*before)


def _both(up, down, i):
    """Buy when a pair begins to be above, sell when another begins to be below."""
    return _begins(above, up, i), _begins(below, down, i)


def ma_cross(bars, i, fast, ratio):
    """Exponential means cross."""
    pair = lambda k: (bars.ema(k, fast), bars.ema(k, fast * ratio))
    return _both(pair, pair, i)


def macd(bars, i, fast, ratio, smooth):
    """MACD crosses its signal line."""
    line = [_plus(bars.ema(k, fast), _times(bars.ema(k, fast * ratio), -1)) for k in range(i + 1)]
    pair = lambda k: (_plus(line[k], bars.close[k]), _plus(bars.ema(k, smooth, line[: k + 1]), bars.close[k]))
    return _both(pair, pair, i)


def efficient_trend(bars, i, n, least):
    """The efficiency ratio rises above a level."""
    clear = _begins(above, lambda k: (bars.efficiency(k, n), least), i)
    return clear and bars.close[i] > bars.close[i - n], clear and bars.close[i] < bars.close[i - n]


def band_reversion(bars, i, n, width):
    """The close comes back into the bands."""
    edge = lambda k, side: _plus(bars.mean(bars.close, k, n), _times(bars.deviation(k, n), side * width))
    return _both(lambda k: (bars.close[k], edge(k, -1)), lambda k: (bars.close[k], edge(k, 1)), i)


def _quantile(values, share):
    """The quantile of some values: between two of them in proportion."""
    ordered = sorted(values)
    below = math.floor((len(ordered) - 1) * share)
    part = (len(ordered) - 1) * share - below
    return ordered[below] if part == 0 else ordered[below] * (1 - part) + ordered[below + 1] * part


def rsi_reversion(bars, i, n, share):
    """The index leaves the zone of its lowest or highest values of 120 bars."""
    index = [bars.rsi(k, n) for k in range(max(i - 120, 0), i + 1)]

    def pair(k, part):
        window = index[: len(index) - (i - k)][-120:]
        whole = len(window) == 120 and None not in window
        return window[-1], _quantile(window, part) if whole else None

    return _both(lambda k: pair(k, share), lambda k: pair(k, 1 - share), i)


def momentum(bars, i, n, least):
    """A change that is large for its time."""
    edge = lambda k, side: None if k < n else _plus(_times(bars.atr(k, 30), side * least * math.sqrt(n)), bars.close[k - n])
    return _both(lambda k: (bars.close[k], edge(k, 1)), lambda k: (bars.close[k], edge(k, -1)), i)


def donchian(bars, i, n, beyond):
    """A close outside the channel."""
    top = lambda k: _plus(bars.highest(k - 1, n), _times(bars.atr(k, 30), beyond))
    bottom = lambda k: _plus(bars.lowest(k - 1, n), _times(bars.atr(k, 30), -beyond))
    return _both(lambda k: (bars.close[k], top(k)), lambda k: (bars.close[k], bottom(k)), i)


def keltner(bars, i, n, width):
    """A close outside the channel about an exponential mean."""
    edge = lambda k, side: _plus(bars.ema(k, n), _times(bars.atr(k, n), side * width))
    return _both(lambda k: (bars.close[k], edge(k, 1)), lambda k: (bars.close[k], edge(k, -1)), i)


def squeeze(bars, i, n, m, tight):
    """A breakout out of quiet."""
    if i == 0:
        return False, False
    usual = bars.mean([bars.deviation(k, n) for k in range(i)], i - 1, m)
    quiet = above(_times(usual, tight), bars.deviation(i - 1, n))
    top, bottom = bars.highest(i - 1, n), bars.lowest(i - 1, n)
    return quiet and bars.close[i] > top, quiet and bars.close[i] < bottom


def _unusual(values, i, n, width):
    """Whether a value is above the mean of the n before by so many of their deviations."""
    part = values[i - n : i] if i >= n else []
    if not part:
        return False
    mean = sum(part) / n
    return above(values[i], mean + width * math.sqrt(sum((each - mean) ** 2 for each in part) / n))


def range_burst(bars, i, n, width):
    """A wide bar that closes near its end."""
    wide = _unusual([bars.true_range(k) for k in range(i + 1)], i, n, width)
    edge = 0.25 * (bars.high[i] - bars.low[i])
    return wide and bars.close[i] > bars.high[i] - edge, wide and bars.close[i] < bars.low[i] + edge


def volume_burst(bars, i, n, width):
    """A busy bar, or a wide one where no volume is known."""
    volume = [0 if math.isnan(each) else each for each in bars.volume]
    silent = not any(volume[max(i - n, 0) : i])
    busy = _unusual([bars.true_range(k) for k in range(i + 1)] if silent else volume, i, n, width)
    return busy and bars.close[i] > bars.open[i], busy and bars.close[i] < bars.open[i]


SESSIONS = {"asia": range(7), "london": range(7, 12), "overlap": range(12, 16), "newyork": range(16, 21), "day": range(7, 21)}


def clock(bars, i, session, n):
    """The first bar of an hour."""
    hour = bars.minute[i] // 60
    due = i >= n and (hour % 24) in SESSIONS[session] and bars.minute[i - 1] // 60 != hour
    return due and bars.close[i] > bars.close[i - n], due and bars.close[i] < bars.close[i - n]


def regime(bars, i, n, clear, m):
    """With a breakout in a trend, against it without one."""
    if bars.efficiency(i, n) is None:
        return False, False
    trend = above(bars.efficiency(i, n), clear)
    up, down = _both(lambda k: (bars.close[k], bars.highest(k - 1, m)), lambda k: (bars.close[k], bars.lowest(k - 1, m)), i)
    return (up, down) if trend else (down, up)


def candle(bars, i, pattern, trend):
    """A pattern: for the falling one all prices are turned over."""
    mean = bars.ema(i, 50)
    found = []
    for sign in (1, -1):
        seen = [
            (sign * bars.open[k], sign * (bars.high if sign > 0 else bars.low)[k],
             sign * (bars.low if sign > 0 else bars.high)[k], sign * bars.close[k])
            for k in range(max(i - 2, 0), i + 1)
        ]  # fmt: skip
        fits = _rising(pattern, seen, bars, i)
        with_it = above(bars.close[i], mean) if sign > 0 else above(mean, bars.close[i])
        against = above(mean, bars.close[i]) if sign > 0 else above(bars.close[i], mean)
        found.append(bool(fits and {"any": True, "with": with_it, "against": against}[trend]))
    return tuple(found)


def _rising(pattern, seen, bars, i):
    """Whether the last of up to three bars ends a pattern that points upwards."""
    o, h, l, c = seen[-1]
    if pattern == "pin":
        body = abs(c - o)
        return body > 0 and min(o, c) - l >= 2 * body and h - max(o, c) < body
    if pattern == "marubozu":
        return abs(c - o) >= 0.9 * (h - l) and above(bars.true_range(i), bars.atr(i, 30)) and c > o
    if len(seen) < 2:
        return False
    po, ph, pl, pc = seen[-2]
    if pattern == "engulfing":
        return pc < po and o <= pc and c > po
    if pattern == "harami":
        return pc < po and o >= pc and c > o and c <= po and (o, c) != (pc, po)
    if pattern == "piercing":
        return pc < po and o <= pc and (po + pc) / 2 < c <= po
    if pattern == "outside":
        return h > ph and l < pl and c > o
    if pattern == "tweezers":
        return l == pl and pc < po and c > o
    if pattern == "doji_break":
        return ph > pl and abs(pc - po) <= 0.1 * (ph - pl) and c > ph
    if len(seen) < 3:
        return False
    qo, qh, ql, qc = seen[-3]
    if pattern == "inside_break":
        return ph < qh and pl > ql and c > ph
    return c > o and pc > po and qc > qo and c > pc > qc  # three
