"""State between runs, in one SQLite file: what each task came to, and what each path was when last hashed.

Each table is read as a whole when something of it is first needed, and each finished task is written at once, so a killed run
loses nothing that finished. Losing the file costs time, never a result: the store knows the rest. A damaged file is set aside
with a warning. On a full or read-only disk it is read all the same, so that looking at a project needs no room.
"""

import contextlib
import functools
import json
import os
import sqlite3
import sys
import weakref
from collections.abc import Collection
from pathlib import Path
from typing import Any

from barmill import files
from barmill.errors import StoreError
from barmill.store.database import copied, disk_fault
from barmill.store.stats import Seen, StatCache

_FORMAT = 2
_ENTRIES = ("tasks", "stamps", "codes")
_SCHEMA = "".join(
    f"CREATE TABLE IF NOT EXISTS {table} (name TEXT PRIMARY KEY, entry TEXT NOT NULL) WITHOUT ROWID;\n" for table in _ENTRIES
)
_SCHEMA += """
CREATE TABLE IF NOT EXISTS paths (
    path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, inode INTEGER, ctime_ns INTEGER, digest TEXT, folders TEXT
) WITHOUT ROWID;
"""
_ERRORS = (sqlite3.DatabaseError, UnicodeDecodeError)  # the latter where not even SQLite's message can be read
_DAMAGED = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}  # the first: "no such table"


class State:
    """The state file of a project.

    Attributes:
        stats: digests of paths.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stats = StatCache(self._paths)
        self._dirty: dict[str, set[str]] = {table: set() for table in _ENTRIES}
        self._cannot_write = ""  # why, if so
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with files.locked(path.parent):
                try:
                    self._open()
                except _ERRORS as error:
                    self._look_or_set_aside(error)
        except (OSError, sqlite3.DatabaseError) as error:
            raise StoreError(f"{path} can't be opened: {error}", "remove what stands in its way, or set `artifacts`") from None

    @functools.cached_property
    def tasks(self) -> dict[str, str]:
        """Task name → its entry as JSON text."""
        return self._entries("tasks")

    @functools.cached_property
    def stamps(self) -> dict[str, str]:
        """Task name → the stamp under which its target was last found fresh (`Cache.stamp`)."""
        return self._entries("stamps")

    @functools.cached_property
    def codes(self) -> dict[str, str]:
        """Build function → what its code digest was made of, as JSON text."""
        return self._entries("codes")

    def _open(self) -> None:
        """Open the file, or make it; under the folder's lock, because SQLite has nobody wait for who changes its mode."""
        # autocommit: the transactions are ours; one process, one thread writes, other processes wait up to 30 s
        self._db = sqlite3.connect(self.path, timeout=30, isolation_level=None, check_same_thread=False)
        self._file = _identity(self.path)
        self._owner = os.getpid()
        weakref.finalize(self, _close, self._db, self._owner)  # brings what is in SQLite's log into the file
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, _FORMAT):
            raise sqlite3.DatabaseError(f"format {version} is not {_FORMAT}")
        if version == 0:
            self._db.executescript(f"{_SCHEMA} PRAGMA user_version={_FORMAT};")

    def _look_or_set_aside(self, error: Exception) -> None:
        """After opening failed: read the file as it is where nothing can be written, and set a damaged one aside."""
        self._cannot_write = "" if _is_damage(error) else disk_fault(self.path, error)
        if not (self._cannot_write and self.path.exists()):
            self._set_aside(error)
            return
        try:
            copy = copied(self.path)
            if copy.execute("PRAGMA user_version").fetchone() != (_FORMAT,):  # it was about to be made
                raise error
        except (OSError, sqlite3.DatabaseError):
            self._set_aside(error)
            return
        self._db.close()
        self._db = copy

    def _entries(self, table: str) -> dict[str, str]:
        text = " AND ".join(f"typeof({column}) = 'text'" for column in ("name", "entry"))  # what else is there is damage
        return dict(self._select(f"SELECT name, entry FROM {table} WHERE {text}"))

    def _paths(self) -> dict[str, Seen]:
        columns = "path, size, mtime_ns, inode, ctime_ns, digest, folders"
        return {row[0]: Seen._make(row) for row in self._select(f"SELECT {columns} FROM paths WHERE typeof(path) = 'text'")}

    def _select(self, query: str) -> list[Any]:
        if os.getpid() != self._owner:  # SQLite's connections do not outlive a fork
            with contextlib.suppress(*_ERRORS), contextlib.closing(sqlite3.connect(self.path, timeout=30)) as own:
                return own.execute(query).fetchall()
            return []
        try:
            return self._db.execute(query).fetchall()
        except _ERRORS as error:
            self._replace(error)
            return []

    def _replace(self, error: Exception) -> None:
        with files.locked(self.path.parent):
            self._set_aside(error)

    def _set_aside(self, error: Exception) -> None:
        """Set the damaged file aside, unless another process has done so; a new one is to hold all that is known."""
        if not _is_damage(error):
            fault = disk_fault(self.path, error) or str(error)
            raise StoreError(f"{self.path.absolute()} can't be used: {fault}", "make room, or make it writable") from None
        self._db.close()
        is_ours = _identity(self.path) == self._file
        if is_ours:
            aside = self.path.with_name(self.path.name + ".damaged")
            files.move(self.path, aside)
            for suffix in ("-wal", "-shm"):
                files.remove(self.path.with_name(self.path.name + suffix))
            fact = f"{self.path} is of no use ({error}); set aside as {aside}"
            sys.stderr.write(f"warning: {fact}; nothing is lost, results come from the store\n")
        self._open()
        if is_ours:
            self._dirty = {table: set(self.__dict__.get(table, ())) for table in _ENTRIES}
            self.stats.changed.update(self.stats.__dict__.get("seen", ()))

    def put(self, table: str, name: str, entry: Any) -> None:
        """Set an entry of `tasks`, `stamps` or `codes` (a JSON value), to be written at the next `commit`.

        A stamp says that a task still is what its entry tells: it goes when the entry changes.
        """
        text = json.dumps(entry)
        if getattr(self, table).get(name) == text:
            return
        getattr(self, table)[name] = text
        self._dirty[table].add(name)
        if table == "tasks":
            self.drop("stamps", [name])

    def drop(self, table: str, names: Collection[str]) -> None:
        """Remove entries, at the next `commit`."""
        for name in names:
            if getattr(self, table).pop(name, None) is not None:
                self._dirty[table].add(name)
        if table == "tasks":
            self.drop("stamps", names)

    def commit(self) -> None:
        """Write everything that changed, in one transaction."""
        if not (self.stats.changed or any(self._dirty.values())):
            return
        if self._cannot_write:
            if self._dirty["tasks"]:
                raise StoreError(
                    f"{self.path.absolute()} can't be written: {self._cannot_write}", "make room, or make it writable"
                )
            return  # all else saves time only
        try:
            self._write()
        except _ERRORS as error:
            self._replace(error)
            self._write()
        for names in (*self._dirty.values(), self.stats.changed):
            names.clear()

    def _write(self) -> None:
        try:
            if self._db.in_transaction:  # a signal came in between
                self._db.execute("ROLLBACK")
            self._db.execute("BEGIN IMMEDIATE")
            for table, names in self._dirty.items():
                if not names:
                    continue
                entries: dict[str, str] = getattr(self, table)
                self._db.executemany(
                    f"INSERT OR REPLACE INTO {table} VALUES (?, ?)", [(n, entries[n]) for n in names if n in entries]
                )
                self._db.executemany(f"DELETE FROM {table} WHERE name = ?", [(n,) for n in names if n not in entries])
            # SQLite takes no name that is not UTF-8: such a path is hashed in each run
            if paths := [path for path in self.stats.changed if _is_text(path)]:
                seen = self.stats.seen
                rows = [seen[path] for path in paths if path in seen]
                self._db.executemany("INSERT OR REPLACE INTO paths VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
                self._db.executemany("DELETE FROM paths WHERE path = ?", [(path,) for path in paths if path not in seen])
            self._db.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from another that is put in its place; None if none is there."""
    with contextlib.suppress(OSError):
        status = os.stat(path)
        return status.st_dev, status.st_ino
    return None


def _is_damage(error: Exception) -> bool:
    """Whether the file is at fault: not the disk, the one who calls, or another who uses it."""
    if isinstance(error, sqlite3.ProgrammingError):
        return False
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF in _DAMAGED


def _close(database: sqlite3.Connection, owner: int) -> None:
    if os.getpid() == owner:
        database.close()


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


@functools.cache
def open_state(path: Path) -> State:
    """The state at `path`: one object per file and process."""
    return State(path)
