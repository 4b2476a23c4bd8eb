"""Publishing 490 symbols of 1,690 days, and a tenth of them changed, beside a bare bulk load and merge by the same driver."""

import contextlib
import itertools
import json
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from barmill.hashing import digest_file
from barmill.market.indicators.frame import KEY, indicators
from barmill.market.tables import write_parquet
from barmill.publish.parts import Part
from barmill.publish.pending import adaptive_rows, batches
from barmill.publish.publication import Publication
from tests.bench.indicators import SYMBOLS, made_bars
from tests.bench.timing import DOIT, NOTHING, YARDSTICK, Options, Table, process, race, work_folder, yardstick
from tests.support import bars
from tests.support.databases import Target
from tests.support.market import NASDAQ, MarketProject
from tests.support.postgres import Server

_EXISTING_ROWS = 20_000
_KINDS = dict.fromkeys(("day_of_week", "week_of_month", "month"), "smallint")
_KINDS |= dict.fromkeys(("is_month_end", "is_quarter_end"), "boolean")
_numbers = itertools.count()


def run(options: Options) -> Table:
    """In this process, each into a database of its own; the last rows are whole `doit` processes."""
    count = options.scaled(SYMBOLS)
    folder = work_folder("publish")
    parts = [[_part(folder / f"{state}", n, shift) for n in range(count)] for state, shift in (("old", 0), ("new", 1))]
    table = Table(f"publishing {sum(part.rows for part in parts[0])} rows", options.repeat)
    table.add("(the machine)", yardstick(), YARDSTICK, yardstick(), single=True)
    _race(table, options, "SQLite", parts, lambda: Target("sqlite", _file(folder, "sqlite")), _Sqlite)
    _race(table, options, "DuckDB", parts, lambda: Target("duckdb", _file(folder, "duckdb")), _DuckDB)
    with _server() as server:
        if server:
            _race(table, options, "PostgreSQL", parts, lambda: Target("postgresql", server.empty()), _Postgres)
            _beside_existing(table, parts[0], server)
        else:
            table.notes.append("PostgreSQL is left out: it is not installed")
    _nothing_to_do(table, options, count)
    return table


def _race(
    table: Table,
    options: Options,
    name: str,
    parts: list[list[Part]],
    fresh: Callable[[], Target],
    kind: "type[_Sqlite | _DuckDB | _Postgres]",
) -> None:
    """Whole loads, then changes of a tenth of the symbols there and back."""
    tenth = max(1, len(parts[0]) // 10)
    bare = partial(_bare, partial(kind, names=pq.read_schema(parts[0][0].path).names[2:]))
    ours, other = fresh(), fresh()
    _publish(ours, parts[0])
    bare(other, "load", parts[0])
    turns = {who: itertools.cycle((parts[1][:tenth], parts[0][:tenth])) for who in ("ours", "bare")}
    contenders = {
        "whole": lambda: _publish(fresh(), parts[0]),
        "bare load": lambda: bare(fresh(), "load", parts[0]),
        "tenth": lambda: _publish(ours, next(turns["ours"])),
        "bare merge": lambda: bare(other, "merge", next(turns["bare"])),
    }
    medians = race(contenders, options.repeat)
    table.add(f"{name}, all", medians["whole"], f"{kind.driver}: bulk load", medians["bare load"])
    table.add(f"{name}, a tenth of the symbols changed", medians["tenth"], f"{kind.driver}: merge", medians["bare merge"])


def _publish(target: Target, parts: Sequence[Part]) -> float:
    database = target.open()
    start = time.perf_counter()
    report = Publication(database).run(batches(parts, adaptive_rows(database.row_bytes, database.writers)))
    seconds = time.perf_counter() - start
    assert len(report.done) == len(parts), report
    assert report.rows == sum(part.rows for part in parts), report.rows
    return seconds


def _bare(kind: Callable[[Target], Any], target: Target, work: str, parts: Sequence[Part]) -> float:
    """As publishing does: from opening the database to its being closed, which is when DuckDB and SQLite write to the file."""
    start = time.perf_counter()
    with contextlib.closing(kind(target)) as database:
        getattr(database, work)(_tables(parts))
    return time.perf_counter() - start


def _part(folder: Path, number: int, shift: int) -> Part:
    """A symbol's artifact; with `shift` every value is another."""
    folder.mkdir(exist_ok=True)
    symbol, path = f"S{number:03d}.US", folder / f"{number}.parquet"
    made = [bar | {name: bar[name] * (1 + 0.01 * shift) for name in bars.COLUMNS} for bar in made_bars(number % 10)]
    if shift:
        made[0] |= {"open": made[0]["open"] * 1.5, "high": made[0]["high"] * 2}
    write_parquet(path, indicators(bars.table(made), symbol), KEY)
    return Part(symbol, path, digest_file(str(path)), len(made), made[-1]["date"], "new")


def _tables(parts: Sequence[Part]) -> Iterator[pa.Table]:
    return (pq.ParquetFile(part.path).read() for part in parts)


def _file(folder: Path, suffix: str) -> str:
    return str(folder / f"{next(_numbers)}.{suffix}")


def _table(columns: str, date: str) -> str:
    return f"CREATE TABLE IF NOT EXISTS indicators ({columns}, PRIMARY KEY (symbol, {date}))"


class _Sqlite:
    """executemany in one transaction."""

    driver = "sqlite3"

    def __init__(self, target: Target, names: Sequence[str]) -> None:
        self._connection = sqlite3.connect(target.url, isolation_level=None)
        names = ("symbol", "trading_date", *names)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        columns = ", ".join(names)
        self._connection.execute(_table(columns, "trading_date") + " WITHOUT ROWID")
        self._connection.execute("CREATE INDEX IF NOT EXISTS by_date ON indicators (trading_date)")
        self._insert = f"INSERT INTO indicators VALUES ({', '.join('?' * len(names))})"
        sets = ", ".join(f"{name} = excluded.{name}" for name in names[2:])
        self._upsert = f"{self._insert} ON CONFLICT (symbol, trading_date) DO UPDATE SET {sets}"

    def close(self) -> None:
        self._connection.close()

    def load(self, tables: Iterator[pa.Table]) -> None:
        self._run(self._insert, tables)

    def merge(self, tables: Iterator[pa.Table]) -> None:
        self._run(self._upsert, tables)

    def _run(self, statement: str, tables: Iterator[pa.Table]) -> None:
        self._connection.execute("BEGIN")
        for table in tables:
            texts = table.set_column(1, "date", table.column("date").cast(pa.string()))
            self._connection.executemany(statement, zip(*(column.to_pylist() for column in texts.columns), strict=True))
        self._connection.execute("COMMIT")


class _DuckDB:
    """One statement from one Arrow table."""

    driver = "duckdb"

    def __init__(self, target: Target, names: Sequence[str]) -> None:
        import duckdb

        self._connection = duckdb.connect(target.url)
        types = ", ".join(f"{name} {_KINDS.get(name, 'double')}" for name in names)
        self._connection.execute(_table(f"symbol varchar, date date, {types}", "date"))

    def close(self) -> None:
        self._connection.close()

    def load(self, tables: Iterator[pa.Table]) -> None:
        self._run("INSERT INTO indicators SELECT * FROM rows", tables)

    def merge(self, tables: Iterator[pa.Table]) -> None:
        self._run("INSERT OR REPLACE INTO indicators SELECT * FROM rows", tables)

    def _run(self, statement: str, tables: Iterator[pa.Table]) -> None:
        self._connection.register("rows", pa.concat_tables(tables))
        self._connection.execute(statement)


class _Postgres:
    """Binary COPY a row at a time, over one connection; a change by way of a temporary table."""

    driver = "psycopg"

    def __init__(self, target: Target, names: Sequence[str]) -> None:
        import psycopg

        self._connection = psycopg.connect(target.url)
        self._types = ["text", "date", *(_KINDS.get(name, "double precision") for name in names)]
        self._names = ["symbol", "trading_date", *names]
        columns = ", ".join(f"{name} {kind}" for name, kind in zip(self._names, self._types, strict=True))
        self._connection.execute(_table(columns, "trading_date"))
        self._connection.execute("CREATE INDEX IF NOT EXISTS by_date ON indicators (trading_date)")
        self._connection.commit()

    def close(self) -> None:
        self._connection.close()

    def load(self, tables: Iterator[pa.Table]) -> None:
        self._copy("indicators", tables)
        self._connection.commit()

    def merge(self, tables: Iterator[pa.Table]) -> None:
        self._connection.execute("CREATE TEMPORARY TABLE stage (LIKE indicators) ON COMMIT DROP")
        self._copy("stage", tables)
        sets = ", ".join(f"{name} = excluded.{name}" for name in self._names[2:])
        self._connection.execute(
            f"INSERT INTO indicators SELECT * FROM stage ON CONFLICT (symbol, trading_date) DO UPDATE SET {sets}"
        )
        self._connection.commit()

    def _copy(self, table: str, tables: Iterator[pa.Table]) -> None:
        with self._connection.cursor().copy(f"COPY {table} FROM STDIN (FORMAT binary)") as copy:
            copy.set_types(self._types)
            for each in tables:
                for row in zip(*(column.to_pylist() for column in each.columns), strict=True):
                    copy.write_row(row)


def _beside_existing(table: Table, parts: list[Part], server: Server) -> None:
    """JSON values in multi-row INSERTs of 100, a transaction each, with the indexes that readers want; some rows of it."""
    import psycopg

    from barmill.publish.jsonb import CREATE

    ours = Target("jsonb", server.empty())
    seconds = _publish(ours, parts)
    url = server.empty()
    with psycopg.connect(url, cursor_factory=psycopg.ClientCursor) as connection:
        for statement in CREATE:
            connection.execute(statement)
        connection.commit()
        rows = [
            (row.pop("symbol"), row.pop("date"), json.dumps(row)) for each in _tables(parts[:12]) for row in each.to_pylist()
        ][:_EXISTING_ROWS]
        start = time.perf_counter()
        for at in range(0, len(rows), 100):
            values = [value for row in rows[at : at + 100] for value in row]
            marks = ", ".join(["(%s, %s, %s)"] * (len(values) // 3))
            connection.execute(
                f"INSERT INTO indicators (scrip, trading_date, indicators) VALUES {marks} ON CONFLICT (scrip, trading_date) "
                "DO UPDATE SET indicators = excluded.indicators",
                values,
            )
            connection.commit()
        existing = (time.perf_counter() - start) * sum(part.rows for part in parts) / len(rows)
    table.add(
        "PostgreSQL, JSONB with its three indexes, all", seconds, "INSERTs of 100 rows (20,000 rows x n)", existing, single=True
    )


def _nothing_to_do(table: Table, options: Options, count: int) -> None:
    """`doit publish` where all is published, beside `doit indicators` and `doit`."""
    root = work_folder("publish-noop")
    project = MarketProject.make(root)
    for number in range(count):
        project.daily(NASDAQ, f"S{number:03d}.US", made_bars(number % 10))
    project.listed("list.csv", [(f"S{n:03d}", "", "NASDAQ", f"Stock {n}", "USD") for n in range(count)])
    process((*DOIT, "-n", "2"), root)
    process((*DOIT, "publish"), root)
    contenders = {
        "publish": partial(process, (*DOIT, "publish"), root, says="0 published"),
        "looking": partial(process, (*DOIT, "publish", "--no-build"), root, says="0 published"),
        "indicators": partial(process, (*DOIT, "indicators"), root, says=NOTHING),
        "all": partial(process, DOIT, root, says=NOTHING),
    }
    medians = race(contenders, options.repeat)
    table.add(f"`doit publish`, {count} symbols, nothing to do", medians["publish"], "`doit indicators`", medians["indicators"])
    table.add("the same", medians["publish"], "`doit`", medians["all"])
    table.add("`doit publish --no-build`", medians["looking"], "`doit`", medians["all"])
    shutil.rmtree(root)


@contextlib.contextmanager
def _server() -> Iterator[Server | None]:
    try:
        server = Server.make().start()
    except pytest.skip.Exception:
        yield None
        return
    try:
        yield server
    finally:
        server.stop()
