"""Coverage of all datasets in one table: how much of what their calendars expect is there, and which series have ended."""

import datetime as dt
import itertools
import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from barmill.market.calendars import file_name
from barmill.market.gaps import HALTED, MISSING, THIN, judge
from barmill.market.sessions import Sessions
from barmill.market.shared_gaps import SharedGap, shared_gaps
from barmill.market.tables import write_rows
from barmill.plan import Plan
from barmill.target import Target

COLUMNS = (
    "name", "calendar", "frequency", "verdict", "start", "end", "rows", "expected", "missing", "extra", "unjudged",
    "missing_ranges", "thin_ranges", "halts", "longest", "shared", "behind", "ended",
)  # fmt: skip
SHARED = ("calendar", "frequency", "start", "end", "missing", "series", "of")
_LENGTHS = {"weekly": 7, "monthly": 31}  # days of a bar


def build(
    gaps: Sequence[Path], sessions: Sequence[Path], out: Path, shared: Path, *, tolerance: float, ended_after: int
) -> None:
    """Sum up the gaps of all datasets.

    Args:
        gaps: JSON of the stage `gaps`, one per dataset.
        sessions: the tables of their calendars.
        out: CSV in order of `name`. Columns as in the JSON, and: missing_ranges, thin_ranges, halts (ranges by verdict),
            longest (sessions of the longest of them), shared (missing bars in gaps that the series has in common with the
            others of its calendar), behind (sessions from the last bar to the newest bar of any dataset of the calendar; empty
            where no session is known), ended (`yes` or empty). Shared gaps count in `missing` and `shared` only.
        shared: CSV in order of calendar, frequency and `start`: the gaps that series have in common, see `shared_gaps`.
        tolerance: see `market.gaps.find`.
        ended_after: days that the last bar may be behind the newest one of its calendar, beside the length of a bar, before the
            series has ended.
    """
    found = sorted((json.loads(path.read_text(encoding="utf-8")) for path in gaps), key=lambda each: str(each["name"]))
    groups: dict[tuple[str, str], list[SharedGap]] = {}
    for key, group in itertools.groupby(sorted(found, key=_group), _group):
        groups[key] = shared_gaps(list(group)) if key[0] else []
    tables = {path.name: path for path in sessions}
    last = {name: Sessions.read(tables[file_name(name)]).last for name in {each["calendar"] for each in found} if name}
    newest: dict[str, str] = {}
    for each in found:
        calendar, end = each["calendar"], each["end"][:10]
        if not (until := last.get(calendar)) or end <= until:  # one wrong year ends no other series
            newest[calendar] = max(newest.get(calendar, ""), end)
    rows = []
    for each in found:
        calendar, end = each["calendar"], each["end"][:10]
        behind: int | str = ""
        if calendar and end and (table := Sessions.read(tables[file_name(calendar)])).dates:
            behind = max(0, table.count(end, newest.get(calendar, end)))
        allowed = ended_after + _LENGTHS.get(each["frequency"], 0)
        ended = bool(calendar and end) and _days(end, newest.get(calendar, end)) > allowed
        rows.append(_row(each, groups[_group(each)], tolerance) | {"behind": behind, "ended": "yes" if ended else ""})
    write_rows(out, COLUMNS, rows)
    common = (dict(zip(SHARED, key, strict=False)) | asdict(gap) for key, found in sorted(groups.items()) for gap in found)
    write_rows(shared, SHARED, common)


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
        outputs={"out": plan.path("coverage", "coverage.csv"), "shared": plan.path("coverage", "shared.csv")},
        params={"tolerance": plan.settings.gap_tolerance, "ended_after": plan.settings.stale_days},
    )


def _group(found: Mapping[str, Any]) -> tuple[str, str]:
    return found["calendar"], found["frequency"]


def _row(found: Mapping[str, Any], common: Sequence[SharedGap], tolerance: float) -> dict[str, object]:
    starts = [gap.start for gap in common]
    own, missing = [], 0
    for each in found["ranges"]:
        at = bisect_right(starts, each["start"]) - 1
        if at >= 0 and common[at].covers(each):
            missing += each["missing"]
        else:
            own.append(each)
    kinds = [each["verdict"] for each in own]
    return {
        **{column: found[column] for column in COLUMNS if column in found},
        "verdict": judge(own, found["expected"], found["extra"], tolerance) if missing else found["verdict"],
        "missing_ranges": kinds.count(MISSING),
        "thin_ranges": kinds.count(THIN),
        "halts": kinds.count(HALTED),
        "longest": max((each["sessions"] for each in own), default=0),
        "shared": missing,
    }


def _days(first: str, last: str) -> int:
    return (dt.date.fromisoformat(last) - dt.date.fromisoformat(first)).days
