"""SQLite: the database that needs no server. Readers go on while it is written to (WAL); writers wait for one another."""

import contextlib
import datetime as dt
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from barmill.errors import DatabaseError
from barmill.files import locked, make_folder
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

_TYPES = {TEXT: "TEXT", DAY: "DATE", FLOAT: "REAL", INTEGER: "INTEGER", BOOLEAN: "BOOLEAN"}
_WAIT = 600.0  # seconds for another writer


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
        if not (self._columns(LEDGER) and self._columns(TABLE)):
            return {}
        with self._told():
            rows = self._open().execute(merge.ENTRIES).fetchall()
        return {row[0]: Entry(*row[:3], *(each and dt.date.fromisoformat(each) for each in row[3:])) for row in rows}

    def write(self, parts: Sequence[Part], *, force: bool = False) -> Written:
        """See `Session`."""
        tables = {part: part.read() for part in parts}
        with self._transaction() as connection:
            for table in tables.values():
                self._prepare(connection, columns_of(table))
            entries = self.entries()
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
        if missing(dict.fromkeys((DATE, *columns), ""), self._columns(TABLE)):
            return {}
        query = f"SELECT {DATE}, {', '.join(columns)} FROM {TABLE} WHERE symbol = ? AND {DATE} >= ?"
        with self._told():
            found = self._open().execute(query, (symbol, _text(since))).fetchall()
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

    def _open(self, *, create: bool = False) -> sqlite3.Connection:
        if self._connection is None:
            if create:
                make_folder(self._path.parent)
                with locked(self._path.parent):  # nobody is made to wait for who changes the mode
                    self._connection = self._connected()
                    self._connection.execute("PRAGMA journal_mode = WAL")
            else:
                self._connection = self._connected()
            self._connection.execute("PRAGMA synchronous = NORMAL")
        return self._connection

    def _connected(self) -> sqlite3.Connection:
        # a path as it is: in a URI a `?` or `#` would have a meaning
        return sqlite3.connect(self._path, timeout=_WAIT, isolation_level=None)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise DatabaseError(f"database {self._path.absolute()}: {error}", _CURES.get(str(error), "")) from None

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._told():
            connection = self._open(create=True)
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _columns(self, table: str) -> list[str]:
        if not self._path.exists():
            return []
        with self._told():
            return [row[1] for row in self._open().execute(f"PRAGMA table_info({table})")]

    def _prepare(self, connection: sqlite3.Connection, columns: Mapping[str, str]) -> None:
        """Make the tables what `columns` need; where that changes anything, the ledger vouches for nothing any more."""
        lacking = missing(columns, self._columns(TABLE))
        if lacking == columns:
            types = {name: _TYPES[kind] for name, kind in columns.items()}
            connection.execute(f"{merge.create(TABLE, types)} WITHOUT ROWID")
            connection.execute(f"CREATE INDEX idx_{TABLE}_{DATE} ON {TABLE} ({DATE})")
        elif lacking:
            for name, kind in lacking.items():
                connection.execute(f"ALTER TABLE {TABLE} ADD COLUMN {name} {_TYPES[kind]}")
        if lacking or not self._columns(LEDGER):
            connection.execute(_LEDGER_TABLE)
            connection.execute(f"DELETE FROM {LEDGER}")

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
    "last_date DATE, since DATE, published_at TIMESTAMP NOT NULL) WITHOUT ROWID"
)
_CURES = {
    "database or disk is full": "make room, then publish again",
    "database is locked": "another program holds it; end that, then publish again",
    "attempt to write a readonly database": "mind who may write to the file and its folder",
}


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
