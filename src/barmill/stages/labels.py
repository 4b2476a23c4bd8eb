"""What became of positions with a target, a stop and a horizon: first passages, labels, volatility barriers."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from barmill.market import grids
from barmill.market.compression import compression_of
from barmill.market.datasets import MINUTES, Dataset
from barmill.market.grids import Label
from barmill.market.pips import pip_of
from barmill.plan import Plan
from barmill.target import Target


def build(
    chunks: Sequence[Path],
    touches: Path,
    metadata: Path,
    *,
    name: str,
    levels: Sequence[int],
    horizons: Sequence[int],
    pip: float,
    touch: str,
    compression: str,
) -> None:
    """Look forward once from every bar: the table that every label follows from exactly.

    Args:
        chunks: Parquet files of one series' bars.
        touches: a row per bar, the columns of `market.touches.Touches`; stamps in UTC, ascending.
        metadata: JSON of what the table is: dataset, rows, span, pip and what it follows from, levels, horizons, touch;
            `lacking`: why no row is.
        name: of the dataset.
        levels: distances from the close, in pips, up and down.
        horizons: minutes.
        pip: in the quote unit; 0: see `market.series.Series.pip`.
        touch: `range` or `close`, see `market.touches`.
        compression: codec and level of the Parquet file, see `market.compression`.
    """
    from barmill.market.series import Series
    from barmill.market.tables import write_parquet
    from barmill.market.touches import Touches, floats

    series = Series.read(chunks)
    source = "setting or custom" if pip else "first close"
    pip = pip or series.pip()
    table = Touches.scan(series, levels, horizons, pip, touch).to_arrow()
    write_parquet(touches, table, ["time"], compression=compression, repeating=floats(table))
    stamps = table.column("time")
    span = [stamps[at].as_py().isoformat() for at in (0, -1)] if len(stamps) else [None, None]
    about = {"dataset": name, "rows": len(stamps), "start": span[0], "end": span[1], "pip": pip, "touch": touch}
    about["pip_from"] = source
    about |= {"levels": list(levels), "horizons": list(horizons)}
    _write(metadata, about if len(stamps) else about | {"lacking": "the series has no bars"})


def build_group(touches: Path, metadata: Path, *, labels: Sequence[str], tie: str, compression: str, **tables: Path) -> None:
    """Write some labels, each as a file of its own.

    Args:
        touches: a table of `build`.
        metadata: its JSON.
        labels: their names, as `T20_S10_H240`.
        tie: what counts where one bar touches target and stop, see `market.touches`.
        compression: codec and level of the Parquet file, see `market.compression`.
        tables: name → a row per bar, the columns of a label as `market.touches` has them.
    """
    from barmill.market.tables import write_parquet
    from barmill.market.touches import Touches, floats

    chosen = [grids.parse_label(name) for name in labels]
    found = Touches.read(touches, json.loads(metadata.read_text(encoding="utf-8"))["pip"], chosen)
    for label in chosen:
        table = found.label(label, tie)
        write_parquet(tables[label.name], table, ["time"], compression=compression, repeating=floats(table))


def build_summary(touches: Path, metadata: Path, summary: Path, *, labels: Sequence[str], tie: str) -> None:
    """Count the outcomes of every label.

    Args:
        touches: a table of `build`.
        metadata: its JSON.
        labels: their names.
        tie: see `build_group`.
        summary: CSV, a row per label and direction, the columns of `market.touches.SUMMARY`.
    """
    from barmill.market.tables import write_rows
    from barmill.market.touches import SUMMARY, Touches, summed

    found = Touches.read(touches, json.loads(metadata.read_text(encoding="utf-8"))["pip"])
    rows = (summed(found, grids.parse_label(name), tie, sign) for name in labels for sign in (1, -1))
    write_rows(summary, SUMMARY, rows)


def build_barriers(
    chunks: Sequence[Path],
    barriers: Path,
    metadata: Path,
    *,
    span: int,
    threshold: float,
    profit: float,
    loss: float,
    horizon: int,
    compression: str,
) -> None:
    """Label events by barriers whose distance follows volatility, see `market.barriers`.

    Args:
        chunks: Parquet files of one series' bars.
        barriers: a row per event, the columns of `market.barriers.label`; none of the first days, whose volatility is not
            settled.
        metadata: JSON: bars, those whose volatility is settled, events by outcome; or `lacking`: why there is no event;
            `without_return`: how many closes are not positive, where there are any, and `note`: what to do about them.
        span: of the volatility's exponential weights, in bars.
        threshold: an event's move since the last one, in volatilities.
        profit: distance of the upper barrier, in volatilities.
        loss: distance of the lower one.
        horizon: minutes until the vertical barrier.
        compression: codec and level of the Parquet file, see `market.compression`.
    """
    import numpy as np

    from barmill.market.barriers import OUTCOMES, label, sample, settled, volatility
    from barmill.market.series import NO_RETURN, Series
    from barmill.market.tables import write_parquet

    series = Series.read(chunks)
    scale = settled(series, volatility(series, span))
    events = sample(series, threshold * scale)
    table = label(series, events, scale, profit, loss, horizon)
    write_parquet(barriers, table, ["time"], compression=compression)
    outcomes, known = Counter(table.column("outcome").to_pylist()), int(np.isfinite(scale).sum())
    about = {"bars": len(series), "volatility_settled": known, "events": {name: outcomes[name] for name in OUTCOMES}}
    if without := int((series.close <= 0).sum()):
        about |= {"without_return": without, "note": NO_RETURN}
    _write(metadata, about if outcomes else about | {"lacking": _no_events(known, len(series), threshold)})


def _no_events(settled: int, bars: int, threshold: float) -> str:
    if not settled:
        return f"the volatility of a day rests on the returns of three days at none of {bars:,} bars"
    return f"no moves add up to more than {threshold:g} volatilities at {settled:,} bars whose volatility is settled"


def targets(plan: Plan) -> Iterator[Target]:
    """Per dataset of `research` the table of touches, its summary, the barriers, and, where asked, the labels in groups."""
    for dataset in plan.research():
        yield from _of(plan, dataset)


def _of(plan: Plan, dataset: Dataset) -> Iterator[Target]:
    settings, name, chunks = plan.settings, dataset.name, plan.chunk_files(dataset.name)
    own, compression = MINUTES[dataset.frequency], compression_of("labels", settings.compression)
    labels = grids.labels(settings.label_targets, settings.label_stops, settings.label_horizons, own)
    touches = {
        "touches": plan.path("labels", f"{name}/touches.parquet"),
        "metadata": plan.path("labels", f"{name}/touches.json"),
    }
    yield Target(
        name=name,
        build=build,
        inputs={"chunks": chunks},
        outputs=touches,
        params={
            "name": name,
            "levels": sorted({level for label in labels for level in (label.target, label.stop)}),
            "horizons": sorted({label.horizon for label in labels}),
            "pip": pip_of(dataset, plan.by_dataset("pips")),
            "touch": settings.label_touch,
            "compression": compression,
        },
    )
    params: dict[str, Any] = {"labels": [label.name for label in labels], "tie": settings.both_touched}
    summary = {"summary": plan.path("labels", f"{name}/summary.csv")}
    yield Target(f"{name}/summary", build_summary, touches, summary, params)
    barriers = {
        "barriers": plan.path("labels", f"{name}/barriers.parquet"),
        "metadata": plan.path("labels", f"{name}/barriers.json"),
    }
    yield Target(f"{name}/barriers", build_barriers, {"chunks": chunks}, barriers, _barriers(plan, own))
    if settings.label_files:
        for number, group in enumerate(grids.groups(labels, settings.checkpoint_interval), 1):
            yield _group(plan, f"{name}/group_{number:02d}", name, touches, group)


def _barriers(plan: Plan, own: int) -> dict[str, Any]:
    settings = plan.settings
    return {
        "span": settings.barrier_span or _SPAN // own,
        "threshold": settings.barrier_threshold,
        "profit": settings.barrier_profit,
        "loss": settings.barrier_loss,
        "horizon": settings.barrier_horizon,
        "compression": compression_of("labels", settings.compression),
    }


_SPAN = 10 * 1440  # minutes: of a hundred of them the returns over a day hardly differ, and say nothing of how a day's vary


def _group(plan: Plan, target: str, name: str, touches: dict[str, Path], group: Sequence[Label]) -> Target:
    outputs = {label.name: plan.path("labels", f"{name}/{label.name}.parquet") for label in group}
    params = {"labels": list(outputs), "tie": plan.settings.both_touched}
    params["compression"] = compression_of("labels", plan.settings.compression)
    return Target(target, build_group, touches, outputs, params)


def _write(path: Path, about: dict[str, Any]) -> None:
    path.write_text(json.dumps(about, sort_keys=True, indent=1) + "\n", encoding="utf-8")
