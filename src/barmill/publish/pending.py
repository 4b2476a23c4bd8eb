"""What is to be published: artifacts of which the ledger does not know the digest, the newest first."""

import datetime as dt
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from barmill.errors import InputError
from barmill.publish.parts import Entry, Part

NEW, CHANGED, INCOMPLETE, MISCOUNTED, FORCED = "new", "changed", "incomplete", "rows missing or added in the database", "forced"

_BATCH_BYTES = 128 << 20
_MOST_SYMBOLS = 200  # of a transaction, each with its lock


@dataclass(frozen=True)
class Artifact:
    """A symbol's indicators as they are built: their file and its digest."""

    symbol: str
    path: Path
    digest: str


@dataclass(frozen=True)
class Wish:
    """What the caller wants published.

    Attributes:
        since: only rows from this date on.
        today_only: of each symbol only the rows after those published; of one never published those of the newest date.
        limit: at most so many symbols; 0: all.
        force: also what the ledger vouches for.
    """

    since: dt.date | None = None
    today_only: bool = False
    limit: int = 0
    force: bool = False


def pending(artifacts: Iterable[Artifact], entries: Mapping[str, Entry], wish: Wish) -> tuple[list[Part], dict[str, str]]:
    """The parts to publish, the newest symbols first, and symbol → error of those whose artifact can't be read."""
    parts, errors = [], {}
    for artifact in artifacts:
        entry = entries.get(artifact.symbol)
        why = _reason(artifact, entry, wish)
        if not why:
            continue
        try:
            part = _part(artifact, why)
        except InputError as error:
            errors[artifact.symbol] = str(error)
            continue
        parts.append(part)
    lasts = [part.last for part in parts] + [entry.last for entry in entries.values()]
    newest = max(filter(None, lasts), default=None)
    narrowed = (_narrowed(part, entries.get(part.symbol), newest, wish) for part in parts)
    left = [part for part in narrowed if wish.force or not part.is_done(entries.get(part.symbol))]
    if wish.today_only or wish.since:
        left = [part for part in left if part.last and part.since and part.last >= part.since]
    left.sort(key=lambda part: part.symbol)
    left.sort(key=lambda part: part.last or dt.date.min, reverse=True)
    return left[: wish.limit or None], errors


def batches(parts: Iterable[Part], rows: int) -> list[list[Part]]:
    """Parts in their order, so that no batch has more than `rows` rows, unless a single part has."""
    found: list[list[Part]] = []
    size = 0
    for part in parts:
        if not found or size + part.rows > rows or len(found[-1]) == _MOST_SYMBOLS:
            found.append([])
            size = 0
        found[-1].append(part)
        size += part.rows
    return found


def adaptive_rows(row_bytes: int, writers: int) -> int:
    """Rows of a batch: 128 MiB of them for all writers together, or a sixteenth of the memory that is free."""
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, min(_BATCH_BYTES, free // 16) // (row_bytes * writers))


def _reason(artifact: Artifact, entry: Entry | None, wish: Wish) -> str:
    if entry is None:
        return NEW
    if entry.digest != artifact.digest:
        return CHANGED
    if entry.since:
        return INCOMPLETE
    if not entry.is_whole:
        return MISCOUNTED
    return FORCED if wish.force else ""


def _part(artifact: Artifact, why: str) -> Part:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_metadata(artifact.path)
        at = metadata.schema.names.index("date")
        groups = [metadata.row_group(group) for group in range(metadata.num_row_groups)]
        last = max((group.column(at).statistics.max for group in groups if group.num_rows), default=None)
    except (OSError, ValueError, AttributeError, pa.ArrowException) as error:
        cure = "the file was edited or damaged; run doit"
        raise InputError(f"{artifact.path.absolute()} can't be read: {error}", cure) from None
    return Part(artifact.symbol, artifact.path, artifact.digest, metadata.num_rows, last, why)


def _narrowed(part: Part, entry: Entry | None, newest: dt.date | None, wish: Wish) -> Part:
    since = wish.since
    if wish.today_only:
        new = entry.last + dt.timedelta(1) if entry and entry.last else newest
        since = max(filter(None, (since, new)), default=None)
    return replace(part, since=since) if since else part
