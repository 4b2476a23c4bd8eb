"""A project with a series of minutes that the research stages are made for, on grids small enough to build often."""

import dataclasses
import datetime as dt
import importlib
from pathlib import Path

from barmill.config import Settings
from barmill.plan import Plan
from barmill.store.cache import Cache
from barmill.target import Target
from tests.support.market import HEADER, NASDAQ, MarketProject
from tests.support.series import walk

STAGES = (
    "instruments", "index", "match", "export", "chunks", "universes", "labels", "regimes", "patterns", "batches", "results",
)  # fmt: skip
NAME = "forex/1min/EURUSD"
SMALL = {
    "research": ("forex/*",),
    "universe_intervals": (5,),
    "universe_lookbacks": (5,),
    "label_targets": (5, 10),
    "label_stops": (5,),
    "label_horizons": (15, 60),
    "label_files": True,
    "checkpoint_interval": 2,
    "regime_universes": ("5m_5lb",),
    "patterns": ("5m_5lb:T5_S5_H15",),
}


def lines(series, ticker="EURUSD"):
    """Stooq text of a series of minutes."""
    moments = [dt.datetime.fromtimestamp(stamp / 1e6, dt.UTC) for stamp in series.time.tolist()]
    prices = zip(series.open, series.high, series.low, series.close, series.volume, strict=True)
    return [
        f"{ticker},1,{at:%Y%m%d,%H%M%S},{','.join(map(repr, map(float, row)))},0"
        for at, row in zip(moments, prices, strict=True)
    ]


def put(root: Path, series, name=NAME) -> None:
    """Put a series into a project's data."""
    path = root / f"data/series/{name}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([HEADER, *lines(series, path.stem), ""]))


def plan(root: Path, **settings) -> Plan:
    """The project in `root`, new with one listed stock and a walk of 3,000 minutes, with these settings over `SMALL`."""
    if not (root / "data").exists():
        project = MarketProject.make(root)
        project.raw(NASDAQ, "AAPL.US")
        project.listed("broker.csv", [("AAPL", "", "NASDAQ", "Apple", "USD")])
        put(root, walk(3000, 21))
    data = root / "data"
    folders = {"stooq": data / "stooq", "instruments": data / "instruments", "series": data / "series"}
    return Plan(dataclasses.replace(Settings(**folders, artifacts=root / "artifacts"), **{**SMALL, **settings}))


def targets(plan: Plan, stage: str) -> list[Target]:
    """The targets of a stage."""
    return list(importlib.import_module(f"barmill.stages.{stage}").targets(plan))


def build(plan: Plan, last: str) -> dict[str, str]:
    """Bring all targets up to and with a stage into place; task → built, restored or fresh."""
    cache = Cache(plan.store, plan.state)
    came = {}
    for stage in STAGES[: STAGES.index(last) + 1]:
        for target in targets(plan, stage):
            came[f"{stage}:{target.name}"] = cache.ensure(target).origin
    return came


def ready(root: Path, stage: str, end: str = "") -> Target:
    """The first target of a stage whose name ends so, in a new project where everything that it reads is built."""
    made = plan(root)
    build(made, STAGES[STAGES.index(stage) - 1])
    cache = Cache(made.store, made.state)
    for target in targets(made, stage):
        if target.name.endswith(end):
            return target
        cache.ensure(target)
    raise LookupError(f"{stage}:…{end}")


def built(came: dict[str, str]) -> list[str]:
    """Tasks that were built."""
    return [task for task, origin in came.items() if origin == "built"]


def files(plan: Plan, stage: str) -> dict[str, bytes]:
    """Name → content of every file of a stage."""
    folder = plan.settings.artifacts / stage
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
