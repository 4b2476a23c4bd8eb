"""Coverage of all datasets in one table: how much of what their calendars expect is there, and which series have ended."""

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from barmill.market.calendars import file_name
from barmill.market.gaps import ENDED, HALTED, MISSING, THIN
from barmill.market.sessions import Sessions
from barmill.market.tables import write_rows
from barmill.plan import Plan
from barmill.target import Target

COLUMNS = (
    "name", "calendar", "frequency", "verdict", "start", "end", "rows", "expected", "missing", "extra", "unjudged",
    "missing_ranges", "thin_ranges", "halts", "longest", "behind",
)  # fmt: skip


def build(gaps: Sequence[Path], sessions: Sequence[Path], out: Path, *, ended_after: int) -> None:
    """Sum up the gaps of all datasets.

    Args:
        gaps: JSON of the stage `gaps`, one per dataset.
        sessions: the tables of their calendars.
        out: CSV in order of `name`. Columns as in the JSON, and: missing_ranges, thin_ranges, halts (ranges by verdict),
            longest (sessions of the longest of them), behind (sessions from the last bar to the newest bar of any dataset
            of the calendar; empty where no session is known). The verdict is also `ended`, for a series that is nothing worse.
        ended_after: days behind the newest bar of its calendar after which a series has ended.
    """
    found = sorted((json.loads(path.read_text(encoding="utf-8")) for path in gaps), key=lambda each: str(each["name"]))
    tables = {path.name: path for path in sessions}
    newest: dict[str, str] = {}
    for each in found:
        newest[each["calendar"]] = max(newest.get(each["calendar"], ""), each["end"][:10])
    rows = []
    for each in found:
        calendar, end = each["calendar"], each["end"][:10]
        behind: int | str = ""
        if calendar and end and (table := Sessions.read(tables[file_name(calendar)])).dates:
            behind = table.count(end, newest[calendar])
        ended = bool(calendar and end) and _days(end, newest[calendar]) > ended_after
        rows.append(_row(each, behind, ended))
    write_rows(out, COLUMNS, rows)


def targets(plan: Plan) -> Iterator[Target]:
    """One target for all datasets."""
    datasets = plan.datasets()
    calendars = sorted({name for name in map(plan.calendar, datasets) if name})
    yield Target(
        name="all",
        build=build,
        inputs={
            "gaps": [plan.path("gaps", f"{dataset.name}.json") for dataset in datasets],
            "sessions": [plan.sessions(calendar) for calendar in calendars],
        },
        outputs={"out": plan.path("coverage", "coverage.csv")},
        params={"ended_after": plan.settings.stale_days},
    )


def _row(found: Mapping[str, Any], behind: int | str, ended: bool) -> dict[str, object]:
    kinds = [each["verdict"] for each in found["ranges"]]
    return {
        **{column: found[column] for column in COLUMNS if column in found},
        "verdict": ENDED if ended and found["verdict"] != MISSING else found["verdict"],
        "missing_ranges": kinds.count(MISSING),
        "thin_ranges": kinds.count(THIN),
        "halts": kinds.count(HALTED),
        "longest": max((each["sessions"] for each in found["ranges"]), default=0),
        "behind": behind,
    }


def _days(first: str, last: str) -> int:
    return (dt.date.fromisoformat(last) - dt.date.fromisoformat(first)).days
