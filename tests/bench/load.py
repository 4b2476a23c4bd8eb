"""Loading a Stooq tree of 8,500 symbols of 2,400 bars, each a bar longer than the evening before, with and without syncs.

The peer is the same command in a process whose `os.fsync` does nothing: what durability costs.
"""

import shutil
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from tests.bench.timing import DOIT, YARDSTICK, Options, Table, doit_project, process, race, work_folder, yardstick

_SYMBOLS, _BARS = 8_500, 2_400
_A_FOLDER = 1_000
_UNSYNCED = (
    "import os, sys; os.fsync = lambda file: None; from doit.doit_cmd import DoitMain; sys.exit(DoitMain().run(sys.argv[1:]))"
)
_HEADER = "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\r\n"


def run(options: Options) -> Table:
    """A project each, loaded before; each run gets a source in which each file is a bar longer than in the one before."""
    symbols = options.scaled(_SYMBOLS)
    source = work_folder("load-source")
    projects = {name: _project(name, source) for name in ("synced", "unsynced")}
    evenings = dict.fromkeys(projects, 0)
    _write(source, symbols, 0)
    for root, environ in projects.values():
        _load(DOIT, root, environ, source, symbols)

    def evening(name: str, command: tuple[str, ...]) -> float:
        evenings[name] += 1
        _write(source, symbols, evenings[name])
        root, environ = projects[name]
        return _load(command, root, environ, source, symbols)

    contenders = {
        "synced": partial(evening, "synced", DOIT),
        "unsynced": partial(evening, "unsynced", (sys.executable, "-c", _UNSYNCED)),
        YARDSTICK: yardstick,
    }
    medians = race(contenders, options.repeat)
    shutil.rmtree(source)
    result = Table("load", options.repeat)
    result.add(f"loading {symbols} grown files of {_BARS} bars", medians["synced"], "without syncs", medians["unsynced"])
    result.add("`import pandas`", medians[YARDSTICK])
    return result


def _project(name: str, source: Path) -> tuple[Path, Mapping[str, str]]:
    root, environ = doit_project(f"load-{name}", work_folder(f"load-{name}-stooq"), work_folder(f"load-{name}-instruments"))
    return root, {**environ, "BARMILL_SERIES": str(work_folder(f"load-{name}-series"))}


def _write(source: Path, symbols: int, evening: int) -> None:
    """The source as of an evening: one folder a thousand symbols, as Stooq's."""
    dates = [f"{2000 + day // 336}{day // 28 % 12 + 1:02}{day % 28 + 1:02}" for day in range(_BARS + evening)]
    for number in range(symbols):
        folder = source / "d_us_txt/data/daily/us/nasdaq stocks" / str(number // _A_FOLDER + 1)
        folder.mkdir(parents=True, exist_ok=True)
        ticker = f"S{number}.US"
        lines = (f"{ticker},D,{date},000000,10.5,11.25,10.25,{10 + number % 7}.75,123456,0\r\n" for date in dates)
        (folder / f"{ticker.lower()}.txt").write_text(_HEADER + "".join(lines), newline="")


def _load(command: tuple[str, ...], root: Path, environ: Mapping[str, str], source: Path, symbols: int) -> float:
    arguments = (*command, "load", "-p", "stooq-folder", "--source", str(source))
    return process(arguments, root, environ, says=rf".*\b{symbols}\b")
