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
from barmill.hashing import Digest, digest_file
from barmill.store.actions import Actions
from barmill.store.objects import Objects

_HOUR = 3600
_BATCH = 32  # files per call of a thread: handing over costs as much as hashing a small file
_FOLDER = re.compile("[0-9a-f]{2}")
_OBJECT = re.compile("[0-9a-f]{30}")
_RECORD = re.compile(r"[0-9a-f]{30}\.json")
_TEMPORARY = re.compile(r"\..*\.[0-9a-f]{12}\.tmp")

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


def _objects(exam: Examination, objects: Objects) -> None:
    def look(name: str) -> tuple[int, str]:
        path = objects.path(Digest(name))
        try:
            size = path.stat().st_size
            found = digest_file(path)
        except FileNotFoundError:  # somebody removed it meanwhile
            return 0, ""
        except OSError as error:
            return 0, f"can't be read: {error.strerror}"
        return size, "" if found == name else f"has the digest {found}, {size} bytes"

    names = _named(exam, objects.root / "objects", _OBJECT)
    for name, (size, what) in zip(names, exam.each("objects", look, names), strict=True):
        exam.counts["objects"] += 1
        exam.counts["bytes"] += size
        if what:
            path = objects.path(Digest(name))
            exam.add("object", path, what, _set_aside(exam, objects, Digest(name)))


def _records(exam: Examination, objects: Objects, actions: Actions) -> None:
    def look(name: str) -> tuple[bool, str, list[str]]:
        """Whether it is of another format; what is wrong with it; what is wrong with the objects that it names."""
        try:
            record = actions.read(Digest(name))
        except FileNotFoundError:
            return False, "", []
        except RecordCorrupt as error:
            return False, error.fact.partition(": ")[2], []
        except OSError as error:
            return False, f"can't be read: {error.strerror}", []
        missing = [(d, n) for d, n in record.objects() if not objects.has(d, n)] if record else []
        return record is None, "", [f"{record.task}: object {objects.path(d)} of {n} bytes" for d, n in missing if record]

    names = [name.removesuffix(".json") for name in _named(exam, actions.root / "actions", _RECORD)]
    for name, (foreign, what, missing) in zip(names, exam.each("records", look, names), strict=True):
        exam.counts["records"] += 1
        exam.counts["foreign"] += foreign
        path = actions.path(Digest(name))
        if what:
            exam.add("record", path, what, _set_aside(exam, actions, Digest(name)))
        for each in missing:
            exam.add("record", path, f"names what is not there: {each}", "the record stays, as a miss: doit builds it again")


def _set_aside(exam: Examination, place: Objects | Actions, name: Digest) -> str:
    if not exam.repair:
        return "doit verify --repair moves it to quarantine, and doit builds again what needs it"
    try:
        return f"moved to {os.path.abspath(place.set_aside(name))}; doit builds again what needs it"
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
