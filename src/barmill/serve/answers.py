"""What the service answers: the shapes of its JSON, and bars in the form that was asked for."""

import io
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel

if TYPE_CHECKING:
    import pyarrow as pa

Form = Literal["json", "csv", "parquet", "arrow"]
Fill = Literal["forward", "backward", "interpolate", "zero"]
MEDIA: dict[str, str] = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}


class Series(BaseModel):
    """A dataset: what it is, and the bars that are built of it; `start` and `end` are "" and `rows` 0 before that."""

    name: str
    symbol: str
    asset_class: str
    frequency: str
    exchange: str
    calendar: str
    rows: int
    start: str
    end: str


class Bars(BaseModel):
    """A table of bars, row by row; `more` says whether the limit cut it off."""

    columns: list[str]
    rows: list[list[Any]]
    more: bool


class Fault(BaseModel):
    """What is wrong, with its values, and what to do about it."""

    error: str
    hint: str


class Wanted(BaseModel):
    """Which datasets to update, by name or ticker (none: all), and how; providers are those that the project knows."""

    model_config = {"extra": "forbid"}

    symbols: list[str] = []
    lookback_days: int = 7
    fill_gaps: bool = True


class Updated(BaseModel):
    """How an update went: `ok` if nothing failed, and what `doit update --json` says of each dataset and tree."""

    ok: bool
    datasets: list[dict[str, Any]]
    trees: list[dict[str, Any]]


def first(tables: Iterable["pa.Table"], limit: int) -> Iterator["pa.Table"]:
    """The tables, of which the last may be cut, until they have `limit` bars; what comes after is not read."""
    for table in tables:
        yield table.slice(0, limit)
        limit -= table.num_rows
        if limit <= 0:
            return


def as_rows(tables: Iterable["pa.Table"], limit: int) -> Bars:
    """The first `limit` bars; stamps as ISO text, a missing value as null."""
    found: list[list[Any]] = []
    names: list[str] = []
    for table in first(tables, limit + 1):
        names = table.column_names
        columns = [[_plain(value) for value in column.to_pylist()] for column in table.columns]
        found += map(list, zip(*columns, strict=True))
    return Bars(columns=names, rows=found[:limit], more=len(found) > limit)


def as_bytes(tables: Iterable["pa.Table"], form: str) -> Iterator[bytes]:
    """Bars as CSV, Parquet, or a stream of Arrow's, in parts as they are read."""
    sink = _Sink()
    writer: Any = None
    for table in tables:
        writer = writer or _writer(form, sink, table.schema)
        if table.num_rows:
            writer.write_table(table.combine_chunks())  # pyarrow writes NUL bytes for an empty first chunk
        yield sink.taken()
    if writer:
        writer.close()
    yield sink.taken()


def _writer(form: str, sink: "_Sink", schema: "pa.Schema") -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyarrow import csv

    if form == "csv":
        return csv.CSVWriter(sink, schema)
    return pq.ParquetWriter(sink, schema) if form == "parquet" else pa.ipc.new_stream(sink, schema)


class _Sink(io.RawIOBase):
    """A file to write to, whose content is taken away bit by bit."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._size

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        self._size += len(self._parts[-1])
        return len(self._parts[-1])

    def taken(self) -> bytes:
        """What was written since the last call."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


def _plain(value: Any) -> Any:
    return value.isoformat().replace("+00:00", "Z") if hasattr(value, "isoformat") else value
