"""Figures of a store: what lies in it, for which stages, what it saves, and who uses it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from barmill.store import litter
from barmill.store.census import Known, Lying, take
from barmill.store.pins import pinned
from barmill.store.projects import registered


@dataclass(frozen=True)
class Stage:
    """Figures of the records of one stage: how many, the bytes that they name, seconds that their builds took."""

    records: int
    bytes: int
    seconds: float


@dataclass(frozen=True)
class Figures:
    """Figures of a store.

    Attributes:
        records: number of records; `record_bytes`, of bytes in them.
        objects: number of objects; `object_bytes`, of bytes in them.
        shared_bytes: bytes that are there once and are named more often.
        stages: stage → its figures.
        oldest: when the record was last used that was not used for longest, in seconds since 1970; None without a record.
        newest: when a record was last used.
        quarantine: number of files that were set aside; `quarantine_bytes`, of bytes in them.
        unknown: records of another format, or that can't be read or believed.
        pins: name of each pin → number of its records.
        projects: state file of each project that registered itself → whether it is still there.
    """

    records: int
    record_bytes: int
    objects: int
    object_bytes: int
    shared_bytes: int
    stages: dict[str, Stage]
    oldest: float | None
    newest: float | None
    quarantine: int
    quarantine_bytes: int
    unknown: int
    pins: dict[str, int]
    projects: dict[str, bool]


def figures(store: Path) -> Figures:
    """Look at the whole store.

    Raises:
        StoreError: a pin or a project's note can't be read.
    """
    census = take(store)
    records = list(census.records.values())
    used = sorted(known.file.used / 1e9 for known in records)
    aside = list(litter.quarantined(store))
    named = sum(sum(known.objects.values()) for known in records)
    stages: dict[str, list[Known]] = {}
    for known in records:
        stages.setdefault(known.task.partition(":")[0], []).append(known)
    return Figures(
        records=len(records),
        record_bytes=_bytes(known.file for known in records),
        objects=len(census.objects),
        object_bytes=_bytes(census.objects.values()),
        shared_bytes=named - _unique(records),
        stages={name: _stage(each) for name, each in sorted(stages.items())},
        oldest=used[0] if used else None,
        newest=used[-1] if used else None,
        quarantine=len(aside),
        quarantine_bytes=_bytes(aside),
        unknown=len(census.foreign) + len(census.damaged),
        pins={pin.name: len(pin.keys) for pin in pinned(store)},
        projects={str(project.state): not project.is_gone for project in registered(store)},
    )


def _stage(records: list[Known]) -> Stage:
    return Stage(len(records), _unique(records), round(sum(known.seconds for known in records), 3))


def _unique(records: Iterable[Known]) -> int:
    """Bytes of the objects that records name, each counted once."""
    return sum({digest: size for known in records for digest, size in known.objects.items()}.values())


def _bytes(found: Iterable[Lying]) -> int:
    return sum(file.size for file in found)
