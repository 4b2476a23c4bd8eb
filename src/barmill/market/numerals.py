"""How a file writes its numbers: its decimal mark and its grouping mark, decided from all its cells together.

`1.205` is 1205 in one file and 1.205 in another. One cell does not say which, so the cells of all number columns vote: a pair
of marks counts as many cells as it can read. If the best pairs read any cell differently, nothing settles it.
"""

import functools
import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

SHAPES = str.maketrans("023456789", "111111111")
"""Turns a text into its shape: every digit becomes 1."""

_DECIMALS = (".", ",")
_GROUPINGS = ("", ".", ",", "'", " ")
_ALIKE = str.maketrans({"\u2019": "'", "\u02bc": "'", "\xb4": "'", "\xa0": " ", "\u202f": " ", "\u2009": " ", "\u2212": "-"})
_NUMERIC = re.compile(r"[+-]?[\d.,' ]*\d[\d.,' ]*(?:[eE][+-]?\d+)?")
_SCALES = {"k": 3, "m": 6, "b": 9, "g": 9, "t": 12}
_SCALED = re.compile(r"(.*[\d.,]) ?([kmbgt])", re.IGNORECASE)


@dataclass(frozen=True)
class Numerals:
    """How a file writes numbers.

    Attributes:
        decimal: the decimal mark, `.` or `,`.
        grouping: the mark between groups of thousands: `.`, `,`, `'` (either apostrophe), a space (of any width); "" for none.
    """

    decimal: str = "."
    grouping: str = ""

    def plain(self, text: str) -> str:
        """A number without grouping and with a decimal point; "" if the text is not a number in this file's marks."""
        cell = text.strip().translate(_ALIKE)
        if not _reader(self.decimal, self.grouping)(cell):
            return ""
        return (cell.replace(self.grouping, "") if self.grouping else cell).replace(self.decimal, ".")

    def amount(self, text: str) -> str:
        """As `plain`, of a volume, which may be scaled: `1.2M` is 1200000, `3K` 3000, `1B` 1000000000."""
        scaled = _SCALED.fullmatch(text.strip())
        number = self.plain(scaled[1] if scaled else text)
        if not scaled or not number:
            return number
        return f"{Decimal(number).scaleb(_SCALES[scaled[2].lower()]):f}"


PLAIN = Numerals()
"""Decimal point, no grouping."""


def unscaled(cell: str) -> str:
    """A cell without the letter of its scale, with ordinary spaces and apostrophes."""
    cell = cell.strip().translate(_ALIKE)
    scaled = _SCALED.fullmatch(cell)
    return scaled[1] if scaled else cell


def is_numeric(cell: str) -> bool:
    """Whether a cell (see `unscaled`) consists of digits and marks of numbers."""
    return _NUMERIC.fullmatch(cell) is not None


def decide(cells: Mapping[str, int], actual: Callable[[], Iterable[str]], decimal: str = "") -> list[Numerals]:
    """The marks that a file's numbers have.

    Args:
        cells: shape of a cell (`SHAPES`, `unscaled`) → how often it occurs; only those that are `is_numeric`.
        actual: gives the cells themselves; called only where their shapes settle nothing: a leading zero rules grouping out.
        decimal: the decimal mark, if the caller knows it.

    Returns:
        One, or several that read some cell differently: nothing settles it.
    """
    found = _best(cells, decimal)
    if len(found) > 1:
        counts: dict[str, int] = {}
        for cell in actual():
            counts[cell] = counts.get(cell, 0) + 1
        found = _best(counts, decimal)
    return found


def _best(cells: Mapping[str, int], decimal: str) -> list[Numerals]:
    """Of the pairs of marks that read most cells the first of each meaning."""
    marked = {cell: count for cell, count in cells.items() if not cell.isdigit()}
    scores: list[tuple[int, Numerals, tuple[str, ...]]] = []
    for point, group in itertools.product([decimal] if decimal else _DECIMALS, _GROUPINGS):
        if point == group:
            continue
        numerals = Numerals(point, group)
        read = tuple(numerals.plain(cell) for cell in marked)
        score = sum(count for count, text in zip(marked.values(), read, strict=True) if text)
        scores.append((score, numerals, read))
    most = max(score for score, _, _ in scores)
    best = next(read for score, _, read in scores if score == most)
    meanings: dict[tuple[str, ...], Numerals] = {}
    for score, numerals, read in scores:
        if score == most or contradicts(best, read):
            meanings.setdefault(read, numerals)
    return list(meanings.values())


def contradicts(best: Sequence[object], other: Sequence[object]) -> bool:
    """Whether a way of reading cells reads one that the best way can't, and another one differently: the file mixes ways.

    Args:
        best: what the way that reads most cells makes of each; something false where it can't read one.
        other: likewise, of another way.
    """
    pairs = list(zip(best, other, strict=True))
    return any(b and not a for a, b in pairs) and any(a and b and a != b for a, b in pairs)


@functools.cache
def _reader(decimal: str, grouping: str) -> Callable[[str], re.Match[str] | None]:
    point = re.escape(decimal)
    plain = rf"(?:[0-9]+(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?"
    if not grouping:
        return re.compile(rf"[+-]?{plain}").fullmatch
    mark = re.escape(grouping)
    western = rf"(?!0[0-9{mark}])[0-9]{{1,3}}(?:{mark}[0-9]{{3}})+"
    indian = rf"(?!0[0-9{mark}])[0-9]{{1,2}}(?:{mark}[0-9]{{2}})+{mark}[0-9]{{3}}"
    return re.compile(rf"[+-]?(?:(?:{western}|{indian})(?:{point}[0-9]*)?|{plain})").fullmatch
