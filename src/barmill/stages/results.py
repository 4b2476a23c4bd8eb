"""All results of a series in one table, the ranking of its strategies, and a page about them."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from barmill.market import border, grids
from barmill.market.costs import Costs, costs_of
from barmill.market.datasets import MINUTES, Dataset
from barmill.market.strategies.strategy import batches_of
from barmill.market.tables import read_rows, write_rows
from barmill.market.years import bars_per_year
from barmill.plan import Plan
from barmill.target import Target

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from barmill.market.backtest import Backtest
    from barmill.market.page.regimes import Sorting
    from barmill.market.ranking import Ranking
    from barmill.market.silence import Silence

_CURVES = 10
_TICKS = 6


def rank(
    batches: Sequence[Path],
    bars: Sequence[Path],
    merged: Path,
    ranking: Path,
    failed: Path,
    silent: Path,
    summary: Path,
    *,
    dataset: str,
    costs: Mapping[str, float],
    both_touched: str,
    out_of_sample: float | str,
    per_year: float,
    calendar: str,
    minimum_trades: int,
) -> None:
    """Merge the batches of a series, and rank its strategies.

    Args:
        batches: what the stage `batches` wrote.
        bars: Parquet files of the series.
        merged: Parquet, a row per strategy, ascending: see `market.results`.
        ranking: CSV, the best first: see `market.ranking`.
        failed: CSV of the strategies with an error: strategy, error.
        silent: CSV of those that never trade, and why: see `market.silence`.
        summary: JSON of the counts.
        dataset: its name.
        costs: fields of `market.costs.Costs`.
        both_touched: see `batches`.
        out_of_sample: see `batches`.
        per_year: see `batches`.
        calendar: whose bars these are; "" where none is known.
        minimum_trades: in-sample trades below which a strategy is not ranked.
    """
    from barmill.market import results, samples, silence
    from barmill.market.backtest import Backtest
    from barmill.market.ranking import COLUMNS, Sample
    from barmill.market.ranking import rank as ranked
    from barmill.market.tables import read_parquet

    results.write(merged, map(read_parquet, batches))
    table = read_parquet(merged).to_pydict()
    how: dict[str, Any] = {"out_of_sample": out_of_sample, "per_year": per_year}
    backtest = Backtest.read(bars, Costs(**costs), stop_first=both_touched == "stop", **how)
    found = ranked(table, Sample(backtest.split, per_year), minimum_trades)
    write_rows(ranking, COLUMNS, ({name: _cell(row[name]) for name in COLUMNS} for row in found.rows))
    faults = [
        {"strategy": name, "error": error} for name, error in zip(table["strategy"], table["error"], strict=True) if error
    ]
    write_rows(failed, ("strategy", "error"), faults)
    quiet = silence.silent(table, len(backtest.series))
    write_rows(silent, silence.COLUMNS, (each._asdict() for each in quiet))
    told = {"dataset": dataset, "batches": len(batches), **_counts(found, len(table["strategy"]), len(faults), quiet)}
    told |= {"costs": dict(costs), "bars_per_year": per_year, "calendar": calendar, **_span(backtest)}
    told["out_of_sample_from"] = samples.text_of(samples.border(backtest.series.time, out_of_sample))
    summary.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def _counts(found: "Ranking", strategies: int, failed: int, quiet: Sequence["Silence"]) -> dict[str, Any]:
    """What became of so many strategies: each failed, was silent, had too few trades, or is ranked."""
    short = sum(each.reason == "too_short" for each in quiet)
    return {
        "strategies": strategies,
        "distinct": found.distinct,
        "failed": failed,
        "too_short": short,
        "silent": len(quiet) - short,
        "too_few_trades": strategies - failed - len(quiet) - len(found.rows),
        "ranked": len(found.rows),
        "passed": sum(not row["guard"] for row in found.rows),
        "expected_best_sharpe": _known(found.expected_best),
        "expected_best_sharpe_chance": _known(found.expected_best_chance),
    }


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def page(
    merged: Path,
    ranking: Path,
    silent: Path,
    summary: Path,
    bars: Sequence[Path],
    labels: Path,
    touches: Path,
    regimes: Sequence[Path],
    profiles: Sequence[Path],
    regimes_metadata: Sequence[Path],
    rules: Sequence[Path],
    rules_metadata: Sequence[Path],
    out: Path,
    *,
    both_touched: str,
    out_of_sample: float | str,
    top: int,
) -> None:
    """Write a page of HTML about the strategies, labels, regimes and patterns of a series; it needs no other file.

    Args:
        merged: see `rank`.
        ranking: see `rank`.
        silent: see `rank`.
        summary: see `rank`.
        bars: Parquet files of the series.
        labels: CSV, the summary that the stage `labels` writes.
        touches: JSON, what its table is.
        regimes: Parquet files that the stage `regimes` writes, a sorting each.
        profiles: CSV, of the same in the same order.
        regimes_metadata: JSON, of the same.
        rules: CSV files that the stage `patterns` writes, one per pair of universe and label.
        rules_metadata: JSON, of the same in the same order.
        out: HTML.
        both_touched: see `batches`.
        out_of_sample: see `batches`.
        top: strategies in its table; of the first ten of them there are curves.
    """
    from barmill.market.backtest import Backtest
    from barmill.market.page.labelgrid import LabelGrid
    from barmill.market.page.patterns import Mined
    from barmill.market.page.regimes import Prices
    from barmill.market.page.research import research_page
    from barmill.market.silence import Silence
    from barmill.market.strategies.strategy import value_of
    from barmill.market.tables import read_parquet

    counts = _json(summary)
    rows: list[dict[str, Any]] = [
        {name: value_of(text) if text else None for name, text in row.items()} for row in read_rows(ranking)[:top]
    ]
    how: dict[str, Any] = {"out_of_sample": out_of_sample, "per_year": counts["bars_per_year"]}
    backtest = Backtest.read(bars, Costs(**counts["costs"]), stop_first=both_touched == "stop", **how)
    curves = {row["strategy"]: _curve(backtest, row["strategy"]) for row in rows[:_CURVES]}
    table = read_parquet(merged).to_pydict()
    grid = LabelGrid.of(read_rows(labels), _json(touches)["pip"])
    prices = Prices(backtest.series.time, backtest.series.close)
    sortings = [_sorting(*each) for each in zip(regimes, profiles, regimes_metadata, strict=True)]
    mined = [
        Mined(each.stem.removesuffix("_rules"), _json(about), read_rows(each))
        for each, about in zip(rules, rules_metadata, strict=True)
    ]
    quiet = [Silence.parse(row) for row in read_rows(silent)]
    out.write_text(research_page(counts, rows, curves, table, quiet, grid, prices, sortings, mined), encoding="utf-8")


def _curve(backtest: "Backtest", name: str) -> "NDArray[np.float64]":
    """The equity of a strategy."""
    from barmill.market.strategies.families import FAMILIES
    from barmill.market.strategies.strategy import Strategy

    strategy = Strategy.parse(name)
    return backtest.equity(backtest.signals(FAMILIES[strategy.family].rule, strategy.params), strategy.exits)


def targets(plan: Plan) -> Iterator[Target]:
    """Two targets per dataset: table and ranking, and the page."""
    settings = plan.settings
    count = len(batches_of(tuple(settings.strategies), settings.batch_size))
    for dataset in plan.research():
        name = dataset.name
        here = {role: plan.path("results", f"{name}/{file}") for role, file in _FILES.items()}
        bars = plan.chunk_files(name)
        costs = asdict(costs_of(dataset, plan.by_dataset("costs")))
        trading = {"both_touched": settings.both_touched, "out_of_sample": border.of_setting(settings.out_of_sample)}
        calendar = plan.calendar(dataset)
        year = {"calendar": calendar, "per_year": bars_per_year(calendar, MINUTES[dataset.frequency])}
        batches = [plan.path("batches", f"{name}/results_batch_{number}.parquet") for number in range(count)]
        yield Target(
            name, rank, {"batches": batches, "bars": bars},
            {role: here[role] for role in ("merged", "ranking", "failed", "silent", "summary")},
            trading | year | {"dataset": name, "costs": costs, "minimum_trades": settings.minimum_trades},
        )  # fmt: skip
        read = (
            {role: here[role] for role in ("merged", "ranking", "silent", "summary")}
            | {"bars": bars}
            | _research(plan, dataset)
        )
        yield Target(f"{name}/page", page, read, {"out": here["page"]}, {"top": settings.top} | trading)


def _research(plan: Plan, dataset: Dataset) -> dict[str, Path | Sequence[Path]]:
    """What the page reads of labels, regimes and patterns."""
    settings, name, own = plan.settings, dataset.name, MINUTES[dataset.frequency]
    grid = settings.universe_intervals, settings.universe_lookbacks, own
    made = grids.labels(settings.label_targets, settings.label_stops, settings.label_horizons, own)
    pairs = [f"{universe.name}_{label.name}" for universe, label in grids.pairs(settings.patterns, made, *grid)]
    stems = [f"{universe.name}_{method}" for universe, method in grids.sortings(settings.regime_universes, *grid)]
    of_regimes = {"regimes": ".parquet", "profiles": "_profile.csv", "regimes_metadata": "_metadata.json"}
    return {
        "labels": plan.path("labels", f"{name}/summary.csv"),
        "touches": plan.path("labels", f"{name}/touches.json"),
        **{role: [plan.path("regimes", f"{name}/{stem}{end}") for stem in stems] for role, end in of_regimes.items()},
        "rules": [plan.path("patterns", f"{name}/{pair}_rules.csv") for pair in pairs],
        "rules_metadata": [plan.path("patterns", f"{name}/{pair}_metadata.json") for pair in pairs],
    }


def _sorting(regimes: Path, profile: Path, metadata: Path) -> "Sorting":
    from barmill.market.arrays import numbers, stamps
    from barmill.market.page.regimes import Sorting
    from barmill.market.tables import read_parquet

    table, told = read_parquet(regimes, ("time", "last", "regime")), _json(metadata)
    time, last = stamps(table.column("time")), stamps(table.column("last"))
    regime, lacking = numbers(table.column("regime")), told.get("lacking", "")
    return Sorting(regimes.stem, time, last, regime, told["in_sample_rows"], read_rows(profile), lacking)


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


_FILES = {
    "merged": "backtest_results_merged.parquet",
    "ranking": "ranking.csv",
    "failed": "failed.csv",
    "silent": "silent.csv",
    "summary": "summary.json",
    "page": "report.html",
}


def _span(backtest: Any) -> dict[str, Any]:
    """What the bars are: number, first and last stamp, where the out-of-sample ones start, and some stamps between."""
    from barmill.page.document import stamp

    time = backtest.series.time
    told = [stamp(int(each)) for each in (*time[:1], *time[-1:], *time[backtest.split :][:1])] or [""]
    ticks = range(len(time) // (2 * _TICKS), len(time), max(len(time) // _TICKS, 1))
    return {
        "bars": len(time),
        "bars_without_return": backtest.left_out,
        "bars_with_volume": int((backtest.chart.volume > 0).sum()),
        "start": told[0],
        "end": told[1] if len(told) > 1 else "",
        "split": told[-1],
        "split_bar": backtest.split,
        "ticks": [(position, stamp(int(time[position]))) for position in ticks],
    }


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.9g}"
    return value
