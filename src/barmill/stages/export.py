"""Clean prices of each dataset, with a diagnosis of what is odd about them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from barmill.market.archive import read_series
from barmill.market.bars import write_bars
from barmill.market.datasets import ASSET_CLASSES, Dataset
from barmill.market.offences import Limits
from barmill.market.policies import LEFT_OUT, OFF_SESSION, overrides, resolve
from barmill.market.quality import diagnose
from barmill.market.rules import examine
from barmill.market.sessions import Sessions
from barmill.plan import Plan
from barmill.target import Target


def build(
    raw: Path,
    archive: Sequence[Path],
    sessions: Sequence[Path],
    out: Path,
    diagnosis: Path,
    *,
    symbol: str,
    frequency: str,
    asset_class: str,
    rules: Mapping[str, str],
    spike: float,
    stale_run: int,
    include_empty: bool,
) -> None:
    """Read a raw file once; write the bars that its asset class's rules let through, and say what was odd.

    Args:
        raw: Stooq's text of any quality, or text in another dialect; see `dialects.read_raw`.
        archive: index and packs of what was archived of it; see `market.archive`.
        sessions: the table of its calendar, where bars on other days do not stay; else none.
        out: CSV with the columns of `schema.BAR`: date YYYY-MM-DD, time HH:MM:SS, prices in the listing's quote unit;
            ascending and unique in (date, time), of lines with the same stamp the last that breaks no rule. Not written
            without a bar, unless `include_empty`.
        diagnosis: JSON of `quality.diagnose`; of a file that is not Stooq's text also its `dialect` and `notes` (see
            `dialects.Reading`).
        symbol: the ticker that the file should hold.
        frequency: how long its bars are, a key of `datasets.PERIODS`.
        asset_class: see `rules.examine`.
        rules: rule → action, where it is not the asset class's own.
        spike: see `offences.Limits`.
        stale_run: see `offences.Limits`.
        include_empty: write the header even if there is no bar.
    """
    reading = read_series(raw.read_bytes(), archive, symbol, frequency)
    bars = reading.bars
    days = Sessions.read(sessions[0]) if sessions else None
    gate = examine(bars.given, asset_class, rules, days, Limits(spike, stale_run), breaks=bars.breaks)
    if gate.table.num_rows or include_empty:
        out.write_bytes(write_bars(gate.table))
    found = diagnose(symbol, bars, gate) | {
        name: value for name, value in (("dialect", reading.dialect), ("notes", reading.notes)) if value
    }
    diagnosis.write_text(json.dumps(found, sort_keys=True, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def targets(plan: Plan) -> Iterator[Target]:
    """One target per dataset."""
    settings = plan.settings
    params = {"include_empty": settings.include_empty_prices, "spike": settings.spike, "stale_run": settings.stale_run}
    rules = {name: overrides(name, settings.rules) for name in ASSET_CLASSES}
    is_bound = {name: resolve(name, settings.rules)[OFF_SESSION] in LEFT_OUT for name in ASSET_CLASSES}
    archives = plan.archives()
    for dataset in plan.datasets():
        own = {
            "symbol": dataset.symbol,
            "frequency": dataset.frequency,
            "asset_class": dataset.asset_class,
            "rules": rules[dataset.asset_class],
        }
        yield Target(
            name=dataset.name,
            build=build,
            inputs={
                "raw": dataset.raw,
                "archive": archives.get(dataset.name, []),
                "sessions": _sessions(plan, dataset) if is_bound[dataset.asset_class] else [],
            },
            outputs={
                "out": plan.path("export", f"{dataset.name}.csv"),
                "diagnosis": plan.path("export", f"{dataset.name}.json"),
            },
            params={**own, **params},
            optional=frozenset({"out"}),
        )


def _sessions(plan: Plan, dataset: Dataset) -> list[Path]:
    """The table of the sessions on which a dataset may have bars; none if no calendar of it is known, or a bar is not a day."""
    calendar = plan.calendar(dataset)
    return [plan.sessions(calendar)] if calendar and dataset.frequency == "daily" else []
