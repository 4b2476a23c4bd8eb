"""Making a table's rows those of another, in the SQL of PostgreSQL and DuckDB; rows that are right are not touched."""

from collections.abc import Mapping, Sequence

from barmill.publish.parts import DATE, KEY, LEDGER, TABLE, values_of

STAGE = "indicators_stage"
SAME = " AND ".join(f"t.{name} = s.{name}" for name in KEY)
_SINCE = f"(p.since IS NULL OR t.{DATE} >= p.since)"
ENTRIES = f"SELECT symbol, digest, rows, last_date, since FROM {LEDGER}"
IS_WHOLE = f"SELECT (SELECT count(*) FROM {TABLE}) = (SELECT sum(rows) FROM {LEDGER})"
"""Whether the table has as many rows as were published; it costs less than counting them by symbol."""


def counted_entries(symbol: str = "symbol") -> str:
    """The ledger, each entry with the number of rows that the table has of it; see `Entry`.

    Args:
        symbol: the column of `TABLE` that has the symbol.
    """
    there = f"SELECT count(*) FROM {TABLE} AS t WHERE t.{symbol} = l.symbol AND (l.since IS NULL OR t.{DATE} >= l.since)"
    return f"SELECT symbol, digest, rows, last_date, since, ({there}) FROM {LEDGER} AS l"


def update(columns: Mapping[str, str], among: str = "true") -> str:
    """Give rows of `TABLE` (t) the values that `STAGE` has for them, where any differs.

    Args:
        columns: column → kind.
        among: a condition on t that holds for all of them: a planner may not see which part of a large table that is.
    """
    values = values_of(columns)
    sets = ", ".join(f"{name} = s.{name}" for name in values)
    return f"UPDATE {TABLE} AS t SET {sets} FROM {STAGE} AS s WHERE {SAME} AND {among} AND {_differs(values)}"


def insert(columns: Mapping[str, str]) -> str:
    """Add the rows of `STAGE` that `TABLE` lacks."""
    chosen = ", ".join(f"s.{name}" for name in columns)
    lacks = f"NOT EXISTS (SELECT 1 FROM {TABLE} AS t WHERE {SAME})"
    return f"INSERT INTO {TABLE} ({', '.join(columns)}) SELECT {chosen} FROM {STAGE} AS s WHERE {lacks}"


def replace(columns: Mapping[str, str]) -> str:
    """Put the rows of `STAGE` that `TABLE` lacks, or has with another value, in their place; DuckDB only."""
    chosen = ", ".join(f"s.{name}" for name in columns)
    wrong = f"t.symbol IS NULL OR {_differs(values_of(columns))}"
    rows = f"SELECT {chosen} FROM {STAGE} AS s LEFT JOIN {TABLE} AS t ON {SAME} WHERE {wrong}"
    return f"INSERT OR REPLACE INTO {TABLE} BY NAME {rows}"


def count(parts: str) -> str:
    """How many rows there are of these symbols since these dates; see `remove`."""
    return f"SELECT count(*) FROM {TABLE} AS t JOIN ({parts}) AS p ON t.symbol = p.symbol WHERE {_SINCE}"


def remove(parts: str, symbol: str = "symbol", among: str = "true") -> str:
    """Remove the rows that `STAGE` does not have.

    Args:
        parts: a query of (symbol, since): whose rows, from which date on; null: all.
        symbol: the column of `TABLE` that has the symbol.
        among: see `update`.
    """
    same = f"s.symbol = t.{symbol} AND s.{DATE} = t.{DATE}"
    return (
        f"DELETE FROM {TABLE} AS t USING ({parts}) AS p WHERE t.{symbol} = p.symbol AND {among} "
        f"AND {_SINCE} AND NOT EXISTS (SELECT 1 FROM {STAGE} AS s WHERE {same})"
    )


def create(table: str, types: Mapping[str, str]) -> str:
    """A table of columns and their types, the key of which is `KEY`."""
    spelled = ", ".join(f"{name} {kind}{' NOT NULL' if name in KEY else ''}" for name, kind in types.items())
    return f"CREATE TABLE {table} ({spelled}, PRIMARY KEY ({', '.join(KEY)}))"


def _differs(values: Sequence[str]) -> str:
    old, new = (", ".join(f"{row}.{name}" for name in values) for row in ("t", "s"))
    return f"ROW({old}) IS DISTINCT FROM ROW({new})"
