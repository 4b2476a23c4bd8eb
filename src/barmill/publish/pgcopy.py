"""A table as the bytes of PostgreSQL's `COPY … FROM STDIN (FORMAT binary)`, made by numpy, a few rows' shape at a time.

A field is its length (4 bytes, big-endian; -1: null) and its bytes. Rows in which the same fields are null have the same
shape, and a series of indicators has few shapes: one per warm-up. Their order in the stream does not matter.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from barmill.publish.parts import BOOLEAN, DAY, FLOAT, INTEGER, TEXT, columns_of

if TYPE_CHECKING:
    import pyarrow as pa

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"

_SHAPES = {DAY: ">i4", FLOAT: ">f8", INTEGER: ">i2", BOOLEAN: "u1"}
_EPOCH = 10_957  # days from 1970 to 2000, where PostgreSQL's dates begin


def encode(table: "pa.Table", symbol: str) -> Iterator[bytes]:
    """The rows of one symbol, between `HEADER` and `TRAILER`."""
    kinds = columns_of(table)
    columns: dict[str, npt.NDArray[Any]] = {}
    nulls = np.zeros((len(table), len(kinds)), dtype=bool)
    for at, (name, kind) in enumerate(kinds.items()):
        if kind == TEXT:
            continue
        column = table.column(name)
        values = column.to_numpy()
        if kind == FLOAT:
            nulls[:, at] = np.isnan(values)
        columns[name] = values.astype("datetime64[D]").astype(int) - _EPOCH if kind == DAY else values
    shapes, which = np.unique(np.packbits(nulls, axis=1), axis=0, return_inverse=True)
    which = which.reshape(-1)
    for shape in range(len(shapes)):
        rows = np.flatnonzero(which == shape)
        yield _records(kinds, columns, rows, nulls[rows[0]], symbol.encode())


def _records(
    kinds: Mapping[str, str], columns: Mapping[str, npt.NDArray[Any]], rows: Any, null: npt.NDArray[np.bool_], symbol: bytes
) -> bytes:
    forms: list[tuple[str, str]] = [("fields", ">i2")]
    for at, (name, kind) in enumerate(kinds.items()):
        forms.append((f"{name} length", ">i4"))
        if not null[at]:
            forms.append((name, _SHAPES.get(kind, f"S{len(symbol)}")))
    records = np.zeros(len(rows), dtype=np.dtype(forms))
    records["fields"] = len(kinds)
    for at, (name, kind) in enumerate(kinds.items()):
        if null[at]:
            records[f"{name} length"] = -1
        else:
            records[f"{name} length"] = records.dtype[name].itemsize
            records[name] = symbol if kind == TEXT else columns[name][rows]
    return records.tobytes()
