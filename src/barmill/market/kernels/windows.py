"""Figures of a sliding window of bars; `market.features` says what each one is.

Every function takes one window: `x` natural logarithms of the closes, shape (n,), `r` their differences, shape (n - 1,).
NaN stands where a figure is not defined. FLAT is the sum of squares (of log prices) below which there is nothing but rounding.
"""

import math

import numpy as np
from numpy.typing import NDArray

from barmill.market.kernels.jit import kernel, part

Floats = NDArray[np.float64]

FLAT = 1e-24
COUNT = 26
BINS = 5
CANDLES = 3
SMALL, BIG = 0.1, 0.5  # bodies, in mean ranges
SIZES = np.array([3, 4, 6, 8, 12])


@part
def slope(a: Floats, b: Floats, n: int) -> float:
    """Least-squares slope of b over a, first n values."""
    mean_a = mean_b = 0.0
    for i in range(n):
        mean_a += a[i] / n
        mean_b += b[i] / n
    above = below = 0.0
    for i in range(n):
        above += (a[i] - mean_a) * (b[i] - mean_b)
        below += (a[i] - mean_a) ** 2
    return above / below


@part
def moments(r: Floats, out: Floats) -> None:
    """Mean, deviation, skewness and excess kurtosis of the returns, into out[0:4]."""
    n = len(r)
    mean = 0.0
    for value in r:
        mean += value / n
    m2 = m3 = m4 = 0.0
    for value in r:
        d = value - mean
        m2 += d * d
        m3 += d * d * d
        m4 += d * d * d * d
    out[0] = mean
    out[1] = math.sqrt(m2 / (n - 1))
    out[2] = out[3] = math.nan
    if m2 > FLAT:
        out[2] = (m3 / n) / (m2 / n) ** 1.5
        out[3] = (m4 / n) / (m2 / n) ** 2 - 3


@part
def trend(x: Floats, out: Floats) -> None:
    """Velocity, acceleration, trend strength and z-score, into out[0:4]."""
    n = len(x)
    middle, end = (n - 1) / 2, (n - 1) / 2
    mean = 0.0
    for value in x:
        mean += value / n
    t2 = t4 = tx = ttx = xx = 0.0
    for i in range(n):
        t, y = i - middle, x[i] - mean
        t2 += t * t
        t4 += t * t * t * t
        tx += t * y
        ttx += t * t * y
        xx += y * y
    linear, square = tx / t2, ttx / (t4 - t2 * t2 / n)
    out[0] = linear + 2 * square * end
    out[1] = 2 * square
    out[2] = out[3] = math.nan
    if xx > FLAT:
        out[2] = math.copysign(linear * linear * t2 / xx, linear)
        out[3] = (x[n - 1] - mean) / math.sqrt(xx / (n - 1))


@part
def entropy(counts: Floats, n: int, total: float) -> float:
    """Shannon entropy of the first n counts, which add up to total, in nats."""
    found = 0.0
    for i in range(n):
        if counts[i] > 0:
            found -= counts[i] / total * math.log(counts[i] / total)
    return found


@part
def power_at(y: Floats, k: int, cosines: Floats, sines: Floats) -> float:
    """Squared amplitude of k cycles in y; the tables hold cos and sin of 2 pi m / n for m < n."""
    n = len(y)
    real = imaginary = 0.0
    at = 0
    for value in y:
        real += value * cosines[at]
        imaginary += value * sines[at]
        at += k
        if at >= n:
            at -= n
    return real * real + imaginary * imaginary


@part
def spectrum(x: Floats, cosines: Floats, sines: Floats, power: Floats, out: Floats) -> None:
    """Dominant frequency and spectral entropy, into out[0:2]."""
    n = len(x)
    middle, count = (n - 1) / 2, n // 2
    mean = 0.0
    for value in x:
        mean += value / n
    t2 = tx = 0.0
    for i in range(n):
        t2 += (i - middle) ** 2
        tx += (i - middle) * (x[i] - mean)
    for i in range(n):
        power[count + i] = x[i] - mean - tx / t2 * (i - middle)
    total, best = 0.0, 0
    for k in range(1, count + 1):
        power[k - 1] = power_at(power[count : count + n], k, cosines, sines)
        total += power[k - 1]
        if power[k - 1] > power[best]:
            best = k - 1
    out[0] = out[1] = math.nan
    if total > FLAT:
        out[0] = (best + 1) / n
        out[1] = entropy(power, count, total) / math.log(count)


@part
def hurst(x: Floats, a: Floats, b: Floats) -> float:
    """Generalised Hurst exponent of order 1 over lags 1 to n // 4, at least 2; a, b are scratch."""
    n = len(x)
    lags = max(2, n // 4)
    for lag in range(1, lags + 1):
        moved = 0.0
        for i in range(n - lag):
            moved += abs(x[i + lag] - x[i])
        if moved * moved <= FLAT:
            return math.nan
        a[lag - 1], b[lag - 1] = math.log(lag), math.log(moved / (n - lag))
    return slope(a, b, lags)


@part
def box_error(y: Floats) -> float:
    """Sum of the squared residuals of a straight line through y."""
    n = len(y)
    middle = (n - 1) / 2
    mean = 0.0
    for value in y:
        mean += value / n
    t2 = ty = yy = 0.0
    for i in range(n):
        t2 += (i - middle) ** 2
        ty += (i - middle) * (y[i] - mean)
        yy += (y[i] - mean) ** 2
    return max(0.0, yy - ty * ty / t2)


@part
def fluctuation(r: Floats, a: Floats, b: Floats, profile: Floats) -> float:
    """Exponent of detrended fluctuation analysis of order 1, boxes of SIZES up to half of the returns."""
    n = len(r)
    mean = total = 0.0
    for value in r:
        mean += value / n
    for i in range(n):
        total += r[i] - mean
        profile[i] = total
    found = 0
    for size in SIZES:
        if size > n // 2:
            break
        boxes, error = n // size, 0.0
        for box in range(boxes):
            error += box_error(profile[box * size : (box + 1) * size])
        if error <= FLAT:
            return math.nan
        a[found], b[found] = math.log(size), 0.5 * math.log(error / (boxes * size))
        found += 1
    return slope(a, b, found) if found > 1 else math.nan


@part
def higuchi(x: Floats, a: Floats, b: Floats) -> float:
    """Higuchi's fractal dimension, steps 1 to n // 4, at least 2 and at most 6."""
    n = len(x)
    steps = max(2, min(6, n // 4))
    for k in range(1, steps + 1):
        length = 0.0
        for m in range(k):
            parts, moved = (n - 1 - m) // k, 0.0
            for i in range(parts):
                moved += abs(x[m + (i + 1) * k] - x[m + i * k])
            length += moved * (n - 1) / (parts * k) / k / k
        if length * length <= FLAT:
            return math.nan
        a[k - 1], b[k - 1] = -math.log(k), math.log(length)
    return slope(a, b, steps)


@part
def shannon(r: Floats, counts: Floats) -> float:
    """Entropy of a histogram of the returns in BINS equal bins, as a share of the highest possible."""
    low = high = r[0]
    for value in r:
        low, high = min(low, value), max(high, value)
    if (high - low) ** 2 <= FLAT:
        return math.nan
    for i in range(BINS):
        counts[i] = 0
    for value in r:
        counts[min(BINS - 1, int((value - low) / (high - low) * BINS))] += 1
    return entropy(counts, BINS, len(r)) / math.log(BINS)


@part
def permutation(x: Floats, counts: Floats) -> float:
    """Permutation entropy of order 3 and delay 1, as a share of the highest possible; equal values rank as they come."""
    for i in range(8):
        counts[i] = 0
    for i in range(len(x) - 2):
        code = (x[i] > x[i + 1]) + 2 * (x[i] > x[i + 2]) + 4 * (x[i + 1] > x[i + 2])
        counts[code] += 1
    return entropy(counts, 8, len(x) - 2) / math.log(6)


@part
def sample_entropy(r: Floats, tolerance: float) -> float:
    """Sample entropy of the returns, m = 2: -ln of the share of matches of length 2 that also match at length 3."""
    n = len(r)
    two = three = 0
    for i in range(n - 2):
        for j in range(i + 1, n - 2):
            if abs(r[i] - r[j]) <= tolerance and abs(r[i + 1] - r[j + 1]) <= tolerance:
                two += 1
                three += abs(r[i + 2] - r[j + 2]) <= tolerance
    return -math.log(three / two) if three > 0 else math.nan


@part
def ohlc(o: Floats, h: Floats, low: Floats, c: Floats, pip: float, out: Floats) -> None:
    """Position in the range, range, volatility and candle code, into out[0:4]."""
    n = len(c)
    top, bottom, spread, variance = h[0], low[0], 0.0, 0.0
    for i in range(n):
        top, bottom = max(top, h[i]), min(bottom, low[i])
        spread += (h[i] - low[i]) / n
        reach, body = math.log(h[i] / low[i]), math.log(c[i] / o[i])
        variance += 0.5 * reach * reach - (2 * math.log(2) - 1) * body * body
    out[0] = (c[n - 1] - bottom) / (top - bottom) if top > bottom else math.nan
    out[1] = (top - bottom) / pip
    out[2] = math.sqrt(max(0.0, variance / n))
    code = 0
    for i in range(n - CANDLES, n):
        share = (c[i] - o[i]) / spread if spread > 0 else 0.0
        code = code * 5 + (share > BIG) + (share > SMALL) + (share >= -SMALL) + (share >= -BIG)
    out[3] = code


@part
def steps(x: Floats, r: Floats, out: Floats) -> None:
    """Momentum, efficiency, share of rising closes and streak, into out[0:4]."""
    n = len(r)
    path = 0.0
    rising = run = 0
    for value in r:
        path += abs(value)
        rising += value > 0
        sign = (value > 0) - (value < 0)
        run = run + sign if sign != 0 and run * sign >= 0 else sign
    out[0] = x[n] - x[0]
    out[1] = abs(out[0]) / path if path * path > FLAT else math.nan
    out[2] = rising / n
    out[3] = run


@part
def relative_volume(v: Floats) -> float:
    """The last volume over the mean of those of the window that are known."""
    total, known = 0.0, 0
    for value in v:
        if not math.isnan(value):
            total += value
            known += 1
    return v[len(v) - 1] / (total / known) if total > 0 else math.nan


@kernel
def windows(
    time: NDArray[np.int64], o: Floats, h: Floats, low: Floats, c: Floats, v: Floats, n: int, bar: int, pip: float,
    out: NDArray[np.float32],
) -> None:  # fmt: skip
    """Every figure of every window of n bars; bar is their length in the unit of time, out has shape (COUNT, windows)."""
    log, change, cosines, sines = np.empty(len(c)), np.empty(len(c)), np.empty(n), np.empty(n)
    a, b, scratch, row = np.empty(n), np.empty(n), np.empty(2 * n + 8), np.empty(COUNT)
    since, good = np.empty(len(c), np.int64), 0
    for i in range(len(c)):
        good = good + 1 if min(o[i], h[i], low[i], c[i]) > 0 else 0
        log[i], since[i] = math.log(c[i]), good
        change[i] = log[i] - log[max(0, i - 1)]
    for i in range(n):
        cosines[i], sines[i] = math.cos(2 * math.pi * i / n), math.sin(2 * math.pi * i / n)
    for first in range(len(c) - n + 1):
        end = first + n
        if since[end - 1] < n:  # a price that has no logarithm
            out[:, first] = math.nan
            continue
        x, r = log[first:end], change[first + 1 : end]
        moments(r, row[0:4])
        trend(x, row[4:8])
        steps(x, r, row[8:12])
        ohlc(o[first:end], h[first:end], low[first:end], c[first:end], pip, row[12:16])
        row[16] = relative_volume(v[first:end])
        spectrum(x, cosines, sines, scratch, row[17:19])
        row[19] = hurst(x, a, b)
        row[20] = fluctuation(r, a, b, scratch)
        row[21] = higuchi(x, a, b)
        row[22] = shannon(r, scratch)
        row[23] = permutation(x, scratch)
        row[24] = sample_entropy(r, 0.5 * row[1])
        row[25] = n * bar / (time[end - 1] + bar - time[first])
        for i in range(COUNT):
            out[i, first] = row[i]
