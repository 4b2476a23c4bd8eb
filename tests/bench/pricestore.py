"""The price store: loading, nothing new, a day more, and reading a month, beside plain pyarrow and ml4t-data."""

import datetime as dt
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq
from pyarrow import csv

import barmill
from barmill.market.chunkset import read_export, split
from barmill.market.datasets import Dataset
from barmill.plan import Plan
from barmill.reader.catalogue import Catalogue
from barmill.sample.prices import Shape, bars, daily, generator, intraday, text, weekdays
from barmill.stages import chunks, export, panel
from barmill.store.cache import Cache
from tests.bench.peers import venv_python
from tests.bench.timing import Options, Table, race, work_folder

_SHARE = Shape(price=100, volume=2e6)
_RATE = Shape(price=1.16, step=0.0002, volume=0)
_DAY_LENGTH = 1440
_AGAIN = 5
_SEPTEMBER = 9


class Store(NamedTuple):
    """A project of single series whose exports are built, and what is read of it."""

    root: Path
    plan: Plan
    first: str
    end: str

    @property
    def datasets(self) -> list[Dataset]:
        """Its series."""
        return self.plan.datasets()

    def export(self, dataset: Dataset) -> Path:
        """The export of a series."""
        return self.plan.path("export", f"{dataset.name}.csv")


def run(options: Options) -> Table:
    """Two hundred daily series of ten years, then a million minutes of one."""
    table = Table("the price store", options.repeat)
    shares, rate = _shares(options), _rate(options)
    symbols, minutes = len(shares.datasets), _minutes(options)
    _loads(table, f"{symbols} series of 2,500 daily bars", shares, options)
    _loads(table, f"{minutes:,} minute bars of one series", rate, options)
    _a_day_more(table, shares, options)
    _reads(table, f"a month of {symbols} daily series", shares, options)
    _reads(table, f"a month of {minutes:,} minutes", rate, options)
    _memory(table, rate)
    return table


def sample(options: Options) -> list[tuple[str, list[Path]]]:
    """Built files of each kind: what they are, and some of them."""
    found = []
    for store in (_shares(options), _rate(options)):
        for stage in (chunks, panel):
            for target in stage.targets(store.plan):
                _cache(store.plan).ensure(target)
        found.append(store.plan)
    shares, rate = found
    return [
        ("a year of a daily series", sorted(shares.path("chunks", "").rglob("2024.parquet"))),
        ("a month of a series of minutes", sorted(rate.path("chunks", "").rglob("2025-0*.parquet"))),
        ("a year of all daily series", [shares.path("panel", "daily/2024.parquet")]),
    ]


def _shares(options: Options) -> Store:
    month = [day for day in weekdays(2500) if (day.year, day.month) == (2024, 3)]
    symbols = [f"S{n:03d}" for n in range(max(2, options.scaled(200)))]
    return _store("shares", "equities/daily", symbols, daily(2500), _SHARE, month)


def _minutes(options: Options) -> int:
    return max(40, options.scaled(694)) * _DAY_LENGTH


def _rate(options: Options) -> Store:
    stamps = intraday(_minutes(options) // _DAY_LENGTH, range(_DAY_LENGTH))
    return _store("rate", "forex/1min", ["EURUSD"], stamps, _RATE, [day for day in weekdays(40) if day.month == _SEPTEMBER])


def _store(
    name: str, place: str, symbols: Sequence[str], stamps: Sequence[str], shape: Shape, days: Sequence[dt.date]
) -> Store:
    root = work_folder(f"pricestore-{name}")
    folder = root / "data/series" / place
    folder.mkdir(parents=True)
    per = "D" if place.endswith("daily") else "1"
    for symbol in symbols:
        lines = bars(symbol, per, stamps, shape, generator(1, symbol))
        (folder / f"{symbol}.txt").write_bytes(text(lines, "\n"))
    plan = Catalogue(root).plan
    store = Store(root, plan, str(days[0].replace(day=1)), str(days[-1] + dt.timedelta(1)))
    for target in export.targets(plan):
        _cache(plan).ensure(target)
    return store


def _cache(plan: Plan) -> Cache:
    return Cache(plan.store, plan.state)


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _loads(table: Table, what: str, store: Store, options: Options) -> None:
    """Building, looking again, and a bar more: the stage by itself, and with the store and its records."""
    tables = [
        (dataset.name, period.name, piece)
        for dataset in store.datasets
        for identity in [store.plan.identity(dataset)]
        for period, piece in split(read_export(store.export(dataset), identity, dataset.zone), identity)
    ]

    def pyarrow() -> float:
        folder = _fresh(store)
        return _timed(lambda: [pq.write_table(piece, folder / name / f"{period}.parquet") for name, period, piece in tables])

    def parsed() -> float:
        whole = _timed(lambda: [csv.read_csv(store.export(dataset)) for dataset in store.datasets])
        return whole + pyarrow()

    def ours() -> float:
        folder = _fresh(store)
        return _timed(lambda: [_build(store, dataset, folder) for dataset in store.datasets])

    def cached() -> float:
        place, aside = store.plan.path("chunks", ""), Path(tempfile.mkdtemp(dir=store.root))
        if place.exists():
            shutil.move(place, aside)
        cache = _cache(store.plan)
        return _timed(lambda: [cache.ensure(target, force=True) for target in chunks.targets(store.plan)])

    def again() -> float:
        cache = _cache(store.plan)
        return _timed(lambda: [cache.ensure(target) for target in chunks.targets(store.plan)])

    medians = race({"ours": ours, "pyarrow": pyarrow, "parsed": parsed, "cached": cached, "again": again}, options.repeat)
    for target in panel.targets(store.plan):
        _cache(store.plan).ensure(target)
    table.add(f"{what}: export → chunks", medians["ours"], "pyarrow writes the same files", medians["pyarrow"])
    table.add("the same", medians["ours"], "pyarrow parses the exports, too", medians["parsed"])
    table.add("the same, stored and recorded", medians["cached"], "pyarrow writes the same files", medians["pyarrow"])
    table.add("nothing new", medians["again"], "stored and recorded", medians["cached"])
    if theirs := _ml4t(store, options):
        table.add(f"{what}: export → chunks", medians["ours"], "ml4t-data, chunked", theirs["load"])
        table.add("nothing new", medians["again"], "ml4t-data, six bars again", theirs["again"])


def _fresh(store: Store) -> Path:
    """A folder that never was, with one for each series: making files where some were just deleted takes twice as long."""
    folder = Path(tempfile.mkdtemp(dir=store.root))
    for dataset in store.datasets:
        (folder / dataset.name).mkdir(parents=True)
    return folder


def _build(store: Store, dataset: Dataset, folder: Path) -> None:
    params = {"identity": asdict(store.plan.identity(dataset)), "clock": dataset.zone, "compression": "zstd:1"}
    place = folder / dataset.name
    chunks.build([store.export(dataset)], place, place.with_suffix(".json"), **params)


def _a_day_more(table: Table, store: Store, options: Options) -> None:
    """A bar more in every series: what is written of the chunks, and how long it takes."""

    def files() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in store.plan.path("chunks", "").rglob("*.parquet")}

    before = files()
    for dataset in store.datasets:
        last = dataset.raw.read_text().splitlines()[-1]
        with open(dataset.raw, "a", encoding="utf-8") as raw:
            raw.write(last.replace("20251031", "20251103") + "\n")
    cache = _cache(store.plan)
    for target in export.targets(store.plan):
        cache.ensure(target)
    seconds = _timed(lambda: [cache.ensure(target) for target in chunks.targets(store.plan)])
    after = files()
    touched = sum(after[path] != before.get(path) for path in after)
    table.notes.append(f"A day more in each of {len(store.datasets)} series: {touched} of {len(after)} chunks were written.")
    for target in panel.targets(store.plan):
        cache.ensure(target)
    theirs = _ml4t(store, options)
    beside = ("ml4t-data, six bars again and one more", theirs["more"]) if theirs else ("", 0.0)
    table.add("a day more in each, stored and recorded", seconds, *beside, single=True)


def _reads(table: Table, what: str, store: Store, options: Options) -> None:
    """One month, across series by the panel where there is one, and series by series."""
    root, bounds = store.root, (store.first, store.end)
    by = "time" if len(store.datasets) > 1 else "name"
    expected = barmill.read_bars(None, *bounds, by=by, root=root)
    file = root / "month.parquet"
    pq.write_table(expected, file)
    files = [store.plan.manifest_path(each.name).parent / chunk.file for each in store.datasets for chunk in _hit(store, each)]
    column = expected.column_names[1]
    low, high = (dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC) for text in bounds)
    edges = (low, high) if column == "time" else (low.date(), high.date())

    def filtered() -> int:
        filters = [(column, ">=", edges[0]), (column, "<", edges[1])]
        return sum(len(pq.read_table(path, filters=filters)) for path in files)

    assert filtered() == len(expected), "pyarrow reads the same rows"
    contenders: dict[str, Callable[[], object]] = {
        "ours": lambda: barmill.read_bars(None, *bounds, by=by, root=root),
        "pyarrow": lambda: pq.read_table(file),
        "series": lambda: barmill.read_bars(None, *bounds, root=root),
        "files": filtered,
    }
    medians = race({name: partial(_best, work) for name, work in contenders.items()}, options.repeat)
    how = ", by time" if by == "time" else ""
    table.add(f"{what}{how}", medians["ours"], f"pyarrow, one file of these {len(expected):,} rows", medians["pyarrow"])
    table.add(f"{what}, by name", medians["series"], "pyarrow, the same chunks, filtered", medians["files"])
    if theirs := _ml4t(store, options):
        table.add(f"{what}{how}", medians["ours"], "ml4t-data", theirs["range"])


def _best(work: Callable[[], object]) -> float:
    return min(_timed(work) for _ in range(_AGAIN))


def _hit(store: Store, dataset: Dataset) -> list:
    manifest = store.plan.manifest(dataset.name)
    assert manifest is not None, "its chunks are built"
    return [chunk for chunk in manifest.chunks if chunk.end >= store.first and chunk.start < store.end]


def _memory(table: Table, store: Store) -> None:
    """Peak memory of processes that go through all bars, chunk by chunk, and through the last month's."""
    program = (
        "import barmill, re; sum(len(t) for t in barmill.iter_bars({args}root={root!r}));"
        "print(re.search(r'VmHWM:\\s*(\\d+)', open('/proc/self/status').read())[1])"
    )
    peaks = []
    for args in ("", f"start={store.first!r}, "):
        command = (sys.executable, "-c", program.format(args=args, root=str(store.root)))
        peaks.append(int(subprocess.run(command, capture_output=True, text=True, check=True).stdout) / 1e3)
    everything, last = (f"{peak:.0f} MB" for peak in peaks)
    table.notes.append(
        f"Peak memory of a process that goes through all minutes by chunks: {everything}; the last month: {last}."
    )


def _ml4t(store: Store, options: Options) -> dict[str, float] | None:
    python = venv_python("ml4t-data", options.install_peers)
    if python is None:
        return None
    known = store.root / "ml4t.json"
    if not known.exists():
        days = "365" if len(store.datasets) > 1 else "30"
        folder = store.export(store.datasets[0]).parent
        arguments = (str(python), str(Path(__file__).with_name("ml4t_chunked.py")), str(folder), days, store.first, store.end)
        done = subprocess.run(arguments, capture_output=True, text=True, check=True)
        known.write_text(done.stdout.splitlines()[-1])
    found: dict[str, float] = json.loads(known.read_text())
    return found
