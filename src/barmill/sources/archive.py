"""Cold periods moved from a series' text into packs, and back; a kill at any moment leaves every bar to be read once.

In this order: an index, if there is none; the packs; the index that names them; the text without their bars; then files that no
index names any more are removed. Each step is on the disk before the next begins. See `market.archive` for how they are read.
"""

import contextlib
import datetime as dt
import functools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from barmill import files
from barmill.config import Settings
from barmill.errors import ArchiveCorrupt, InputError
from barmill.hashing import digest_bytes
from barmill.market.archive import ORDER, Archive, concat, files_of, folder_of, index_of, joined, read_archived, read_pack
from barmill.market.bars import Bars, stamps, write_raw
from barmill.market.chunkset import split
from barmill.market.datasets import Dataset
from barmill.market.dialects import read_raw
from barmill.market.manifest import Chunk, Identity
from barmill.market.periods import Period, parse_name
from barmill.market.rules import settled
from barmill.market.tables import encode_parquet
from barmill.sources.history import Entry, Writing
from barmill.sources.outcome import Outcome, record

if TYPE_CHECKING:
    import pyarrow as pa

LEVEL = "zstd:19"
_MARK = "barmill"
_STAMP = "stamp"


@dataclass
class Moved(Outcome):
    """What became of archiving a series, or of bringing it back.

    Attributes:
        periods: those of whose bars some were in the text, or are again.
        rows: bars that moved.
        archived: bars in packs now.
        text_before, text_after: bytes of the text.
        packs_before, packs_after: bytes of the packs.
    """

    periods: list[str] = field(default_factory=list)
    rows: int = 0
    archived: int = 0
    text_before: int = 0
    text_after: int = 0
    packs_before: int = 0
    packs_after: int = 0


def archive(dataset: Dataset, identity: Identity, before: dt.date, settings: Settings, *, dry_run: bool = False) -> Moved:
    """Move the periods that end before a day into packs.

    Args:
        dataset: a single series.
        identity: says how it is cut into periods.
        before: a day that is not in the future.
        settings: of the project.
        dry_run: write nothing; only what would move is told.

    Returns:
        What became of it; nothing raises.
    """
    moved = Moved(dataset.name, Entry.begun("archive", ""))
    work = functools.partial(_archive, dataset, identity, before, settings, moved, dry_run)
    record(dataset, settings, moved, work, source=None, dry_run=dry_run)
    return moved


def restore(dataset: Dataset, settings: Settings, *, dry_run: bool = False) -> Moved:
    """Bring all bars back into the text; what became of it, nothing raises."""
    moved = Moved(dataset.name, Entry.begun("restore", ""))
    work = functools.partial(_restore, dataset, settings, moved, dry_run)
    record(dataset, settings, moved, work, source=None, dry_run=dry_run)
    return moved


def replace_all(dataset: Dataset, settings: Settings, writing: Writing, content: bytes) -> None:
    """Publish a text that holds the whole series: from the moment at which it is there the packs are void, and then they go."""
    index = index_of(settings.series, dataset.name)
    digest = digest_bytes(content)
    is_archived = bool(files_of(settings.series, dataset.name))
    if is_archived:
        try:
            pending = {"old": digest_bytes(text_of(dataset)), "new": digest}
            _save(index, replace(Archive.read(index), pending=pending))
        except ArchiveCorrupt:
            pass  # as it is, it is refused until it is gone
    writing.publish(content, digest)
    if is_archived:
        _remove(index)


def settle(dataset: Dataset, settings: Settings) -> None:
    """Bring to its end what an interrupted command left, and remove its litter; call it under the dataset's lock.

    Raises:
        ArchiveCorrupt: the archive is damaged, or the text is neither that before it nor that after it.
    """
    index = index_of(settings.series, dataset.name)
    files.remove(files.draft_of(index))
    if files_of(settings.series, dataset.name):
        told = Archive.read(index)
        if told.is_void(index, text_of(dataset)):
            _remove(index)
        elif told.pending:
            told = replace(told, pending={})
            _save(index, told)
            _sweep(index, told)
        else:
            _sweep(index, told)


def text_of(dataset: Dataset) -> bytes:
    """The content of a series' text; empty if the file is missing.

    Raises:
        InputError: it can't be read.
    """
    try:
        return files.read(dataset.raw)
    except FileNotFoundError:
        return b""
    except OSError as error:
        fault = f"{dataset.raw.absolute()} can't be read: {error.strerror}"
        raise InputError(fault, "make it a file that can be read, or remove it") from None


def _archive(
    dataset: Dataset, identity: Identity, before: dt.date, settings: Settings, moved: Moved, dry_run: bool, writing: Writing
) -> None:
    if not dry_run:
        settle(dataset, settings)
    bars, packed = _whole(dataset, settings, moved)
    index = index_of(settings.series, dataset.name)
    told = Archive.read(index) if packed is not None or index.exists() else Archive(dataset.name)
    cut = list(_split(bars.table, identity))
    cold = [(period, part) for period, part in cut if period.last < before]
    moved.periods = [period.name for period, _ in cold]
    moved.rows = sum(len(part) for _, part in cold)
    if dry_run or not cold:
        return
    kept, touched = _shared(told.packs, [period for period, _ in cold])
    older = concat([read_pack(index.parent / pack.file, pack) for pack in touched])
    cold_bars = replace(bars, table=concat([part for _, part in cold]))
    rows = settled(joined(older, cold_bars).given, dataset.asset_class, settings.rules)
    if not index.exists():
        _save(index, told)
    packs = _packed(folder_of(index), _split(rows, identity), identity)
    told = Archive(dataset.name, sorted([*kept, *packs], key=lambda pack: pack.start))
    _save(index, told)
    rest = concat([part for period, part in cut if period.last >= before])
    content = write_raw(bars.table.slice(0, 0) if rest is None else rest)
    writing.publish(content, digest_bytes(content))
    _sweep(index, told)
    moved.archived, moved.text_after, moved.packs_after = told.rows, len(content), told.size


def _restore(dataset: Dataset, settings: Settings, moved: Moved, dry_run: bool, writing: Writing) -> None:
    if not dry_run:
        settle(dataset, settings)
    bars, packed = _whole(dataset, settings, moved)
    if not files_of(settings.series, dataset.name):
        return
    whole = settled(joined(packed, bars).given, dataset.asset_class, settings.rules)
    moved.rows = whole.num_rows - bars.table.num_rows
    moved.periods = [pack.period for pack in Archive.read(index_of(settings.series, dataset.name)).packs]
    if not dry_run:
        content = write_raw(whole)
        replace_all(dataset, settings, writing, content)
        moved.archived, moved.text_after, moved.packs_after = 0, len(content), 0


def _whole(dataset: Dataset, settings: Settings, moved: Moved) -> tuple[Bars, "pa.Table | None"]:
    """Text, its bars, and archived ones; notes in `moved` how the series is.

    Raises:
        ArchiveCorrupt: the archive is damaged.
        InputError: the text is missing, or has lines that would lose their place in the diagnosis if it were written anew.
    """
    if not dataset.raw.exists():
        raise InputError(f"{dataset.raw.absolute()} does not exist", "bring it back, or fetch it anew with `doit update`")
    text = text_of(dataset)
    bars = read_raw(text, dataset.symbol, dataset.frequency).bars
    if bars.rejected or bars.lines is not None or (bars.raw_rows and not bars.has_header):
        what = f"{len(bars.rejected)} lines that are not bars" if bars.rejected else "lines out of order, or of one time"
        raise InputError(
            f"{dataset.raw.absolute()} has {what if bars.has_header else 'no header'}",
            f"correct it first; {dataset.name}'s diagnosis below artifacts/export lists them",
        )
    found = files_of(settings.series, dataset.name)
    packed = read_archived(text, found)
    table, entry = settled(joined(packed, bars).given, dataset.asset_class, settings.rules), moved.entry
    entry.rows_before = entry.rows_after = table.num_rows
    if table.num_rows:
        entry.start, entry.end = (table.column("date")[at].as_py() for at in (0, table.num_rows - 1))
    moved.archived = packed.num_rows if packed is not None else 0
    moved.text_before = moved.text_after = len(text)
    moved.packs_before = moved.packs_after = Archive.read(found[0]).size if found else 0
    return bars, packed


def _split(table: "pa.Table", identity: Identity) -> Iterator[tuple[Period, "pa.Table"]]:
    """Bars of a text cut where the periods begin."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = pc.cast(stamps(table), pa.timestamp("us")) if identity.zone else pc.cast(table.column("date"), pa.date32())
    for period, part in split(table.add_column(0, _STAMP, column), identity):
        yield period, part.drop_columns([_STAMP])


def _shared(packs: Sequence[Chunk], periods: Sequence[Period]) -> tuple[list[Chunk], list[Chunk]]:
    """Packs that have no day in common with some periods, and those that have."""
    found: tuple[list[Chunk], list[Chunk]] = ([], [])
    for pack in packs:
        span = parse_name(pack.period)
        assert span is not None, "a sealed index names periods"
        found[any(span.first <= each.last and each.first <= span.last for each in periods)].append(pack)
    return found


def _packed(folder: Path, parts: Iterable[tuple[Period, "pa.Table"]], identity: Identity) -> list[Chunk]:
    """Packs of these bars, written together, and each read again.

    Raises:
        ArchiveCorrupt: one does not give back what was written.
    """
    written: dict[Path, tuple[Chunk, pa.Table, bytes]] = {}
    for period, table in parts:
        metadata = {_MARK: json.dumps({**asdict(identity), "period": period.name}, sort_keys=True)}
        data = encode_parquet(table, ORDER, compression=LEVEL, metadata=metadata)
        digest = digest_bytes(data)
        path = folder / f"{digest}.parquet"
        texts = stamps(table)
        start, end = texts[0].as_py(), texts[len(texts) - 1].as_py()
        pack = Chunk(period.name, f"{folder.name}/{path.name}", start, end, len(table), digest, len(data))
        written[path] = pack, table, data
    for error in files.write_durable_all({path: data for path, (_, _, data) in written.items()}, mode=0o444).values():
        raise error
    for path, (pack, table, _) in written.items():
        if not read_pack(path, pack).equals(table):
            raise ArchiveCorrupt(f"pack {path.absolute()} does not give back the bars that were written", "look at the disk")
    return [pack for pack, _, _ in written.values()]


def _save(index: Path, told: Archive) -> None:
    files.write_durable(index, told.encode())


def _sweep(index: Path, told: Archive) -> None:
    """Remove what the index does not name, which a kill left or a pack of more bars has replaced."""
    named = {index.parent / pack.file for pack in told.packs}
    with contextlib.suppress(FileNotFoundError):  # a kill came before the first pack
        for path in list(folder_of(index).iterdir()):
            if path not in named:
                files.remove(path)


def _remove(index: Path) -> None:
    """Remove an archive, the index last: a folder without one is damage. An index that came back would be of another text."""
    files.remove(files.draft_of(index))
    files.remove(folder_of(index))
    files.sync_folder(index.parent)
    files.remove(index)
    files.sync_folder(index.parent)
