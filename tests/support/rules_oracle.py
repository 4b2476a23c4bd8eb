"""A slow gate in plain Python: which bars break which rule, written without looking at how it is found."""

import itertools
import math
from fractions import Fraction

SPLITS = [Fraction(3, 2), 2, Fraction(5, 2), *range(3, 11), 12, 15, 16, 20, 25, 30, 40, 50, 60, 75, 80, 100]


def _is_number(value):
    return value is not None and math.isfinite(value)


def price_faults(bar):
    """The names of the price rules that one bar breaks."""
    values = [bar[name] for name in ("open", "high", "low", "close")]
    opened, high, low, close = values
    faults = set()
    if None in values:
        faults.add("null_prices")
    if any(value is not None and not math.isfinite(value) for value in values):
        faults.add("non_finite_prices")
    if any(value is not None and value < 0 for value in values):
        faults.add("negative_prices")
    if 0 in (high, low, close):
        faults.add("zero_prices")
    elif opened == 0:
        faults.add("zero_open")
    if None not in (high, low) and high < low:
        faults.add("high_below_low")
    body = [value for value in (opened, close) if value is not None and not math.isnan(value)]
    if any((low is not None and value < low) or (high is not None and value > high) for value in body):
        faults.add("ohlc_violations")
    return faults


def volume_faults(bar):
    """The names of the volume rules that one bar breaks."""
    volume = bar["volume"]
    return {
        "missing_volume" if volume is None else "negative_volume" if volume < 0 else "zero_volume" if volume == 0 else ""
    } - {""}


def is_spike(bar, before, limit):
    """Whether the step between two closes is larger than the limit."""
    closes = bar["close"], before["close"]
    return all(_is_number(each) and each > 0 for each in closes) and abs(math.log(closes[0] / closes[1])) > limit


def looks_split(bar, before):
    """Whether a bar opens within two hundredths of a split's ratio of a close that it left by a third or more."""
    if not all(_is_number(each) and each > 0 for each in (bar["open"], bar["close"], before["close"])):
        return False
    step, gap = (abs(math.log(bar[name] / before["close"])) for name in ("close", "open"))
    return step >= math.log(1.5) - 0.02 and any(abs(gap - math.log(ratio)) <= 0.02 for ratio in SPLITS)


def runs(bars, least):
    """How many runs of at least `least` equal closes there are."""
    found, length = 0, 1
    for before, bar in zip(bars, [*bars[1:], {"close": None}], strict=False):
        if bar["close"] == before["close"]:
            length += 1
        else:
            found += length >= least
            length = 1
    return found


def examine(bars, left_out, spike, run):
    """Broken rules with their counts, and the stamps that stay; `left_out` are the rules that put a row aside."""
    counts, latest = {}, {}

    def count(names):
        for name in names:
            counts[name] = counts.get(name, 0) + 1

    kept = bars
    for faults in (price_faults, volume_faults):
        for bar in kept:
            count(faults(bar))
        kept = [bar for bar in kept if not faults(bar) & left_out]
    highest = ""
    for bar in kept:
        count(["non_monotonic_dates"] if bar["date"] < highest else [])
        highest = max(highest, bar["date"])
    for is_doubtful in (True, False):
        for bar in kept:
            if bool(price_faults(bar) | volume_faults(bar)) == is_doubtful:
                latest[bar["date"]] = bar
    count(["duplicate_dates"] * (len(kept) - len(latest)))
    kept = [latest[date] for date in sorted(latest)]
    for before, bar in itertools.pairwise(kept):
        count(["spikes"] if is_spike(bar, before, spike) else [])
        count(["split_like"] if looks_split(bar, before) else [])
    count(["stale_run"] * runs(kept, run))
    return counts, [bar["date"] for bar in kept]
