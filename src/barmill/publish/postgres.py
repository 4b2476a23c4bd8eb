"""PostgreSQL: rows go in by binary COPY, straight into the table where a symbol is new, else by way of a temporary one.

Symbols are locked while they are written (advisory locks, which end with their transaction), so that publishers on any number
of machines do not do the same work, nor hold each other up over different symbols.
"""

import contextlib
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from barmill.errors import ConfigError, DatabaseError, DatabaseLost
from barmill.publish import jsonb, merge, pgcopy
from barmill.publish.address import Address
from barmill.publish.database import Row, Session, Written, missing
from barmill.publish.parts import BOOLEAN, DATE, DAY, FLOAT, INTEGER, LEDGER, TABLE, TEXT, Entry, Part, columns_of, due, noted

_TYPES = {TEXT: "text", DAY: "date", FLOAT: "double precision", INTEGER: "smallint", BOOLEAN: "boolean"}
_SECONDS = 10  # to connect


class Postgres:
    """A server's database; tables lie in the first schema of its search path."""

    writers = 4
    row_bytes = 1_500

    def __init__(self, address: Address, layout: str) -> None:
        self._address = address
        self._layout = layout

    def connect(self) -> Session:
        """See `Database`."""
        return PostgresSession(self._address, jsonb_layout=self._layout == "jsonb")


class PostgresSession:
    """See `Session`."""

    def __init__(self, address: Address, *, jsonb_layout: bool) -> None:
        self._address = address
        self._jsonb = jsonb_layout
        self._connection: psycopg.Connection[Any] | None = None
        with self._told():
            usual = {} if "connect_timeout" in address.where else {"connect_timeout": _SECONDS}
            self._connection = psycopg.connect(make_conninfo(address.where, **usual), autocommit=True)
            self._connection.execute("SET client_min_messages = warning")

    def entries(self) -> dict[str, Entry]:
        """See `Session`."""
        with self._told():
            if not (self._columns(LEDGER) and self._columns(TABLE)):
                return {}
            ((whole,),) = self._run(merge.IS_WHOLE)
            query = merge.ENTRIES if whole else merge.counted_entries(self._symbol)
            return {row[0]: Entry(*row) for row in self._run(query)}

    def write(self, parts: Sequence[Part], *, force: bool = False) -> Written:
        """See `Session`."""
        tables = {part: part.read() for part in parts}
        with self._told(), self._open.transaction():
            self._lock([part.symbol for part in parts])
            columns: dict[str, str] = {}
            for table in tables.values():
                columns |= columns_of(table)
            self._prepare(columns)
            symbols = [part.symbol for part in parts]
            query = f"{merge.counted_entries(self._symbol)} WHERE symbol = ANY(%s)"
            entries = {row[0]: Entry(*row) for row in self._run(query, symbols)}
            todo = due(tables, entries, force=force)
            changed = 0
            if todo:
                changed = self._put(todo, columns)
                self._count(
                    _RECORD, *(list(column) for column in zip(*(each.stored for each in noted(todo, entries)), strict=True))
                )
            return Written.of(changed, parts, todo)

    def rows(self, symbol: str, columns: Sequence[str], since: dt.date | None) -> dict[dt.date, Row]:
        """See `Session`."""
        with self._told():
            there = self._columns(TABLE)
            if self._jsonb:
                return dict(jsonb.rows(self._run(jsonb.ROWS, symbol, since or dt.date.min), columns)) if there else {}
            if missing(dict.fromkeys((DATE, *columns), ""), there):
                return {}
            query = f"SELECT {DATE}, {', '.join(columns)} FROM {TABLE} WHERE symbol = %s AND {DATE} >= %s"
            return {row[0]: row[1:] for row in self._run(query, symbol, since or dt.date.min)}

    def remove(self, symbols: Sequence[str]) -> int:
        """See `Session`."""
        with self._told(), self._open.transaction():
            self._lock(symbols)
            gone = self._count(f"DELETE FROM {TABLE} WHERE {self._symbol} = ANY(%s)", list(symbols))
            self._count(f"DELETE FROM {LEDGER} WHERE symbol = ANY(%s)", list(symbols))
            return gone

    def close(self) -> None:
        """See `Session`."""
        if self._connection:
            self._connection.close()

    @property
    def _open(self) -> "psycopg.Connection[Any]":
        assert self._connection is not None
        return self._connection

    @property
    def _symbol(self) -> str:
        return jsonb.SYMBOL if self._jsonb else "symbol"

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            fact = f"database {self._address}: {self._address.clean(' '.join(str(error).split()))}"
            if self._connection is None or self._connection.closed:
                raise DatabaseLost(fact, "see that the server runs and the URL is right, then publish again") from None
            cure = _CURES.get(error.sqlstate or "", "")
            raise DatabaseError(fact, cure) from None

    def _run(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._open.cursor(binary=True).execute(query, values).fetchall()

    def _count(self, query: str, *values: Any) -> int:
        return self._open.execute(query, values).rowcount

    def _lock(self, symbols: Sequence[str]) -> None:
        keys = "SELECT DISTINCT hashtextextended(symbol, 0) AS key FROM unnest(%s::text[]) AS symbol ORDER BY 1"
        self._run(f"SELECT pg_advisory_xact_lock(key) FROM ({keys}) AS keys", list(symbols))

    def _columns(self, table: str) -> list[str]:
        query = "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped"
        found = [row[0] for row in self._run(query, table)]
        other = "symbol" if self._jsonb else jsonb.SYMBOL
        if table == TABLE and other in found:
            layout = "columns" if self._jsonb else "jsonb"
            raise ConfigError(
                f"database {self._address}: its table {TABLE} has the layout {layout}",
                f'set database_layout = "{layout}", or drop the table',
            )
        return found

    def _prepare(self, columns: Mapping[str, str]) -> None:
        """Make the tables what `columns` need; where that changes anything, the ledger vouches for nothing any more."""
        wanted = dict.fromkeys(jsonb.COLUMNS, TEXT) if self._jsonb else columns
        if not missing(wanted, self._columns(TABLE)) and self._columns(LEDGER):
            return
        self._run(f"SELECT pg_advisory_xact_lock(hashtextextended('{TABLE}', 1))")
        there = self._columns(TABLE)  # another may have made them meanwhile
        lacking = missing(wanted, there)
        if not there:
            for statement in jsonb.CREATE if self._jsonb else self._create(columns):
                self._open.execute(statement)
        elif lacking and self._jsonb:
            raise DatabaseError(
                f"database {self._address}: its table {TABLE} lacks {', '.join(lacking)}", "add the columns, or drop the table"
            )
        else:
            for name, kind in lacking.items():
                self._count(f"ALTER TABLE {TABLE} ADD COLUMN {name} {_TYPES[kind]}")
        if not self._columns(LEDGER):
            self._count(_LEDGER_TABLE)
        elif lacking:
            self._count(f"DELETE FROM {LEDGER}")

    def _create(self, columns: Mapping[str, str]) -> list[str]:
        types = {name: _TYPES[kind] for name, kind in columns.items()}
        return [merge.create(TABLE, types), f"CREATE INDEX idx_{TABLE}_{DATE} ON {TABLE} ({DATE})"]

    def _put(self, tables: Mapping[Part, Any], columns: Mapping[str, str]) -> int:
        """Write the parts; how many rows that changed."""
        known = f"SELECT s FROM unnest(%s::text[]) AS s WHERE EXISTS (SELECT 1 FROM {TABLE} WHERE {self._symbol} = s)"
        there = {row[0] for row in self._run(known, [part.symbol for part in tables])}
        fresh = {} if self._jsonb else {part: table for part, table in tables.items() if part.symbol not in there}
        changed = self._copy(TABLE, fresh) if fresh else 0
        rest = {part: table for part, table in tables.items() if part not in fresh}
        if rest:
            types = ", ".join(f"{name} {_TYPES[kind]}" for name, kind in columns.items())
            self._count(f"CREATE TEMPORARY TABLE {merge.STAGE} ({types}) ON COMMIT DROP")
            self._copy(merge.STAGE, rest)
            self._count(f"ANALYZE {merge.STAGE}")  # without, joins compare each row with each
            changed += self._merge(rest, columns)
        return changed

    def _merge(self, parts: Iterable[Part], columns: Mapping[str, str]) -> int:
        self._count("SET LOCAL jit = off")  # compiling takes longer than a batch
        symbols, sinces = zip(*((part.symbol, part.since) for part in parts), strict=True)
        among = f"t.{self._symbol} = ANY(%s)"
        update, insert = (
            jsonb.statements(columns, among) if self._jsonb else (merge.update(columns, among), merge.insert(columns))
        )
        whose = "SELECT * FROM unnest(%s::text[], %s::date[]) AS p (symbol, since)"
        remove = merge.remove(whose, self._symbol, among)
        changed = self._count(update, list(symbols)) + self._count(insert)
        return changed + self._count(remove, list(symbols), list(sinces), list(symbols))

    def _copy(self, target: str, tables: Mapping[Part, Any]) -> int:
        names = ", ".join(columns_of(next(iter(tables.values()))))
        with self._open.cursor().copy(f"COPY {target} ({names}) FROM STDIN (FORMAT binary)") as copy:
            copy.write(pgcopy.HEADER)
            for part, table in tables.items():
                for records in pgcopy.encode(table, part.symbol):
                    copy.write(records)
            copy.write(pgcopy.TRAILER)
        return sum(map(len, tables.values()))


_NAMES = ("symbol", "digest", "rows", "last_date", "since", "published_at")
_RECORD = (
    f"INSERT INTO {LEDGER} ({', '.join(_NAMES)}) "
    "SELECT *, now() FROM unnest(%s::text[], %s::text[], %s::integer[], %s::date[], %s::date[]) "
    f"ON CONFLICT (symbol) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _NAMES[1:])}"
)
_LEDGER_TABLE = (
    f"CREATE TABLE {LEDGER} (symbol text PRIMARY KEY, digest text NOT NULL, rows integer NOT NULL, "
    "last_date date, since date, published_at timestamptz NOT NULL)"
)
_CURES = {
    "53100": "make room on the server's disk, then publish again",
    "42501": "mind what the user may do there",
    "55P03": "another program holds it; end that, then publish again",
}
