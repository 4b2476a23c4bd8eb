"""What is odd in real files, each oddity as a function of a file's lines (header first)."""

from collections.abc import Callable, Sequence

Lines = list[str]
Quirk = Callable[[Lines], Lines]

_OPEN, _HIGH, _LOW, _CLOSE, _VOLUME = range(4, 9)
_DATE = 2


def empty(_: Lines) -> Lines:
    """Not one byte."""
    return []


def header_only(lines: Lines) -> Lines:
    """No bar."""
    return lines[:1]


def one_row(lines: Lines) -> Lines:
    """A single bar."""
    return lines[:2]


def no_header(lines: Lines) -> Lines:
    """Bars from the first line on."""
    return lines[1:]


def duplicate_date(lines: Lines) -> Lines:
    """A date twice, the second time with a corrected volume."""
    middle = len(lines) // 2
    return [*lines[: middle + 1], _changed(lines[middle], _VOLUME, "4711"), *lines[middle + 1 :]]


def unordered(lines: Lines) -> Lines:
    """The newer half first."""
    middle = len(lines) // 2
    return [lines[0], *lines[middle:], *lines[1:middle]]


def not_a_number(lines: Lines) -> Lines:
    """A close that is text."""
    return _in_the_middle(lines, _CLOSE, "n/a")


def latin_1(lines: Lines) -> Lines:
    """A byte that is not UTF-8, in a volume."""
    return _in_the_middle(lines, _VOLUME, "12é4")


def stray_quote(lines: Lines) -> Lines:
    """A quote that is never closed."""
    return _in_the_middle(lines, _OPEN, '"1')


def bad_date(lines: Lines) -> Lines:
    """A 31st of February."""
    return _in_the_middle(lines, _DATE, "20250231")


def decimal_shift(lines: Lines) -> Lines:
    """A high a tenth of what it should be, so below the low."""
    value = float(lines[len(lines) // 2].split(",")[_HIGH]) / 10
    return _in_the_middle(lines, _HIGH, f"{value:.6g}")


def negative_close(lines: Lines) -> Lines:
    """A close, and the low with it, below zero."""
    return _in_the_middle(_in_the_middle(lines, _CLOSE, "-1"), _LOW, "-1")


def extra_field(lines: Lines) -> Lines:
    """A line with one field too many."""
    middle = len(lines) // 2
    return [*lines[:middle], lines[middle] + ",0", *lines[middle + 1 :]]


def gap(lines: Lines) -> Lines:
    """A third of the bars missing in one stretch."""
    third = len(lines) // 3
    return [*lines[:third], *lines[2 * third :]]


def ended(lines: Lines) -> Lines:
    """The newest third missing: the paper is traded no more."""
    return lines[: len(lines) * 2 // 3]


def thin(lines: Lines) -> Lines:
    """A bar only on some days, as where no trade makes no row."""
    return [line for number, line in enumerate(lines) if number * number % 7 < 3]  # noqa: PLR2004


COMMON: Sequence[Quirk] = (
    empty, header_only, duplicate_date, unordered, negative_close, not_a_number, latin_1, no_header, bad_date, decimal_shift,
)  # fmt: skip
"""The defects that a large tree has here and there."""


def _in_the_middle(lines: Lines, field: int, value: str) -> Lines:
    middle = len(lines) // 2
    return [*lines[:middle], _changed(lines[middle], field, value), *lines[middle + 1 :]]


def _changed(line: str, field: int, value: str) -> str:
    fields = line.split(",")
    fields[field] = value
    return ",".join(fields)
