"""Columns between Arrow and numpy without a copy of pandas: `pa.array` and `Column.to_numpy` import it, for 0.3 s."""

from typing import TYPE_CHECKING

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


def numbers(column: "pa.ChunkedArray") -> "npt.NDArray[np.float64]":
    """A column of float64, a null as NaN; not to be written to, as it may be the column's own memory."""
    import numpy as np

    parts = [np.frombuffer(part.buffers()[1], np.float64, len(part), part.offset * 8) for part in column.chunks if len(part)]
    found = parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, np.float64), *parts])
    return np.where(valid(column), found, np.nan) if column.null_count else found


def valid(column: "pa.ChunkedArray") -> "npt.NDArray[np.bool_]":
    """Where a column is not null."""
    import numpy as np

    return np.array(column.is_valid().to_pylist(), np.bool_) if column.null_count else np.ones(len(column), np.bool_)


def arrow(values: "npt.NDArray[np.generic]", kind: "pa.DataType | None" = None) -> "pa.Array":
    """Numbers as an Arrow array; stamps, as `stamps` returns them, of the type `kind`."""
    import numpy as np
    import pyarrow as pa

    if kind is not None:
        return arrow(values.astype(np.int32 if pa.types.is_date32(kind) else np.int64)).view(kind)
    kinds = {"u1": pa.uint8(), "i4": pa.int32(), "i8": pa.int64(), "f8": pa.float64()}
    return pa.Array.from_buffers(kinds[values.dtype.str[1:]], len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])
