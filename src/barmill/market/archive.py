"""Archives: cold periods of a single series as Parquet packs beside its text, read together with it as one series.

    <series>/.archive/forex/1min/EURUSD.json                the index: which packs there are, sealed as manifests are
    <series>/.archive/forex/1min/EURUSD/<digest>.parquet    a pack: one period's bars, named by the xxh3-128 of its bytes

Where the text and a pack have a bar of the same stamp, the text's counts: between the writing of packs and the shortening of
the text every bar is there twice, and afterwards a corrected line may be put into the text by hand. While a text that holds
the whole series takes the place of text and packs, the index says which text it is: as soon as it is there, the packs are void.
"""

import itertools
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from barmill.errors import ArchiveCorrupt, BarsError
from barmill.files import read
from barmill.hashing import digest_bytes, digest_file
from barmill.market.arrays import arrow
from barmill.market.bars import Bars, stamps
from barmill.market.dialects import Reading, read_raw
from barmill.market.manifest import Chunk, seal, unseal
from barmill.market.tables import ascends

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 1
ORDER = ("date", "time")

_FOLDER = ".archive"
_CURE = 'bring it back from a backup, or fetch the whole series anew with "doit load --replace"'


@dataclass(frozen=True, slots=True)
class Archive:
    """The index of an archive.

    Attributes:
        name: of the dataset.
        packs: in order of time; `file` is relative to the index's folder, stamps are `2024-01-31 09:30:00`.
        pending: digests of the text before (`old`) and after (`new`) it is replaced by one that holds the whole series; empty
            at all other times.
    """

    name: str
    packs: Sequence[Chunk] = ()
    pending: Mapping[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Number of bars."""
        return sum(pack.rows for pack in self.packs)

    @property
    def size(self) -> int:
        """Bytes of the packs."""
        return sum(pack.bytes for pack in self.packs)

    def encode(self) -> bytes:
        """The index as it lies on disk."""
        packs = [asdict(pack) for pack in self.packs]
        return seal({"format": FORMAT, "name": self.name, "rows": self.rows, "pending": dict(self.pending), "packs": packs})

    @classmethod
    def read(cls, path: Path) -> "Archive":
        """Read an index.

        Raises:
            ArchiveCorrupt: it is missing, not what was written, of another format or of another series.
        """
        try:
            told = unseal(path, FORMAT)
            packs = tuple(Chunk(*(each[name] for name in Chunk.__slots__)) for each in told["packs"])
            found = cls(told["name"], packs, told["pending"])
        except BarsError as error:
            raise ArchiveCorrupt(f"archive: {error.fact}", _CURE) from None
        except (KeyError, TypeError) as error:
            raise ArchiveCorrupt(f"archive: {path.absolute()} lacks {error}", _CURE) from None
        if not path.as_posix().endswith(f"/{found.name}.json"):
            raise ArchiveCorrupt(f"archive: {path.absolute()} is of {found.name}", _CURE)
        return found

    def is_void(self, path: Path, text: bytes) -> bool:
        """Whether this text has taken the place of the packs.

        Args:
            path: of the index, for the error.
            text: content of the series' text.

        Raises:
            ArchiveCorrupt: one was about to, and the text is neither that nor the one before it.
        """
        if not self.pending:
            return False
        digest = digest_bytes(text)
        if digest not in self.pending.values():
            raise ArchiveCorrupt(
                f"the text of {self.name} was edited after its replacing had been interrupted; whether it still needs the "
                f"packs of {path.absolute()} can't be told",
                "bring the text back from a backup; if it holds the whole series, remove the index and the folder beside it",
            )
        return digest == self.pending["new"]


def index_of(series: Path, name: str) -> Path:
    """Where the index of a dataset's archive lies; `series` is the folder of single series."""
    return series / _FOLDER / f"{name}.json"


def folder_of(index: Path) -> Path:
    """The folder of the packs."""
    return index.with_name(index.name.removesuffix(".json"))


def names(series: Path) -> list[str]:
    """The datasets that have an archive, or what is left of one."""
    root = series / _FOLDER
    found = (path.relative_to(root).as_posix() for path in root.glob("*/*/[!.]*"))
    return sorted({name.removesuffix(".json") for name in found})


def files_of(series: Path, name: str) -> list[Path]:
    """The index of a dataset's archive and its packs, those that are missing, too; none if there is no archive."""
    index = index_of(series, name)
    try:
        packs = Archive.read(index).packs
    except ArchiveCorrupt:
        return [index] if index.exists() or folder_of(index).exists() else []
    return [index, *(index.parent / pack.file for pack in packs)]


def read_series(text: bytes, archive: Sequence[Path], symbol: str, frequency: str) -> Reading:
    """Bars of a series' text and of its archive, as `dialects.read_raw` would give them of a text that held them all.

    Args:
        text: content of the series' text.
        archive: see `files_of`.
        symbol: see `dialects.read_raw`.
        frequency: likewise.

    Raises:
        ArchiveCorrupt: the archive is not what was written.
    """
    reading = read_raw(text, symbol, frequency)
    return replace(reading, bars=joined(read_archived(text, archive), reading.bars))


def read_archived(text: bytes, archive: Sequence[Path]) -> "pa.Table | None":
    """The archived bars, ascending, whether the text has them, too, or not; None if there are none.

    Args:
        text: content of the series' text: it says whether the packs count.
        archive: see `files_of`.

    Raises:
        ArchiveCorrupt: the archive is not what was written.
    """
    if not archive:
        return None
    index, *packs = archive
    told = Archive.read(index)
    if told.is_void(index, text):
        return None
    places = {path.name: path for path in packs}
    return concat([read_pack(places[f"{pack.digest}.parquet"], pack) for pack in told.packs])


def read_pack(path: Path, pack: Chunk) -> "pa.Table":
    """The bars of a pack.

    Raises:
        ArchiveCorrupt: it is missing, or its bytes are not those that its name tells.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        data = read(path, pack.bytes)
    except OSError as error:
        raise ArchiveCorrupt(f"pack {path.absolute()} can't be read: {error.strerror}", _CURE) from None
    if digest_bytes(data) != pack.digest:
        raise ArchiveCorrupt(_differs(path, len(data), pack), _CURE)
    with pq.ParquetFile(pa.BufferReader(data)) as file:
        return file.read(use_threads=False).replace_schema_metadata(None)  # see `tables.read_parquet`


def damage(archive: Sequence[Path]) -> Iterator[str]:
    """What is wrong with an archive, every byte of which is read."""
    if not archive:
        return
    index, *packs = archive
    try:
        told = Archive.read(index)
    except ArchiveCorrupt as error:
        yield f"{error.fact}; {error.hint}"
        return
    for path, pack in zip(packs, told.packs, strict=True):
        try:
            if digest_file(path) != pack.digest:
                yield f"{_differs(path, path.stat().st_size, pack)}; {_CURE}"
        except OSError as error:
            yield f"pack {path.absolute()} can't be read: {error.strerror}; {_CURE}"


def joined(packed: "pa.Table | None", bars: Bars) -> Bars:
    """Archived bars and those of a text.

    Where both have a bar, `table` has the text's; `given` has the archived one, too, before it, unless they are equal.
    """
    import pyarrow.compute as pc

    if packed is None or not bars.table.num_rows:
        return bars if packed is None else replace(bars, table=packed, raw_rows=bars.raw_rows + packed.num_rows)
    replaced, others = packed.slice(0, 0), packed
    if _stamp(packed, -1) >= _stamp(bars.table, 0):
        shared = pc.is_in(stamps(packed), stamps(bars.table))
        known = set(map(_values, bars.table.filter(pc.is_in(stamps(bars.table), stamps(packed))).to_pylist()))
        others, both = packed.filter(pc.invert(shared)), packed.filter(shared)
        replaced = both.take(_indices(at for at, row in enumerate(both.to_pylist()) if _values(row) not in known))
    lines = None
    if bars.lines is not None or replaced.num_rows:
        lines = _before(concat([others, replaced]), bars.given)
    table = concat([others, bars.table])
    return replace(bars, table=table, raw_rows=bars.raw_rows + others.num_rows, lines=lines)


def _before(packed: "pa.Table", given: "pa.Table") -> "pa.Table":
    """Bars of both: those of a text as they are, and each archived one before the first of the text that is not earlier."""
    import pyarrow as pa

    latest = list(itertools.accumulate(stamps(given).to_pylist(), max))
    places = [(bisect_left(latest, stamp), 0, row) for row, stamp in enumerate(stamps(packed).to_pylist())]
    places += [(row, 1, row + packed.num_rows) for row in range(given.num_rows)]
    return pa.concat_tables([packed, given]).take(_indices(row for _, _, row in sorted(places))).combine_chunks()


def _values(row: Mapping[str, object]) -> tuple[object, ...]:
    return tuple(row.values())


def _indices(rows: Iterable[int]) -> "pa.Array":
    import numpy as np

    return arrow(np.fromiter(rows, np.int64))


def apart(table: "pa.Table", packed: "pa.Table | None") -> "pa.Table | None":
    """What the text has to hold, if the packs stay as they are; None if they can't: a bar of theirs is another now, or gone."""
    import pyarrow.compute as pc

    if packed is None:
        return table
    held = pc.is_in(stamps(table), stamps(packed))
    return table.filter(pc.invert(held)) if table.filter(held).equals(packed) else None


def concat(tables: Sequence["pa.Table"]) -> "pa.Table | None":
    """Tables of bars that have no stamp in common as one, ascending; None of none."""
    import pyarrow as pa

    if not tables:
        return None
    table = pa.concat_tables(tables)
    if not ascends(table.select(list(ORDER))):
        table = table.sort_by([(name, "ascending") for name in ORDER])
    return table.combine_chunks()


def _stamp(table: "pa.Table", at: int) -> tuple[str, ...]:
    return tuple(table.column(name)[at % table.num_rows].as_py() for name in ORDER)


def _differs(path: Path, size: int, pack: Chunk) -> str:
    what = f"{size} bytes, not {pack.bytes}" if size != pack.bytes else "its bytes are others"
    return f"pack {path.absolute()} is not what was written: {what}"
