"""Features of sliding windows of bars, a table per length of bar and of window."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from barmill.market import grids
from barmill.market.compression import compression_of
from barmill.market.datasets import MINUTES
from barmill.market.grids import Universe
from barmill.market.pips import pip_of
from barmill.plan import Plan
from barmill.target import Target


def build(
    chunks: Sequence[Path],
    out: Path,
    metadata: Path,
    *,
    name: str,
    interval: int,
    lookback: int,
    own: int,
    pip: float,
    compression: str,
) -> None:
    """Join bars to those of `interval` minutes, and compute the features of every window of `lookback` of them.

    Args:
        chunks: Parquet files of one series' bars.
        out: a row per window, in order of time: `time` (stamp, UTC: start of its last bar), `last` (stamp of the last of the
            series' own bars in it: the row is known once that one has closed), `close` (float64), and the columns of
            `market.features` (float32, NaN where not defined).
        metadata: JSON of what the table is: rows, span, pip and what it follows from, and of each feature unit, formula,
            source and how often it is not defined; where there is no row, also `lacking`: why.
        name: of the dataset.
        interval: minutes of a bar.
        lookback: bars of a window.
        own: minutes of the series' bars.
        pip: in the quote unit; 0: see `market.series.Series.pip`.
        compression: codec and level of the Parquet file, see `market.compression`.
    """
    from barmill.market.features import table_of, told
    from barmill.market.resample import resample
    from barmill.market.series import Series
    from barmill.market.tables import write_parquet

    series = Series.read(chunks)
    source = "setting or custom" if pip else "first close"
    pip = pip or series.pip()
    coarser = resample(series, interval, own)
    table = table_of(series, coarser, lookback, interval, pip)
    write_parquet(out, table, ["time"], compression=compression)
    about = {"dataset": name, "universe": Universe(interval, lookback).name, "interval_minutes": interval}
    about |= {"lookback_bars": lookback, "pip": pip, "pip_from": source, **told(table)}
    if not len(table):
        about["lacking"] = _lacking(len(series), len(coarser.bars), interval, lookback)
    metadata.write_text(json.dumps(about, sort_keys=True, indent=1) + "\n", encoding="utf-8")


def _lacking(bars: int, coarser: int, interval: int, lookback: int) -> str:
    return f"of {bars:,} bar{'s'[: bars != 1]} come {coarser} whole ones of {interval} minutes: a window needs {lookback}"


def targets(plan: Plan) -> Iterator[Target]:
    """One target per dataset of `research` and universe that its bars can be joined to."""
    settings, compression = plan.settings, compression_of("universes", plan.settings.compression)
    for dataset in plan.research():
        own, pip = MINUTES[dataset.frequency], pip_of(dataset, plan.by_dataset("pips"))
        for universe in grids.universes(settings.universe_intervals, settings.universe_lookbacks, own):
            stem = f"{dataset.name}/universe_{universe.name}"
            yield Target(
                name=f"{dataset.name}/{universe.name}",
                build=build,
                inputs={"chunks": plan.chunk_files(dataset.name)},
                outputs={
                    "out": plan.path("universes", f"{stem}.parquet"),
                    "metadata": plan.path("universes", f"{stem}_metadata.json"),
                },
                params={
                    "name": dataset.name,
                    "interval": universe.interval,
                    "lookback": universe.lookback,
                    "own": own,
                    "pip": pip,
                    "compression": compression,
                },
            )
