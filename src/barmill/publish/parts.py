"""What is published: of each symbol the rows of its artifact, or the newest of them, under the artifact's digest."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from barmill.errors import InputError
from barmill.market.tables import read_parquet

if TYPE_CHECKING:
    import pyarrow as pa

TABLE = "indicators"
LEDGER = "indicators_ledger"
DATE = "trading_date"
KEY = ("symbol", DATE)

TEXT, DAY, FLOAT, INTEGER, BOOLEAN = "text", "date", "float", "integer", "boolean"
_KINDS = {"string": TEXT, "date32[day]": DAY, "double": FLOAT, "int8": INTEGER, "bool": BOOLEAN}


@dataclass(frozen=True)
class Entry:
    """What the ledger says of a symbol.

    Attributes:
        symbol: whose rows.
        digest: of the artifact that they are from.
        rows: how many they are.
        last: the newest of them.
        since: the first date from which on they are that artifact's; None: all are.
        there: how many rows the table has of the symbol since that date; None: nobody counted them.
    """

    symbol: str
    digest: str
    rows: int
    last: dt.date | None
    since: dt.date | None = None
    there: int | None = None

    @property
    def is_whole(self) -> bool:
        """Whether the table has as many rows as were published."""
        return self.there in {None, self.rows}

    @property
    def stored(self) -> tuple[str, str, int, dt.date | None, dt.date | None]:
        """What the ledger keeps of it: symbol, digest, rows, last, since."""
        return self.symbol, self.digest, self.rows, self.last, self.since


@dataclass(frozen=True)
class Part:
    """Rows of a symbol to publish.

    Attributes:
        symbol: whose rows.
        path: its artifact.
        digest: of the artifact.
        rows: that the artifact has.
        last: its newest date.
        why: the reason, to people.
        since: only rows from this date on; None: all.
    """

    symbol: str
    path: Path
    digest: str
    rows: int
    last: dt.date | None
    why: str = ""
    since: dt.date | None = None

    def read(self) -> "pa.Table":
        """The rows, columns as the database names them.

        Raises:
            InputError: the artifact is damaged, or has rows of something else.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        try:
            table = read_parquet(self.path)
            table = table.rename_columns([DATE if name == "date" else name for name in table.column_names])
            strange = pc.any(pc.not_equal(table.column("symbol"), self.symbol)).as_py()
        except (OSError, KeyError, pa.ArrowException) as error:
            raise InputError(f"{self.path.absolute()} can't be read: {error}", _DAMAGED) from None
        if strange:
            raise InputError(f"{self.path.absolute()} has rows of other symbols than {self.symbol}", _DAMAGED)
        return table if self.since is None else table.filter(pc.greater_equal(table.column(DATE), self.since))

    def is_done(self, entry: Entry | None) -> bool:
        """Whether these rows were published and are all there."""
        if entry is None or entry.digest != self.digest or not entry.is_whole:
            return False
        return entry.since is None or (self.since is not None and entry.since <= self.since)

    def entry(self, before: Entry | None, rows: int) -> Entry:
        """What the ledger says once `rows` rows are published."""
        since = self.since
        if since and before and before.digest == self.digest:
            since = before.since and min(before.since, since)
        return Entry(self.symbol, self.digest, self.rows if since is None else rows, self.last, since)


def due(tables: Mapping[Part, "pa.Table"], entries: Mapping[str, Entry], *, force: bool) -> dict[Part, "pa.Table"]:
    """The rows of those parts that the ledger does not vouch for; of all, if forced."""
    return {part: table for part, table in tables.items() if force or not part.is_done(entries.get(part.symbol))}


def noted(tables: Mapping[Part, "pa.Table"], entries: Mapping[str, Entry]) -> list[Entry]:
    """What the ledger says of parts once these rows are published."""
    return [part.entry(entries.get(part.symbol), len(table)) for part, table in tables.items()]


def columns_of(table: "pa.Table") -> dict[str, str]:
    """Column → kind; names are put into SQL, so they are plain words."""
    assert all(name.isidentifier() for name in table.column_names), table.column_names
    return {field.name: _KINDS[str(field.type)] for field in table.schema}


def values_of(columns: Mapping[str, str]) -> list[str]:
    """The columns that are not the key."""
    return [name for name in columns if name not in KEY]


_DAMAGED = "the file was edited or damaged; run doit"
