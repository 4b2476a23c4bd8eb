"""Stored bars and fetched ones: what they have in common, where they differ, and what the two together are."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from barmill.market.bars import stamps
from barmill.market.schema import PRICES
from barmill.market.tables import constant

if TYPE_CHECKING:
    import pyarrow as pa

SAME = 1e-6
"""Relative difference up to which two numbers are the same: a supplier in single precision, asked twice, differs by less, and
no dividend is as small."""


@dataclass(frozen=True)
class Overlap:
    """How fetched bars fit the stored ones.

    Attributes:
        common: stamps that both have.
        repriced: stamps of them whose prices differ.
        changed: stamps of them that differ in anything, and where what was fetched is the better: not just a missing volume.
        new: stamps that were not stored.
        withheld: stamps stored within the range of what was fetched that were not fetched.
    """

    common: int
    repriced: list[str]
    changed: list[str]
    new: int
    withheld: list[str]


def compare(stored: "pa.Table", fetched: "pa.Table") -> Overlap:
    """Compare two tables of bars (`bars.read_bars`), each ascending and unique in its stamps."""
    import pyarrow.compute as pc

    window = between(stored, fetched)
    ours, theirs = stamps(window), stamps(fetched)
    known, given = pc.is_in(theirs, ours), pc.is_in(ours, theirs)
    old, new = window.filter(given), fetched.filter(known)
    both = stamps(old)
    repriced = changed = _none(both)
    for name in PRICES:
        repriced = pc.or_(repriced, _differs(old.column(name), new.column(name)))
    for name in ("volume", "openint"):
        changed = pc.or_(changed, _differs(old.column(name), new.column(name)))
    return Overlap(
        common=old.num_rows,
        repriced=both.filter(repriced).to_pylist(),
        changed=both.filter(pc.or_(repriced, changed)).to_pylist(),
        new=fetched.num_rows - new.num_rows,
        withheld=ours.filter(pc.invert(given)).to_pylist(),
    )


def union(stored: "pa.Table", fetched: "pa.Table", overlap: Overlap) -> "pa.Table":
    """The stored bars, those of `overlap.changed` as fetched, and the new ones; ascending."""
    import pyarrow as pa
    import pyarrow.compute as pc

    first, last = bounds(stored, fetched)
    window = stored.slice(first, last - first)
    kept = window.filter(pc.invert(_among(stamps(window), overlap.changed)))
    theirs = fetched.filter(pc.invert(pc.is_in(stamps(fetched), stamps(kept))))
    middle = pa.concat_tables([kept, theirs]).sort_by([("date", "ascending"), ("time", "ascending")])
    return pa.concat_tables([stored.slice(0, first), middle, stored.slice(last)]).combine_chunks()


def lacking(stored: "pa.Table", fetched: "pa.Table") -> list[str]:
    """Stamps of stored bars that were not fetched."""
    import pyarrow.compute as pc

    ours = stamps(stored)
    return list(ours.filter(pc.invert(pc.is_in(ours, stamps(fetched)))).to_pylist())


def clip(table: "pa.Table", start: str, end: str) -> "pa.Table":
    """The bars from one ISO date to another, both included, of a table in any order; "" for no bound."""
    import pyarrow.compute as pc

    if start:
        table = table.filter(pc.greater_equal(table.column("date"), constant(start)))
    if end:
        table = table.filter(pc.less_equal(table.column("date"), constant(end)))
    return table


def between(stored: "pa.Table", fetched: "pa.Table") -> "pa.Table":
    """The stored bars from the first fetched stamp to the last."""
    first, last = bounds(stored, fetched)
    return stored.slice(first, last - first)


def bounds(stored: "pa.Table", fetched: "pa.Table") -> tuple[int, int]:
    """Where the stored bars between the first and the last fetched stamp begin and end."""
    if not fetched.num_rows:
        return stored.num_rows, stored.num_rows
    return _place(stored, stamp(fetched, 0)), _place(stored, stamp(fetched, -1) + "~")


def stamp(table: "pa.Table", at: int) -> str:
    """Date and time of one bar."""
    at %= table.num_rows
    return f"{table.column('date')[at].as_py()} {table.column('time')[at].as_py()}"


def _place(table: "pa.Table", wanted: str) -> int:
    """How many bars are before a stamp."""
    low, high = 0, table.num_rows
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if stamp(table, middle) < wanted else (low, middle)
    return low


def _differs(old: "pa.ChunkedArray", new: "pa.ChunkedArray") -> "pa.ChunkedArray":
    """Where two columns are not the same; a fetched null is no news."""
    import pyarrow.compute as pc

    allowed = pc.multiply(pc.max_element_wise(pc.abs(old), pc.abs(new)), constant(SAME))
    far = pc.greater(pc.abs(pc.subtract(old, new)), allowed)
    appeared = pc.and_(pc.is_null(old), pc.is_valid(new))
    return pc.or_(pc.coalesce(far, pc.is_null(constant(0.0))), appeared)


def _none(of: "pa.ChunkedArray") -> "pa.ChunkedArray":
    import pyarrow.compute as pc

    return pc.is_null(of)  # no text of ours is null


def _among(texts: "pa.ChunkedArray", wanted: list[str]) -> "pa.ChunkedArray":
    """Which texts are wanted; without making Arrow import pandas for a list."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import csv

    if not wanted:
        return _none(texts)
    lines = "".join(f"{each}\n" for each in wanted).encode()
    read = csv.ReadOptions(column_names=["wanted"], use_threads=False)
    kinds = csv.ConvertOptions(column_types={"wanted": pa.string()})
    values = csv.read_csv(pa.BufferReader(lines), read_options=read, convert_options=kinds).column("wanted")
    return pc.is_in(texts, values)
