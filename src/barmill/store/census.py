"""What lies in a store: every record and every object, without moving, touching or hashing any."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from barmill.errors import RecordCorrupt
from barmill.hashing import Digest
from barmill.store.actions import Actions

_SHARD = re.compile(r"[0-9a-f]{2}")
_OBJECT = re.compile(r"[0-9a-f]{30}(\.zst)?")
_RECORD = re.compile(r"[0-9a-f]{30}\.json")


@dataclass(frozen=True, slots=True)
class Lying:
    """A file of the store: its path, its size in bytes, its mtime in ns (for records and objects: when it was last used)."""

    path: str
    size: int
    used: int


@dataclass(frozen=True, slots=True)
class Known:
    """A record, as far as upkeep needs it.

    Attributes:
        key: its key.
        file: where it lies.
        task: name of the task that was built.
        started: when, UTC, ISO 8601.
        seconds: how long that took.
        objects: the objects that it names, and their sizes.
    """

    key: Digest
    file: Lying
    task: str
    started: str
    seconds: float
    objects: Mapping[Digest, int]


@dataclass
class Census:
    """What lies in a store.

    Attributes:
        records: those of our format.
        damaged: records of our format that can't be believed.
        foreign: paths of records of another format, or that we may not read: what they name is unknown.
        objects: digest → file.
    """

    records: dict[Digest, Known] = field(default_factory=dict)
    damaged: list[Lying] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    objects: dict[Digest, Lying] = field(default_factory=dict)


def take(store: Path) -> Census:
    """Look at every record, then at every object; others may be at work meanwhile."""
    found = Census()
    actions = Actions(store)
    for key, file in _lying(store / "actions", _RECORD):
        try:
            record = actions.read(key)
        except FileNotFoundError:
            continue
        except OSError:
            record = None
        except RecordCorrupt:
            found.damaged.append(file)
            continue
        if record is None:
            found.foreign.append(file.path)
        else:
            found.records[key] = Known(key, file, record.task, record.started, record.seconds, dict(record.objects()))
    found.objects = dict(_lying(store / "objects", _OBJECT))
    return found


def _lying(folder: Path, names: re.Pattern[str]) -> Iterator[tuple[Digest, Lying]]:
    """Yield (digest, file) of each file `ab/cdef…` below a folder; names of another form are no concern of ours."""
    for shard in _entries(folder):
        if _SHARD.fullmatch(shard.name):
            for entry in _entries(shard.path):
                if names.fullmatch(entry.name) and (file := lying(entry)) is not None:
                    yield Digest(shard.name + entry.name[:30]), file


def lying(entry: "os.DirEntry[str]") -> Lying | None:
    """The file of a directory entry, or None if it has gone or is no file."""
    try:
        status = entry.stat(follow_symlinks=False)
        return Lying(entry.path, status.st_size, status.st_mtime_ns) if entry.is_file(follow_symlinks=False) else None
    except FileNotFoundError:
        return None


def _entries(folder: Path | str) -> "list[os.DirEntry[str]]":
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return []
