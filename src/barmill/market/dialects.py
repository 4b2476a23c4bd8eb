"""Every form that prices come in, read as bars: one dialect per file, decided from all its lines.

A dialect is how a file separates its fields, names its columns, writes its numbers and its stamps. Known are Stooq's bulk text,
Stooq's download of one symbol, tables with English, German or Polish headers, MetaTrader's export (with and without header),
exchanges' text with epochs or offsets, Yahoo's. What stays ambiguous is refused, with the option that settles it.

Each line is rewritten as Stooq's text and goes through the one parser (`bars.read_bars`), so lines keep their numbers and one
place decides what a bar is. Stamps of bars within a day become UTC: from their offset where they have one, else from the zone
that the caller names. Daily and longer bars keep the date as written, or get the exchange's date where their stamp has a time
with an offset and the exchange's zone is known. Where there is an adjusted close (Yahoo), the four prices are multiplied by
adjusted close / close, so that what is stored is adjusted for splits and dividends, as Stooq's prices are.
"""

import itertools
import operator
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from barmill.errors import InputError, UnknownSymbol
from barmill.market import clock as clocks
from barmill.market import numerals
from barmill.market.bars import NON_NUMERIC, Bars, is_raw, read_bars, rejection
from barmill.market.clock import Clock, Form, NoStamp
from barmill.market.datasets import PERIODS
from barmill.market.layout import BARS, METATRADER, STOOQ, Layout, layout_of
from barmill.market.numerals import PLAIN, SHAPES, Numerals
from barmill.market.schema import PRICES, RAW_HEADER

TOO_FEW, TOO_MANY, NO_STAMP = "too_few_fields", "too_many_fields", "no_stamp"
"""Reasons of lines that are not bars, beside those of `bars` and `clock`."""

_PAGE = re.compile(rb"\s*(<!doctype|<html|<head|<body|<\?xml)", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_NOTHING = frozenset({b"", b"no data", b"brak danych"})  # as Stooq says it
_DIGITS_OF_ADJUSTED = 10  # suppliers hold prices in single precision
_NUMBERS = (*PRICES, "adjusted", "volume", "openint")
_LEAST_SENSIBLE = 0.5  # share of the bars of a file without header whose high is not below their low, open or close
_MARKS = {",": "comma", ".": "point", "'": "apostrophe", " ": "space", "": "none", ";": "semicolon", "\t": "tab", "|": "bar"}
_SPOKEN = {"ymd": "ymd", "dmy": "dmy", "mdy": "mdy", "yymmdd": "ymd"}
_ORDERS = {"ymd": "year first", "dmy": "day first", "mdy": "month first", "yymmdd": "year of two digits first"}


@dataclass
class Reading:
    """What a file of prices holds.

    Attributes:
        bars: as of `bars.read_bars`; stamps within a day in UTC.
        form: the form the file has: `stooq`, `csv`, `metatrader`.
        notes: what was odd about the file, and how it was read.
        dialect: how the file was read: form, delimiter, decimal, grouping, dates, columns (role → name or number).
    """

    bars: Bars
    form: str
    notes: list[str] = field(default_factory=list)
    dialect: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Said:
    """What the caller says about a file.

    Attributes:
        zone: IANA zone of stamps within a day that have no offset; "" for UTC, which is then noted for MetaTrader's text.
        decimal: the decimal mark; "" to decide it from the file.
        dates: one of `clock.ORDERS`; "" to decide it from the file.
        home: IANA zone in which the series' days begin; "" if it is not known: then it is `zone`.
    """

    zone: str = ""
    decimal: str = ""
    dates: str = ""
    home: str = ""

    def at_home(self, home: str) -> "Said":
        """The same of a series whose days begin in the zone `home`."""
        return replace(self, home=home)


def read_prices(data: bytes, symbol: str, frequency: str, zone: str = "", said: Said | None = None) -> Reading:
    """The bars of a file in any of the forms.

    Args:
        data: its content.
        symbol: the ticker that the bars get; a file that names another one is refused.
        frequency: a key of `datasets.PERIODS`.
        zone: see `Said`; it goes before that of `said`.
        said: what is known about the file.

    Raises:
        UnknownSymbol: the file says that there is nothing, or says nothing.
        InputError: the file is none of the forms, is ambiguous, holds another symbol or frequency, or not one line is a bar.
    """
    if data.strip().rstrip(b".").lower() in _NOTHING:
        raise UnknownSymbol(f"the answer holds no price of {symbol}", "ask for another spelling, or another range")
    if what := no_prices(data):
        raise InputError(f"instead of prices of {symbol} there is {what}", "look at it; ask for another symbol or range")
    told = said or Said()
    sheet = Sheet(data, symbol, replace(told, zone=zone or told.zone))
    reading = sheet.reading(frequency)
    _refuse(reading, sheet, symbol)
    return reading


def read_raw(data: bytes, symbol: str, frequency: str) -> Reading:
    """The bars of a project's own raw file; nothing raises.

    Stooq's text is read by `bars.read_bars`. Other text is read in its own dialect, stamps without an offset as written. A file
    whose dialect can't be decided gives no bar: all its lines are rejected, and a note says why.
    """
    if is_raw(data):
        return Reading(read_bars(data), STOOQ)
    try:
        return Sheet(data, symbol, Said()).reading(frequency)
    except InputError as error:
        bars = read_bars(data)
        cure = f"load it with doit load -p csv --source FILE -s {symbol}; {error.hint}"
        return Reading(bars, "", [f"{error.fact}; {cure}"] if bars.raw_rows else [])


def _refuse(reading: Reading, sheet: "Sheet", symbol: str) -> None:
    bars = reading.bars
    if bars.raw_rows and not bars.table.num_rows:
        first = bars.rejected[0]
        raise InputError(
            f"none of {bars.raw_rows} lines is a bar of {symbol}; line {first['line']} is {first['text']!r}: {first['reason']}",
            "look at the file: each line has the header's number of fields, a date such as 2024-01-31 and plain numbers",
        )
    if not sheet.layout.names and sheet.layout.form != STOOQ and _sensible(bars.table) < _LEAST_SENSIBLE:
        raise InputError(
            f"the file has no header, and its columns are not open, high, low, close: the first line is "
            f"{sheet.lines[sheet.layout.first][:80]!r}",
            f"put a header before it that names at least {', '.join(BARS)}",
        )


def _sensible(table: Any) -> float:
    """The share of bars whose high is not below, and whose low is not above, any other price."""
    import pyarrow.compute as pc

    opened, high, low, close = (table.column(name) for name in PRICES)
    fits = pc.and_(
        pc.and_(pc.greater_equal(high, opened), pc.greater_equal(high, close)),
        pc.and_(pc.less_equal(low, opened), pc.less_equal(low, close)),
    )
    return float(pc.mean(pc.cast(fits, "float64")).as_py() or 0.0)


def no_prices(data: bytes) -> str:
    """What some content is, if it can't be prices: an error page, JSON, a message; "" if it may be."""
    start = data[:2048].decode("utf-8", "replace").strip()
    if _PAGE.match(data):
        title = _TITLE.search(start)
        return f"an HTML page titled {' '.join(title[1].split())!r}" if title else f"an HTML page: {start[:80]!r}"
    if start.startswith(("{", "[")):
        return f"JSON: {start[:80]!r}"
    if not any(mark in start for mark in ",;\t|") and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return f"the message {' '.join(start.split())[:80]!r}"
    return ""


class Sheet:
    """A file of prices with its dialect.

    Args:
        data: content of the file, with at least one line.
        symbol: the ticker that its prices are of.
        said: what the caller says about it.
        needed: roles of columns that it must have.

    Attributes:
        lines: of the file.
        layout: its delimiter and columns.
        numerals: how it writes numbers.
        form: how it writes stamps.

    Raises:
        InputError: the layout is unknown, or the dialect is ambiguous.
    """

    def __init__(self, data: bytes, symbol: str, said: Said, needed: Sequence[str] = BARS) -> None:
        text = _decode(data)
        self.lines = re.split(r"\r*\n|\r", text) if "\r" in text else text.split("\n")
        self.layout = layout_of(self.lines, symbol, needed)
        self._symbol, self._said = symbol, said
        self._stamped = self.layout.stamp
        self._short = 0  # lines without their last field, the volume
        self._shapes = Counter(line.translate(SHAPES) for line in self._data())
        self.numerals, self._is_plain = PLAIN, True
        self.numerals, self._is_plain = self._numerals()
        self.form = self._form()

    def _data(self) -> Iterator[str]:
        """The lines behind the header, without the stray text before the first."""
        for line in itertools.islice(self.lines, self.layout.first, None):
            yield line.strip("\r \x1a")

    def numbered(self) -> Iterator[tuple[int, str]]:
        """Number and text of each line of data that is not empty."""
        return ((number, line) for number, line in enumerate(self._data(), self.layout.first + 1) if line)

    def full(self) -> Iterator[tuple[int, list[str]]]:
        """Number and fields of each line that has all its fields."""
        for number, line in self.numbered():
            cells = self.layout.cells(line)
            if not self.fault(cells, number):
                yield number, cells

    def fault(self, cells: list[str], number: int = 0) -> str:
        """Why a line with these fields is not a bar; "" if it may be one: then it has all fields.

        Stooq's downloads leave the last field out where there is no volume. That is told from a line that was torn by its line
        end and its close: the close of a torn line is cut, too.

        Args:
            cells: the fields; the missing volume is added.
            number: of the line; 0 if only its shape is known.
        """
        wanted = self.layout.fields
        if len(cells) == wanted:
            return ""
        if len(cells) == wanted - 1 == self.layout.columns.get("volume") and (not number or self._lacks_volume(cells, number)):
            cells.append("")
            return ""
        if len(cells) < wanted:
            return TOO_FEW
        if any(cell.strip() for cell in cells[self.layout.fields :]):
            return TOO_MANY
        return ""

    def _lacks_volume(self, cells: Sequence[str], number: int) -> bool:
        if number == len(self.lines):  # without a line end
            return False
        try:
            low, close, high = (float(self.number(cells, role)) for role in ("low", "close", "high"))
        except ValueError:
            return False
        return low <= close <= high

    def stamp(self, cells: Sequence[str]) -> str:
        """Date and time of a line, as the file has them."""
        return " ".join([cells[at].strip() for at in self._stamped])

    def number(self, cells: Sequence[str], role: str) -> str:
        """A number of a line as Python reads it; "" if there is none."""
        at = self.layout.columns.get(role)
        return "" if at is None else self.numerals.plain(cells[at])

    def clock(self, frequency: str) -> Clock:
        """What turns the file's stamps into UTC."""
        clock = Clock(frequency, self._said.zone, self.form, self._said.home or self._said.zone)
        if clock.needs_order:
            clock.settle((number, self.stamp(cells)) for number, cells in self.full())
        return clock

    def _numerals(self) -> tuple[Numerals, bool]:
        """How the file writes numbers; and whether each of them can be taken as it stands."""
        layout = self.layout
        places = [layout.columns[role] for role in _NUMBERS if role in layout.columns]
        last = layout.columns.get("volume", -1)
        counts: Counter[str] = Counter()
        is_plain, has_decimals = True, False
        for shape, count in self._shapes.items():
            cells = layout.cells(shape)
            if not shape or self.fault(cells):
                continue
            for at in places:
                cell = cells[at].strip()
                if cell.isdigit() or not cell:
                    continue
                bare = numerals.unscaled(cell)
                is_read, is_number = bool(PLAIN.plain(cell)), numerals.is_numeric(bare)
                is_plain = is_plain and "," not in cell and (is_read or (at != last and not is_number))
                has_decimals = has_decimals or (at != last and is_read)
                if is_number:
                    counts[bare] += count
        if not self._said.decimal and is_plain and has_decimals and (layout.mark == "," or self._is_metatrader()):
            return PLAIN, True  # beside a comma between fields a point in a price is the decimal one
        found = numerals.decide(counts, lambda: self._cells(places), self._said.decimal)
        if len(found) > 1:
            cell = self._doubtful(found, places)
            first, second = (each.plain(cell) or "not a number" for each in found[:2])
            raise InputError(
                f"the numbers of the file are ambiguous: {cell!r} is {first} or {second}, and no line settles it",
                "say which mark is the decimal one: --decimal . or --decimal ,",
            )
        return found[0], is_plain and found[0] == PLAIN

    def _is_metatrader(self) -> bool:
        """Whether the file is MetaTrader's export, which has a decimal point whatever separates its fields."""
        names = self.layout.names
        if names:
            return all(name.startswith("<") and name.endswith(">") for name in names)
        first = self.layout.cells(self.lines[self.layout.first])[0]
        return re.search(r"\d{4}\.\d\d\.\d\d", first) is not None

    def _cells(self, places: Sequence[int]) -> Iterator[str]:
        for _, cells in self.full():
            for at in places:
                bare = numerals.unscaled(cells[at])
                if numerals.is_numeric(bare):
                    yield bare

    def _doubtful(self, found: Sequence[Numerals], places: Sequence[int]) -> str:
        """A cell that two ways of reading numbers read differently, if possible one that both can read."""
        differing = [cell for cell in self._cells(places) if found[0].plain(cell) != found[1].plain(cell)]
        return next((cell for cell in differing if all(each.plain(cell) for each in found[:2])), differing[0])

    def _form(self) -> Form:
        """How the file writes stamps."""
        if all(self._is_iso(shape) for shape in self._shapes):
            return Form()
        found = clocks.decide((self.stamp(cells) for _, cells in self.full()), self._said.dates)
        if len(found) > 1:
            _, cells = next(self.full())
            raise InputError(
                f"the dates of the file are ambiguous: {self.stamp(cells)!r} may be "
                f"{' or '.join(_ORDERS.get(each.dates, each.dates) for each in found)}, and no line settles it",
                f"say the order: {' or '.join(f'--dates {_SPOKEN[each.dates]}' for each in found)}"
                if all(each.dates in _ORDERS for each in found)
                else "split the file",
            )
        return found[0]

    def _is_iso(self, shape: str) -> bool:
        """Whether a line of this shape has an ISO date with a full time or none, or is not a bar at all."""
        cells = self.layout.cells(shape)
        return not shape or bool(self.fault(cells)) or _ISO_SHAPE.fullmatch(self.stamp(cells)) is not None

    def reading(self, frequency: str) -> Reading:
        """The bars, of a file that has the columns of bars."""
        clock = self.clock(frequency)
        rejected: list[dict[str, int | str]] = []
        emptied: list[tuple[int, str]] = []
        raw = self._rewritten(f"{self._symbol},{PERIODS[frequency]}", clock, rejected, emptied)
        bars = read_bars("\n".join((RAW_HEADER, *raw)).encode())
        for each in bars.rejected:
            number = int(each["line"]) + self.layout.first - 1
            rejected.append(rejection(number, str(each["reason"]), self.lines[number - 1].strip("\r \x1a")))
        lost = len(rejected) - len(bars.rejected)
        has_header = bool(self.layout.names)
        bars = replace(
            bars,
            raw_rows=bars.raw_rows + lost,
            has_header=has_header,
            rejected=sorted(rejected, key=operator.itemgetter("line")),
            breaks=[each._replace(line=each.line + self.layout.first - 1) for each in bars.breaks],
        )
        return Reading(bars, self.layout.form, [*self.layout.notes, *self._notes(clock, emptied)], self.told())

    def _rewritten(
        self, start: str, clock: Clock, rejected: list[dict[str, int | str]], emptied: list[tuple[int, str]]
    ) -> Iterator[str]:
        """Each line of data as Stooq's text; what can't be is an empty line, and is rejected."""
        layout = self.layout
        numbers = self._numbers(emptied)
        stray = layout.form == METATRADER
        checked = not layout.columns.keys().isdisjoint({"ticker", "per"})
        for number, text in enumerate(self._data(), layout.first + 1):
            if not text:
                yield ""
                continue
            cells = layout.cells(text)
            given = len(cells)
            fault = self.fault(cells, number)
            self._short += len(cells) > given
            if not fault:
                if stray:
                    cells[0] = re.sub(r"^.*?(?=\d{4}[-./])", "", cells[0])
                    stray = False
                if checked:
                    _check(cells, layout, start)
                try:
                    yield f"{start},{clock.stamp(self.stamp(cells), number)},{numbers(number, cells)}"
                    continue
                except NoStamp as error:
                    fault = str(error) or NO_STAMP
                except (ValueError, ZeroDivisionError):
                    fault = NON_NUMERIC
            rejected.append(rejection(number, fault, text))
            yield ""

    def _numbers(self, emptied: list[tuple[int, str]]) -> Callable[[int, Sequence[str]], str]:
        """What picks the six numbers of a line, as text: open, high, low, close, volume, openint."""
        columns = self.layout.columns
        places = [columns.get(role) for role in ("open", "high", "low", "close", "volume", "openint")]
        adjusted = columns.get("adjusted")
        read, is_plain = self.numerals, self._is_plain

        if is_plain and adjusted is None and None not in places[:5]:
            wanted = operator.itemgetter(*[at for at in places if at is not None])
            end = "" if places[5] is not None else ","
            return lambda _, cells: ",".join(wanted(cells)) + end

        def pick(number: int, cells: Sequence[str]) -> str:
            found = ["" if at is None else cells[at] for at in places]
            if not is_plain:
                found[:4] = [read.plain(each) or "-" for each in found[:4]]
                for at in (4, 5):
                    given = found[at].strip()
                    found[at] = read.amount(given)
                    if given and not found[at]:
                        emptied.append((number, given))
            if adjusted is not None:
                factor = float(cells[adjusted] if is_plain else read.plain(cells[adjusted])) / float(found[3])
                found[:4] = [f"{float(each) * factor:.{_DIGITS_OF_ADJUSTED}g}" for each in found[:4]]
            return ",".join(found)

        return pick

    def _notes(self, clock: Clock, emptied: Sequence[tuple[int, str]]) -> Iterator[str]:
        if self._short:
            yield f"{self._short} lines end before the volume: they have none"
        if emptied:
            number, text = emptied[0]
            yield f"{len(emptied)} volumes are not numbers and are left empty, such as {text!r} in line {number}"
        if clock.local and not self._said.zone and (self.layout.form == METATRADER or self._is_metatrader()):
            yield "the stamps have no zone; times are taken as UTC: say --zone if the server's clock shows another"
        if clock.kept:
            yield (
                f"{clock.kept} daily stamps have a time in UTC and the exchange's zone is not known: their dates are kept as "
                "written; say --zone if they are of another day there"
            )

    def told(self) -> dict[str, Any]:
        """The dialect, for reports."""
        layout = self.layout
        columns = {role: layout.names[at] if layout.names else at + 1 for role, at in layout.columns.items()}
        unit = self.form.dates in clocks.UNITS
        return {
            "form": layout.form,
            "delimiter": _MARKS[layout.mark],
            "decimal": _MARKS[self.numerals.decimal],
            "grouping": _MARKS[self.numerals.grouping],
            "dates": f"{self.form.dates} since 1970" if unit else _ORDERS[self.form.dates],
            "columns": columns,
        }


_ISO_SHAPE = re.compile(
    r"\D*1111(?P<mark>[-./])11(?P=mark)11(?:[T ]11:11(?::11(?:[.,]1+)?)? ?(?:Z|UTC|[+-]11:?(?:11)?)?)?|11111111(?: 111111)?"
)


def _decode(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.removeprefix(b"\xef\xbb\xbf").decode()
    except UnicodeDecodeError:
        return data.decode("cp1250", "backslashreplace")  # German and Polish text of Windows; its letters are also Latin-1's


def _check(cells: Sequence[str], layout: Layout, start: str) -> None:
    """Refuse a line that names another ticker or frequency."""
    symbol, _, per = start.rpartition(",")
    for role, wanted in (("ticker", symbol), ("per", per)):
        at = layout.columns.get(role)
        if at is None:
            continue
        given = cells[at].strip().upper()
        if given not in {wanted, ""} and _letters(given) != _letters(wanted):
            raise InputError(
                f"the file holds {role} {cells[at].strip()}, not {wanted}",
                "ask for what it holds: --symbol is its ticker, --frequency its bars' length",
            )


def _letters(ticker: str) -> str:
    """A pair without the mark between its currencies: BTC/USD, BTC-USD and BTC_USD are BTCUSD."""
    return re.sub(r"[/_-]", "", ticker)
