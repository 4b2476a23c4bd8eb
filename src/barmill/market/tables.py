"""Tables on disk: the one writer of CSV and Parquet, so that equal rows give equal bytes.

Small tables (lists, reports) are rows of text: a dict of str per row, nothing guessed, so the ticker `NA` stays `NA`.
Large ones are Arrow tables. pyarrow costs 0.13 s to import and is therefore imported by the call that needs it.
"""

import array
import codecs
import csv
import functools
import itertools
import operator
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from barmill.errors import InputError, printable
from barmill.market.compression import DEFAULT

if TYPE_CHECKING:
    import pyarrow as pa

ROW_GROUP = 128 * 1024

_BYTES = "barmill.bytes"


def _in_hexadecimal(error: UnicodeError) -> tuple[str, int]:
    """Bytes of a name that are not UTF-8, which Python has as surrogates, in hexadecimal."""
    assert isinstance(error, UnicodeEncodeError)
    letters = error.object[error.start : error.end]
    return "".join(f"\\x{ord(letter) & 0xFF:02x}" for letter in letters), error.end


codecs.register_error(_BYTES, _in_hexadecimal)

_FORMULA = ("=", "+", "-", "@")


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Write rows of text as UTF-8 CSV with LF line ends; `None` becomes the empty text.

    A byte of a file's name that is not UTF-8 is written in hexadecimal.

    Raises:
        ValueError: a row has other columns than `columns`.
    """
    with open(path, "w", encoding="utf-8", errors=_BYTES, newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        values = operator.itemgetter(*columns)
        for row in rows:
            if len(row) != len(columns):
                raise ValueError(f"{path}: the columns are {', '.join(columns)}, the row has {', '.join(row)}")
            writer.writerow(values(row))


def write_report(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """As `write_rows`, for people: no cell is a formula to a spreadsheet, or does anything to a terminal."""
    write_rows(path, columns, ({name: _harmless(value) for name, value in row.items()} for row in rows))


def _harmless(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if text.startswith(_FORMULA) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


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


def text_array(values: Sequence[str]) -> "pa.StringArray":
    """Text as an Arrow array, without importing pandas."""
    import pyarrow as pa

    encoded = [value.encode() for value in values]
    offsets = array.array("i", itertools.accumulate(map(len, encoded), initial=0))
    return pa.StringArray.from_buffers(len(values), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded)))


def write_parquet(
    path: Path,
    table: "pa.Table",
    order: Sequence[str],
    *,
    compression: str = DEFAULT,
    metadata: Mapping[str, str] | None = None,
    repeating: Sequence[str] = (),
) -> bytes:
    """Write an Arrow table as Parquet to `path`, and return what was written; the rest as `encode_parquet`."""
    data = encode_parquet(table, order, compression=compression, metadata=metadata, repeating=repeating)
    path.write_bytes(data)
    return data


def encode_parquet(
    table: "pa.Table",
    order: Sequence[str],
    *,
    compression: str = DEFAULT,
    metadata: Mapping[str, str] | None = None,
    repeating: Sequence[str] = (),
) -> bytes:
    """An Arrow table as the bytes of a Parquet file, with fixed row groups and page checksums.

    Args:
        table: rows already sorted by `order`.
        order: columns whose values together are unique and ascending: the table's total order.
        compression: codec and level as `parse_compression` spells them.
        metadata: text that the file carries beside its columns.
        repeating: columns of floats with so few different values that a dictionary makes them smaller.

    Raises:
        ValueError: two rows are equal in `order`, are not ascending, or a value of it is null or not a number.
    """
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with ParquetRows(sink, table.schema, order, compression=compression, metadata=metadata, repeating=repeating) as rows:
        rows.write(table)
    data: bytes = sink.getvalue().to_pybytes()
    return data


class ParquetRows:
    """A Parquet file that is written table by table: the way to one that is larger than memory.

    Args:
        sink: the file to write, by its path, or an Arrow stream.
        schema: of the tables.
        order: see `write_parquet`; it holds over all tables together.
        compression: see `write_parquet`.
        metadata: see `write_parquet`.
        repeating: see `write_parquet`.
        row_group: rows of a row group; one is never of two tables.
    """

    def __init__(
        self,
        sink: "Path | pa.NativeFile",
        schema: "pa.Schema",
        order: Sequence[str],
        *,
        compression: str = DEFAULT,
        metadata: Mapping[str, str] | None = None,
        repeating: Sequence[str] = (),
        row_group: int = ROW_GROUP,
    ) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        codec, _, level = compression.partition(":")
        stamps = [field.name for field in schema if pa.types.is_temporal(field.type)]
        self._order, self._row_group = order, row_group
        self._last: pa.Table | None = None
        self._writer = pq.ParquetWriter(
            sink,
            schema.remove_metadata(),
            compression=codec,
            compression_level=int(level) if level else None,
            use_dictionary=_repeating(schema, order, repeating) or False,
            column_encoding=dict.fromkeys(stamps, "DELTA_BINARY_PACKED"),  # stamps are many and near: 8 bytes become a few bits
            version="2.6",
            write_page_checksum=True,
            store_schema=False,
        )
        if metadata:
            self._writer.add_key_value_metadata(metadata)

    def write(self, table: "pa.Table") -> None:
        """Append rows.

        Raises:
            ValueError: see `write_parquet`.
        """
        import pyarrow as pa

        keys = table.select(list(self._order)).replace_schema_metadata(None)
        if not ascends(keys if self._last is None else pa.concat_tables([self._last, keys])):
            raise ValueError(f"rows are not in strictly ascending order of {', '.join(self._order)}")
        if len(keys):
            self._last = keys[-1:]
        self._writer.write_table(table.replace_schema_metadata(None), row_group_size=self._row_group)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()


def _repeating(schema: "pa.Schema", order: Sequence[str], chosen: Sequence[str]) -> list[str]:
    """Columns for which a dictionary pays: of prices, and of a column that is unique by itself, it makes files larger.

    Stamps are stored by their steps instead.
    """
    import pyarrow as pa

    def pays(field: "pa.Field") -> bool:
        plain = pa.types.is_floating(field.type) or pa.types.is_temporal(field.type)
        return field.name in chosen or not (plain or list(order) == [field.name])

    return [field.name for field in schema if pays(field)]


def ascends(keys: "pa.Table") -> bool:
    """Whether each row is greater than the one before it, by the first column in which they differ; a null is not."""
    import pyarrow.compute as pc

    greater = None
    for column in reversed(keys.columns):
        if column.null_count:
            return False
        before, after = column[:-1], column[1:]
        less = pc.less(before, after)
        greater = less if greater is None else pc.or_(less, pc.and_(pc.equal(before, after), greater))
    return greater is None or pc.all(greater).as_py() is not False  # of one row, and of none, it is None


def read_parquet(path: Path, columns: Sequence[str] | None = None) -> "pa.Table":
    """Read a Parquet file, or some of its columns, as an Arrow table (without importing pandas)."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        # no threads: a process that ends soon after Arrow has started its own is now and then aborted
        return file.read(columns=list(columns) if columns else None, use_threads=False)
