"""State between runs, in one SQLite file: what each task came to, and what each path was when last hashed.

Everything is read when it opens, and each finished task is written at once, so a killed run loses nothing that finished.
Losing the file costs time, never a result: the store knows the rest. A damaged file is set aside with a warning.
"""

import contextlib
import functools
import json
import sqlite3
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from barmill import files
from barmill.errors import StoreError
from barmill.store.stats import Seen, StatCache

_FORMAT = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS tasks (name TEXT PRIMARY KEY, entry TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS paths (
    path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, inode INTEGER, ctime_ns INTEGER, digest TEXT, folders TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS codes (build TEXT PRIMARY KEY, entry TEXT NOT NULL) WITHOUT ROWID;
"""


_DAMAGE = (sqlite3.DatabaseError, UnicodeDecodeError)  # the latter where not even its message can be read
_TEXT = "typeof({}) = 'text'"  # what else is there is damage


class State:
    """The state file of a project.

    Attributes:
        tasks: task name → its entry as JSON text.
        codes: build function → what its code digest was made of, as JSON text.
        stats: digests of paths.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._dirty: dict[str, set[str]] = {"tasks": set(), "codes": set()}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._open()
                self._read()
            except _DAMAGE as error:
                self._set_aside(error)
                self._open()
                self._read()
        except (OSError, sqlite3.DatabaseError) as error:
            raise StoreError(f"{path} can't be opened: {error}", "mend what stands in its way, or set `artifacts`") from None

    def _open(self) -> None:
        # autocommit: the transactions are ours; one process, one thread writes, other processes wait up to 30 s
        self._db = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, _FORMAT):
            raise sqlite3.DatabaseError(f"format {version} is not {_FORMAT}")
        if version == 0:
            self._db.executescript(f"{_SCHEMA} PRAGMA user_version={_FORMAT};")

    def _read(self) -> None:
        self.tasks: dict[str, str] = dict(
            self._db.execute(f"SELECT name, entry FROM tasks WHERE {_TEXT.format('name')} AND {_TEXT.format('entry')}")
        )
        self.codes: dict[str, str] = dict(
            self._db.execute(f"SELECT build, entry FROM codes WHERE {_TEXT.format('build')} AND {_TEXT.format('entry')}")
        )
        paths = self._db.execute(
            "SELECT path, size, mtime_ns, inode, ctime_ns, digest, folders FROM paths WHERE typeof(path) = 'text'"
        )
        self.stats = StatCache({row[0]: Seen._make(row) for row in paths})

    def _set_aside(self, error: Exception) -> None:
        if "lock" in str(error):  # in use by another run, not damaged
            raise error
        self._db.close()
        aside = self.path.with_name(self.path.name + ".damaged")
        files.move(self.path, aside)
        for suffix in ("-wal", "-shm"):
            files.remove(self.path.with_name(self.path.name + suffix))
        sys.stderr.write(
            f"warning: {self.path} is damaged ({error}); set aside as {aside}; nothing is lost, results come from the store\n"
        )

    def put(self, table: str, name: str, entry: Any) -> None:
        """Set the entry of a task or code (a JSON value), to be written at the next `commit`."""
        getattr(self, table)[name] = json.dumps(entry)
        self._dirty[table].add(name)

    def drop(self, table: str, names: Iterable[str]) -> None:
        """Remove entries, at the next `commit`."""
        for name in names:
            if getattr(self, table).pop(name, None) is not None:
                self._dirty[table].add(name)

    def commit(self) -> None:
        """Write everything that changed, in one transaction."""
        if not (self.stats.changed or any(self._dirty.values())):
            return
        try:
            self._write()
        except sqlite3.OperationalError as error:
            raise StoreError(f"{self.path} can't be written: {error}", "make room, or end what else uses it") from None
        except _DAMAGE as error:
            self._set_aside(error)
            self._open()
            self._dirty = {"tasks": set(self.tasks), "codes": set(self.codes)}
            self.stats.changed.update(self.stats.seen)
            self._write()
        for names in (*self._dirty.values(), self.stats.changed):
            names.clear()

    def _write(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for table, key in (("tasks", "name"), ("codes", "build")):
                entries: dict[str, str] = getattr(self, table)
                names = self._dirty[table]
                self._db.executemany(
                    f"INSERT OR REPLACE INTO {table} VALUES (?, ?)", [(n, entries[n]) for n in names if n in entries]
                )
                self._db.executemany(f"DELETE FROM {table} WHERE {key} = ?", [(n,) for n in names if n not in entries])
            # SQLite takes no name that is not UTF-8: such a path is hashed in each run
            seen, paths = self.stats.seen, [path for path in self.stats.changed if _is_text(path)]
            rows = [seen[path] for path in paths if path in seen]
            self._db.executemany("INSERT OR REPLACE INTO paths VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            self._db.executemany("DELETE FROM paths WHERE path = ?", [(path,) for path in paths if path not in seen])
            self._db.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise


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
