"""The layout that readers of a `scrip, trading_date, indicators` table expect: one JSON value per row, PostgreSQL only.

The server makes the JSON from typed rows: making 828,100 of them here would take longer than everything else.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from barmill.publish.database import Row
from barmill.publish.merge import STAGE
from barmill.publish.parts import DATE, TABLE, values_of

SYMBOL = "scrip"
COLUMNS = (SYMBOL, DATE, "indicators", "status", "computed_at", "version", "notes", "created_at", "updated_at")
_TABLE = (
    f"CREATE TABLE {TABLE} ({SYMBOL} text NOT NULL, {DATE} date NOT NULL, indicators jsonb NOT NULL, "
    "status text DEFAULT 'CALCULATED', computed_at timestamptz, version integer DEFAULT 1, notes text, "
    f"created_at timestamptz DEFAULT now(), updated_at timestamptz, PRIMARY KEY ({SYMBOL}, {DATE}))"
)
CREATE = (
    _TABLE,
    f"CREATE INDEX idx_{TABLE}_{SYMBOL} ON {TABLE} ({SYMBOL})",
    f"CREATE INDEX idx_{TABLE}_{DATE} ON {TABLE} ({DATE})",
    f"CREATE INDEX idx_{TABLE}_jsonb_gin ON {TABLE} USING gin (indicators)",
)
ROWS = f"SELECT {DATE}, indicators FROM {TABLE} WHERE {SYMBOL} = %s AND {DATE} >= %s"

_ARGUMENTS = 40  # pairs of a call; a function takes 100 arguments


def statements(columns: Mapping[str, str], among: str) -> tuple[str, str]:
    """Change values that differ from those in `merge.STAGE`, counting their version up; add rows that lack.

    Args:
        columns: column → kind.
        among: see `merge.update`.
    """
    made = f"(SELECT symbol, {DATE}, {_json(values_of(columns))} AS value FROM {STAGE}) AS s"
    same = f"t.{SYMBOL} = s.symbol AND t.{DATE} = s.{DATE}"
    sets = "indicators = s.value, status = 'CALCULATED', computed_at = now(), updated_at = now(), version = t.version + 1"
    names = f"{SYMBOL}, {DATE}, indicators, computed_at, updated_at"
    lacks = f"NOT EXISTS (SELECT 1 FROM {TABLE} AS t WHERE {same})"
    return (
        f"UPDATE {TABLE} AS t SET {sets} FROM {made} WHERE {same} AND {among} AND t.indicators IS DISTINCT FROM s.value",
        f"INSERT INTO {TABLE} ({names}) SELECT s.symbol, s.{DATE}, s.value, now(), now() FROM {made} WHERE {lacks}",
    )


def rows(found: Sequence[tuple[dt.date, Mapping[str, Any]]], columns: Sequence[str]) -> Iterator[tuple[dt.date, Row]]:
    """Rows as the other layout has them; a key that a value lacks makes it differ from any."""
    for date, value in found:
        yield date, tuple(value.get(name, "") for name in columns)


def _json(names: Sequence[str]) -> str:
    calls = []
    for at in range(0, len(names), _ARGUMENTS):
        pairs = ", ".join(f"'{name}', {name}" for name in names[at : at + _ARGUMENTS])
        calls.append(f"jsonb_build_object({pairs})")
    return " || ".join(calls)
