"""Indicators of 490 symbols of 1,690 days: computing them, and writing them as Parquet, beside bare TA-Lib and bare Parquet."""

import functools
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import talib

from barmill.market.indicators.frame import KEY, compute, indicators
from barmill.market.tables import write_parquet
from tests.bench.timing import YARDSTICK, Options, Table, race, work_folder, yardstick
from tests.support import bars
from tests.support.indicator_oracle import by_script

SYMBOLS, DAYS = 490, 1690
_KINDS = 10  # different series; the others are these again
_SLOW_ROWS = 260


def run(options: Options) -> Table:
    """In this process, on one core."""
    count = options.scaled(SYMBOLS)
    folder = work_folder("indicators")
    several = [made_bars(n) for n in range(min(count, _KINDS))]
    arrays = [bars.arrays(each) for each in several] * (count // len(several) + 1)
    tables = ([bars.table(each) for each in several] * (count // len(several) + 1))[:count]
    ready = indicators(tables[0], "S000.US")
    contenders = {
        "compute": partial(_seconds, compute, arrays[:count]),
        "window": partial(_seconds, partial(compute, window=200), arrays[:count]),
        "bare TA-Lib": partial(_seconds, _bare, arrays[:count]),
        "whole": partial(_seconds, partial(_whole, folder), list(enumerate(tables))),
        "bare Parquet": partial(_seconds, partial(_parquet, folder, ready), range(count)),
        YARDSTICK: yardstick,
    }
    medians = race(contenders, options.repeat)
    table = Table(f"indicators of {count} x {DAYS} rows", options.repeat)
    rows = count * DAYS
    table.add("26 values", medians["compute"], "bare TA-Lib, 26 values", medians["bare TA-Lib"])
    table.add("by the rules of window = 200", medians["window"], "bare TA-Lib, 26 values", medians["bare TA-Lib"])
    table.add(
        "values, calendar and a Parquet file each", medians["whole"], "bare Parquet of ready tables", medians["bare Parquet"]
    )
    slow = _seconds(by_script, [several[0][:_SLOW_ROWS]]) * rows / _SLOW_ROWS
    table.add("by the rules of window = 200", medians["window"], f"plain Python a row at a time ({_SLOW_ROWS} rows x n)", slow)
    table.add("the first of these", medians["compute"], YARDSTICK, medians[YARDSTICK])
    table.notes.append(
        f"26 values: {rows / medians['compute'] / 1e6:.1f} M rows/s; TA-Lib {rows / medians['bare TA-Lib'] / 1e6:.1f}"
    )
    return table


@functools.cache
def made_bars(seed: int) -> list[dict[str, Any]]:
    """The bars of a symbol."""
    return bars.daily(DAYS, seed)


def _seconds(work: Callable[[Any], object], each: Sequence[Any] | range) -> float:
    start = time.perf_counter()
    for one in each:
        work(one)
    return time.perf_counter() - start


def _whole(folder: Path, one: tuple[int, pa.Table]) -> None:
    number, table = one
    made = indicators(table, f"S{number:03d}.US")
    write_parquet(folder / f"{number}.parquet", made, KEY)


def _parquet(folder: Path, ready: pa.Table, number: int) -> None:
    pq.write_table(ready, folder / f"bare{number}.parquet", compression="zstd")


def _bare(bar: dict[str, Any]) -> list[Any]:
    o, h, l, c, v = (bar[name] for name in bars.COLUMNS)
    with np.errstate(invalid="ignore", divide="ignore"):
        flow = np.nan_to_num(((c - l) - (h - c)) / (h - l)) * v
        average = talib.SMA(v, 20)
        return [
            *(talib.SMA(c, n) for n in (3, 5, 20, 50)), *(talib.EMA(c, n) for n in (3, 20, 50)), talib.RSI(c, 14),
            *talib.MACD(c, 12, 26, 9), talib.OBV(c, v), *talib.BBANDS(c, 20, 2, 2), talib.ATR(h, l, c, 14), average,
            v / average, talib.SMA(v, 10), talib.MFI(h, l, c, v, 14), talib.AD(h, l, c, v),
            talib.SUM(flow, 20) / talib.SUM(v, 20),
            np.log(c[1:] / c[:-1]), (h - l) / c, (c - o) / o,
        ]  # fmt: skip
