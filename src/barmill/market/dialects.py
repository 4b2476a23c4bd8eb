"""Every CSV form that prices come in, read as bars: a header or the first line says which form it is.

Stooq's bulk text, Stooq's download of one symbol (English and Polish headers), the same with `<DATE>,<OPEN>,…`, MetaTrader's
export (with and without header), stamps with an offset as exchanges of cryptocurrency write them, Yahoo's.

Each line is rewritten as Stooq's text and goes through the one parser (`bars.read_bars`), so lines keep their numbers and one
place decides what a bar is. Stamps of bars within a day become UTC: from their offset where they have one, else from the zone
that the caller names. Daily and longer bars keep the date as written. Where there is an adjusted close (Yahoo), the four prices
are multiplied by adjusted close / close, so that what is stored is adjusted for splits and dividends, as Stooq's prices are.
"""

import csv
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from barmill.errors import InputError, UnknownSymbol
from barmill.market.bars import Bars, read_bars
from barmill.market.clock import Clock
from barmill.market.datasets import PERIODS
from barmill.market.schema import RAW_HEADER

_ROLES = {
    "ticker": "ticker", "symbol": "ticker", "per": "per",
    "date": "date", "data": "date", "timestamp": "date", "datetime": "date", "date time": "date", "open time": "date",
    "time": "time", "czas": "time",
    "open": "open", "otwarcie": "open",
    "high": "high", "najwyzszy": "high", "max": "high",
    "low": "low", "najnizszy": "low", "min": "low",
    "close": "close", "zamkniecie": "close", "adj close": "adjusted", "adjclose": "adjusted",
    "vol": "volume", "volume": "volume", "wolumen": "volume", "tickvol": "volume",
    "openint": "openint", "lop": "openint",
}  # fmt: skip
_NEEDED = ("date", "open", "high", "low", "close")
_UNNAMED = ("open", "high", "low", "close", "volume")  # MetaTrader writes no header; the stamp is one column or two
_PAGE = re.compile(rb"\s*(<!doctype|<html|<head|<body|<\?xml)", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_NOTHING = frozenset({b"", b"no data", b"brak danych"})  # as Stooq says it
_DIGITS_OF_ADJUSTED = 10  # suppliers hold prices in single precision


@dataclass
class Reading:
    """What a file of prices holds.

    Attributes:
        bars: as of `bars.read_bars`; stamps within a day in UTC.
        form: the form the file has: `stooq`, `csv`, `metatrader`.
        notes: what was odd about the file, and mended.
    """

    bars: Bars
    form: str
    notes: list[str] = field(default_factory=list)


def read_prices(data: bytes, symbol: str, frequency: str, zone: str = "UTC") -> Reading:
    """The bars of a file in any of the forms.

    Args:
        data: its content.
        symbol: the ticker that the bars get; a file that names another one is refused.
        frequency: a key of `datasets.PERIODS`.
        zone: IANA zone of stamps within a day that have no offset.

    Raises:
        UnknownSymbol: the file says that there is nothing, or says nothing.
        InputError: the file is none of the forms, holds another symbol or frequency, or not one line of it is a bar.
    """
    if data.strip().rstrip(b".").lower() in _NOTHING:
        raise UnknownSymbol(f"there is no price of {symbol}", "is it spelled right? is there anything in that range?")
    if what := no_prices(data):
        raise InputError(f"instead of prices of {symbol} there is {what}", "look at it; ask for another symbol or range")
    lines = _decode(data).split("\n")
    layout = _layout(next(line for line in lines if line.strip()), symbol)
    raw = _rewritten(lines, layout, f"{symbol},{PERIODS[frequency]}", Clock(frequency, zone))
    reading = Reading(read_bars("\n".join((RAW_HEADER, *raw)).encode()), layout.form, layout.notes)
    for each in () if layout.header else reading.bars.rejected:
        each["line"] = int(each["line"]) - 1
    if reading.bars.raw_rows and not reading.bars.table.num_rows:
        first = reading.bars.rejected[0]
        raise InputError(
            f"none of {reading.bars.raw_rows} lines is a bar of {symbol}; line {first['line']} is {first['text']!r}",
            "look at the file: dates are YYYY-MM-DD or YYYYMMDD, numbers plain",
        )
    return reading


def no_prices(data: bytes) -> str:
    """What some content is, if it can't be prices: an error page, JSON, a message; "" if it may be."""
    start = data[:2048].decode("utf-8", "replace").strip()
    if _PAGE.match(data):
        title = _TITLE.search(start)
        return f"an HTML page titled {' '.join(title[1].split())!r}" if title else f"an HTML page: {start[:80]!r}"
    if start.startswith(("{", "[")):
        return f"JSON: {start[:80]!r}"
    if not any(mark in start for mark in ",;\t") and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return f"the message {' '.join(start.split())[:80]!r}"
    return ""


@dataclass
class _Layout:
    """Where what stands in a line.

    Attributes:
        columns: role → index.
        mark: what stands between the fields.
        header: whether the first line is one.
        symbol: the ticker that every line must name, where there is such a column.
    """

    columns: dict[str, int]
    mark: str
    header: bool
    form: str
    symbol: str
    notes: list[str] = field(default_factory=list)


def _decode(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "backslashreplace")


def _layout(first: str, symbol: str) -> _Layout:
    mark = max(",;\t", key=first.count)
    cells = [cell.strip().strip('"') for cell in first.strip("\r ").split(mark)]
    names = [_plain(cell) for cell in cells]
    columns: dict[str, int] = {}
    for at, name in enumerate(names):
        if name in _ROLES:
            columns.setdefault(_ROLES[name], at)
    if all(role in columns for role in _NEEDED):
        unread = [cell for cell, name in zip(cells, names, strict=True) if name not in _ROLES]
        notes = [f"columns without a meaning here: {', '.join(unread)}"] if unread else []
        return _Layout(columns, mark, True, "stooq" if "per" in columns else "csv", symbol, notes)
    return _unnamed(cells, mark, symbol)


def _unnamed(cells: list[str], mark: str, symbol: str) -> _Layout:
    """The layout of a file without header, by its first line."""
    raw = RAW_HEADER.strip("<>").lower().split(">,<")
    if len(cells) == len(raw) and cells[1] in PERIODS.values():
        return _Layout({_ROLES[name]: at for at, name in enumerate(raw)}, mark, False, "stooq", symbol)
    stamp = re.search(r"\d{4}[-./]\d\d[-./]\d\d.*", cells[0])
    if not stamp or len(cells) <= len(_NEEDED) - 1:
        raise InputError(
            f"the first line is neither a header nor a bar of {symbol}: {mark.join(cells)[:120]!r}",
            f"a header names at least {', '.join(_NEEDED)}",
        )
    timed = len(cells) > len(_NEEDED) and re.fullmatch(r"\d\d:\d\d(:\d\d)?", cells[1]) is not None
    columns = {"date": 0, **({"time": 1} if timed else {})}
    columns |= {name: at for at, name in enumerate(_UNNAMED, len(columns)) if at < len(cells)}
    stray = cells[0][: stamp.start()]
    notes = [f"{stray!r} before the first stamp is left out"] if stray else []
    return _Layout(columns, mark, False, "metatrader", symbol, notes)


def _plain(text: str) -> str:
    """A column's name without brackets, case and diacritics."""
    flat = unicodedata.normalize("NFKD", text.strip("<> ").lower()).encode("ascii", "ignore").decode()
    return flat.replace("_", " ")


def _rewritten(lines: Sequence[str], layout: _Layout, start: str, clock: Clock) -> Iterator[str]:
    """Each line but a header as Stooq's text; one that can't be is handed on as what the parser rejects."""
    columns, left = layout.columns, layout.header
    numbers = _numbers(layout)
    for line in lines:
        text = line.strip("\r ")
        if not text:
            yield ""
            continue
        if left:
            left = False
            continue
        cells = next(csv.reader([text], delimiter=layout.mark)) if '"' in text else text.split(layout.mark)
        if clock.first and layout.form == "metatrader":
            cells[0] = re.sub(r"^.*?(?=\d{4}[-./])", "", cells[0])
        try:
            _check(cells, layout, start)
            stamp = clock.stamp(" ".join(cells[columns[role]].strip() for role in ("date", "time") if role in columns))
            yield f"{start},{stamp},{numbers(cells)}"
        except (ValueError, IndexError, ZeroDivisionError):
            yield text if text.count(",") != RAW_HEADER.count(",") else f"{text},"


def _check(cells: Sequence[str], layout: _Layout, start: str) -> None:
    symbol, _, per = start.rpartition(",")
    for role, wanted in (("ticker", symbol), ("per", per)):
        at = layout.columns.get(role)
        if at is not None and at < len(cells) and cells[at].strip().upper() != wanted:
            raise InputError(
                f"the file holds {role} {cells[at].strip()}, not {wanted}",
                "ask for what it holds: --symbol is its ticker, --frequency its bars' length",
            )


def _numbers(layout: _Layout) -> Callable[[Sequence[str]], str]:
    """What picks the six numbers of a line, as text: open, high, low, close, volume, openint."""
    places = [layout.columns.get(role) for role in ("open", "high", "low", "close", "volume", "openint")]
    adjusted = layout.columns.get("adjusted")

    def pick(cells: Sequence[str]) -> str:
        found = ["" if at is None else cells[at] if at < len(cells) or at in places[:4] else "" for at in places]
        if layout.mark == ";":
            found = [each.replace(",", ".") for each in found]
        if adjusted is not None:
            factor = float(cells[adjusted]) / float(found[3])
            found[:4] = [f"{float(each) * factor:.{_DIGITS_OF_ADJUSTED}g}" for each in found[:4]]
        return ",".join(found)

    return pick
