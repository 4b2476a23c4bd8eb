"""Gaps of each dataset: expected bars that are missing, bars that nobody expects, and a verdict."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from barmill.market.arrays import stamps
from barmill.market.calendars import cure
from barmill.market.datasets import MINUTES
from barmill.market.gaps import find
from barmill.market.sessions import Sessions
from barmill.market.tables import read_parquet
from barmill.plan import Plan
from barmill.target import Target


def build(
    chunks: Sequence[Path],
    sessions: Sequence[Path],
    out: Path,
    *,
    name: str,
    calendar: str,
    frequency: str,
    tolerance: float,
    halted_after: int,
) -> None:
    """Compare the bars of a dataset with the sessions of its calendar.

    Args:
        chunks: its bars in order of time; the first column of each is `date` (date32) or `time` (timestamp[us, UTC]).
        sessions: the table of its calendar; none if it has none.
        out: JSON: name, calendar, frequency, cure ("" but for a dataset without a calendar or without sessions), and what
            `market.gaps.Gaps` says.
        name: of the dataset.
        calendar: "" if it has none.
        frequency: a key of `datasets.PERIODS`.
        tolerance: see `market.gaps.find`.
        halted_after: see `market.gaps`.
    """
    import numpy as np

    stamp = "time" if frequency in MINUTES else "date"
    parts = [stamps(read_parquet(path, [stamp]).column(0)) for path in chunks]
    table = Sessions.read(sessions[0]) if sessions else None
    found = find(np.concatenate([np.empty(0, np.int64), *parts]), frequency, table, tolerance, halted_after)
    known = table is not None and table.dates
    whose = {"name": name, "calendar": calendar, "frequency": frequency, "cure": "" if known else cure(name, calendar)}
    out.write_text(json.dumps(whose | vars(found), indent=1) + "\n", encoding="utf-8")


def targets(plan: Plan) -> Iterator[Target]:
    """One target per dataset."""
    params = {"tolerance": plan.settings.gap_tolerance, "halted_after": plan.settings.halted_after}
    for dataset in plan.datasets():
        calendar = plan.calendar(dataset)
        yield Target(
            name=dataset.name,
            build=build,
            inputs={
                "chunks": plan.chunk_files(dataset.name),
                "sessions": [plan.sessions(calendar)] if calendar else [],
            },
            outputs={"out": plan.path("gaps", f"{dataset.name}.json")},
            params={"name": dataset.name, "calendar": calendar, "frequency": dataset.frequency, **params},
        )
