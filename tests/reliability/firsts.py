"""First builds of whole market projects, as users begin them: several workers, two runs or checkouts at once, onlookers."""

import itertools
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from barmill import files
from tests.reliability.checkouts import Tally
from tests.support.market import LONDON, NASDAQ
from tests.support.project import Result, ended
from tests.support.research import ResearchProject

_MORE = ("sessions", "gaps", "coverage", "panel", "indicators", "universes")
_NAMES = ("forex/1min/EURUSD", "forex/1min/USDJPY")
_DAYS = [f"202401{day:02d}" for day in range(2, 31)]
_TICKERS = {NASDAQ: ("AAPL.US", "AMZN.US", "MSFT.US", "NVDA.US", "TSLA.US"), LONDON: ("BP.UK", "VOD.UK")}
_RUNS = ("run", "-n", "2")
_LOOKS = (("status",), ("list", "--all"), ("store",), ("datasets",), ("gc", "--grace", "0"), ("verify",), ("history",))
_LONG = 600  # seconds: kernels are compiled, and others are at work on the machine
_STATES = {".lock", ".staging", "state.sqlite", "state.sqlite-shm", "state.sqlite-wal", "store"}


def market(root: Path) -> ResearchProject:
    """A project of every kind of series, in which targets of different names come to equal bytes."""
    universes = {"universe_intervals": [1, 5], "universe_lookbacks": [5, 10]}
    project = ResearchProject.of(root, names=_NAMES, more=_MORE, bars=400, **universes)
    project.series("commodities/daily/GOLD", _DAYS)
    rows = []
    for folder, tickers in _TICKERS.items():
        venue, currency = ("NASDAQ", "USD") if folder == NASDAQ else ("LSE", "GBX")
        for ticker in tickers:
            project.raw(folder, ticker, _DAYS)
            rows.append((ticker.partition(".")[0], "", venue, ticker, currency))
    for half in (0, 1):
        project.listed(f"broker{half}.csv", rows[half::2])
    return project


def outputs(project: ResearchProject) -> dict[str, bytes]:
    """Relative name → bytes of everything that the stages built."""
    root = project.root / "artifacts"
    found = (path for path in sorted(root.rglob("*")) if path.is_file() and path.relative_to(root).parts[0] not in _STATES)
    return {str(path.relative_to(root)): path.read_bytes() for path in found}


def alone(root: Path) -> dict[str, bytes]:
    """The outputs of a build by one process."""
    project = market(root)
    result = ended(project.start(), _LONG)
    assert result.code == 0, result.out + result.err
    return outputs(project)


def firsts(root: Path, expected: dict[str, bytes], seed: int, end: float) -> Tally:
    """Begin new projects in each way, and again until a time, and compare them with one that was built by one process."""
    dice, tally = random.Random(seed), Tally()
    for number, way in enumerate(itertools.cycle(_WAYS)):
        if number >= len(_WAYS) and time.time() > end:
            break
        folder = root / str(number)
        compiles = {} if dice.randrange(4) else {"NUMBA_CACHE_DIR": str(folder / "compiled")}
        for project, result in way(folder, compiles):
            tally.count("first builds")
            if result.code or "Traceback" in result.err:
                tally.lost.append(f"{way.__name__} {number}: exit code {result.code}: {result.out[-2000:]}{result.err[-2000:]}")
            elif outputs(project) != expected:
                tally.lost.append(f"{way.__name__} {number}: other outputs than those of one process")
        files.remove(folder)
    return tally


Ends = Iterator[tuple[ResearchProject, Result]]


def _workers(root: Path, environ: dict[str, str]) -> Ends:
    """One run with more workers than the machine has processors."""
    project = market(root / "p")
    yield project, ended(project.start("-n", "4", **environ), _LONG)


def _checkouts(root: Path, environ: dict[str, str]) -> Ends:
    """Two checkouts over one store."""
    projects = [market(root / name) for name in ("p", "q")]
    runs = [each.start(*_RUNS, BARMILL_STORE=str(root / "store"), **environ) for each in projects]
    yield from zip(projects, [ended(run, _LONG) for run in runs], strict=True)


def _twice(root: Path, environ: dict[str, str]) -> Ends:
    """Two runs in one project; the second waits for the first."""
    project = market(root / "p")
    runs = [project.start(*_RUNS, **environ), project.start(**environ)]
    yield from ((project, result) for result in [ended(run, _LONG) for run in runs])


def _watched(root: Path, environ: dict[str, str]) -> Ends:
    """A run that others look at, and collect the garbage of, from its first moment to its last."""
    project = market(root / "p")
    run = project.start(*_RUNS, **environ)
    number = 0
    while run.poll() is None:
        asked = _LOOKS[number % len(_LOOKS)]
        look = project.start(*asked)
        number += 1
        with look:
            out, err = look.communicate(timeout=_LONG)
        if look.returncode not in {0, 1} or "Traceback" in err:
            run.wait()
            yield project, Result(look.returncode or 1, out, f"doit {' '.join(asked)}: {err}")
    yield project, ended(run, _LONG)


_WAYS: tuple[Callable[[Path, dict[str, str]], Ends], ...] = (_workers, _checkouts, _twice, _watched)
