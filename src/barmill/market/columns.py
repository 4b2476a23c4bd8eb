"""Columns between Arrow and numpy, without pandas: Arrow's own ways import it, for 0.4 s."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

MINUTE = 60_000_000
"""Microseconds of a minute: stamps are whole microseconds since 1970 UTC."""

_DTYPES = {"double": np.float64, "float": np.float32, "int64": np.int64, "int32": np.int32, "int16": np.int16, "int8": np.int8}
_STAMP = pa.timestamp("us", tz="UTC")


def to_numpy(column: "pa.ChunkedArray") -> NDArray[Any]:
    """A column as one array; float64 has NaN for null, stamps and dates are int64 microseconds since 1970 UTC.

    Raises:
        ValueError: a column of another kind than float64 has nulls.
    """
    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("us"))
    if pa.types.is_temporal(column.type):
        column = column.cast(pa.timestamp("us", tz=column.type.tz)).cast(pa.int64())
    if column.null_count and not pa.types.is_floating(column.type):
        raise ValueError(f"a column of {column.type} has {column.null_count} nulls")
    dtype = _DTYPES[str(column.type)]
    parts = [_part(chunk, np.dtype(dtype)) for chunk in column.chunks]
    return parts[0] if len(parts) == 1 else np.concatenate(parts or [np.empty(0, dtype)])


def _part(chunk: "pa.Array", dtype: "np.dtype[Any]") -> NDArray[Any]:
    validity, data = chunk.buffers()
    if data is None:
        return np.full(len(chunk), np.nan, dtype)
    values: NDArray[Any] = np.frombuffer(data, dtype, len(chunk), chunk.offset * dtype.itemsize)
    if validity is None or not chunk.null_count:
        return values
    bits = np.unpackbits(np.frombuffer(validity, np.uint8), bitorder="little")
    return np.where(bits[chunk.offset : chunk.offset + len(chunk)], values, np.nan).astype(dtype)


def to_arrow(values: NDArray[Any], valid: NDArray[np.bool_] | None = None) -> "pa.Array":
    """An array as a column of the same kind, null where `valid` is false.

    Args:
        values: float64, float32, or int8 to int64; shape (n,).
        valid: shape (n,); all valid if it is not given.
    """
    kind = {"f8": "float64", "f4": "float32", "i8": "int64", "i4": "int32", "i2": "int16", "i1": "int8"}[values.dtype.str[1:]]
    mask = None if valid is None or valid.all() else pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.Array.from_buffers(getattr(pa, kind)(), len(values), [mask, pa.py_buffer(np.ascontiguousarray(values))])


def to_stamps(values: NDArray[np.int64]) -> "pa.Array":
    """Microseconds since 1970 as a column of stamps in UTC."""
    return to_arrow(values).cast(pa.int64()).view(_STAMP)


def to_words(codes: NDArray[np.int8], words: "pa.Array") -> "pa.Array":
    """A column of text from codes: the code is the position in `words`."""
    return pa.DictionaryArray.from_arrays(to_arrow(codes), words)


def words(*texts: str) -> "pa.Array":
    """An Arrow array of texts."""
    data = "".join(texts).encode()
    ends = np.cumsum([0, *(len(text.encode()) for text in texts)], dtype=np.int32)
    return pa.Array.from_buffers(pa.string(), len(texts), [None, pa.py_buffer(ends), pa.py_buffer(data)])


def nan_to_null(values: NDArray[np.float64]) -> "pa.Array":
    """A column of floats, null where they are NaN."""
    return to_arrow(values, ~np.isnan(values))


def is_sorted(column: "pa.ChunkedArray") -> bool:
    """Whether the values are strictly ascending."""
    return pc.all(pc.less(column[:-1], column[1:])).as_py() is not False
