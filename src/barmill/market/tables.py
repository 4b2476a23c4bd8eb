"""Tables on disk: the one writer of CSV and Parquet, so that equal rows give equal bytes.

Small tables (lists, reports) are rows of text: a dict of str per row, nothing guessed, so the ticker `NA` stays `NA`.
Large ones are Arrow tables. pyarrow costs 0.13 s to import and is therefore imported by the call that needs it.
"""

import csv
import functools
import itertools
import operator
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from barmill.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

ROW_GROUP = 128 * 1024


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Write rows of text as UTF-8 CSV with LF line ends; `None` becomes the empty text.

    Raises:
        ValueError: a row has other columns than `columns`.
    """
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        values = operator.itemgetter(*columns)
        for row in rows:
            if len(row) != len(columns):
                raise ValueError(f"{path}: the columns are {', '.join(columns)}, the row has {', '.join(row)}")
            writer.writerow(values(row))


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read a table that `write_rows` wrote.

    Raises:
        InputError: a row has more or fewer fields than the header.
    """
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        header = next(reader, [])
        rows = []
        for row in reader:
            if len(row) != len(header):
                raise InputError(
                    f"{path}, line {reader.line_num}: {len(row)} fields where the header has {len(header)}",
                    "the file was edited or damaged; delete it and run doit",
                )
            rows.append(dict(zip(header, row, strict=True)))
        return rows


@functools.cache
def constant(value: float | str) -> "pa.Scalar":
    """An Arrow scalar, parsed from text: `pa.scalar` and bare Python numbers make Arrow import pandas, for 0.3 s."""
    import pyarrow as pa
    from pyarrow import csv

    kind = pa.string() if isinstance(value, str) else pa.int32() if isinstance(value, int) else pa.float64()
    table = csv.read_csv(
        pa.BufferReader(f"{value}\n".encode()),
        read_options=csv.ReadOptions(column_names=["value"], use_threads=False),
        convert_options=csv.ConvertOptions(column_types={"value": kind}),
    )
    return table.column("value")[0]


def write_parquet(path: Path, table: "pa.Table", order: Sequence[str]) -> None:
    """Write an Arrow table as Parquet, with fixed row groups and page checksums.

    Args:
        path: the file to write.
        table: rows already sorted by `order`.
        order: columns whose values together are unique and ascending: the table's total order.

    Raises:
        ValueError: two rows are equal in `order`, or are not ascending.
    """
    import pyarrow.parquet as pq

    keys = list(zip(*(table.column(name).to_pylist() for name in order), strict=True))
    if any(a >= b for a, b in itertools.pairwise(keys)):
        raise ValueError(f"{path}: rows are not in strictly ascending order of {', '.join(order)}")
    pq.write_table(
        table.replace_schema_metadata(None),
        path,
        row_group_size=ROW_GROUP,
        compression="zstd",
        version="2.6",
        write_page_checksum=True,
        store_schema=False,
    )


def read_parquet(path: Path, columns: Sequence[str] | None = None) -> "pa.Table":
    """Read a Parquet file, or some of its columns, as an Arrow table (without importing pandas)."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        return file.read(columns=list(columns) if columns else None)
