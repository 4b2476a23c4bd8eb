"""Making a table's rows those of another, in SQL that PostgreSQL and DuckDB share; rows that are right are not touched."""

from collections.abc import Mapping, Sequence

from barmill.publish.parts import DATE, KEY, LEDGER, TABLE, values_of

STAGE = "indicators_stage"
SAME = " AND ".join(f"t.{name} = s.{name}" for name in KEY)
ENTRIES = f"SELECT symbol, digest, rows, last_date, since FROM {LEDGER}"


def update(columns: Mapping[str, str]) -> str:
    """Give rows of `TABLE` the values that `STAGE` has for them, where any differs."""
    values = values_of(columns)
    sets = ", ".join(f"{name} = s.{name}" for name in values)
    return f"UPDATE {TABLE} AS t SET {sets} FROM {STAGE} AS s WHERE {SAME} AND {_differs(values)}"


def insert(columns: Mapping[str, str]) -> str:
    """Add the rows of `STAGE` that `TABLE` lacks."""
    chosen = ", ".join(f"s.{name}" for name in columns)
    lacks = f"NOT EXISTS (SELECT 1 FROM {TABLE} AS t WHERE {SAME})"
    return f"INSERT INTO {TABLE} ({', '.join(columns)}) SELECT {chosen} FROM {STAGE} AS s WHERE {lacks}"


def remove(parts: str, symbol: str = "symbol") -> str:
    """Remove the rows that `STAGE` does not have.

    Args:
        parts: a query of (symbol, since): whose rows, from which date on; null: all.
        symbol: the column of `TABLE` that has the symbol.
    """
    same = f"s.symbol = t.{symbol} AND s.{DATE} = t.{DATE}"
    return (
        f"DELETE FROM {TABLE} AS t USING ({parts}) AS p WHERE t.{symbol} = p.symbol "
        f"AND (p.since IS NULL OR t.{DATE} >= p.since) AND NOT EXISTS (SELECT 1 FROM {STAGE} AS s WHERE {same})"
    )


def create(table: str, types: Mapping[str, str]) -> str:
    """A table of columns and their types, the key of which is `KEY`."""
    spelled = ", ".join(f"{name} {kind}{' NOT NULL' if name in KEY else ''}" for name, kind in types.items())
    return f"CREATE TABLE {table} ({spelled}, PRIMARY KEY ({', '.join(KEY)}))"


def _differs(values: Sequence[str]) -> str:
    old, new = (", ".join(f"{row}.{name}" for name in values) for row in ("t", "s"))
    return f"ROW({old}) IS DISTINCT FROM ROW({new})"
