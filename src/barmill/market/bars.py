"""A raw Stooq file as clean, typed bars, and what had to be left out, with line numbers.

A file without fault, nearly every one, is parsed at once by Arrow. At the first sign of anything else it is read line by line
in plain Python, which sorts good lines from bad, and what is left goes through the same parser: one parser decides what a
bar is. pandas is never imported.
"""

import datetime as dt
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from barmill.market import policies
from barmill.market.schema import BAR, PRICES, RAW_HEADER
from barmill.market.tables import constant

if TYPE_CHECKING:
    import pyarrow as pa

INVALID_ROW = "invalid_rows"
NON_NUMERIC = "non_numeric_prices"

_NULLS = frozenset({"", "-", "--", "null", "none", "n/a", "na"})
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_LINE_END = re.compile(rb"\r*\n|\r")
_LONGEST_TEXT = 200
_LONGEST_HEAD = 1000  # bytes of a first line


class Break(NamedTuple):
    """A line that is not a bar because it breaks a rule of `policies`: the rule, the line's number, its text as rejected."""

    rule: str
    line: int
    text: str


@dataclass
class Bars:
    """What a raw file holds.

    Attributes:
        table: columns of `schema.BAR`: ticker, per, date (YYYY-MM-DD), time (HH:MM:SS) as text, the others as float64;
            ascending and unique in (date, time), of lines with the same stamp the last; `volume` and `openint` may be null.
        raw_rows: lines with content, without the header.
        has_header: whether the first of them is the header.
        ordered: whether the lines ascend in time.
        rejected: line (1-based), reason and text of each line that is not a bar.
        breaks: those of them that break a rule.
        lines: the bar of each line that is one, in the order of the lines; None where that is `table`.
    """

    table: "pa.Table"
    raw_rows: int
    has_header: bool = True
    ordered: bool = True
    rejected: list[dict[str, int | str]] = field(default_factory=list)
    breaks: list[Break] = field(default_factory=list)
    lines: "pa.Table | None" = None

    @property
    def given(self) -> "pa.Table":
        """The bar of each line that is one: with several of a stamp, and out of order, where the lines are."""
        return self.table if self.lines is None else self.lines


def read_bars(data: bytes) -> Bars:
    """Bars of a raw Stooq file of any content; nothing raises."""
    head, _, body = (data if b"\n" in data else data.replace(b"\r", b"\n")).partition(b"\n")
    if head.upper().startswith(b"<TICKER>,") and body and b'"' not in body and b"\0" not in body:
        table = _parse(body)
        if table is not None:
            return Bars(table, table.num_rows)
    return _read_carefully(data)


def is_raw(data: bytes) -> bool:
    """Whether a file is Stooq's own text, or empty: its first line is Stooq's header, or has ten fields as a bar has."""
    first = _LINE_END.split(data[:_LONGEST_HEAD].removeprefix(b"\xef\xbb\xbf").lstrip(), maxsplit=1)[0].strip()
    fields = first.split(b",")
    if first.upper().replace(b" ", b"") == RAW_HEADER.encode():
        return True
    return not first or (len(fields) == len(BAR) and fields[2].strip().isdigit())


def _parse(lines: bytes, *, ordered: bool = True) -> "pa.Table | None":
    """Lines without header as a table; None if any of them is not a good bar, or they have to be in order and are not."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import csv

    types = {name: pa.float64() if name in (*PRICES, "volume", "openint") else pa.string() for name in BAR}
    try:
        raw = csv.read_csv(
            pa.BufferReader(lines),
            read_options=csv.ReadOptions(column_names=list(BAR), use_threads=False),
            parse_options=csv.ParseOptions(quote_char=False),
            convert_options=csv.ConvertOptions(column_types=types, null_values=[""], strings_can_be_null=False),
        ).combine_chunks()
        date, time = (_with_marks(raw.column(name), cuts, mark) for name, cuts, mark in _STAMPS)
        moments = pc.cast(pc.binary_join_element_wise(date, time, constant(" ")), pa.timestamp("s"))
    except (pa.ArrowInvalid, UnicodeDecodeError):
        return None
    finite = all(pc.all(pc.is_finite(raw.column(name)), skip_nulls=False).as_py() for name in PRICES)
    ascending = pc.all(pc.less(moments[:-1], moments[1:])).as_py() is not False
    if not finite or (ordered and not ascending) or _has_infinite(raw):
        return None
    return raw.set_column(2, "date", date).set_column(3, "time", time)


_STAMPS = (("date", ((0, 4), (4, 6), (6, None)), "-"), ("time", ((0, 2), (2, 4), (4, None)), ":"))


def _with_marks(column: "pa.ChunkedArray", cuts: tuple[tuple[int, int | None], ...], mark: str) -> "pa.ChunkedArray":
    """`20240131` as `2024-01-31`; raises ArrowInvalid if a value is not all digits of the right number."""
    import pyarrow as pa
    import pyarrow.compute as pc

    length = 8 if mark == "-" else 6
    good = pc.and_(pc.equal(pc.binary_length(column), constant(length)), pc.ascii_is_decimal(column))
    if not pc.all(good).as_py() and len(column):
        raise pa.ArrowInvalid("not a stamp")
    return pc.binary_join_element_wise(*(pc.utf8_slice_codeunits(column, *cut) for cut in cuts), constant(mark))


def _has_infinite(raw: "pa.Table") -> bool:
    import pyarrow.compute as pc

    return any(pc.any(pc.invert(pc.is_finite(raw.column(name)))).as_py() for name in ("volume", "openint"))


def _read_carefully(data: bytes) -> Bars:
    """Sort good lines from bad, then parse the good ones, in order."""
    rejected: list[dict[str, int | str]] = []
    breaks: list[Break] = []
    good: list[tuple[tuple[str, str], str]] = []
    raw_rows, has_header = 0, False
    for number, line in enumerate(_LINE_END.split(data.removeprefix(b"\xef\xbb\xbf")), 1):
        text = line.decode("utf-8", "backslashreplace").strip("\r \t\x1a")
        if not text:
            continue
        if text.upper().startswith("<TICKER>") and not raw_rows:
            has_header = True
            continue
        raw_rows += 1
        fields = [part.strip() for part in text.split(",")]
        if reason := _fault(fields):
            rejected.append(rejection(number, reason, text))
            if rule := _rule(fields, reason):
                breaks.append(Break(rule, number, str(rejected[-1]["text"])))
        else:
            good.append(((fields[2], fields[3]), ",".join([*fields[:4], *map(_number, fields[4:])])))
    latest = dict(good)
    table = _parse_good([latest[stamp] for stamp in sorted(latest)])
    moments = [stamp for stamp, _ in good]
    ordered = moments == sorted(moments)
    lines = None if ordered and len(latest) == len(good) else _parse_good([line for _, line in good])
    return Bars(table, raw_rows, has_header, ordered, rejected, breaks, lines)


def _parse_good(lines: list[str]) -> "pa.Table":
    """A table of lines each of which is a bar, in any order."""
    table = _parse("".join(f"{line}\n" for line in lines).encode(), ordered=False) if lines else _empty()
    assert table is not None, "every line that was kept is a good bar"
    return table


def _fault(fields: list[str]) -> str:
    """Why these fields are not a bar; "" if they are."""
    if (
        len(fields) != len(BAR)
        or not _is_stamp(fields[2], fields[3])
        or any('"' in part or "\0" in part for part in fields[:2])
    ):
        return INVALID_ROW
    return "" if all(_number(part) for part in fields[4:8]) else NON_NUMERIC


def _rule(fields: list[str], reason: str) -> str:
    """The rule of `policies` that fields break which are not a bar; "" if no rule names the fault."""
    if reason == INVALID_ROW:
        return policies.NULL_STAMPS if len(fields) == len(BAR) and fields[2].lower() in _NULLS else ""
    wrong = [part for part in fields[4:8] if not _number(part)]
    if any(part.lower() not in _NULLS and not _is_infinite(part) for part in wrong):
        return ""
    return policies.NON_FINITE if any(map(_is_infinite, wrong)) else policies.NULL_PRICES


def _is_infinite(text: str) -> bool:
    """Whether a text is a number that is not finite: `inf`, `nan`, or one too large for a float."""
    return _NOT_FINITE.fullmatch(text) is not None or (_NUMBER.fullmatch(text) is not None and not _number(text))


def _is_stamp(date: str, time: str) -> bool:
    if not (len(date) == 8 and len(time) == 6 and date.isascii() and time.isascii() and date.isdigit() and time.isdigit()):  # noqa: PLR2004
        return False
    try:
        dt.datetime(int(date[:4]), int(date[4:6]), int(date[6:]), int(time[:2]), int(time[2:4]), int(time[4:]))  # noqa: DTZ001
    except ValueError:
        return False
    return True


def _number(text: str) -> str:
    """A finite number in the form Arrow reads; "" if it is none."""
    if not _NUMBER.fullmatch(text):
        return ""
    value = float(text)
    return repr(value) if abs(value) != float("inf") else ""


def rejection(line: int, reason: str, text: str) -> dict[str, int | str]:
    """A line that is not a bar, as `Bars.rejected` lists it: its number, the reason, its text, printable and cut."""
    printable = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)
    return {"line": line, "reason": reason, "text": printable[:_LONGEST_TEXT]}


def _empty() -> "pa.Table":
    # sliced from a bar: making an empty table makes Arrow import pandas
    bar = _parse(b"A,D,20000101,000000,1,1,1,1,1,1\n")
    assert bar is not None
    return bar.slice(0, 0)


def stamps(table: "pa.Table") -> "pa.ChunkedArray":
    """Date and time of each bar, as text that sorts: `2024-01-31 09:30:00`."""
    import pyarrow.compute as pc

    return pc.binary_join_element_wise(table.column("date"), table.column("time"), constant(" "))


def write_bars(table: "pa.Table") -> bytes:
    """Bars as CSV: header, LF line ends, shortest numbers that read back equal; a null is empty."""
    import pyarrow as pa
    from pyarrow import csv

    sink = pa.BufferOutputStream()
    sink.write(",".join(BAR).encode() + b"\n")
    csv.write_csv(table, sink, csv.WriteOptions(include_header=False, quoting_style="none"))
    return bytes(sink.getvalue())


def write_raw(table: "pa.Table") -> bytes:
    """Bars as Stooq's text, as `read_bars` reads it: its header, CRLF, dates and times without marks."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import csv

    for at, name, mark in ((2, "date", "-"), (3, "time", ":")):
        table = table.set_column(at, name, pc.replace_substring(table.column(name), mark, ""))
    sink = pa.BufferOutputStream()
    csv.write_csv(table, sink, csv.WriteOptions(include_header=False, quoting_style="none"))
    return b"\r\n".join((RAW_HEADER.encode(), bytes(sink.getvalue()).replace(b"\n", b"\r\n")))
