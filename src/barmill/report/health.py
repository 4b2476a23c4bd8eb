"""The health of each dataset: healthy, stale (behind its calendar), ended, or in error (missing, damaged, refused, failing)."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from barmill.errors import BarsError
from barmill.market.archive import damage, files_of
from barmill.market.datasets import Dataset
from barmill.market.manifest import Manifest
from barmill.plan import Plan
from barmill.report.ended import Ended, read_table
from barmill.report.lag import Lag, Timetable
from barmill.report.updates import Updates, read_updates
from barmill.sources.history import path_of

HEALTHY, STALE, ENDED, ERROR = "healthy", "stale", "ended", "error"
STATUSES = (HEALTHY, STALE, ENDED, ERROR)
GOOD = (HEALTHY, ENDED)
"""Statuses that need nobody."""
_EXCERPT = 3
SHARED = ("calendar", "frequency", "start", "end", "series", "of")


@dataclass
class Condition:
    """How a dataset is.

    Attributes:
        name, symbol, asset_class, frequency: of the dataset.
        status: `healthy`, `stale`, `ended` (the others of its calendar go on without it), `error`.
        reasons: why it is not healthy.
        notes: what is worth knowing and no reason.
        rows: bars in its chunks; `start` and `end`, stamps of the first and the last.
        behind: how far behind it is, in `unit`s (`sessions` of `calendar`, or `calendar days`).
        provider: whom it is updated from; "" if by hand.
        updates: the last three of its history.
    """

    name: str
    symbol: str
    asset_class: str
    frequency: str
    status: str = HEALTHY
    reasons: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    rows: int = 0
    start: str = ""
    end: str = ""
    behind: int = 0
    unit: str = ""
    calendar: str = ""
    provider: str = ""
    updates: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Health:
    """How a project's datasets are.

    Attributes:
        conditions: of each dataset.
        strays: files that are not a dataset.
        faults: tables about all datasets that can't be read, with the cure.
        shared: gaps that series of a calendar have in common: rows of `shared.csv`, see the stage `coverage`.
    """

    conditions: list[Condition]
    strays: list[str]
    faults: list[str]
    shared: list[dict[str, str]]

    @property
    def is_good(self) -> bool:
        """Whether every dataset is healthy or has ended, no file is astray, and no table is damaged."""
        return not self.strays and not self.faults and all(each.status in GOOD for each in self.conditions)

    def counts(self) -> dict[str, int]:
        """Totals: datasets, healthy, stale, ended, error, rows."""
        return _counts(self.conditions)

    def by_class(self) -> dict[str, dict[str, int]]:
        """The same per asset class."""
        classes = sorted({each.asset_class for each in self.conditions})
        return {name: _counts(each for each in self.conditions if each.asset_class == name) for name in classes}


def examine(plan: Plan, datasets: Iterable[Dataset], timetable: Timetable, stale_days: int) -> Health:
    """Look at each dataset's files, bars and updates.

    Args:
        plan: the project.
        datasets: which.
        timetable: the moment to judge at, and the calendars.
        stale_days: how many sessions (calendar days, where no calendar is known) a dataset may be behind.
    """
    ended = Ended(plan, timetable.moment)
    conditions = [_condition(plan, each, timetable, ended, stale_days) for each in datasets]
    shared, fault = read_table(plan.path("coverage", "shared.csv"), SHARED)
    return Health(conditions, list(map(str, plan.strays())), list(filter(None, (ended.fault, fault))), shared)


def _condition(plan: Plan, dataset: Dataset, timetable: Timetable, ended: Ended, stale_days: int) -> Condition:
    found = Condition(dataset.name, dataset.symbol, dataset.asset_class, dataset.frequency)
    updates = read_updates(path_of(plan.settings.series, dataset.name))
    found.provider = updates.provider
    found.updates = [each._asdict() for each in updates.all[-_EXCERPT:]]
    found.reasons = list(_errors(plan, dataset, updates, found))
    if found.reasons:
        found.status = ERROR
    found.notes += _gaps(plan.path("gaps", f"{dataset.name}.json"), ended.row(dataset.name))
    if found.end:
        lag = timetable.lag(dataset, found.end)
        found.behind, found.unit, found.calendar = lag.behind, lag.unit, lag.calendar
        if lag.note:
            found.notes.append(lag.note)
        if lag.behind > stale_days:
            has_ended = ended.has(dataset, found.end)
            found.reasons.append(f"ended with {found.end}" if has_ended else tell(lag))
            if found.status != ERROR:
                found.status = ENDED if has_ended else STALE
    return found


def tell(lag: Lag) -> str:
    """How far behind, in words."""
    unit = lag.unit if lag.behind != 1 else lag.unit.removesuffix("s")
    return f"{lag.behind:,} {unit}{f' of {lag.calendar}' if lag.calendar and not lag.note else ''} behind"


def _errors(plan: Plan, dataset: Dataset, updates: Updates, found: Condition) -> Iterator[str]:
    """What is wrong with a dataset, beside its age; fills in what its files tell."""
    if not dataset.raw.exists():
        yield f"its raw file {dataset.raw} is missing"
    yield from damage(files_of(plan.settings.series, dataset.name))
    yield from _diagnosed(plan.path("export", f"{dataset.name}.json"), found)
    path = plan.manifest_path(dataset.name)
    try:
        manifest = Manifest.read(path)
    except BarsError as error:
        yield error.fact if path.exists() else 'it is not built; run "doit"'
    else:
        found.rows, found.start, found.end = manifest.rows, manifest.start, manifest.end
        yield from _damage(manifest, path)
    if failure := updates.failure():
        yield failure


def _diagnosed(path: Path, found: Condition) -> Iterator[str]:
    """What the export says: an unusable file is an error, bars that were left out are worth a note."""
    try:
        diagnosis = json.loads(path.read_text(encoding="utf-8"))
        status, rejected, findings = (diagnosis[name] for name in ("data_status", "rejected", "findings"))
    except FileNotFoundError:
        return
    except (OSError, ValueError, KeyError, TypeError) as error:
        yield f'its diagnosis {path} is damaged: {error!r}; run "doit"'
        return
    if status == "empty" or status.startswith("error:"):
        yield f"its raw file is of no use: {status}"
    left_out = len(rejected) + sum(each["action"] == "quarantine" for each in findings)
    if left_out:
        found.notes.append(f"{left_out} bars or lines are left out, see {path}")


def _gaps(path: Path, row: Mapping[str, str]) -> Iterator[str]:
    """What the gaps are like, beside those that the series shares with others; nothing where it has none, or none are built.

    Args:
        path: of the dataset's gaps.
        row: of the dataset in the coverage; one that counts other bars is older than the gaps and says nothing about them.
    """
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        verdict, missing, extra = told["verdict"], told["missing"], told["extra"]
        if row.get("missing") == str(missing):
            verdict, missing = row["verdict"], missing - int(row["shared"])
        if missing or extra:
            yield f"gaps: {verdict}, {missing:,} bars missing and {extra:,} not expected, see {path}"
    except FileNotFoundError:
        return
    except (OSError, ValueError, KeyError, TypeError) as error:
        yield f'its gaps {path} are damaged: {error!r}; run "doit"'


def _damage(manifest: Manifest, path: Path) -> Iterator[str]:
    """Chunks that are not there, or have another size than the manifest says; `doit verify` reads every byte."""
    for chunk, file in zip(manifest.chunks, manifest.files(path), strict=True):
        try:
            size = file.stat().st_size
        except OSError:
            yield f'its chunk {file} is missing; run "doit"'
            continue
        if size != chunk.bytes:
            yield f'its chunk {file} has {size:,} bytes, not {chunk.bytes:,}; run "doit"'


def _counts(conditions: Iterable[Condition]) -> dict[str, int]:
    found = list(conditions)
    by_status = {status: sum(each.status == status for each in found) for status in STATUSES}
    return {"datasets": len(found), **by_status, "rows": sum(each.rows for each in found)}


def as_rows(health: Health) -> list[dict[str, Any]]:
    """Every condition as a JSON object."""
    return [asdict(each) for each in health.conditions]
