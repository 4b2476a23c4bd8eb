"""Made daily bars with the oddities of real ones: flat bars, ties, zero and fractional volume, gaps in the calendar."""

import datetime as dt
from typing import Any

import numpy as np

COLUMNS = ("open", "high", "low", "close", "volume")


def daily(n: int, seed: int = 0, *, start: dt.date = dt.date(2018, 1, 1), decimals: int = 2) -> list[dict[str, Any]]:
    """`n` bars of weekdays."""
    rng = np.random.default_rng(seed)
    close = np.round(50 * np.exp(np.cumsum(rng.normal(0, 0.02, n))), decimals)
    open_ = np.round(close * (1 + rng.normal(0, 0.005, n)), decimals)
    high = np.round(np.maximum(open_, close) * (1 + rng.random(n) * 0.01), decimals)
    low = np.round(np.minimum(open_, close) * (1 - rng.random(n) * 0.01), decimals)
    volume = np.where(rng.random(n) < 0.02, 0.0, rng.integers(1, 1_000_000, n) / rng.choice([1, 1, 7], n))
    for flat in np.flatnonzero(rng.random(n) < 0.03)[1:]:  # as the bar before, and without range
        open_[flat] = high[flat] = low[flat] = close[flat] = close[flat - 1]
    days = [day for k in range(2 * n + 7) if (day := start + dt.timedelta(k)).weekday() < 5]
    columns = zip(days, open_, high, low, close, volume, strict=False)
    return [
        {"date": day, "open": float(o), "high": float(h), "low": float(l), "close": float(c), "volume": float(v)}
        for day, o, h, l, c, v in columns
    ]


def arrays(bars: list[dict[str, Any]]) -> dict[str, Any]:
    """Bars as the series that indicators are made of; a missing value is NaN."""
    return {name: np.array([np.nan if bar[name] is None else bar[name] for bar in bars], float) for name in COLUMNS}


def table(bars: list[dict[str, Any]]) -> Any:
    """Bars as a chunk of daily bars has them."""
    import pyarrow as pa

    columns = {"date": pa.array([bar["date"] for bar in bars], pa.date32())}
    columns |= {name: pa.array([bar[name] for bar in bars], pa.float64()) for name in COLUMNS}
    return pa.table({**columns, "openint": pa.array([0.0] * len(bars), pa.float64())})
