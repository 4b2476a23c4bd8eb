"""Features of one window of bars in slow Python, written from their definitions; None where one is not defined."""

import cmath
import itertools
import math
import statistics

import numpy as np

Bars = list[tuple[float, float, float, float, float]]
FLAT = 1e-12  # root of a sum of squares of log prices below which there is nothing but rounding


def line(points: list[tuple[float, float]]) -> tuple[float, float]:
    """Slope and intercept of the least-squares line."""
    slope, intercept = statistics.linear_regression([a for a, _ in points], [b for _, b in points])
    return slope, intercept


def norm(values: list[float]) -> float:
    """Root of the sum of squares."""
    return math.sqrt(math.fsum(value * value for value in values))


def shares_entropy(shares: list[float], cases: int) -> float:
    """Shannon's entropy over that of `cases` equal shares."""
    return -math.fsum(p * math.log(p) for p in shares if p > 0) / math.log(cases)


def moments(x: list[float], r: list[float]) -> dict[str, float | None]:
    """Mean, deviation, skewness, kurtosis."""
    mean = statistics.fmean(r)
    m2, m3, m4 = (statistics.fmean((value - mean) ** power for value in r) for power in (2, 3, 4))
    flat = norm([value - mean for value in r]) <= FLAT
    return {
        "mean": mean,
        "deviation": statistics.stdev(r),
        "skewness": None if flat else m3 / m2**1.5,
        "kurtosis": None if flat else m4 / m2**2 - 3,
    }


def trend(x: list[float], r: list[float]) -> dict[str, float | None]:
    """What lines and parabolas through x say."""
    n = len(x)
    ages = [i - (n - 1) for i in range(n)]  # 0 at the last bar
    second, first, _ = np.polyfit(ages, x, 2)
    flat = norm([value - statistics.fmean(x) for value in x]) <= FLAT
    r2 = None if flat else statistics.correlation(ages, x) ** 2
    sign = math.copysign(1, line(list(zip(ages, x, strict=True)))[0])
    path = math.fsum(map(abs, r))
    return {
        "velocity": first,
        "acceleration": 2 * second,
        "trend_strength": None if r2 is None else sign * r2,
        "zscore": None if flat else (x[-1] - statistics.fmean(x)) / statistics.stdev(x),
        "momentum": x[-1] - x[0],
        "efficiency": abs(x[-1] - x[0]) / path if path > FLAT else None,
        "up_share": sum(value > 0 for value in r) / len(r),
        "streak": streak(r),
    }


def streak(r: list[float]) -> int:
    """Signed length of the run that the last return ends."""
    signs = [(value > 0) - (value < 0) for value in r]
    run = list(itertools.takewhile(lambda sign: sign == signs[-1] != 0, reversed(signs)))
    return sum(run)


def candles(bars: Bars) -> dict[str, float | None]:
    """What opens, highs and lows say, but for pips."""
    top, bottom, close = max(bar[1] for bar in bars), min(bar[2] for bar in bars), bars[-1][3]
    spread = statistics.fmean(h - low for _, h, low, _, _ in bars)
    variance = statistics.fmean(
        0.5 * math.log(h / low) ** 2 - (2 * math.log(2) - 1) * math.log(c / o) ** 2 for o, h, low, c, _ in bars
    )
    digits = []
    for o, _, _, c, _ in bars[-3:]:
        body = (c - o) / spread if spread else 0
        digits.append(4 if body > 0.5 else 3 if body > 0.1 else 2 if body >= -0.1 else 1 if body >= -0.5 else 0)
    volumes = [v for *_, v in bars if not math.isnan(v)]
    known = volumes and sum(volumes) > 0 and not math.isnan(bars[-1][4])
    return {
        "range_position": (close - bottom) / (top - bottom) if top > bottom else None,
        "range": top - bottom,
        "volatility": math.sqrt(max(0.0, variance)),
        "candles": int("".join(map(str, digits)), 5),
        "relative_volume": bars[-1][4] / statistics.fmean(volumes) if known else None,
    }


def spectrum(x: list[float]) -> dict[str, float | None]:
    """The periodogram's highest frequency and entropy."""
    n = len(x)
    slope, intercept = line(list(enumerate(x)))
    rest = [value - slope * i - intercept for i, value in enumerate(x)]
    waves = [sum(value * cmath.exp(-2j * math.pi * k * i / n) for i, value in enumerate(rest)) for k in range(1, n // 2 + 1)]
    power = [abs(wave) ** 2 for wave in waves]
    total = math.fsum(power)
    if math.sqrt(total) <= FLAT:
        return {"dominant_frequency": None, "spectral_entropy": None}
    best = max(range(len(power)), key=power.__getitem__)
    return {
        "dominant_frequency": (best + 1) / n,
        "spectral_entropy": shares_entropy([p / total for p in power], len(power)),
    }


def hurst(x: list[float]) -> float | None:
    """Slope of the mean move over the lag, in logarithms."""
    points = []
    for lag in range(1, max(2, len(x) // 4) + 1):
        moves = [abs(b - a) for a, b in zip(x, x[lag:], strict=False)]
        if math.fsum(moves) <= FLAT:
            return None
        points.append((math.log(lag), math.log(statistics.fmean(moves))))
    return line(points)[0]


def dfa(r: list[float]) -> float | None:
    """Detrended fluctuation analysis."""
    mean = statistics.fmean(r)
    profile = list(itertools.accumulate(value - mean for value in r))
    points = []
    for size in (3, 4, 6, 8, 12):
        if size > len(r) // 2:
            continue
        errors = []
        for box in range(len(r) // size):
            part = profile[box * size : (box + 1) * size]
            slope, intercept = line(list(enumerate(part)))
            errors += [value - slope * i - intercept for i, value in enumerate(part)]
        if norm(errors) <= FLAT:
            return None
        points.append((math.log(size), math.log(norm(errors) / math.sqrt(len(errors)))))
    return line(points)[0] if len(points) > 1 else None


def higuchi(x: list[float]) -> float | None:
    """Higuchi's dimension."""
    n, points = len(x), []
    for k in range(1, max(2, min(6, n // 4)) + 1):
        lengths = []
        for m in range(k):
            part = x[m::k]
            moved = math.fsum(abs(b - a) for a, b in itertools.pairwise(part))
            lengths.append(moved * (n - 1) / ((len(part) - 1) * k) / k)
        if statistics.fmean(lengths) <= FLAT:
            return None
        points.append((math.log(1 / k), math.log(statistics.fmean(lengths))))
    return line(points)[0]


def entropies(x: list[float], r: list[float]) -> dict[str, float | None]:
    """Shannon's, of orders, and of samples."""
    low, high = min(r), max(r)
    bins = [0] * 5
    for value in r if high - low > FLAT else ():
        bins[min(4, int((value - low) / (high - low) * 5))] += 1
    orders: dict[tuple[int, ...], int] = {}
    for i in range(len(x) - 2):
        order = tuple(sorted(range(3), key=lambda at: (x[i + at], at)))
        orders[order] = orders.get(order, 0) + 1
    near = 0.5 * statistics.stdev(r)
    pairs = list(itertools.combinations(range(len(r) - 2), 2))
    two = [(i, j) for i, j in pairs if all(abs(r[i + k] - r[j + k]) <= near for k in (0, 1))]
    three = [(i, j) for i, j in two if abs(r[i + 2] - r[j + 2]) <= near]
    return {
        "shannon_entropy": shares_entropy([count / len(r) for count in bins], 5) if high - low > FLAT else None,
        "permutation_entropy": shares_entropy([count / (len(x) - 2) for count in orders.values()], 6),
        "sample_entropy": -math.log(len(three) / len(two)) if three else None,
    }


def features(bars: Bars, pip: float) -> dict[str, float | None]:
    """Every feature of one window but its coverage."""
    if any(price <= 0 for bar in bars for price in bar[:4]):
        return {}
    x = [math.log(bar[3]) for bar in bars]
    r = [b - a for a, b in itertools.pairwise(x)]
    found = moments(x, r) | trend(x, r) | candles(bars) | spectrum(x) | entropies(x, r)
    found["range_pips"] = (found.pop("range") or 0) / pip
    return found | {"hurst": hurst(x), "dfa": dfa(r), "higuchi": higuchi(x)}
