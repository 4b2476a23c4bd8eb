"""Closing prices by stamp, out of any table of prices: Stooq's text, an export, a CSV with named columns.

Only what a comparison needs is read: a stamp and a close, plain and, where the file has one, adjusted.
"""

import csv
import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from barmill.errors import InputError

_DATES = ("date", "data", "timestamp", "datetime", "time", "day")
_TIMES = ("time", "czas")
_CLOSES = ("close", "zamkniecie", "last", "price")
_ADJUSTED = ("adj close", "adj_close", "adjclose", "adjusted close", "adjusted_close")
_STAMP_LENGTH = len("YYYYMMDD")


@dataclass(frozen=True)
class Closes:
    """The closes of a series.

    Attributes:
        name: of the file or dataset.
        plain: stamp → close, ascending. A stamp is YYYY-MM-DD, within a day followed by HH:MM:SS.
        adjusted: stamp → close adjusted for dividends, where the file has that column; else empty.
        rejected: lines that have no stamp or no positive close.
    """

    name: str
    plain: Mapping[str, float]
    adjusted: Mapping[str, float] = field(default_factory=dict)
    rejected: int = 0

    def columns(self) -> dict[str, Mapping[str, float]]:
        """The closes by the name of their column: `close`, and `adjusted` if there are any."""
        return {"close": self.plain, **({"adjusted": self.adjusted} if self.adjusted else {})}


def read_closes(path: Path, name: str = "") -> Closes:
    """Closes of a file, ascending, of lines with one stamp the last.

    Raises:
        InputError: it can't be read, or has no columns that name a stamp and a close.
    """
    try:
        text = path.read_text(encoding="utf-8-sig", errors="backslashreplace")
    except OSError as error:
        raise InputError(f"{path.absolute()} can't be read: {error.strerror}", "name a file of prices") from None
    first, _, _ = text.partition("\n")
    mark = max(",;\t|", key=first.count)
    header, *rows = csv.reader(text.splitlines(), delimiter=mark) if first.strip() else [[]]
    columns = {cell.strip(' <>"').lower(): at for at, cell in reversed(list(enumerate(header)))}
    date, close = _first(columns, _DATES), _first(columns, _CLOSES)
    if text.strip() and (date is None or close is None):
        raise InputError(
            f"{path.absolute()} starts with {first[:80]!r}, which names no date and close", "a header names its columns"
        )
    return _closes(name or path.stem.upper(), rows, columns, mark) if rows else Closes(name or path.stem.upper(), {})


def _closes(name: str, rows: Sequence[Sequence[str]], columns: Mapping[str, int], mark: str) -> Closes:
    date, close, adjusted = (_first(columns, names) for names in (_DATES, _CLOSES, _ADJUSTED))
    time = _first({each: at for each, at in columns.items() if at != date}, _TIMES)
    found: dict[str, dict[str, float]] = {"plain": {}, "adjusted": {}}
    rejected = 0
    for row in rows:
        stamp = _stamp(_cell(row, date), _cell(row, time))
        values = {"plain": _price(_cell(row, close), mark), "adjusted": _price(_cell(row, adjusted), mark)}
        if not stamp or not values["plain"]:
            rejected += bool(row)
            continue
        for kind, value in values.items():
            if value:
                found[kind][stamp] = value
    ordered = {kind: dict(sorted(each.items())) for kind, each in found.items()}
    return Closes(name, **ordered, rejected=rejected)


def _first(columns: Mapping[str, int], names: Sequence[str]) -> int | None:
    return next((columns[name] for name in names if name in columns), None)


def _cell(row: Sequence[str], at: int | None) -> str:
    return row[at].strip() if at is not None and at < len(row) else ""


def _price(text: str, mark: str) -> float | None:
    try:
        value = float(text.replace(",", ".") if mark == ";" else text)
    except ValueError:
        return None
    return value if 0 < value < math.inf else None


def _stamp(date: str, time: str) -> str:
    """`20240131`, `2024-01-31`, `2024-01-31T15:30:00+00:00` and a time of its own column as one stamp; "" if there is none."""
    try:
        if len(date) == _STAMP_LENGTH and time.isdigit():
            moment = dt.datetime.strptime(f"{date}{time:>06}", "%Y%m%d%H%M%S")  # noqa: DTZ007 (compared as written)
        else:
            moment = dt.datetime.fromisoformat(f"{date} {time}".strip())
    except ValueError:
        return ""
    if moment.tzinfo:
        moment = moment.astimezone(dt.UTC).replace(tzinfo=None)
    return f"{moment:%Y-%m-%d}" if moment.time() == dt.time() else f"{moment:%Y-%m-%d %H:%M:%S}"
