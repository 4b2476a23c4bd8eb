"""What the service answers: the shapes of its JSON, and bars in the form that was asked for."""

import io
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel

if TYPE_CHECKING:
    import pyarrow as pa

Form = Literal["json", "csv", "parquet", "arrow"]
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


def as_rows(table: "pa.Table", limit: int) -> Bars:
    """The first `limit` bars; stamps as ISO text, a missing value as null."""
    head = table.slice(0, limit)
    columns = [[_plain(value) for value in column.to_pylist()] for column in head.columns]
    return Bars(columns=table.column_names, rows=list(map(list, zip(*columns, strict=True))), more=table.num_rows > limit)


def as_bytes(table: "pa.Table", form: str) -> bytes:
    """All bars as CSV, Parquet, or a stream of Arrow's."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyarrow import csv

    sink = io.BytesIO()
    if form == "csv":
        csv.write_csv(table, sink)
    elif form == "parquet":
        pq.write_table(table, sink)
    else:
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
    return sink.getvalue()


def _plain(value: Any) -> Any:
    return value.isoformat().replace("+00:00", "Z") if hasattr(value, "isoformat") else value
