"""Made bars for tests of the research: a seeded walk on a price grid, with gaps, quiet bars and, if wanted, no volume."""

import numpy as np

from barmill.market.series import Series


def made(count: int, seed: int = 0, *, step: float = 0.0003, price: float = 1.2, decimals: int = 5, minutes: int = 1) -> Series:
    """`count` bars, one every `minutes`, with a gap of two days after every 300."""
    rng = np.random.default_rng(seed)
    close = price * np.exp(np.cumsum(rng.normal(0, step, count) * (rng.random(count) > 0.1)))
    open_ = np.append(price, close[:-1])[:count] * np.exp(rng.normal(0, step / 3, count) * (rng.random(count) > 0.7))
    close, open_ = np.round(close, decimals), np.round(open_, decimals)
    high = np.round(np.maximum(open_, close) * (1 + np.abs(rng.normal(0, step / 2, count))), decimals)
    low = np.round(np.minimum(open_, close) * (1 - np.abs(rng.normal(0, step / 2, count))), decimals)
    high, low = np.maximum(high, np.maximum(open_, close)), np.minimum(low, np.minimum(open_, close))
    time = (np.arange(count) * minutes + np.arange(count) // 300 * 2880) * 60_000_000 + 1_700_000_000_000_000
    return Series(time.astype(np.int64), open_, high, low, close, np.floor(rng.gamma(2, 50, count)))
