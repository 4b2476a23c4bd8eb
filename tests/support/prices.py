"""Providers in memory and series on disk, for tests of loading and updating."""

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path

from barmill.config import Settings
from barmill.errors import UnknownSymbol
from barmill.market import datasets
from barmill.market.datasets import Dataset
from barmill.market.dialects import Reading, read_prices
from barmill.sources.history import History
from barmill.sources.outcome import Outcome
from barmill.sources.provider import Request
from barmill.sources.update import Order, bring

HEADER = "Date,Open,High,Low,Close,Volume"


def weekdays(first: str, number: int) -> list[str]:
    """ISO dates of working days."""
    day, found = dt.date.fromisoformat(first), []
    while len(found) < number:
        if day.weekday() < 5:
            found.append(day.isoformat())
        day += dt.timedelta(days=1)
    return found


def csv_of(closes: Mapping[str, float], volume: float | str = 1000) -> str:
    """Stooq's download of one symbol: a bar a date."""
    return "\n".join([HEADER, *(f"{day},{c},{c + 1},{c / 2},{c},{volume}" for day, c in sorted(closes.items()))]) + "\n"


class Shelf:
    """A provider that has what it is given, and notes what it was asked."""

    def __init__(self, closes: Mapping[str, float], name: str = "shelf") -> None:
        self.name = name
        self.closes = dict(closes)
        self.asked: list[Request] = []

    def symbols(self) -> Sequence[str]:
        return ("ACME",)

    def fetch(self, request: Request) -> Reading:
        self.asked.append(request)
        low = request.start.isoformat() if request.start else ""
        high = request.end.isoformat() if request.end else "9999"
        found = {day: close for day, close in self.closes.items() if low <= day <= high}
        if not found:
            raise UnknownSymbol(f"no bar of {request.symbol}")
        return read_prices(csv_of(found).encode(), request.symbol, request.frequency)


def series(root: Path, symbol: str = "ACME", asset_class: str = "equities", frequency: str = "daily") -> Dataset:
    """A single series below `root`, whether its file is there or not."""
    found = datasets.of_series(root, datasets.place(asset_class, frequency, symbol))
    assert found is not None
    return found


def run(root: Path, provider: Shelf, kind: str = "update", timeout: float = 5.0, **options: object) -> Outcome:
    """One load or update of ACME."""
    return bring(
        Order(series(root), provider.name, lambda: provider, kind, **options), Settings(series=root, lock_timeout=timeout)
    )


def closes(path: Path) -> dict[str, float]:
    """date → close of a series' file, read as plain text."""
    rows = [line.split(",") for line in path.read_text().splitlines()[1:]]
    return {f"{row[2][:4]}-{row[2][4:6]}-{row[2][6:]}": float(row[7]) for row in rows}


def stamps(path: Path) -> tuple[int, ...]:
    """What changes when somebody writes a file."""
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def history(root: Path, name: str = "equities/daily/ACME") -> History:
    """The history of a dataset."""
    return History.of(root, name)
