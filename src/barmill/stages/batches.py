"""Backtests of strategies, a table per batch; a strategy is traded once, whatever batch it is in."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from barmill.market import border
from barmill.market.costs import Costs, costs_of
from barmill.market.datasets import MINUTES
from barmill.market.strategies.strategy import batches_of
from barmill.market.years import bars_per_year
from barmill.plan import Plan
from barmill.target import Target


def build(
    bars: Sequence[Path],
    out: Path,
    *,
    costs: Mapping[str, float],
    both_touched: str,
    out_of_sample: float | str,
    per_year: float,
    pieces: Mapping[str, Callable[..., Any]],
    known: Mapping[str, Path],
) -> Mapping[str, str]:
    """Backtest the strategies of a batch on one series; returns those that failed, and why.

    Args:
        bars: Parquet files of the series.
        out: Parquet, a row per strategy, ascending: see `market.results`. A strategy whose rule fails is a row with its error.
        costs: fields of `market.costs.Costs`.
        both_touched: `stop` or `target`; see `market.backtest`.
        out_of_sample: the date from which bars are out-of-sample, or their share; see `market.samples`.
        per_year: bars in a year, see `market.years`.
        pieces: strategy → its rule.
        known: strategy → folder of a batch with its result.
    """
    from barmill.market import results

    earlier = results.earlier({name: folder / "out" for name, folder in known.items()})
    lacking = {name: rule for name, rule in pieces.items() if name not in earlier.names}
    tables = earlier.tables
    if lacking:
        from barmill.market.backtest import Backtest

        how: dict[str, Any] = {"out_of_sample": out_of_sample, "per_year": per_year}
        backtest = Backtest.read(bars, Costs(**costs), stop_first=both_touched == "stop", **how)
        tables.append(results.work_out(lacking, backtest))
    results.write(out, tables)
    return results.failures(tables)


def targets(plan: Plan) -> Iterator[Target]:
    """A target per batch and dataset of the research."""
    settings, share = plan.settings, border.of_setting(plan.settings.out_of_sample)
    found = batches_of(tuple(settings.strategies), settings.batch_size)
    for dataset in plan.research():
        params = {
            "costs": asdict(costs_of(dataset, plan.by_dataset("costs"))),
            "both_touched": settings.both_touched,
            "out_of_sample": share,
            "per_year": bars_per_year(plan.calendar(dataset), MINUTES[dataset.frequency]),
        }
        chunks = plan.chunk_files(dataset.name)
        for number, pieces in enumerate(found):
            out = plan.path("batches", f"{dataset.name}/results_batch_{number}.parquet")
            yield Target(f"{dataset.name}/{number}", build, {"bars": chunks}, {"out": out}, params, pieces=pieces)
