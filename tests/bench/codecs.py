"""Codecs and levels: what chunks and panels of made bars weigh, and how long they take to write and to read."""

import time
from pathlib import Path

import pyarrow as pa

from barmill.market.chunkset import read_span
from barmill.market.tables import read_parquet, write_parquet
from tests.bench import pricestore
from tests.bench.timing import Options, Table, work_folder

CODECS = ("none", "snappy", "lz4", "zstd:1", "zstd:3", "zstd:9", "zstd:19", "gzip:6", "brotli:4")


class CodecTable(Table):
    """Rows of a codec beside its figures."""

    def text(self) -> str:
        """The table in Markdown."""
        head = "| what | codec | kB a file | write, ms | read, ms |\n|---|---|---:|---:|---:|"
        return "\n".join((head, *self.rows))


def run(options: Options) -> Table:
    """Each codec on a year of a daily series, a month of minutes, and a panel; CPU time, best of the repetitions."""
    table = CodecTable("codecs", options.repeat)
    folder = work_folder("codecs")
    for what, files in pricestore.sample(options):
        tables = [read_parquet(path).replace_schema_metadata(None) for path in files]
        for codec in CODECS:
            size, write, read = _measure(folder / "t.parquet", tables, codec, options.repeat)
            table.rows.append(f"| {what} | `{codec}` | {size / 1e3:.1f} | {write * 1e3:.2f} | {read * 1e3:.2f} |")
    return table


def _measure(path: Path, tables: list[pa.Table], codec: str, repeat: int) -> tuple[float, float, float]:
    """Bytes, and seconds to write and to read, of one file on average."""
    sizes, writes, reads = 0, [], []
    for _ in range(repeat):
        write = read = 0.0
        sizes = 0
        for table in tables:
            order = table.column_names[: 2 if "name" in table.column_names else 1]
            start = time.process_time()
            write_parquet(path, table, order, compression=codec)
            write += time.process_time() - start
            data = path.read_bytes()
            sizes += len(data)
            start = time.process_time()
            read_span(data, -(2**63), 2**63 - 1, table.column_names)
            read += time.process_time() - start
        writes.append(write)
        reads.append(read)
    return sizes / len(tables), min(writes) / len(tables), min(reads) / len(tables)
