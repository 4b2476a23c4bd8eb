"""A slow gate in plain Python: which bars break which rule, written without looking at how it is found."""

import itertools
import math
from statistics import median


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


def looks_split(bars, row):
    """Whether prices move to a level that they stay on, by a ratio of small numbers or fourfold, and turnover does not."""
    bar, before = bars[row], bars[row - 1]
    earlier, later = bars[max(row - 5, 0) : row], bars[row : row + 5]
    closes = [median(each["close"] for each in part) for part in (earlier, later)]
    if min(len(earlier), len(later)) < 3 or not all(
        _is_number(each) and each > 0 for each in (bar["open"], bar["close"], before["close"], *closes)
    ):
        return False
    if abs(math.log(bar["close"] / before["close"])) <= math.log(1.25) - 0.06:
        return False
    level, gap = math.log(closes[1] / closes[0]), math.log(bar["open"] / before["close"])
    usual = [each["close"] for each in bars[max(row - 20, 0) : row] if each["close"] > 0]
    longest = max((abs(math.log(b / a)) for a, b in itertools.pairwise(usual)), default=0)
    if (
        abs(level - gap) > 0.05 + abs(level) * 0.15
        or min(abs(level), abs(gap)) < 2 * longest
        or abs(gap) < math.log(1.25) - 0.06
    ):
        return False
    volumes = [[each["volume"] for each in part] for part in (earlier, later)]
    known = None not in volumes[0] + volumes[1]
    middles = [median(each) for each in volumes] if known else [0, 0]
    traded = math.log(middles[1] / middles[0]) if min(middles) > 0 else None
    if abs(level) >= math.log(4) - 0.03:
        return traded is None or (traded <= 0 if level > 0 else level + traded <= 1.5)
    ratio = min((1.25, 4 / 3, 1.5, 5 / 3, 2, 2.5, 3), key=lambda each: abs(abs(gap) - math.log(each)))
    near, far, fall, rise, first = (0.02, 0.04, 0.5, 0.1, 0.5) if ratio < 1.4 else (0.05, 9, 1, 0.3, 0.7)
    is_near = abs(abs(gap) - math.log(ratio)) <= near and abs(level - gap) <= far
    if not known or not is_near or traded is None:
        return is_near and not known
    on_first = math.log(bar["volume"] / middles[0]) if bar["volume"] > 0 else -9
    return traded + min(level, 0) <= (fall if level < 0 else rise) and on_first + min(level, 0) <= first


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
    for row in range(1, len(kept)):
        count(["spikes"] if is_spike(kept[row], kept[row - 1], spike) else [])
        count(["split_like"] if looks_split(kept, row) else [])
    count(["stale_run"] * runs(kept, run))
    return counts, [bar["date"] for bar in kept]
