"""Columns between Arrow and numpy without a copy of pandas: `pa.array` and `Column.to_numpy` import it, for 0.3 s."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from barmill.market.tables import text_array

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa


def stamps(column: "pa.ChunkedArray") -> "npt.NDArray[np.int64]":
    """A column of date32 as days since 1970-01-01, of timestamp[us] as microseconds since then; no stamp may be null."""
    import numpy as np
    import pyarrow as pa

    kind = "i4" if pa.types.is_date32(column.type) else "i8"
    width = int(kind[1])
    parts = [np.frombuffer(part.buffers()[1], kind, len(part), part.offset * width) for part in column.chunks if len(part)]
    return np.concatenate([np.empty(0, np.int64), *parts]).astype(np.int64)


def numbers(column: "pa.ChunkedArray") -> "npt.NDArray[Any]":
    """A column of numbers as an array of the same kind, NaN for null; not to be written to: it may be the column's memory.

    Raises:
        ValueError: there are nulls, and the kind has no NaN.
    """
    import numpy as np
    import pyarrow as pa

    if column.null_count and not pa.types.is_floating(column.type):
        raise ValueError(f"a column of {column.type} has {column.null_count} nulls")
    names = {"double": "float64", "float": "float32"}
    dtype = np.dtype(names.get(str(column.type), str(column.type)))
    parts = [_part(part, dtype) for part in column.chunks]
    return parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, dtype), *parts])


def _part(part: "pa.Array", dtype: "np.dtype[Any]") -> "npt.NDArray[Any]":
    import numpy as np

    data = part.buffers()[1]
    if data is None:
        return np.full(len(part), np.nan, dtype)
    values: npt.NDArray[Any] = np.frombuffer(data, dtype, len(part), part.offset * dtype.itemsize)
    return np.where(_known(part), values, np.nan).astype(dtype) if part.null_count else values


def valid(column: "pa.ChunkedArray") -> "npt.NDArray[np.bool_]":
    """Where a column is not null."""
    import numpy as np

    return np.concatenate([np.empty(0, np.bool_), *map(_known, column.chunks)])


def _known(part: "pa.Array") -> "npt.NDArray[np.bool_]":
    import numpy as np

    validity = part.buffers()[0]
    if validity is None or not part.null_count:
        return np.full(len(part), part.null_count == 0)
    bits = np.unpackbits(np.frombuffer(validity, np.uint8), bitorder="little")
    return bits[part.offset : part.offset + len(part)].astype(np.bool_)


def arrow(
    values: "npt.NDArray[np.generic]", kind: "pa.DataType | None" = None, known: "npt.NDArray[np.bool_] | None" = None
) -> "pa.Array":
    """Numbers as an Arrow array, null where `known` is false; stamps, as `stamps` returns them, of the type `kind`."""
    import numpy as np
    import pyarrow as pa

    if kind is not None:
        return arrow(values.astype(np.int32 if pa.types.is_date32(kind) else np.int64), None, known).view(kind)
    kinds = {"u1": "uint8", "i1": "int8", "i2": "int16", "i4": "int32", "i8": "int64", "f4": "float32", "f8": "float64"}
    made = getattr(pa, kinds[values.dtype.str[1:]])()
    mask = None if known is None or known.all() else pa.py_buffer(np.packbits(known, bitorder="little"))
    return pa.Array.from_buffers(made, len(values), [mask, pa.py_buffer(np.ascontiguousarray(values))])


def utc(values: "npt.NDArray[np.int64]", known: "npt.NDArray[np.bool_] | None" = None) -> "pa.Array":
    """Microseconds since 1970 as stamps in UTC."""
    import pyarrow as pa

    return arrow(values, pa.timestamp("us", "UTC"), known)


def or_null(values: "npt.NDArray[np.floating[Any]]") -> "pa.Array":
    """Numbers as an Arrow array, null where they are NaN."""
    import numpy as np

    return arrow(values, None, ~np.isnan(values))


def coded(codes: "npt.NDArray[np.int8]", words: Sequence[str]) -> "pa.Array":
    """Text as an Arrow array, from codes: the positions of each in `words`."""
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(arrow(codes), text_array(words))
