"""Checking a project again: its outputs against what its last run wrote, its inputs and its state against what was remembered.

Every file is read anew. A file whose stamp (size, mtime, inode, ctime) is the remembered one and whose content is not was
damaged without a trace, or the memory was.
"""

import contextlib
import os
import sqlite3
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from barmill import files
from barmill.errors import BarmillError, RecordCorrupt
from barmill.hashing import Digest
from barmill.store.actions import Record
from barmill.store.cache import Cache
from barmill.store.code import Codes
from barmill.store.database import open_to_read
from barmill.store.state import State
from barmill.store.stats import ABSENT, UNREADABLE, Seen, StatCache
from barmill.store.verify import Examination
from barmill.target import Target

_REPAIR = "doit verify --repair drops what is remembered of it"
_RESTORED = "run doit: it is restored"


@dataclass(frozen=True)
class Finished:
    """A target, and the line that says what it came to when it was last finished (`Cache.finished`; "" if it never was)."""

    task: str
    target: Target
    line: str


def verify_state(exam: Examination, path: Path) -> bool:
    """Examine the state file; False if it is damaged, so that nothing in it can be asked. One that is not there is sound."""
    aside = path.with_name(f"{path.name}.damaged")
    if aside.exists():
        exam.add("state", aside, "was damaged and set aside; nothing is lost", _removed(exam, aside))
    try:
        fact = _integrity(path) if path.exists() else ""
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # the latter where not even its message can be read
        fact = str(error)
    if fact:
        whole = (path, *(path.with_name(path.name + suffix) for suffix in ("-wal", "-shm")))
        exam.add("state", path, f"is damaged: {fact}", _removed(exam, *whole))
    return not fact


def _integrity(path: Path) -> str:
    with contextlib.closing(open_to_read(path, timeout=30)) as database:
        lines = [line for (line,) in database.execute("PRAGMA integrity_check(3)")]
    return "" if lines == ["ok"] else "; ".join(lines)


def _removed(exam: Examination, *paths: Path) -> str:
    if not exam.repair:
        return "doit verify --repair removes it; the next doit finds the results in the store"
    for path in paths:
        files.remove(path)
    return "removed; the next doit finds the results in the store"


def verify_project(exam: Examination, cache: Cache, finished: Iterable[Finished], *, inputs: bool) -> None:
    """Examine what lies in a project.

    Args:
        exam: how to examine.
        cache: the project's cache; its state file is sound.
        finished: every target, as its last run left it.
        inputs: read the inputs, too, and whatever else is remembered.
    """
    _Project(exam, cache, [each for each in finished if each.line]).verify(inputs=inputs)


class _Project:
    """One examination of a project.

    Args:
        exam: how to examine.
        cache: the project's cache.
        finished: the targets that were ever finished.
    """

    def __init__(self, exam: Examination, cache: Cache, finished: list[Finished]) -> None:
        self._exam = exam
        self._state = cache.state
        self._codes = cache.codes
        self._actions = cache.actions
        self._finished = finished
        self._now = StatCache()
        self._built = os.path.join(cache.state.path.parent, "")
        self._wrong: set[str] = set()  # paths of which something wrong is remembered, or that are not what was built

    def verify(self, *, inputs: bool) -> None:
        """Outputs, inputs if asked for, what is remembered of files and of code; then repair."""
        records = {each.task: self._record(each) for each in self._finished}
        self._verify_outputs()
        recorded = dict(_recorded(self._finished, records))
        if inputs:
            self._verify_inputs(recorded)
        self._verify_remembered(recorded, everything=inputs)
        self._verify_codes()
        if self._exam.repair and self._exam.faults:
            self._forget()

    def _record(self, one: Finished) -> Record | None:
        key = Digest(one.line.partition(" ")[0])
        try:
            return self._actions.read(key)
        except (FileNotFoundError, ValueError):
            what = f"is missing; {one.task} was last finished with it"
            self._exam.add("record", self._actions.path(key), what, "doit builds it again when its outputs are lost")
        except (OSError, RecordCorrupt):  # told by verify_store
            pass
        return None

    def _verify_outputs(self) -> None:
        def look(one: Finished) -> list[str]:
            return [self._now.output_once(path) for path in one.target.outputs.values()]

        for one, found in zip(self._finished, self._exam.each("outputs", look, self._finished), strict=True):
            wrote = one.line.split()[1:]
            if len(wrote) != len(found):  # the stage has other outputs than it had
                self._exam.counts["stale"] += 1
                continue
            for path, old, new in zip(one.target.outputs.values(), wrote, found, strict=True):
                self._exam.counts["outputs"] += 1
                if new != old:
                    self._exam.add("output", path, f"{_state_of(new)}; {one.task} wrote {old}", _RESTORED)
                    self._wrong.add(str(path))

    def _verify_inputs(self, recorded: Mapping[str, Digest]) -> None:
        def look(name: str) -> str:
            try:
                return self._now.digest(name)
            except FileNotFoundError:
                return ABSENT
            except BarmillError as error:
                return f"{UNREADABLE}: {error.fact}"

        names = [name for name in recorded if not name.startswith(self._built)]
        for name, found in zip(names, self._exam.each("inputs", look, names), strict=True):
            self._exam.counts["inputs"] += 1
            if found.startswith(UNREADABLE):
                self._exam.add("input", name, found.partition(": ")[2], "bring it back from where it came")
            elif found != recorded[name] and not self._is(self._state.stats.seen.get(name)):
                self._exam.counts["stale"] += 1

    def _verify_remembered(self, recorded: Mapping[str, Digest], *, everything: bool) -> None:
        def look(row: Seen) -> str:
            found = self._content(row) if self._is(row) else row.digest
            return found if self._is(row) else row.digest  # it is being written

        rows = [row for row in self._state.stats.seen.values() if everything or row.path.startswith(self._built)]
        for row, found in zip(rows, self._exam.each("remembered", look, rows), strict=True):
            if found == row.digest or self._is_told(row.path):
                continue
            what = f"has the digest {found}; {row.digest} was remembered, and its size, times and inode are the same as then"
            if recorded.get(row.path) == row.digest and not row.path.startswith(self._built):
                cure = "bring it back from where it came; if it is right as it is, touch it, and doit builds from it"
                self._exam.add("input", row.path, f"{what}: its content was damaged without a trace", cure)
            else:
                self._wrong.add(row.path)
                self._exam.add("remembered", row.path, what, "forgotten; run doit" if self._exam.repair else _REPAIR)

    def _verify_codes(self) -> None:
        anew = Codes(State(Path(":memory:")))
        for build in dict.fromkeys(one.target.build for one in self._finished):
            now, then = anew.of(build), self._codes.of(build)
            if now != then:
                what = f"the code of {now.name} has the digest {now.digest}; {then.digest} was remembered"
                self._exam.add("remembered", self._state.path, what, "forgotten; run doit" if self._exam.repair else _REPAIR)
                if self._exam.repair:
                    self._state.drop("codes", [now.name])

    def _is(self, row: Seen | None) -> bool:
        """Whether the path is, by its stamp, what it was when it was remembered."""
        try:
            status = os.stat(row.path) if row else None
        except (OSError, ValueError):
            return False
        now = (status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns) if status else None
        return row is not None and row[1:5] == now

    def _content(self, row: Seen) -> str:
        """The digest that a row should have."""
        try:
            if not stat.S_ISDIR(os.stat(row.path).st_mode):
                return self._now.digest(row.path)
            self._now.digest(row.path)
        except (FileNotFoundError, BarmillError):
            return row.digest  # gone or unreadable: not what is remembered, and told elsewhere
        listing = self._now.seen.get(row.path, row)
        return listing.digest if listing.folders == row.folders else f"{listing.digest} with the folders {listing.folders}"

    def _is_told(self, path: str) -> bool:
        return path in self._wrong or any(str(above) in self._wrong for above in Path(path).parents)

    def _forget(self) -> None:
        """Have everything that was found wrong looked at again by the next run."""
        for path in [path for path in self._state.stats.seen if self._is_told(path)]:
            del self._state.stats.seen[path]
            self._state.stats.changed.add(path)
        self._state.drop("stamps", list(self._state.stamps))
        self._state.commit()


def _recorded(finished: Iterable[Finished], records: Mapping[str, Record | None]) -> Iterator[tuple[str, Digest]]:
    """Path → digest that it had when the target that reads it, or wrote it, was built."""
    for one in finished:
        record = records[one.task]
        if record is None:
            continue
        read = {(role, path): digest for role, path, digest in record.read}
        yield from ((path, read[role, path]) for role, path in one.target.spelled_out() if (role, path) in read)


def _state_of(output: str) -> str:
    if output in {ABSENT, UNREADABLE}:
        return "is missing" if output == ABSENT else "can't be read"
    return f"is {output}"
