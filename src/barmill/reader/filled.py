"""Series with the bars made up that a calendar expects and nobody has seen (`market.fill`); what is stored stays as it was."""

import datetime as dt
from typing import TYPE_CHECKING

from barmill.errors import BarsError, InputError
from barmill.market import arrays
from barmill.market.calendars import cure
from barmill.market.datasets import MINUTES, Dataset
from barmill.market.fill import FILLED, fill
from barmill.market.manifest import Manifest
from barmill.market.sessions import Sessions
from barmill.reader.query import Query, steadily

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

_MINUTE = 60_000_000
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def series(query: Query, dataset: Dataset, method: str, limit: int | None) -> "pa.Table":
    """What is asked for of a dataset, and `filled`: whether a bar was made up.

    The bars before and after what is asked for are read, too, so that a gap at its edge is filled as it would be in the middle.

    Raises:
        BarsError: its bars are longer than a day, it has no calendar, or the calendar's sessions have not been built.
        ChunkMissing: a chunk or the manifest is not there.
        ChunkCorrupt: one of them is not what was built.
        ConfigError: there is no such method.
    """
    table, (low, high) = steadily(lambda: _around(query, query.catalogue.manifest(dataset)))
    found = arrays.stamps(table.column(0))
    made = fill(table, _expected(query, dataset, found) if len(found) else found, method, limit)
    at, to = arrays.stamps(made.column(0)).searchsorted([low, high])
    return made.slice(at, to - at).select([*query.columns, FILLED])


def _around(query: Query, manifest: Manifest) -> "tuple[pa.Table, tuple[int, int]]":
    """All bars of the chunks that can hold what is asked for, and of the one before and the one after them."""
    import pyarrow as pa

    span = query.span(manifest)
    whole = Query(query.catalogue, manifest.identity.name, None, None, None, None)
    at = {chunk.period: place for place, chunk in enumerate(manifest.chunks)}
    hits = [at[chunk.period] for chunk in query.hits(manifest)]
    some = manifest.chunks[max(hits[0] - 1, 0) : hits[-1] + 2] if hits else manifest.chunks if span[0] < span[1] else ()
    return pa.concat_tables([whole.nothing(), *(whole.piece(manifest, chunk) for chunk in some)]), span


def _expected(query: Query, dataset: Dataset, found: "npt.NDArray[np.int64]") -> "npt.NDArray[np.int64]":
    """The stamps that its calendar expects from its first bar to its last."""
    import numpy as np

    sessions = _sessions(query, dataset)
    first, last = int(found[0]), int(found[-1])
    if dataset.frequency not in MINUTES:
        days = (dt.date.fromordinal(_EPOCH.toordinal() + day) for day in (first, last))
        return sessions.expected(*days).astype(np.int64)
    length = MINUTES[dataset.frequency]
    phase = int(np.bincount(found % (length * _MINUTE) // _MINUTE).argmax())  # where most bars open
    start, end = (_EPOCH + dt.timedelta(microseconds=stamp) for stamp in (first, last))
    return sessions.grid(start, end, length, phase) * _MINUTE


def _sessions(query: Query, dataset: Dataset) -> Sessions:
    if dataset.frequency in {"weekly", "monthly"}:
        raise BarsError(
            f"{dataset.name} has {dataset.frequency} bars, which are not filled", "read daily ones, or without fill"
        )
    calendar = query.catalogue.plan.calendar(dataset)
    if not calendar:
        raise BarsError(f"{dataset.name} has no calendar that says which bars are expected", cure(dataset.name))
    path = query.catalogue.plan.sessions(calendar)
    try:
        sessions = Sessions.read(path)
    except (FileNotFoundError, InputError):
        raise BarsError(f"{path} is not a table of sessions", f'run "doit sessions:{path.stem}"') from None
    if not sessions.dates:
        raise BarsError(f"{dataset.name} is not filled: its calendar {calendar} has no sessions", cure(dataset.name))
    return sessions
