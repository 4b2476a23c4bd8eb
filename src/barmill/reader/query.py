"""A question about bars: whose, from when to when, which columns; and its answer, one series after the other."""

import bisect
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from barmill.errors import BarsError, ChunkCorrupt, ChunkMissing
from barmill.market.chunkset import number_of, open_chunk, read_span
from barmill.market.datasets import MINUTES, Dataset
from barmill.market.manifest import Chunk, Manifest
from barmill.market.schema import DATE, NAME, TIME, VALUES
from barmill.market.tables import text_array
from barmill.reader.bounds import Moment, span
from barmill.reader.catalogue import Catalogue

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")

_TRIES = 4
_PAUSE = 0.05  # seconds; a build puts a dataset's chunks and its manifest in place within a few milliseconds


class Query:
    """What is asked for.

    Args:
        catalogue: the project's datasets.
        symbols: see `read_bars`.
        start: see `read_bars`.
        end: see `read_bars`.
        columns: see `read_bars`.
        frequency: see `read_bars`.

    Attributes:
        datasets: those that are meant, in order of name.
        stamp: the column that says when a bar is.
        columns: stamp, name, and the values in the order in which they were asked for.

    Raises:
        BarsError: there is no such dataset or column.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        symbols: str | Iterable[str] | None,
        start: Moment,
        end: Moment,
        columns: Iterable[str] | None,
        frequency: str | None,
    ) -> None:
        self.catalogue = catalogue
        self.datasets = catalogue.find(symbols, frequency)
        self.stamp = TIME if self.datasets[0].frequency in MINUTES else DATE
        self._start, self._end = start, end
        self._spans: dict[str, tuple[int, int]] = {}
        asked = list(VALUES if columns is None else [columns] if isinstance(columns, str) else columns)
        if unknown := [name for name in asked if name not in VALUES]:
            raise BarsError(f"bars have no column {', '.join(unknown)}", f"there are {', '.join(VALUES)}")
        self.columns = [self.stamp, NAME, *dict.fromkeys(asked)]

    def span(self, manifest: Manifest) -> tuple[int, int]:
        """The first stamp that is asked for of a dataset, and the first that is no longer."""
        zone = manifest.identity.zone
        if zone not in self._spans:
            self._spans[zone] = span(self._start, self._end, manifest.identity)
        return self._spans[zone]

    def hits(self, manifest: Manifest) -> list[Chunk]:
        """The chunks that can hold what is asked for."""
        (low, high), chunks = self.span(manifest), manifest.chunks
        first = bisect.bisect_left(chunks, low, key=lambda chunk: number_of(chunk.end))
        return list(chunks[first : bisect.bisect_left(chunks, high, first, key=lambda chunk: number_of(chunk.start))])

    def pieces(self, dataset: Dataset) -> Iterator["pa.Table"]:
        """The bars of a dataset, in order of time, a table of `columns` per chunk.

        Raises:
            ChunkMissing: a chunk or the manifest is not there.
            ChunkCorrupt: one of them is not what was built.
        """
        manifest = self.catalogue.manifest(dataset)
        for chunk in self.hits(manifest):
            yield self.piece(manifest, chunk)

    def piece(self, manifest: Manifest, chunk: Chunk) -> "pa.Table":
        """What is asked for of one chunk."""
        import pyarrow as pa

        whose = manifest.identity
        data = open_chunk(self.catalogue.plan.manifest_path(whose.name).parent / chunk.file, chunk, whose)
        table = read_span(data, *self.span(manifest), [name for name in self.columns if name != NAME])
        name = pa.repeat(text_array([whose.name])[0], len(table))
        return table.add_column(1, NAME, name).select(self.columns)

    def series(self, dataset: Dataset) -> list["pa.Table"]:
        """As `pieces`, all of one build, also while the next one is being put in place."""
        return steadily(lambda: list(self.pieces(dataset)))

    def nothing(self) -> "pa.Table":
        """The answer's schema, without a row."""
        import pyarrow as pa

        stamp = pa.timestamp("us", "UTC") if self.stamp == TIME else pa.date32()
        types = {self.stamp: stamp, NAME: pa.string()}
        return pa.Table.from_batches([], pa.schema([pa.field(name, types.get(name, pa.float64())) for name in self.columns]))


def steadily(read: Callable[[], T]) -> T:
    """What `read` gives; tried again for a moment where what it finds does not fit together, for a build may be at work."""
    for _ in range(_TRIES - 1):
        try:
            return read()
        except (ChunkMissing, ChunkCorrupt):
            time.sleep(_PAUSE)
    return read()
