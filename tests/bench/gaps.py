"""The gap report of 200 daily series of 2,500 bars, and of a million minutes, beside pandas on sessions made once.

In this process, libraries imported and sessions built before: start-up would hide the difference. The peer does less: it
tells which sessions are missing and which rows are extra, without ranges, verdicts or a file.
"""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import exchange_calendars
import numpy as np
import pandas as pd
import pyarrow as pa

from barmill.market.calendars import file_name
from barmill.market.gaps import find
from barmill.market.sessions import Sessions
from barmill.market.tables import read_parquet, write_parquet
from barmill.stages import gaps, sessions
from tests.bench.timing import YARDSTICK, Options, Table, race, work_folder, yardstick

_SYMBOLS, _BARS, _MINUTES = 200, 2_500, 1_000_000
_CALENDAR = "XNYS"


def run(options: Options) -> Table:
    """Chunks of a year each, of which every series lacks ten days and has one too many."""
    folder = work_folder("gaps")
    table = folder / file_name(_CALENDAR)
    sessions.build([], table, table.with_suffix(".fault.txt"), calendar=_CALENDAR, since="1970-01-01", until="2030-12-31")
    series = [_series(folder / f"S{n}", Sessions.read(table), n) for n in range(options.scaled(_SYMBOLS))]
    stamps = [_days(paths) for paths in series]
    minutes = _minutes(Sessions.read(table), options.scaled(_MINUTES))
    scheduled = exchange_calendars.get_calendar(_CALENDAR, start="1990-01-01").sessions
    contenders = {
        "stage": partial(_timed, _stage, series, table, folder / "out.json"),
        "find": partial(_timed, _find, stamps, table, "daily"),
        "minutes": partial(_timed, _find, [minutes], table, "1min"),
        "pandas": partial(_timed, _pandas, series, scheduled),
        YARDSTICK: yardstick,
    }
    medians = race(contenders, options.repeat)
    result = Table("gaps", options.repeat)
    what = f"{len(series)} series of {_BARS} daily bars"
    result.add(f"{what}, from chunks to reports", medians["stage"], "pandas, missing and extra only", medians["pandas"])
    result.add(f"{what}, once read", medians["find"], YARDSTICK, medians[YARDSTICK])
    result.add(f"{len(minutes)} minutes of one series, once read", medians["minutes"], YARDSTICK, medians[YARDSTICK])
    return result


def _series(folder: Path, calendar: Sessions, seed: int) -> list[Path]:
    folder.mkdir()
    days = calendar.expected("2015-01-01", "2030-12-31")[:_BARS]
    lost = np.random.default_rng(seed).choice(np.arange(1, _BARS - 1), 10, replace=False)
    days = np.unique(np.append(np.delete(days, lost), days[100] + np.arange(1, 4)))
    paths = []
    for year in np.unique(days.astype("datetime64[Y]")):
        some = days[days.astype("datetime64[Y]") == year]
        paths.append(folder / f"{year}.parquet")
        columns = [pa.array(some, pa.date32()), *(pa.array(np.full(len(some), 10.0)) for _ in range(6))]
        names = ["date", "open", "high", "low", "close", "volume", "openint"]
        write_parquet(paths[-1], pa.Table.from_arrays(columns, names=names), ["date"])
    return paths


def _days(paths: list[Path]) -> "np.ndarray":
    parts = [read_parquet(path, ["date"]).column("date").to_numpy() for path in paths]
    return np.concatenate(parts).astype("datetime64[D]").astype(np.int64)


def _minutes(calendar: Sessions, count: int) -> "np.ndarray":
    first, last = calendar.between("2014-01-01", "2014-01-10")[0].open, calendar.between("2025-12-01", "2025-12-31")[-1].close
    every = calendar.grid(first, last, 1)[:count]
    lost = np.random.default_rng(0).choice(np.arange(1, len(every) - 1), len(every) // 5_000, replace=False)
    return np.delete(every, lost) * 60_000_000


def _timed(work: Callable[..., None], *arguments: object) -> float:
    start = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - start


def _stage(series: list[list[Path]], table: Path, out: Path) -> None:
    for paths in series:
        gaps.build(
            paths, [table], out, name="S", calendar=_CALENDAR, frequency="daily", tolerance=0.0, halted_after=10
        )  # fmt: skip


def _find(stamps: list["np.ndarray"], table: Path, frequency: str) -> None:
    for each in stamps:
        find(each, frequency, Sessions.read(table), 0.0, 10)


def _pandas(series: list[list[Path]], scheduled: pd.DatetimeIndex) -> None:
    for paths in series:
        days = pd.DatetimeIndex(pd.concat([pd.read_parquet(path, columns=["date"]) for path in paths])["date"])
        expected = scheduled[(scheduled >= days[0]) & (scheduled <= days[-1])]
        expected.difference(days)
        days.difference(expected)
