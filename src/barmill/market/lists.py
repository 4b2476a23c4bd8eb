"""Reading a delimited list that somebody else wrote: its encoding, its delimiter, its broken quotes.

Nothing raises: a list that is no table has a fault instead of records, and a line that is no record has one, too.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

EMPTY_FILE = "empty_file"
NOT_A_TABLE = "not_a_table"
NO_SYMBOL_COLUMN = "no_symbol_column"
WHOLE = {
    EMPTY_FILE: "remove the file, or fill it",
    NOT_A_TABLE: "save it as CSV",
    NO_SYMBOL_COLUMN: "name the heading of its symbols in the setting columns",
}
"""The faults of a whole list, each with its cure."""
FIELD_COUNT = "field_count"
STRAY_QUOTE = "stray_quote"

_DELIMITERS = ",;\t|"
_LONGEST_HEADER = 1 << 16
_LONGEST_RECORD = 8  # lines that a quoted field may span; a stray quote must not swallow the list

# Polish letters are signs in cp1252 (³ ¿ ¹): such a byte beside a letter is a letter. The first code page with one wins.
_LETTERS = (
    ("cp1250", re.compile(rb"[A-Za-z\xe0-\xff][\xb9\x9c\x9f\x8c\x8f\xa5]|[\x9c\x9f\x8c\x8f][a-z]")),
    ("iso8859_2", re.compile(rb"[A-Za-z\xe0-\xff][\xb1\xb6\xbc]|[\xa6\xac][a-z]")),
    ("cp1250", re.compile(rb"[A-Za-z\xe0-\xff][\xb3\xbf\xaf\xa3]|[\xaf\xa3\xb3\xbf][a-z]")),
)


@dataclass(frozen=True)
class Record:
    """A line of the list: its fields, or the fault that makes it none.

    Attributes:
        line: 1-based number of its first physical line.
        text: the line as it stands.
        fields: one per column; empty when there is a fault.
        fault: `field_count`, `stray_quote`, or "".
    """

    line: int
    text: str
    fields: Sequence[str]
    fault: str = ""


@dataclass(frozen=True)
class Table:
    """A list taken apart.

    Attributes:
        columns: normalised column names: lower case, words joined by one blank.
        records: the lines below the header, without blank ones.
        fault: why it is no table (`empty_file`, `not_a_table`, `no_symbol_column`), or "".
        line: the line that shows the fault.
        text: its text.
    """

    columns: Sequence[str] = ()
    records: Sequence[Record] = ()
    fault: str = ""
    line: int = 0
    text: str = ""


def decode(data: bytes) -> str:
    """Text of `data`: by its byte order mark, else UTF-8, else the code page whose letters make sense, else Latin-1."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    page = next((codec for codec, letters in _LETTERS if letters.search(data)), "cp1252")
    for codec in ("utf-8-sig", page):
        try:
            return data.decode(codec)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def read_table(data: bytes, is_header: Callable[[Sequence[str]], bool]) -> Table:
    """Take a list apart.

    Args:
        data: the file's bytes.
        is_header: whether normalised names are those of a header; decides the delimiter as well.
    """
    if not data.strip():
        return Table(fault=EMPTY_FILE)
    lines = [line.rstrip("\n") for line in io.StringIO(decode(data), newline=None)]
    start = next((i for i, line in enumerate(lines) if line.strip() and not line.lower().startswith("sep=")), len(lines))
    first = lines[start] if start < len(lines) else ""
    if "\x00" in first or len(first) > _LONGEST_HEADER or first.lstrip().startswith(("<", "{", "%PDF", "PK\x03")) or not first:
        return Table(fault=NOT_A_TABLE, line=start + 1, text=first)
    headers = [(normalised(next(csv.reader([first], delimiter=mark))), mark) for mark in _DELIMITERS]
    columns, delimiter = max(headers, key=lambda found: (is_header(found[0]), len(found[0])))
    if not is_header(columns):
        return Table(fault=NO_SYMBOL_COLUMN, line=start + 1, text=first)
    return Table(columns, tuple(_records(lines, start + 1, len(columns), delimiter)))


def normalised(names: Sequence[str]) -> tuple[str, ...]:
    """Headings as they are compared: lower case, words joined by one blank, other signs left out."""
    return tuple(" ".join(re.sub(r"[\W_]+", " ", name.lower()).split()) for name in names)


def _records(lines: Sequence[str], start: int, width: int, delimiter: str) -> Iterator[Record]:
    at = start
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        fields, span = _quoted(lines, at, width, delimiter)
        text = "\n".join(lines[at : at + span])
        fault = "" if len(fields) == width else STRAY_QUOTE if text.count('"') % 2 else FIELD_COUNT
        yield Record(at + 1, text, () if fault else fields, fault)
        at += span


def _quoted(lines: Sequence[str], at: int, width: int, delimiter: str) -> tuple[list[str], int]:
    """Fields of the record that starts at line `at`, and the number of lines it spans.

    A quote that is not closed on its line may go on over lines that are no records of their own; else it is a stray one.
    """
    for span in range(1, min(_LONGEST_RECORD, len(lines) - at) + 1):
        if span > 1 and lines[at + span - 1].count(delimiter) >= width - 1 > 0:
            break
        try:
            fields = next(csv.reader(["\n".join(lines[at : at + span])], delimiter=delimiter, strict=True))
        except csv.Error:
            continue
        if span == 1 or len(fields) == width:
            return _without_blank_rest(fields, width), span
    raw = lines[at].split(delimiter)
    return _without_blank_rest([field.replace('"', "") for field in raw], width), 1


def _without_blank_rest(fields: list[str], width: int) -> list[str]:
    """Fields beyond the header are let go when they are blank: delimiters at the line's end."""
    return fields[:width] if len(fields) > width and not any(field.strip() for field in fields[width:]) else fields
