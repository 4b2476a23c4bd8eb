"""Whether a database holds exactly what the artifacts hold: every row, every value, and nothing else."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from barmill.errors import InputError
from barmill.publish.database import Session
from barmill.publish.parts import DATE, Entry, Part, columns_of, values_of


@dataclass(frozen=True)
class Difference:
    """A symbol that is not what its artifact is.

    Attributes:
        symbol: whose rows.
        missing: dates that have no row.
        changed: dates whose row has another value.
        extra: dates that the artifact does not have.
        vouched: whether the ledger says that all is well.
        error: why it could not be compared, or "".
    """

    symbol: str
    missing: int = 0
    changed: int = 0
    extra: int = 0
    vouched: bool = False
    error: str = ""


def differences(parts: Iterable[Part], session: Session, entries: Mapping[str, Entry]) -> list[Difference]:
    """The symbols whose rows differ from their artifacts', or of which the ledger does not know the artifact.

    Raises:
        DatabaseError: the database refused to be read.
    """
    found = []
    for part in parts:
        try:
            one = _difference(part, session, vouched=part.is_done(entries.get(part.symbol)))
        except InputError as error:
            one = Difference(part.symbol, error=str(error))
        if one.missing or one.changed or one.extra or one.error or not one.vouched:
            found.append(one)
    return found


def _difference(part: Part, session: Session, *, vouched: bool) -> Difference:
    table = part.read()
    names = values_of(columns_of(table))
    dates = table.column(DATE).to_pylist()
    wanted = dict(zip(dates, zip(*(table.column(name).to_pylist() for name in names), strict=True), strict=True))
    there = session.rows(part.symbol, names, part.since)
    missing = sum(date not in there for date in wanted)
    extra = sum(date not in wanted for date in there)
    changed = sum(date in there and there[date] != row for date, row in wanted.items())
    return Difference(part.symbol, missing, changed, extra, vouched)
