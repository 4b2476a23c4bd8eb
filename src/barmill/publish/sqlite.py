"""SQLite: the database that needs no server. Readers go on while it is written to (WAL); writers wait for one another."""

import contextlib
import datetime as dt
import os
import sqlite3
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from barmill.errors import DatabaseError
from barmill.files import make_folder
from barmill.publish import merge
from barmill.publish.address import Address
from barmill.publish.database import Row, Session, Written, missing
from barmill.publish.parts import (
    BOOLEAN,
    DATE,
    DAY,
    FLOAT,
    INTEGER,
    KEY,
    LEDGER,
    TABLE,
    TEXT,
    Entry,
    Part,
    columns_of,
    due,
    noted,
    values_of,
)

if TYPE_CHECKING:
    import pyarrow as pa

# a column of the type DATE would compare as a number: every date would be later than '2024'
_TYPES = {TEXT: "TEXT", DAY: "TEXT", FLOAT: "REAL", INTEGER: "INTEGER", BOOLEAN: "BOOLEAN"}
_WAIT = 600.0  # seconds for another program
_TURN = 0.2  # seconds that SQLite waits by itself: meanwhile Ctrl-C does nothing
_PAUSE = 0.02  # seconds before another try: SQLite does not wait where two change the journal mode
_PATIENCE = 1.0  # seconds after which a wait is reported
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


class Sqlite:
    """A file; made with its folder when first written to."""

    writers = 1
    row_bytes = 2_000

    def __init__(self, address: Address) -> None:
        self._path = Path(address.where)

    def connect(self) -> Session:
        """See `Database`."""
        return SqliteSession(self._path)


class SqliteSession:
    """See `Session`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def entries(self) -> dict[str, Entry]:
        """See `Session`."""
        if not self._columns(LEDGER) or self._columns(TABLE).get(DATE) != _TYPES[DAY]:
            return {}
        with self._errors():
            ((whole,),) = self._run(merge.IS_WHOLE)
            return _entries(self._run(merge.ENTRIES if whole else merge.counted_entries()))

    def write(self, parts: Sequence[Part], *, force: bool = False) -> Written:
        """See `Session`."""
        tables = {part: part.read() for part in parts}
        with self._transaction() as connection:
            for table in tables.values():
                self._prepare(connection, columns_of(table))
            symbols = [part.symbol for part in parts]
            among = f"WHERE symbol IN ({', '.join('?' * len(symbols))})"
            entries = _entries(self._run(f"{merge.counted_entries()} {among}", *symbols))
            todo = due(tables, entries, force=force)
            before = connection.total_changes
            for part, table in todo.items():
                self._put(connection, part, table)
            changed = connection.total_changes - before
            for entry in noted(todo, entries):
                self._record(connection, entry)
            return Written.of(changed, parts, todo)

    def rows(self, symbol: str, columns: Sequence[str], since: dt.date | None) -> dict[dt.date, Row]:
        """See `Session`."""
        if missing(dict.fromkeys((DATE, *columns), ""), list(self._columns(TABLE))):
            return {}
        query = f"SELECT {DATE}, {', '.join(columns)} FROM {TABLE} WHERE symbol = ? AND {DATE} >= ?"
        with self._errors():
            found = self._run(query, symbol, _text(since))
        return {dt.date.fromisoformat(row[0]): row[1:] for row in found}

    def remove(self, symbols: Sequence[str]) -> int:
        """See `Session`."""
        with self._transaction() as connection:
            before = connection.total_changes
            connection.executemany(f"DELETE FROM {TABLE} WHERE symbol = ?", [(symbol,) for symbol in symbols])
            rows = connection.total_changes - before
            connection.executemany(f"DELETE FROM {LEDGER} WHERE symbol = ?", [(symbol,) for symbol in symbols])
            return rows

    def close(self) -> None:
        """See `Session`."""
        if self._connection:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            # a path as it is: in a URI a `?` or `#` would have a meaning
            self._connection = sqlite3.connect(self._path, timeout=_TURN, isolation_level=None)
            self._connection.execute("PRAGMA synchronous = NORMAL")
        return self._connection

    def _run(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of a statement; while another program holds the file, it is tried again, and that program is reported."""
        start, reported = time.monotonic(), False
        while True:
            try:
                return self._open().execute(statement, values).fetchall()
            except sqlite3.OperationalError as error:
                waited = time.monotonic() - start
                if error.sqlite_errorcode & 0xFF not in _BUSY or waited > _WAIT:
                    raise
            if waited > _PATIENCE and not reported:
                sys.stderr.write(f"waiting for {_users(self._path)} to end a transaction on {self._path.absolute()}\n")
                reported = True
            time.sleep(_PAUSE)

    def _use_wal(self) -> None:
        """Let readers go on while this session writes, also where another program made the file."""
        make_folder(self._path.parent)
        ((mode,),) = self._run("PRAGMA journal_mode")
        if mode != "wal":
            self._run("PRAGMA journal_mode = WAL")

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise DatabaseError(f"database {self._path.absolute()}: {error}", _CURES.get(str(error), "")) from None

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._errors():
            self._use_wal()
            connection = self._open()
            self._run("BEGIN IMMEDIATE")
            try:
                yield connection
                self._run("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _columns(self, table: str) -> dict[str, str]:
        """Column → declared type; empty if the table is missing."""
        if not self._path.exists():
            return {}
        with self._errors():
            return {row[1]: row[2] for row in self._run(f"PRAGMA table_info({table})")}

    def _prepare(self, connection: sqlite3.Connection, columns: Mapping[str, str]) -> None:
        """Make the tables what `columns` need; where that adds a column, what the ledger says no longer holds."""
        types = {name: _TYPES[kind] for name, kind in columns.items()}
        there = self._columns(TABLE)
        absent = missing(columns, list(there))
        if not there:
            connection.execute(f"{merge.create(TABLE, types)} WITHOUT ROWID")
            connection.execute(f"CREATE INDEX idx_{TABLE}_{DATE} ON {TABLE} ({DATE})")
        elif there.get(DATE) == _OLD_DATE:
            self._retype(connection, there)
        for name in absent if there else ():
            connection.execute(f"ALTER TABLE {TABLE} ADD COLUMN {name} {types[name]}")
        if absent or _OLD_DATE in self._columns(LEDGER).values():
            connection.execute(f"DROP TABLE IF EXISTS {LEDGER}")
        connection.execute(_LEDGER_TABLE)

    def _retype(self, connection: sqlite3.Connection, columns: Mapping[str, str]) -> None:
        """Make dates text in a table of an earlier version, with its rows, indexes and triggers."""
        made = "SELECT sql FROM sqlite_schema WHERE tbl_name = ? AND type IN ('index', 'trigger') AND sql IS NOT NULL"
        others = self._run(made, TABLE)
        types = {name: "TEXT" if kind == _OLD_DATE else kind for name, kind in columns.items()}
        names = ", ".join(types)
        connection.execute(f"{merge.create(f'{TABLE}_new', types)} WITHOUT ROWID")
        connection.execute(f"INSERT INTO {TABLE}_new ({names}) SELECT {names} FROM {TABLE}")
        connection.execute(f"DROP TABLE {TABLE}")
        connection.execute(f"ALTER TABLE {TABLE}_new RENAME TO {TABLE}")
        for (statement,) in others:
            connection.execute(statement)

    def _put(self, connection: sqlite3.Connection, part: Part, table: "pa.Table") -> None:
        connection.executemany(_upsert(columns_of(table)), _records(table))
        where = f"FROM {TABLE} WHERE symbol = ? AND {DATE} >= ?"
        whose = (part.symbol, _text(part.since))
        (count,) = connection.execute(f"SELECT count(*) {where}", whose).fetchone()
        if count != len(table):
            days = {day.isoformat() for day in table.column(DATE).to_pylist()}
            found = connection.execute(f"SELECT {DATE} {where}", whose).fetchall()
            others = [(part.symbol, day) for (day,) in found if day not in days]
            connection.executemany(f"DELETE FROM {TABLE} WHERE symbol = ? AND {DATE} = ?", others)

    def _record(self, connection: sqlite3.Connection, entry: Entry) -> None:
        now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        days = (each and each.isoformat() for each in (entry.last, entry.since))
        values = (entry.symbol, entry.digest, entry.rows, *days, now)
        connection.execute(f"INSERT OR REPLACE INTO {LEDGER} VALUES (?, ?, ?, ?, ?, ?)", values)


_LEDGER_TABLE = (
    f"CREATE TABLE IF NOT EXISTS {LEDGER} (symbol TEXT PRIMARY KEY, digest TEXT NOT NULL, rows INTEGER NOT NULL, "
    "last_date TEXT, since TEXT, published_at TEXT NOT NULL) WITHOUT ROWID"
)
_OLD_DATE = "DATE"  # the type of date columns before they were text
_CURES = {
    "database or disk is full": "make room, then publish again",
    "database is locked": "another program holds it; end that, then publish again",
    "attempt to write a readonly database": "mind who may write to the file and its folder",
}


def _entries(rows: Sequence[Sequence[Any]]) -> dict[str, Entry]:
    days = [[day and dt.date.fromisoformat(day) for day in row[3:5]] for row in rows]
    return {row[0]: Entry(*row[:3], *two, *row[5:]) for row, two in zip(rows, days, strict=True)}


def _users(path: Path) -> str:
    """The processes that have a file open, but for this one, as text for people."""
    found = []
    for process in filter(str.isdecimal, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            opened = f"/proc/{process}/fd"
            if int(process) != os.getpid() and any(_is(f"{opened}/{name}", path) for name in os.listdir(opened)):
                found.append(f"process {process} ({Path(f'/proc/{process}/comm').read_text(encoding='utf-8').strip()})")
    return " and ".join(found) or "another program"


def _is(link: str, path: Path) -> bool:
    try:
        return os.path.samefile(link, path)
    except OSError:
        return False


def _text(since: dt.date | None) -> str:
    return since.isoformat() if since else ""


def _upsert(columns: Mapping[str, str]) -> str:
    values = values_of(columns)
    sets = ", ".join(f"{name} = excluded.{name}" for name in values)
    old, new = (", ".join(f"{of}.{name}" for name in values) for of in (TABLE, "excluded"))
    return (
        f"INSERT INTO {TABLE} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) "
        f"ON CONFLICT ({', '.join(KEY)}) DO UPDATE SET {sets} WHERE ({old}) IS NOT ({new})"
    )


def _records(table: "pa.Table") -> Iterator[tuple[Any, ...]]:
    """Rows as SQLite takes them: dates as ISO text, NaN for null."""
    import pyarrow as pa

    lists = []
    for column, kind in zip(table.columns, columns_of(table).values(), strict=True):
        if kind == FLOAT:
            lists.append(column.to_numpy().tolist())  # SQLite stores NaN as null
        else:
            lists.append((column.cast(pa.string()) if kind == DAY else column).to_pylist())
    return zip(*lists, strict=True)
