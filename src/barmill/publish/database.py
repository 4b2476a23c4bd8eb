"""What a database must offer to be published to; sqlite, duckdb and postgres each meet it."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from barmill.publish.parts import Entry, Part

Row = tuple[float | int | bool | None, ...]


class Written(NamedTuple):
    """What a transaction did: how many rows it changed, added or removed, and the symbols that were right already."""

    rows: int
    right: frozenset[str]

    @classmethod
    def of(cls, rows: int, parts: Collection[Part], due: Collection[Part]) -> "Written":
        """Of a transaction on `parts`, of which those `due` were not right."""
        return cls(rows, frozenset(part.symbol for part in parts if part not in due))


class Session(Protocol):
    """One connection. Every method is one transaction, or reads only; what fails leaves the database as it was.

    Raises (any method):
        DatabaseError: the database refused; its words, without password.
        DatabaseLost: it is not there any more.
    """

    def entries(self) -> dict[str, Entry]:
        """The ledger; empty where nothing was ever published, or the rows' table is gone. Never writes."""
        ...

    def write(self, parts: Sequence[Part], *, force: bool = False) -> Written:
        """Make the rows of these symbols what the parts say, and note it in the ledger.

        Rows that are right already are not touched. A part that the ledger vouches for is left out, unless forced.
        Creates the tables, and adds columns, where they lack.

        Raises:
            InputError: an artifact can't be read.
        """
        ...

    def rows(self, symbol: str, columns: Sequence[str], since: dt.date | None) -> dict[dt.date, Row]:
        """The rows of a symbol as they stand, by date; of a table or column that is not there none. Never writes."""
        ...

    def remove(self, symbols: Sequence[str]) -> int:
        """Remove all rows of these symbols, and their entries; how many rows that were."""
        ...

    def close(self) -> None:
        """End it."""
        ...


class Database(Protocol):
    """A database, to which connections can be made.

    Attributes:
        writers: how many connections may write at once.
        row_bytes: memory that a row takes on its way, roughly.
    """

    writers: int
    row_bytes: int

    def connect(self) -> Session:
        """Open a connection."""
        ...


def missing(columns: Mapping[str, str], there: Sequence[str]) -> dict[str, str]:
    """The columns that a table lacks; names are compared as databases do, whatever their case."""
    known = {name.lower() for name in there}
    return {name: kind for name, kind in columns.items() if name.lower() not in known}
