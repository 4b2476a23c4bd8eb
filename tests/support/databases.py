"""Databases for tests of publishing, each read by its own driver, never by the code under test."""

import contextlib
import datetime as dt
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from barmill.hashing import digest_file
from barmill.market.indicators.frame import KEY, indicators
from barmill.market.tables import write_parquet
from barmill.publish.address import Address
from barmill.publish.database import Database, Session
from barmill.publish.drivers import database
from barmill.publish.parts import Part
from tests.support.bars import table

KINDS = ("sqlite", "duckdb", "postgresql", "jsonb")


@dataclass
class Target:
    """A database, and its own driver."""

    kind: str
    url: str

    @property
    def layout(self) -> str:
        """What the setting `database_layout` has to be."""
        return "jsonb" if self.kind == "jsonb" else "columns"

    @property
    def symbol(self) -> str:
        """The column that has the symbol."""
        return "scrip" if self.kind == "jsonb" else "symbol"

    def open(self) -> Database:
        """The code under test."""
        return database(Address.parse(self.url), self.layout)

    @contextlib.contextmanager
    def session(self) -> Iterator[Session]:
        """A session of the code under test."""
        session = self.open().connect()
        try:
            yield session
        finally:
            session.close()

    def run(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query, or none, by the driver."""
        if self.kind == "sqlite":
            with contextlib.closing(sqlite3.connect(self.url)) as connection, connection:
                return connection.execute(query).fetchall()
        if self.kind == "duckdb":
            import duckdb

            with duckdb.connect(self.url) as connection:
                return connection.execute(query).fetchall()
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(query)
            return cursor.fetchall() if cursor.description else []

    def values(self, name: str) -> str:
        """The expression of an indicator's value."""
        return f"(indicators->>'{name}')::float8" if self.kind == "jsonb" else name

    def rows(self, symbol: str) -> dict[dt.date, tuple[Any, ...]]:
        """Date → some values of a symbol."""
        names = ", ".join(map(self.values, ("SMA_3", "OBV", "MACD_hist_12_26_9", "month")))
        found = self.run(f"SELECT trading_date, {names} FROM indicators WHERE {self.symbol} = '{symbol}' ORDER BY trading_date")
        return {dt.date.fromisoformat(str(row[0])): row[1:] for row in found}


def artifact(folder: Path, symbol: str, bars: list[dict[str, Any]], since: dt.date | None = None) -> Part:
    """Indicators of bars as the stage writes them, as a part to publish."""
    path = folder / f"{symbol}.parquet"
    write_parquet(path, indicators(table(bars), symbol), KEY)
    last = bars[-1]["date"] if bars else None
    return Part(symbol, path, digest_file(str(path)), len(bars), last, "new", since)


def expected(part: Part) -> dict[dt.date, tuple[Any, ...]]:
    """What `Target.rows` should give once the part is published."""
    import pyarrow.parquet as pq

    rows = pq.read_table(part.path).to_pylist()
    return {row["date"]: (row["SMA_3"], row["OBV"], row["MACD_hist_12_26_9"], row["month"]) for row in rows}
