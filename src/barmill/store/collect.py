"""Garbage collection: mark without the lock, then delete in short batches under it, each file looked at again.

Why it is safe while others build: `Guard.moment` gives a time at which no publish was under way, so every record is either
there to be marked or is stamped later, with all its objects, and what was stamped later stays. A restore stamps its record
first, and records go before objects: what is left of the records says which objects go.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from barmill.hashing import Digest
from barmill.store import litter, roots
from barmill.store.actions import Actions
from barmill.store.broom import Broom
from barmill.store.census import Census, Known, Lying, take
from barmill.store.guard import Guard
from barmill.store.kin import orphaned
from barmill.store.limits import Limits, doomed

HOUR = 3600.0


@dataclass(frozen=True)
class Tally:
    """How many, and how many bytes."""

    count: int = 0
    bytes: int = 0


@dataclass
class Report:
    """What gc did, or would do.

    Attributes:
        dry_run: whether nothing was removed.
        removed: kind → what was removed of it.
        kept: kind → what is left of it.
        held: reason → number of records that it keeps from the limits.
        excess: bytes by which the store is still larger than it may be.
        notes: what else the reader should know.
    """

    dry_run: bool
    removed: dict[str, Tally] = field(default_factory=dict)
    kept: dict[str, Tally] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    excess: int = 0
    notes: list[str] = field(default_factory=list)


def collect(
    store: Path,
    limits: Limits,
    *,
    grace: float = HOUR,
    dry_run: bool = False,
    ignored: Collection[Path] = (),
    now: int | None = None,
) -> Report:
    """Remove what nothing can use, and the records that break a limit.

    Args:
        store: root of the store.
        limits: what it may keep.
        grace: seconds since its last use in which nothing is removed. 0 is safe for the store; a project may then lose the
            record of a target that it finished a moment ago and has not noted yet.
        dry_run: remove nothing, and report what would be removed.
        ignored: paths of projects whose present graph is not protected.
        now: the time in ns from which ages are counted, if not that of the file system.

    Raises:
        StoreError: a project's state or a pin can't be read, and nothing was removed; or a file can't be removed.
    """
    report = Report(dry_run)
    if not store.is_dir():
        return report
    guard = Guard(store)
    began = guard.moment()
    before, now = began - int(grace * 1e9), now or began
    kept = roots.find(store, ignored)
    census = take(store)
    broom = Broom(guard, dry_run=dry_run)
    _records(store, census, kept, limits, before, now, broom, report)
    report.removed["damaged records"] = _tally(broom.sweep(census.damaged, before))
    report.removed["quarantined files"] = _tally(broom.sweep(litter.quarantined(store), now - litter.MONTH))
    report.removed["temporary files"] = _tally(broom.sweep(litter.temporaries(store), now - litter.HOUR))
    for project in kept.gone:
        broom.drop(str(project.note), condition=lambda project=project: project.is_gone)  # type: ignore[misc]
        report.notes.append(f"the project of {project.state} is gone and is protected no more")
    if not dry_run:
        _use(store, guard, kept.present)
    return report


def _records(
    store: Path, census: Census, kept: roots.Roots, limits: Limits, before: int, now: int, broom: Broom, report: Report
) -> None:
    """Remove records, then what leads to them, and the objects that no record names."""
    records = census.records
    new = {key for key, known in records.items() if known.file.used >= before}
    held = kept.present | kept.pinned | new
    report.held = {
        "of projects' present graphs": len(records.keys() & kept.present),
        "pinned": len(records.keys() & kept.pinned),
        "used within the grace": len(new),
    }
    going: list[Known] = []
    if census.foreign:
        report.notes.append(
            f"{len(census.foreign)} records are of another format or unreadable, the first is {census.foreign[0]}: "
            "what they name is unknown, so no record and no object was removed"
        )
    else:
        here = census.objects.keys()
        broken = {key: known for key, known in records.items() if key not in held and not known.objects.keys() <= here}
        whole = {key: known for key, known in records.items() if key not in broken}
        named = {digest for known in whole.values() for digest in known.objects}
        fresh = sum(file.size for digest, file in census.objects.items() if digest not in named and file.used >= before)
        going = [*broken.values(), *doomed(whole, held, limits, now, fresh)]
    gone = set(broom.sweep((known.file for known in going), before))
    left = {key: known for key, known in records.items() if known.file not in gone}
    broom.sweep(orphaned(store, left.keys()), before)
    named = {digest for known in left.values() for digest in known.objects}
    orphans = [] if census.foreign else [file for digest, file in census.objects.items() if digest not in named]
    swept = set(broom.sweep(orphans, before))
    report.removed |= {"records": _tally(gone), "objects": _tally(swept)}
    report.kept["records"] = _tally(known.file for known in left.values())
    report.kept["objects"] = _tally(file for file in census.objects.values() if file not in swept)
    if limits.max_size is not None:
        report.excess = max(0, sum(tally.bytes for tally in report.kept.values()) - limits.max_size)


def _use(store: Path, guard: Guard, keys: Iterable[Digest]) -> None:
    """Mark the projects' records as used: what is fresh in a project is not even looked at by its builds."""
    actions = Actions(store)
    with guard.shared():
        for key in keys:
            actions.touch(key)


def _tally(found: Iterable[Lying]) -> Tally:
    sizes = [file.size for file in found]
    return Tally(len(sizes), sum(sizes))
