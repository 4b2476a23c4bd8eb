"""Labels and universes of a million minutes: whole runs of doit, beside bare loops and beside a scan per label."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit

from barmill.market import features, grids
from barmill.market.grids import Label
from barmill.market.resample import resample
from barmill.market.series import Series
from barmill.market.touches import Touches
from barmill.sample.prices import HEADER
from tests.bench.timing import (
    BUILT,
    DOIT,
    REPOSITORY,
    YARDSTICK,
    Options,
    Table,
    doit_project,
    finish,
    process,
    race,
    yardstick,
)

NAME = "forex/1min/BENCH"
_MINUTE = 60_000_000
_START = 20_000 * 1440 * _MINUTE
_PIP, _STEP = 1e-4, 0.88e-4
_LEVELS, _STOPS, _HORIZONS = (5, 10, 15, 20, 30, 50), (5, 10, 15, 20, 30), (1, 5, 15, 30, 60, 240, 1440)
_INTERVALS, _LOOKBACKS = (1, 5, 15, 30, 60), (5, 10, 15, 20, 30)
_LABEL = Label(20, 10, 240)


def run(options: Options) -> Table:
    """Labels and universes of 1,000,000 bars, and labels of 100,000 beside a scan per label."""
    series, small = (walk(options.scaled(n)) for n in (1_000_000, 100_000))
    root, environ = project(series)
    touches = Touches.scan(series, _LEVELS, _HORIZONS, _PIP, "range")
    _scan_each(walk(100))  # compiled
    contenders: dict[str, Callable[[], float]] = {
        "table": partial(_doit, root, environ, f"labels:{NAME}"),
        "scan": partial(_seconds, Touches.scan, series, _LEVELS, _HORIZONS, _PIP, "range"),
        "files": partial(_doit, root, environ, "labels"),
        "view": partial(_seconds, touches.label, _LABEL, "stop"),
        "universes": partial(_doit, root, environ, "universes"),
        "windows": partial(_seconds, _windows, series),
        "small": partial(_seconds, _all_outcomes, small),
        "each": partial(_seconds, _scan_each, small),
        YARDSTICK: yardstick,
    }
    medians = race(contenders, options.repeat)
    table = Table(f"research, {len(series):,} bars of a minute", options.repeat)
    table.add("`doit` to the table that 210 labels follow from", medians["table"], "the bare scan", medians["scan"])
    table.add("`doit -n 2`, all 210 files, summary, barriers", medians["files"], "the bare scan", medians["scan"])
    table.add("a label from the table, both directions", medians["view"], "the bare scan", medians["scan"])
    table.add("`doit -n 2`, 25 universes", medians["universes"], "their bare loops, 2 threads", medians["windows"])
    table.add(f"outcomes of 210 labels, {len(small):,} bars", medians["small"], "a scan per label", medians["each"])
    table.add("the first of these", medians["table"], YARDSTICK, medians[YARDSTICK])
    table.notes += [_sizes(root), _compile_time(root)]
    return table


def walk(n: int) -> Series:
    """Made bars of so many minutes."""
    random = np.random.default_rng(1)
    close = np.round(1.16 + np.cumsum(random.standard_normal(n) * _STEP) * np.exp(-np.arange(n) / 1e6), 5)
    opened = np.append(1.16, close[:-1])
    high = np.round(np.maximum(opened, close) + random.random(n) * _STEP / 2, 5)
    low = np.round(np.minimum(opened, close) - random.random(n) * _STEP / 2, 5)
    return Series(_START + np.arange(n) * _MINUTE, opened, high, low, close, np.ones(n))


def project(series: Series) -> tuple[Path, dict[str, str]]:
    """A project whose one series within a day is this one, built up to its chunks."""
    root, environ = doit_project("research", REPOSITORY / "data/stooq", REPOSITORY / "data/instruments")
    raw = root / f"series/{NAME}.txt"
    raw.parent.mkdir(parents=True)
    environ["BARMILL_SERIES"] = str(root / "series")
    stamps = np.datetime_as_string((series.time // 1_000_000).astype("datetime64[s]"))
    with open(raw, "w") as file:
        file.write(f"{HEADER}\n")
        for stamp, *prices in zip(stamps, series.open, series.high, series.low, series.close, strict=True):
            day, _, moment = stamp.replace("-", "").replace(":", "").partition("T")
            file.write(f"BENCH,1,{day},{moment},{','.join(f'{price:.5f}' for price in prices)},1,0\n")
    process((*DOIT, "-n", "2", "chunks"), root, environ)
    return root, environ


def _doit(root: Path, environ: dict[str, str], task: str) -> float:
    process((*DOIT, "forget", task), root, environ)
    return process((*DOIT, "-n", "2", task), root, environ, says=BUILT)


def _seconds(work: Callable[..., object], *arguments: Any) -> float:
    start = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - start


def _windows(series: Series) -> None:
    coarser = {interval: resample(series, interval, 1).bars for interval in _INTERVALS}
    with ThreadPoolExecutor(2) as pool:
        made = [pool.submit(features.windows, coarser[i], k, i, _PIP) for i in _INTERVALS for k in _LOOKBACKS]
    for each in made:
        each.result()


def _all_outcomes(series: Series) -> None:
    touches = Touches.scan(series, _LEVELS, _HORIZONS, _PIP, "range")
    for label in grids.labels(_LEVELS, _STOPS, _HORIZONS, 1):
        for sign in (1, -1):
            touches.outcomes(label, "stop", sign)


def _scan_each(series: Series) -> None:
    out = np.empty(len(series), np.int8)
    for label in grids.labels(_LEVELS, _STOPS, _HORIZONS, 1):
        for sign in (1.0, -1.0):
            _scan(series.high, series.low, series.close, sign, label.target * _PIP, label.stop * _PIP, label.horizon, out)


@njit(cache=True)
def _scan(high: Any, low: Any, close: Any, sign: float, target: float, stop: float, horizon: int, out: Any) -> None:
    for i in range(len(close)):
        out[i] = 0
        for j in range(i + 1, min(len(close), i + 1 + horizon)):
            best, worst = (high[j], low[j]) if sign > 0 else (low[j], high[j])
            if sign * (worst - close[i]) <= -stop:
                out[i] = -1
                break
            if sign * (best - close[i]) >= target:
                out[i] = 1
                break


def _sizes(root: Path) -> str:
    labels = root / "artifacts/labels" / NAME
    files = sum(path.stat().st_size for path in labels.glob("T*.parquet"))
    universes = sum(path.stat().st_size for path in (root / "artifacts/universes" / NAME).glob("*.parquet"))
    table = (labels / "touches.parquet").stat().st_size
    return (
        f"On disk: the table {table / 1e6:.1f} MB, the 210 files {files / 1e6:.0f} MB, 25 universes {universes / 1e6:.0f} MB."
    )


def _compile_time(root: Path) -> str:
    """Seconds that compiling adds, once per machine and edit of a kernel."""
    program = "from tests.bench import research as r; s = r.walk(100); r._windows(s); r._all_outcomes(s)"
    arguments, environ = (DOIT[0], "-c", program), {"NUMBA_CACHE_DIR": str(root / "kernels")}
    cold, warm = (finish(arguments, REPOSITORY, environ).seconds for _ in range(2))
    return f"Compiling all kernels takes {cold - warm:.1f} s, once."
