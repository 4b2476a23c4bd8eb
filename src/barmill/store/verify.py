"""Verifying a store: every object's bytes against its name, every record against itself and the objects it names, and strays.

Everything is read; nothing that was remembered is believed. What lies in `quarantine/` is counted only.
"""

import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from barmill import files
from barmill.errors import RecordCorrupt
from barmill.hashing import Digest
from barmill.store.actions import Actions
from barmill.store.objects import PACKED, Objects

_HOUR = 3600
_BATCH = 32  # files per call of a thread: handing over costs as much as hashing a small file
_FOLDER = re.compile("[0-9a-f]{2}")
_OBJECT = re.compile(r"[0-9a-f]{30}(\.zst)?")
_RECORD = re.compile(r"[0-9a-f]{30}\.json")
_TEMPORARY = re.compile(r"\..*\.[0-9a-f]{12}\.tmp")
_RIGHTS = "see to its rights; it may be sound"

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Fault:
    """Something that is damaged, missing or stray.

    Attributes:
        path: full path of the file.
        kind: `object`, `record`, `stray`, `output`, `input`, `remembered`, `state`, `targets`.
        what: the fact.
        cure: what to do about it, or what was done.
    """

    path: str
    kind: str
    what: str
    cure: str


@dataclass
class Examination:
    """How to examine, and what was found.

    Attributes:
        repair: set aside what is damaged, so that the next build makes it anew.
        jobs: threads that read and hash; both release the interpreter.
        progress: is told what is examined, how many of it are done, and of how many.
        counts: `objects`, `bytes` (of objects), `records`, `foreign`, `quarantined`, `outputs`, `inputs`, `stale`.
        faults: everything found.
    """

    repair: bool = False
    jobs: int = 1
    progress: Callable[[str, int, int], None] | None = None
    counts: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)

    def add(self, kind: str, path: Path | str, what: str, cure: str) -> None:
        """Note a fault."""
        self.faults.append(Fault(os.path.abspath(path), kind, what, cure))

    def each(self, what: str, work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """Yield `work(item)` for each item in their order, worked out by threads, with progress."""
        batches = [items[start : start + _BATCH] for start in range(0, len(items), _BATCH)]
        with ThreadPoolExecutor(self.jobs) as pool:
            done = 0
            for results in pool.map(lambda batch: [work(item) for item in batch], batches):
                yield from results
                done += len(results)
                if self.progress:
                    self.progress(what, done, len(items))


def verify_store(exam: Examination, objects: Objects, actions: Actions) -> None:
    """Examine every file of a store; a store that is not there has none."""
    _objects(exam, objects)
    _records(exam, objects, actions)
    quarantine = objects.root / "quarantine"
    exam.counts["quarantined"] += len(os.listdir(quarantine)) if quarantine.is_dir() else 0


@dataclass(frozen=True)
class _Look:
    """What a file of the store is: its size, what is wrong with it, and whether that is damage; of a record, what it lacks."""

    size: int = 0
    what: str = ""
    damaged: bool = False
    foreign: bool = False
    lacks: tuple[str, ...] = ()


def _objects(exam: Examination, objects: Objects) -> None:
    def look(name: str) -> _Look:
        path = objects.path(Digest(name))
        try:
            size = path.stat().st_size
            found = objects.digest(path)
        except ValueError as error:
            return _Look(size, f"can't be decompressed: {error}", damaged=True)
        except FileNotFoundError:  # somebody removed it meanwhile
            return _Look()
        except OSError as error:
            return _Look(0, f"can't be read: {error.strerror}", files.is_damage(error))
        wrong = found != name.removesuffix(PACKED)
        return _Look(size, f"has the digest {found}, {size} bytes" if wrong else "", damaged=wrong)

    names = _named(exam, objects.root / "objects", _OBJECT)
    for name, seen in zip(names, exam.each("objects", look, names), strict=True):
        exam.counts["objects"] += 1
        exam.counts["bytes"] += seen.size
        if seen.what:
            path = objects.path(Digest(name))
            exam.add("object", path, seen.what, _set_aside(exam, objects, path) if seen.damaged else _RIGHTS)


def _records(exam: Examination, objects: Objects, actions: Actions) -> None:
    def look(name: str) -> _Look:
        try:
            record = actions.read(Digest(name))
        except FileNotFoundError:
            return _Look()
        except RecordCorrupt as error:
            return _Look(0, error.fact.partition(" is damaged: ")[2], damaged=True)
        except OSError as error:
            return _Look(0, f"can't be read: {error.strerror}")
        if record is None:
            return _Look(foreign=True)
        missing = [(digest, size) for digest, size in record.objects() if not objects.has(digest, size)]
        if missing and not actions.path(Digest(name)).exists():  # a gc removes records, then what they name
            return _Look()
        return _Look(lacks=tuple(f"{record.task}: object {objects.path(digest)} of {size} bytes" for digest, size in missing))

    names = [name.removesuffix(".json") for name in _named(exam, actions.root / "actions", _RECORD)]
    for name, seen in zip(names, exam.each("records", look, names), strict=True):
        exam.counts["records"] += 1
        exam.counts["foreign"] += seen.foreign
        path = actions.path(Digest(name))
        if seen.what:
            exam.add("record", path, seen.what, _set_aside(exam, actions, path) if seen.damaged else _RIGHTS)
        for each in seen.lacks:
            exam.add("record", path, f"names what is not there: {each}", "the record stays, as a miss: doit builds it again")


def _set_aside(exam: Examination, place: Objects | Actions, path: Path) -> str:
    if not exam.repair:
        return "doit verify --repair moves it to quarantine, and doit builds again what needs it"
    try:
        return f"moved to {os.path.abspath(place.set_aside(path))}; doit builds again what needs it"
    except OSError as error:
        return f"it can't be moved to quarantine ({error.strerror}): see to the rights of its folder"


def _named(exam: Examination, root: Path, valid: re.Pattern[str]) -> list[str]:
    """The names `ab` + `cdef…` of all files below `root` whose name is valid; what else is there is a fault."""
    found = []
    for folder in _entries(root):
        if not (_FOLDER.fullmatch(folder.name) and folder.is_dir()):
            _stray(exam, folder)
            continue
        for entry in _entries(folder.path):
            if valid.fullmatch(entry.name):
                found.append(folder.name + entry.name)
            else:
                _stray(exam, entry)
    return found


def _entries(folder: Path | str) -> list[os.DirEntry[str]]:
    try:
        return sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        return []


def _stray(exam: Examination, entry: os.DirEntry[str]) -> None:
    if not _TEMPORARY.fullmatch(entry.name):
        exam.add("stray", entry.path, "has no name of this store", "move it away: nothing of the store reads it")
        return
    try:
        age = time.time() - entry.stat(follow_symlinks=False).st_mtime
    except FileNotFoundError:
        return
    if age < _HOUR:  # somebody may be writing it
        return
    if exam.repair:
        files.remove(Path(entry.path))
    cure = "removed" if exam.repair else "doit verify --repair removes it"
    exam.add("stray", entry.path, f"is a temporary file, left {age / _HOUR:.0f} h ago by a build that was killed", cure)
