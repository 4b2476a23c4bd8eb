"""DuckDB: a file for analysis. One process at a time may have it open, so publishers take turns over a lock beside it."""

import contextlib
import datetime as dt
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock, Timeout

from barmill.errors import DatabaseError
from barmill.files import make_folder
from barmill.publish import merge
from barmill.publish.address import Address
from barmill.publish.database import Row, Session, Written, missing
from barmill.publish.parts import BOOLEAN, DATE, DAY, FLOAT, INTEGER, LEDGER, TABLE, TEXT, Entry, Part, columns_of, due, noted

_TYPES = {TEXT: "VARCHAR", DAY: "DATE", FLOAT: "DOUBLE", INTEGER: "TINYINT", BOOLEAN: "BOOLEAN"}


class DuckDB:
    """A file; made with its folder when first written to."""

    writers = 1
    row_bytes = 250

    def __init__(self, address: Address) -> None:
        self._path = Path(address.where)

    def connect(self) -> Session:
        """See `Database`."""
        return DuckSession(self._path)


class DuckSession:
    """See `Session`. It holds the lock from its first use to its end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._lock = FileLock(f"{path}.lock")

    def entries(self) -> dict[str, Entry]:
        """See `Session`."""
        with self._told():
            if not (self._columns(LEDGER) and self._columns(TABLE)):
                return {}
            ((whole,),) = self._run(merge.IS_WHOLE)
            return {row[0]: Entry(*row) for row in self._run(merge.ENTRIES if whole else merge.counted_entries())}

    def write(self, parts: Sequence[Part], *, force: bool = False) -> Written:
        """See `Session`."""
        import pyarrow as pa

        tables = {part: part.read() for part in parts}
        with self._transaction():
            whole = pa.concat_tables(tables.values(), promote_options="default")
            columns = columns_of(whole)
            self._prepare(columns)
            entries = self.entries()
            todo = due(tables, entries, force=force)
            changed = 0
            if todo:
                stage = whole if len(todo) == len(tables) else pa.concat_tables(todo.values(), promote_options="default")
                changed = self._put(list(todo), stage, columns)
                self._run(
                    _RECORD, *(list(column) for column in zip(*(each.stored for each in noted(todo, entries)), strict=True))
                )
            return Written.of(changed, parts, todo)

    def rows(self, symbol: str, columns: Sequence[str], since: dt.date | None) -> dict[dt.date, Row]:
        """See `Session`."""
        with self._told():
            if missing(dict.fromkeys((DATE, *columns), ""), self._columns(TABLE)):
                return {}
            query = f"SELECT {DATE}, {', '.join(columns)} FROM {TABLE} WHERE symbol = ? AND {DATE} >= ?"
            return {row[0]: row[1:] for row in self._run(query, symbol, since or dt.date.min)}

    def remove(self, symbols: Sequence[str]) -> int:
        """See `Session`."""
        with self._transaction():
            gone = self._count(f"DELETE FROM {TABLE} WHERE symbol IN (SELECT unnest(?::VARCHAR[]))", list(symbols))
            self._count(f"DELETE FROM {LEDGER} WHERE symbol IN (SELECT unnest(?::VARCHAR[]))", list(symbols))
            return gone

    def close(self) -> None:
        """See `Session`."""
        if self._connection:
            self._connection.close()
            self._connection = None
        self._lock.release()

    @property
    def _open(self) -> "duckdb.DuckDBPyConnection":
        if self._connection is None:
            make_folder(self._path.parent)
            self._take_turn()
            self._connection = duckdb.connect(str(self._path))
        return self._connection

    def _take_turn(self) -> None:
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            sys.stderr.write(f"waiting for another publisher, which has {self._path.absolute()} open\n")
            self._lock.acquire()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except duckdb.Error as error:
            text = " ".join(str(error).split())
            cure = "end the program that has it open, then publish again" if "lock" in text else ""
            raise DatabaseError(f"database {self._path.absolute()}: {text}", cure) from None

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._told():
            self._open.execute("BEGIN")
            try:
                yield
                self._open.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(duckdb.Error):  # an error may have ended it
                    self._open.execute("ROLLBACK")
                raise

    def _run(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._open.execute(query, values).fetchall()

    def _count(self, query: str, *values: Any) -> int:
        """Rows that a statement changed."""
        return int(self._run(query, *values)[0][0])

    def _columns(self, table: str) -> list[str]:
        if not self._path.exists():
            return []
        query = "SELECT column_name FROM duckdb_columns() WHERE table_name = ? AND NOT internal ORDER BY column_index"
        return [row[0] for row in self._run(query, table)]

    def _prepare(self, columns: Mapping[str, str]) -> None:
        """Make the tables what `columns` need; where that changes anything, the ledger vouches for nothing any more."""
        there = self._columns(TABLE)
        lacking = missing(columns, there)
        if not there:
            self._run(merge.create(TABLE, {name: _TYPES[kind] for name, kind in columns.items()}))
        else:
            for name, kind in lacking.items():
                self._run(f"ALTER TABLE {TABLE} ADD COLUMN {name} {_TYPES[kind]}")
        if not self._columns(LEDGER):
            self._run(_LEDGER_TABLE)
        elif lacking:
            self._run(f"DELETE FROM {LEDGER}")

    def _put(self, parts: Sequence[Part], stage: Any, columns: Mapping[str, str]) -> int:
        self._open.register(merge.STAGE, stage)
        try:
            names = [part.symbol for part in parts]
            there = self._run(f"SELECT 1 FROM {TABLE} WHERE symbol IN (SELECT unnest(?::VARCHAR[])) LIMIT 1", names)
            if not there:
                return self._count(f"INSERT INTO {TABLE} BY NAME SELECT * FROM {merge.STAGE}")
            changed = self._count(merge.replace(columns))
            whose = names, [part.since for part in parts]
            ((there,),) = self._run(merge.count(_PARTS), *whose)
            return changed + (self._count(merge.remove(_PARTS), *whose) if there != len(stage) else 0)
        finally:
            self._open.unregister(merge.STAGE)


_PARTS = "SELECT unnest(?::VARCHAR[]) AS symbol, unnest(?::DATE[]) AS since"
_RECORD = (
    f"INSERT OR REPLACE INTO {LEDGER} SELECT unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::INTEGER[]), "
    "unnest(?::DATE[]), unnest(?::DATE[]), now()"
)
_LEDGER_TABLE = (
    f"CREATE TABLE {LEDGER} (symbol VARCHAR PRIMARY KEY, digest VARCHAR NOT NULL, rows INTEGER NOT NULL, "
    "last_date DATE, since DATE, published_at TIMESTAMPTZ NOT NULL)"
)
