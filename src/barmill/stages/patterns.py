"""What tells how a position will end: association rules and importances of features, in sample and out of it."""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from barmill.market import border, grids
from barmill.market.datasets import MINUTES
from barmill.plan import Plan
from barmill.target import Target


def build(
    universe: Path,
    touches: Path,
    about: Path,
    rules: Path,
    importances: Path,
    metadata: Path,
    *,
    label: str,
    interval: int,
    tie: str,
    out_of_sample: float | str,
) -> None:
    """Mine rules from features to outcomes in the earlier rows of a universe, and judge them by the later ones.

    Args:
        universe: a table of the stage `universes`.
        touches: the first-passage table of the same series.
        about: its JSON.
        rules: CSV, a row per rule, the columns of `market.associations.COLUMNS`.
        importances: CSV, a row per direction and feature, the columns of `market.importances.COLUMNS`.
        metadata: JSON: rows in sample and out of it, rules tried, kept and surviving, losses of the forest; or `lacking`: why
            nothing was mined, and both tables have no row.
        label: name of the label whose outcomes are to be told.
        interval: minutes of the universe's bars.
        tie: see `market.touches`.
        out_of_sample: the date from which rows are not learned from, or their share; see `market.samples`.
    """
    from barmill.market import associations, patterns
    from barmill.market import importances as weights
    from barmill.market.tables import read_parquet, write_rows
    from barmill.market.touches import Touches

    wanted = grids.parse_label(label)
    found = Touches.read(touches, json.loads(about.read_text(encoding="utf-8"))["pip"], [wanted])
    rows = patterns.rows(read_parquet(universe), found, wanted, tie, out_of_sample, interval)
    mined, tried = ([], 0) if rows.lacking else associations.mine(rows)
    weighed, scores = ([], {}) if rows.lacking else weights.weigh(rows)
    write_rows(rules, associations.COLUMNS, map(_text, mined))
    write_rows(importances, weights.COLUMNS, map(_text, weighed))
    told: dict[str, Any] = {"lacking": rows.lacking} if rows.lacking else {}
    told |= {"label": label, "out_of_sample_from": rows.since}
    told |= {"rows_in": int(rows.inside.sum()), "rows_out": int((~rows.inside).sum()), "overlap": rows.overlap}
    told |= {"rules_tried": tried, "rules": len(mined), "surviving": sum(rule["survives"] == "yes" for rule in mined)}
    told["forest"] = {direction: _text(score) for direction, score in scores.items()}
    metadata.write_text(json.dumps(told, sort_keys=True, indent=1) + "\n", encoding="utf-8")


def targets(plan: Plan) -> Iterator[Target]:
    """One target per dataset of `research` and pair of `patterns`."""
    settings = plan.settings
    for dataset in plan.research():
        own = MINUTES[dataset.frequency]
        made = grids.labels(settings.label_targets, settings.label_stops, settings.label_horizons, own)
        for pair in grids.pairs(settings.patterns, made, settings.universe_intervals, settings.universe_lookbacks, own):
            yield _target(plan, dataset.name, *pair)


def _target(plan: Plan, name: str, universe: grids.Universe, label: grids.Label) -> Target:
    stem = f"{name}/{universe.name}_{label.name}"
    return Target(
        name=stem,
        build=build,
        inputs={
            "universe": plan.path("universes", f"{name}/universe_{universe.name}.parquet"),
            "touches": plan.path("labels", f"{name}/touches.parquet"),
            "about": plan.path("labels", f"{name}/touches.json"),
        },
        outputs={
            "rules": plan.path("patterns", f"{stem}_rules.csv"),
            "importances": plan.path("patterns", f"{stem}_importances.csv"),
            "metadata": plan.path("patterns", f"{stem}_metadata.json"),
        },
        params={
            "label": label.name,
            "interval": universe.interval,
            "tie": plan.settings.both_touched,
            "out_of_sample": border.of_setting(plan.settings.out_of_sample),
        },
    )


def _text(row: Mapping[str, Any]) -> dict[str, Any]:
    """Figures with eight digits, for what is beyond depends on the machine; "" where they are undefined."""
    return {name: _figure(value) if isinstance(value, float) else value for name, value in row.items()}


def _figure(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.8g}"
