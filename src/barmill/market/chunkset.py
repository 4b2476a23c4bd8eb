"""Chunks: a dataset's bars as one Parquet file per period, each of which says whose it is.

Bars within a day are stored in UTC. A wall clock time that came twice, when clocks were put back, is taken as the second: of
bars with the same stamp the export keeps the last. One that never came, when they were put forward, is refused: the
stamps are of another zone, and there is no telling of which.
"""

import datetime as dt
import functools
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from barmill.errors import ChunkCorrupt, ChunkMissing, InputError
from barmill.hashing import digest_bytes
from barmill.market import arrays
from barmill.market.manifest import Chunk, Identity, Manifest
from barmill.market.periods import Period, parse_name, period_of
from barmill.market.schema import BAR, DATE, PRICES, TIME, VALUES
from barmill.market.tables import read_parquet, write_parquet

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

SUFFIX = ".parquet"

_MARK = "barmill"
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_FIRST_DAY = _EPOCH.date().toordinal()


def stamp_of(identity: Identity) -> str:
    """The column that says when a bar is: `time` within a day, else `date`."""
    return TIME if identity.zone else DATE


def schema_of(identity: Identity) -> "pa.Schema":
    """Columns and types of the dataset's chunks."""
    import pyarrow as pa

    stamp = pa.timestamp("us", "UTC") if identity.zone else pa.date32()
    values = [pa.field(name, pa.float64()) for name in VALUES]
    return pa.schema([pa.field(stamp_of(identity), stamp), *values])


def columns_of(identity: Identity) -> dict[str, str]:
    """Column → dtype of the dataset's chunks, as the manifest says it; without pyarrow."""
    stamp = "timestamp[us, tz=UTC]" if identity.zone else "date32[day]"
    return {stamp_of(identity): stamp, **dict.fromkeys(VALUES, "double")}


def read_export(path: Path, identity: Identity, clock: str) -> "pa.Table":
    """Bars of an export in the form in which they are stored: `date` or `time`, then `schema.VALUES`, strictly ascending.

    Args:
        path: CSV as the stage `export` writes it.
        identity: of its dataset.
        clock: IANA time zone of its stamps; "" where they are dates.

    Raises:
        InputError: it has other columns, a value of another type, a price that is no finite number, stamps that are not
            strictly ascending, or one that no clock of the zone has shown.
    """
    import pyarrow.compute as pc

    raw = _parse(path)
    stamps = _instants(raw, clock, path) if identity.zone else raw.column("date")
    _refuse_disorder(path, stamps)
    for name in PRICES:
        column = raw.column(name)
        if column.null_count or pc.all(pc.is_finite(column)).as_py() is False:
            raise InputError(f"{path}: a value in column {name} is no finite number", _MENDED)
    return raw.select(list(VALUES)).add_column(0, stamp_of(identity), stamps).combine_chunks()


def split(table: "pa.Table", identity: Identity) -> Iterator[tuple[Period, "pa.Table"]]:
    """Cut bars where the dataset's periods begin; periods without a bar are left out."""
    found = arrays.stamps(table.column(0))
    zone = ZoneInfo(identity.zone) if identity.zone else None
    at = 0
    while at < len(found):
        period = period_of(identity.scheme, _day(int(found[at]), zone))
        end = period.instants(zone)[1] if zone else period.days()[1]
        after = int(found.searchsorted(end))
        yield period, table.slice(at, after - at)
        at = after


def write_chunk(path: Path, table: "pa.Table", identity: Identity, compression: str) -> Chunk:
    """Write one period's bars; returns what the manifest says of the file."""
    metadata = {_MARK: json.dumps(asdict(identity), sort_keys=True)}
    data = write_parquet(path, table, [stamp_of(identity)], compression=compression, metadata=metadata)
    return _describe(path, identity, table, data)


def _describe(path: Path, identity: Identity, table: "pa.Table", data: bytes) -> Chunk:
    found = arrays.stamps(table.column(0))
    first, last = text_of(int(found[0]), identity), text_of(int(found[-1]), identity)
    name = f"{identity.name.rpartition('/')[2]}/{path.name}"
    return Chunk(path.name.removesuffix(SUFFIX), name, first, last, len(table), digest_bytes(data), len(data))


def open_chunk(path: Path, chunk: Chunk, identity: Identity) -> bytes:
    """The bytes of a chunk, which are those that its manifest vouches for.

    Raises:
        ChunkMissing: it is not there.
        ChunkCorrupt: its bytes are others.
    """
    cure = f'run "doit chunks:{identity.name}"'
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ChunkMissing(f"{identity.name}: chunk {path} does not exist", cure) from None
    except OSError as error:
        raise ChunkCorrupt(f"{identity.name}: chunk {path} can't be read: {error.strerror}", cure) from None
    if digest_bytes(data) != chunk.digest:
        what = f"{len(data)} bytes, not {chunk.bytes}" if len(data) != chunk.bytes else "its bytes are others"
        raise ChunkCorrupt(f"{identity.name}: chunk {path} is not what its manifest vouches for: {what}", cure)
    return data


def read_span(data: bytes, low: int, high: int, columns: Sequence[str]) -> "pa.Table":
    """Rows of a Parquet file whose first column, ascending, is a stamp from `low` up to, not including, `high`.

    Args:
        data: the file's bytes, known to be those that were written: their page checksums are not looked at again.
        low: days since 1970, or microseconds.
        high: the same.
        columns: what to decode; the first is the stamp.

    Returns:
        These columns, in the order of the file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(pa.BufferReader(data), pre_buffer=False) as file:
        said = [file.metadata.row_group(at) for at in range(file.num_row_groups)]
        stamps = [group.column(0).statistics for group in said]
        groups = [at for at, each in enumerate(stamps) if each.max_raw >= low and each.min_raw < high]
        # no threads: a process that ends soon after Arrow has started its own is now and then aborted
        table = file.read_row_groups(groups, columns=list(columns), use_threads=False)
    at, to = arrays.stamps(table.column(0)).searchsorted([low, high])
    return table.slice(at, to - at).replace_schema_metadata(None)


def rebuild(folder: Path) -> Manifest:
    """The manifest of the chunks in a folder, from nothing but the files.

    Raises:
        ChunkMissing: there is no chunk in it.
        ChunkCorrupt: a file is damaged, not one of ours, of another dataset or scheme than the others, or its bars lie
            outside its period.
    """
    paths = sorted(path for path in folder.glob(f"*{SUFFIX}") if not path.name.startswith("."))
    if not paths:
        raise ChunkMissing(f"there is no chunk in {folder.absolute()}", 'run "doit chunks"')
    identity = _identity(paths[0])
    chunks = []
    for path in paths:
        if _identity(path) != identity:
            raise ChunkCorrupt(f"{path} is of another dataset or scheme than {paths[0]}", "keep those of one in a folder")
        chunks.append(_describe(path, identity, _whole(path, identity), path.read_bytes()))
    return Manifest(identity, columns_of(identity), tuple(chunks))


@functools.lru_cache(maxsize=1 << 16)
def number_of(text: str) -> int:
    """The stamp that `text_of` spelled."""
    if len(text) == len("2024-01-02"):
        return dt.date.fromisoformat(text).toordinal() - _FIRST_DAY
    return (dt.datetime.fromisoformat(text) - _EPOCH) // dt.timedelta(microseconds=1)


def identity_of(path: Path, said: "pq.FileMetaData") -> Identity:
    """What a chunk says of itself.

    Raises:
        ChunkCorrupt: it is none of ours.
    """
    try:
        return Identity(**json.loads(said.metadata[_MARK.encode()]))
    except (KeyError, ValueError, TypeError) as error:
        raise ChunkCorrupt(f"{path} is no chunk: {error!r}", _REBUILT) from None


def text_of(stamp: int, identity: Identity) -> str:
    """A stamp as manifests spell it: days since 1970 as `2024-01-02`, microseconds as `2024-01-02T14:30:00Z`."""
    if not identity.zone:
        return dt.date.fromordinal(stamp + _FIRST_DAY).isoformat()
    return (_EPOCH + dt.timedelta(microseconds=stamp)).isoformat().replace("+00:00", "Z")


def _parse(path: Path) -> "pa.Table":
    import pyarrow as pa
    from pyarrow import csv

    with open(path, "rb") as file:
        header = file.readline().decode("utf-8", "backslashreplace").rstrip("\r\n")
    if header != ",".join(BAR):
        raise InputError(f"{path} has the columns {header}, an export has {','.join(BAR)}", _MENDED)
    types = {"date": pa.date32(), "time": pa.time32("s"), **dict.fromkeys(VALUES, pa.float64())}
    try:
        return csv.read_csv(
            path,
            read_options=csv.ReadOptions(use_threads=False),
            parse_options=csv.ParseOptions(quote_char=False),
            convert_options=csv.ConvertOptions(column_types=types, include_columns=list(types), null_values=[""]),
        )
    except pa.ArrowInvalid as error:
        raise InputError(f"{path}: {error}", _MENDED) from None


def _instants(raw: "pa.Table", clock: str, path: Path) -> "pa.ChunkedArray":
    """The wall clock stamps of an export as timestamp[us, UTC]."""
    import pyarrow as pa
    import pyarrow.compute as pc

    seconds = pc.cast(pc.cast(pc.cast(raw.column("time"), pa.int32()), pa.int64()), pa.duration("s"))
    local = pc.add(pc.cast(raw.column("date"), pa.timestamp("us")), seconds)
    try:
        instants = pc.assume_timezone(local, clock, ambiguous="latest", nonexistent="raise")
    except pa.ArrowInvalid as error:
        cure = f"mend its raw file; a series stamped in UTC lies at <series>/<asset class>/<frequency>/{path.stem}.txt"
        raise InputError(f"{path}: a stamp is no time in {clock}: {' '.join(str(error).split())}", cure) from None
    return pc.cast(instants, pa.timestamp("us", "UTC"))


def _refuse_disorder(path: Path, stamps: "pa.ChunkedArray") -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    if stamps.null_count:
        raise InputError(f"{path}: {stamps.null_count} bars have no stamp", _MENDED)
    ascending = pc.less(stamps[:-1], stamps[1:])
    if pc.all(ascending).as_py() is False:
        at = pc.indices_nonzero(pc.invert(ascending))[0].as_py()
        before, after = pc.cast(stamps[at : at + 2], pa.string()).to_pylist()
        raise InputError(f"{path}: line {at + 3} is of {after}, after {before}", _DISORDER)


def _day(stamp: int, zone: ZoneInfo | None) -> dt.date:
    """The date of a stamp, in `zone` if it is an instant."""
    if zone is None:
        return dt.date.fromordinal(stamp + _FIRST_DAY)
    return (_EPOCH + dt.timedelta(microseconds=stamp)).astimezone(zone).date()


def _identity(path: Path) -> Identity:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        said = pq.read_metadata(path)
    except (OSError, pa.ArrowException) as error:
        raise ChunkCorrupt(f"{path} is no chunk, or is damaged: {error}", _REBUILT) from None
    return identity_of(path, said)


def _whole(path: Path, identity: Identity) -> "pa.Table":
    """All bars of a chunk without manifest, if there is nothing wrong with it."""
    import pyarrow as pa

    try:
        table = read_parquet(path)
    except (OSError, pa.ArrowException) as error:
        raise ChunkCorrupt(f"{path} is damaged: {error}", _REBUILT) from None
    period = parse_name(path.name.removesuffix(SUFFIX))
    if period is None or period.scheme != identity.scheme or not table.schema.equals(schema_of(identity)) or not len(table):
        raise ChunkCorrupt(f"{path} is no chunk by {identity.scheme} of {identity.name}", _REBUILT)
    found = arrays.stamps(table.column(0))
    first, end = period.instants(ZoneInfo(identity.zone)) if identity.zone else period.days()
    if not (first <= found[0] <= found[-1] < end):
        raise ChunkCorrupt(f"{path} has bars outside its period", _REBUILT)
    return table


_MENDED = "the file was edited or damaged; delete it and run doit"
_DISORDER = "bars of a day or longer have one a date; where it is an export that was edited, delete it and run doit"
_REBUILT = 'run "doit chunks", or remove the file'
