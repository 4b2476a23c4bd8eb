"""Made price series for the research tests."""

from pathlib import Path

import numpy as np

from barmill.market import arrays
from barmill.market.series import MINUTE, Series
from barmill.market.tables import write_parquet

DAY = 1440 * MINUTE
MONDAY = 20_381 * DAY  # 2025-10-20


def walk(n, seed=1, *, digits=5, start=1.16, step=0.8e-4, minutes=1, gaps=0.0):
    """A random walk of n bars on a decimal grid; `gaps` is the share of minutes that are missing."""
    rng = np.random.default_rng(seed)
    close = np.round(start + np.cumsum(rng.standard_normal(n) * step), digits)
    opened = np.round(np.append(start, close[:-1]) + rng.standard_normal(n) * step / 4, digits)
    high = np.round(np.maximum(opened, close) + rng.random(n) * step / 2, digits)
    low = np.round(np.minimum(opened, close) - rng.random(n) * step / 2, digits)
    spaces = 1 + (rng.random(n) < gaps) * rng.integers(1, 40, n)
    time = MONDAY + np.cumsum(spaces) * minutes * MINUTE - minutes * MINUTE
    return Series(time.astype(np.int64), opened, high, low, close, np.round(rng.random(n) * 100))


def bars(*rows, minutes=1):
    """A series of (open, high, low, close) bars, one after the other."""
    values = np.array(rows, float).reshape(-1, 4).T
    time = MONDAY + np.arange(len(rows)) * minutes * MINUTE
    return Series(time.astype(np.int64), *values, np.zeros(len(rows)))


def write(path: Path, series: Series) -> Path:
    """Write a series as a chunk file has it."""
    import pyarrow as pa

    values = {name: arrays.arrow(getattr(series, name)) for name in ("open", "high", "low", "close")}
    table = {"time": arrays.utc(series.time), **values, "volume": arrays.or_null(series.volume)}
    write_parquet(path, pa.table(table), ["time"])
    return path
