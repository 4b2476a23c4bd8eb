"""Panels: the bars of all datasets of a frequency in one period, time first, for reading across series.

A panel is made of the datasets' chunks of that period, and the file beside it says of exactly which: one that was made of
other chunks than there are now is behind.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from barmill.errors import ChunkCorrupt
from barmill.hashing import digest_file
from barmill.market.arrays import stamps
from barmill.market.chunkset import identity_of
from barmill.market.manifest import FORMAT, seal, unseal
from barmill.market.schema import NAME
from barmill.market.tables import ParquetRows, text_array

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

ROW_GROUP = 8 * 1024
"""Rows of a row group: a month of a year of some hundred series is a few of them, and no other is read."""

SLAB = 512 * 1024
"""Rows that are held and sorted at a time."""


@dataclass(frozen=True, slots=True)
class Panel:
    """What a panel was made of.

    Attributes:
        chunks: dataset name → digest of its chunk of the period.
        rows: number of bars.
        digest: xxh3-128 of the panel's file.
    """

    chunks: Mapping[str, str]
    rows: int
    digest: str

    def encode(self) -> bytes:
        """As it lies on disk."""
        return seal({"format": FORMAT, "rows": self.rows, "digest": self.digest, "chunks": dict(self.chunks)})

    @classmethod
    def read(cls, path: Path) -> "Panel":
        """Read what `encode` wrote.

        Raises:
            ChunkMissing: there is no such file.
            ChunkCorrupt: it is not what was written.
        """
        told = unseal(path)
        try:
            return cls(told["chunks"], told["rows"], told["digest"])
        except KeyError as error:
            raise ChunkCorrupt(f"{path} lacks {error}", 'run "doit panel"') from None


def write_panel(path: Path, files: Sequence[Path], names: Sequence[str], compression: str) -> Panel:
    """Write the bars of some chunks of one period, in order of time, then of name.

    Args:
        path: the file to write: `date` or `time`, `name`, then the chunks' other columns.
        files: a chunk of each dataset; at least one.
        names: of the datasets, ascending.
        compression: see `parse_compression`.

    Returns:
        What it was made of.

    Raises:
        ChunkCorrupt: a chunk is not of the dataset that it is said to be of.
    """
    import pyarrow as pa

    with _open(files[0]) as chunk:
        schema = chunk.schema_arrow.remove_metadata().insert(1, pa.field(NAME, pa.string()))
    rows = 0
    with ParquetRows(path, schema, schema.names[:2], compression=compression, row_group=ROW_GROUP) as panel:
        for slab in _slabs(files, text_array(names)):
            panel.write(slab.sort_by(schema.names[0]).cast(schema))  # stable: bars of one time stay in order of name
            rows += len(slab)
    return Panel(dict(zip(names, map(digest_file, files), strict=True)), rows, digest_file(path))


def _slabs(files: Sequence[Path], names: "pa.StringArray") -> Iterator["pa.Table"]:
    """The bars of all chunks in some spans of time, one after the other, none larger than memory; unordered."""
    import pyarrow as pa

    edges = _edges(files, names)
    for low, high in itertools.pairwise(edges):
        parts = []
        for path, name in zip(files, names, strict=True):
            with _open(path) as file:
                table = file.read(use_threads=False)
            at, to = stamps(table.column(0)).searchsorted([low, high])
            part = table.slice(at, to - at).replace_schema_metadata(None)
            parts.append(part.add_column(1, NAME, pa.repeat(name, len(part))))
        yield pa.concat_tables(parts)


def _edges(files: Sequence[Path], names: "pa.StringArray") -> list[int]:
    """Stamps between which no more than about `SLAB` bars lie; the first and the last are those of all bars."""
    rows, lows, highs = 0, [], []
    for path, name in zip(files, names.to_pylist(), strict=True):
        with _open(path) as file:
            said = file.metadata
            if identity_of(path, said).name != name:
                raise ChunkCorrupt(f"{path} is no chunk of {name}", 'run "doit chunks"')
            rows += said.num_rows
            statistics = [said.row_group(at).column(0).statistics for at in range(said.num_row_groups)]
        lows.append(statistics[0].min_raw)
        highs.append(statistics[-1].max_raw)
    low, high = min(lows), max(highs) + 1
    slabs = -(-rows // SLAB)
    return sorted({low + (high - low) * at // slabs for at in range(slabs + 1)})


def _open(path: Path) -> "pq.ParquetFile":
    import pyarrow.parquet as pq

    return pq.ParquetFile(path, page_checksum_verification=True)
