"""Closing prices by stamp, out of any file of prices that `market.dialects` reads; only a stamp and a close are needed.

The close is plain and, where the file has one, adjusted.
"""

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from barmill.errors import InputError
from barmill.files import read
from barmill.market.clock import NoStamp
from barmill.market.datasets import PERIODS
from barmill.market.dialects import Said, Sheet
from barmill.market.packed import name_of, texts

_NEEDED = ("date", "close")
_WITHIN_A_DAY = "1min"  # the clock treats all bars within a day alike
_OF_PER = {per: frequency for frequency, per in PERIODS.items()}


@dataclass(frozen=True)
class Closes:
    """The closes of a series.

    Attributes:
        name: of the file or dataset.
        plain: stamp → close, ascending. A stamp is YYYY-MM-DD, within a day followed by HH:MM:SS.
        adjusted: stamp → close adjusted for dividends, where the file has that column; else empty.
        rejected: number of lines that have no stamp, no positive close, or too few fields.
        example: the first of them: its number and text; "" if there are none.
    """

    name: str
    plain: Mapping[str, float]
    adjusted: Mapping[str, float] = field(default_factory=dict)
    rejected: int = 0
    example: str = ""

    def joined(self, more: "Closes") -> "Closes":
        """These closes and those of another file of the series, which count where both have a stamp."""
        plain, adjusted = (
            dict(sorted({**a, **b}.items())) for a, b in ((self.plain, more.plain), (self.adjusted, more.adjusted))
        )
        return Closes(self.name, plain, adjusted, self.rejected + more.rejected, self.example or more.example)

    def columns(self) -> dict[str, Mapping[str, float]]:
        """The closes by the name of their column: `close`, and `adjusted` if there are any."""
        return {"close": self.plain, **({"adjusted": self.adjusted} if self.adjusted else {})}


def read_closes(path: Path, name: str = "", said: Said | None = None) -> Closes:
    """Closes of a file, ascending, of lines with one stamp the last.

    Args:
        path: the file.
        name: of the series; "" for that of the file.
        said: what is known about the file.

    Raises:
        InputError: it can't be read, has no columns that name a stamp and a close, or is ambiguous.
    """
    name = name or name_of(path) or path.stem.upper()
    try:
        found = texts(read(path), str(path.absolute()))
    except OSError as error:
        raise InputError(f"{path.absolute()} can't be read: {error.strerror}", "name a file of prices") from None
    closes = Closes(name, {})
    for where, data in found:
        if not data.strip(b"\xef\xbb\xbf \r\n\t"):
            continue
        try:
            more = _closes(name, Sheet(data, name, said or Said(), _NEEDED))
        except InputError as error:
            raise InputError(f"{where}: {error.fact}", error.hint) from None
        closes = closes.joined(more)
    return closes


def _closes(name: str, sheet: Sheet) -> Closes:
    clock = sheet.clock(_frequency(sheet))
    found: dict[str, dict[str, float]] = {"plain": {}, "adjusted": {}}
    used: set[int] = set()
    for number, cells in sheet.full():
        values = {kind: _price(sheet.number(cells, role)) for kind, role in (("plain", "close"), ("adjusted", "adjusted"))}
        try:
            stamp = _spelled(clock.stamp(sheet.stamp(cells), number))
        except NoStamp:
            continue
        if values["plain"]:
            used.add(number)
            for kind, value in values.items():
                if value:
                    found[kind][stamp] = value
    ordered = {kind: dict(sorted(each.items())) for kind, each in found.items()}
    faulty = [(number, text) for number, text in sheet.numbered() if number not in used]
    example = f"line {faulty[0][0]}: {faulty[0][1][:80]!r}" if faulty else ""
    return Closes(name, **ordered, rejected=len(faulty), example=example)


def _frequency(sheet: Sheet) -> str:
    """How long the bars are, as far as their stamps matter: daily where each date has one time, and there are several dates."""
    at = sheet.layout.columns.get("per")
    times: dict[str, set[str]] = {}
    for _, cells in sheet.full():
        if at is not None and (per := cells[at].strip().upper()) in _OF_PER:
            return _OF_PER[per]
        try:
            wall = sheet.form.read(sheet.stamp(cells)).wall
        except NoStamp:
            continue
        times.setdefault(f"{wall:%F}", set()).add(f"{wall:%T}")
    once = all(len(each) == 1 for each in times.values())
    return "daily" if once and (len(times) > 1 or {"00:00:00"} in times.values()) else _WITHIN_A_DAY


def _price(text: str) -> float | None:
    value = float(text) if text else 0.0
    return value if 0 < value < math.inf else None


def _spelled(stamp: str) -> str:
    """`20240131,093000` as a stamp of `Closes`; raises NoStamp."""
    try:
        moment = dt.datetime.fromisoformat(f"{stamp[:8]}T{stamp[9:]}")
    except ValueError:
        raise NoStamp("") from None
    return f"{stamp[:4]}-{moment:%m-%d}" + (f" {moment:%T}" if moment.time() != dt.time() else "")
