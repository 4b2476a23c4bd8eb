"""How a file of prices is laid out: what separates its fields, whether it has a header, and which column means what."""

import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from barmill.errors import InputError
from barmill.market.clock import NoStamp, decide
from barmill.market.datasets import PERIODS
from barmill.market.schema import RAW_HEADER

STOOQ, CSV, METATRADER = "stooq", "csv", "metatrader"
"""Forms: Stooq's bulk text; a header that names the columns; MetaTrader's export and other text without a header."""

BARS = ("date", "open", "high", "low", "close")
"""What a header must name where bars are wanted."""

DELIMITERS = ("\t", "|", ";", ",")

# Role → names of its column, without case and diacritics. Of two different names of one role the first in this order counts.
_NAMES = {
    "ticker": ("ticker", "symbol"),
    "per": ("per",),
    "date": ("date", "data", "datum", "timestamp", "datetime", "date time", "time stamp", "open time", "opentime", "gmt time",
             "local time", "unix", "unix time", "unix timestamp", "epoch", "day"),
    "time": ("time", "czas", "godzina", "zeit", "uhrzeit"),
    "open": ("open", "otwarcie", "eroffnung", "eroeffnung", "erster", "eroffnungskurs", "kurs otwarcia", "open price"),
    "high": ("high", "najwyzszy", "max", "maksimum", "kurs maksymalny", "kurs max", "hoch", "hochst", "hochstkurs", "tageshoch",
             "high price"),
    "low": ("low", "najnizszy", "min", "minimum", "kurs minimalny", "kurs min", "tief", "tiefst", "tiefstkurs", "tagestief",
            "low price"),
    "close": ("close", "zamkniecie", "schlusskurs", "schluss", "kurs zamkniecia", "close price", "closing price", "letzter",
              "last", "price", "kurs"),
    "adjusted": ("adj close", "adjclose", "adjusted close", "adj. close"),
    "volume": ("stucke", "stuecke", "stuck", "volume", "vol", "vol.", "wolumen", "volumen", "tickvol", "tick volume", "umsatz"),
    "openint": ("openint", "lop", "open interest"),
}  # fmt: skip
_ROLES = {name: role for role, names in _NAMES.items() for name in names}
_PIECES = frozenset({"stucke", "stuecke", "stuck"})  # beside them a column of volume is a turnover
_VOLUME_OF = re.compile(r"vol(?:ume)?\.? ?([a-z0-9]+)")
_UNNAMED = ("open", "high", "low", "close", "volume")  # the order of columns without a header; the stamp is one column or two
_CALENDAR = re.compile(r"\d{4}[-./]\d\d[-./]\d\d.*")
_DIGITS = re.compile(r"\d{8,19}(?:[ T].*)?")
_TIME = re.compile(r"\d{1,2}:\d\d(:\d\d)?")
_LATEST_HEADER = 10  # lines with content among which a header is looked for
_CANDIDATES = 50


@dataclass
class Layout:
    """Where what stands in a line.

    Attributes:
        columns: role → index of its column.
        mark: what separates the fields.
        first: index of the first line of data.
        fields: how many fields a line has.
        form: one of `STOOQ`, `CSV`, `METATRADER`.
        names: of the columns, as the header spells them; none without a header.
        notes: what is odd.
    """

    columns: dict[str, int]
    mark: str
    first: int
    fields: int
    form: str
    names: Sequence[str] = ()
    notes: list[str] = field(default_factory=list)

    @property
    def stamp(self) -> tuple[int, ...]:
        """The columns of the stamp: of the date, and of the time if it stands apart."""
        return tuple(self.columns[role] for role in ("date", "time") if role in self.columns)

    def cells(self, line: str) -> list[str]:
        """The fields of a line."""
        if '"' in line:
            try:
                return next(csv.reader([line], delimiter=self.mark, skipinitialspace=True), [])
            except csv.Error:  # a field longer than the module's limit
                pass
        return line.split(self.mark)


def layout_of(lines: Sequence[str], symbol: str, needed: Sequence[str] = BARS) -> Layout:
    """The layout of a file.

    Args:
        lines: of the file.
        symbol: the ticker that its prices are of.
        needed: roles that a header must name.

    Raises:
        InputError: it has none that is known, or two columns are the same price.
    """
    leading = [(at, line.strip("\r ")) for at, line in enumerate(lines) if line.strip()][:_LATEST_HEADER]
    if not leading:
        raise InputError(f"the file has no line of {symbol}", f"a header names at least {', '.join(needed)}")
    start, text = leading[0]
    if found := _named(text, start, symbol, needed) or _unnamed(lines, start):
        return found
    for skipped, (at, later) in enumerate(leading[1:], 1):
        if found := _named(later, at, symbol, needed):
            found.notes.append(f"{skipped} lines before the header are left out, such as {text[:80]!r}")
            return found
    raise InputError(
        f"the first line is neither a header nor a bar of {symbol}: {text[:120]!r}",
        f"a header names at least {', '.join(needed)}",
    )


def _named(line: str, at: int, symbol: str, needed: Sequence[str]) -> Layout | None:
    """The layout that a header says; None if the line does not name what is needed."""
    for mark in DELIMITERS:
        cells = [cell.strip() for cell in Layout({}, mark, 0, 0, CSV).cells(line)]
        while cells and not cells[-1]:
            cells.pop()  # a delimiter at the end of the header
        names = [_plain(cell) for cell in cells]
        roles = _roles(names)
        if "date" not in roles and "time" in roles:
            roles["date"] = roles.pop("time")
        if not all(role in roles for role in needed):
            continue
        notes: list[str] = []
        columns = {role: _chosen(role, places, cells, names, symbol, notes) for role, places in roles.items()}
        unread = [cell for place, cell in enumerate(cells) if not any(place in places for places in roles.values())]
        if unread:
            notes.append(f"columns without a meaning here: {', '.join(unread)}")
        form = STOOQ if "per" in columns else CSV
        return Layout(columns, mark, at + 1, len(cells), form, cells, notes)
    return None


def _roles(names: Sequence[str]) -> dict[str, list[int]]:
    """Role → the columns that have it."""
    found: dict[str, list[int]] = {}
    for at, name in enumerate(names):
        role = _ROLES.get(name, "volume" if _VOLUME_OF.fullmatch(name) else "")
        if role:
            found.setdefault(role, []).append(at)
    return found


def _chosen(role: str, places: Sequence[int], cells: Sequence[str], names: Sequence[str], symbol: str, notes: list[str]) -> int:
    """Which of the columns of one role is read; the others are noted.

    Raises:
        InputError: two have the same name, and it is a price.
    """
    if len(places) == 1:
        return places[0]
    spelled = " and ".join(f"{cells[at]} (column {at + 1})" for at in places)
    if role in {*BARS[1:], "adjusted"}:
        if len({names[at] for at in places}) < len(places):
            raise InputError(f"the file has two columns of the {role}: {spelled}", "rename or remove all but one of them")
        best = min(places, key=lambda at: _NAMES[role].index(names[at]))
    elif role == "volume":
        best = min(places, key=lambda at: (_volume_rank(names[at], symbol), at))
    else:
        best = places[0]
    notes.append(f"the file has several columns of the {role}, {spelled}: {cells[best]} is taken")
    return best


def _volume_rank(name: str, symbol: str) -> int:
    """Pieces come first, then a plain volume, then one in the unit that the symbol begins with, then others."""
    if name in _PIECES:
        return 0
    if name in _ROLES:
        return 1
    unit = _VOLUME_OF.fullmatch(name)
    return 2 if unit and symbol.lower().startswith(unit[1]) else 3


def _plain(text: str) -> str:
    """A column's name without brackets, case and diacritics."""
    flat = unicodedata.normalize("NFKD", text.casefold().replace("ł", "l")).encode("ascii", "ignore").decode()
    return " ".join(re.sub(r"[<>_()*/\"]", " ", flat).split())


def _unnamed(lines: Sequence[str], start: int) -> Layout | None:
    """The layout of a file without header; None if its first line is not a bar."""
    for mark in DELIMITERS:
        layout = Layout({}, mark, start, 0, METATRADER)
        cells = [cell.strip() for cell in layout.cells(lines[start].strip("\r "))]
        raw = RAW_HEADER.strip("<>").lower().split(">,<")
        if len(cells) == len(raw) and cells[1] in PERIODS.values():
            layout.columns = {_ROLES[name]: at for at, name in enumerate(raw)}
            layout.fields, layout.form = len(raw), STOOQ
            return layout
        stray = _before_stamp(cells[0])
        if stray is None or len(cells) < len(BARS):
            continue
        if stray:
            layout.notes.append(f"{stray!r} before the first stamp is left out")
        layout.fields = _usual(lines[start : start + _CANDIDATES], layout)
        timed = layout.fields > len(BARS) and _TIME.fullmatch(cells[1]) is not None
        layout.columns = {"date": 0, **({"time": 1} if timed else {})}
        layout.columns |= {name: at for at, name in enumerate(_UNNAMED, len(layout.columns)) if at < layout.fields}
        return layout if all(role in layout.columns for role in BARS) else None
    return None


def _before_stamp(cell: str) -> str | None:
    """What stands before the stamp in the first cell of a file without header; None if it has no stamp."""
    if found := _CALENDAR.search(cell):
        return cell[: found.start()]
    if _DIGITS.fullmatch(cell) or any(_is_stamp(form.read, cell) for form in decide([cell])):
        return ""
    return None


def _is_stamp(read: Callable[[str], object], cell: str) -> bool:
    try:
        read(cell)
    except NoStamp:
        return False
    return True


def _usual(lines: Iterable[str], layout: Layout) -> int:
    """How many fields most lines have."""
    return Counter(len(layout.cells(line)) for line in lines if line.strip()).most_common(1)[0][0]
