"""Bars read back: by symbol and time, only what is asked for, and never a byte that the build did not write.

The manifests say which chunks can hold what is asked for; no other is opened. A file's digest is compared with the one that its
manifest vouches for, and of its columns and row groups those alone are decoded that are needed.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from barmill.errors import BarsError
from barmill.market.schema import NAME
from barmill.reader import crosswise, filled
from barmill.reader.bounds import Moment
from barmill.reader.catalogue import Catalogue
from barmill.reader.query import Query

if TYPE_CHECKING:
    import pyarrow as pa


def read_bars(
    symbols: str | Iterable[str] | None = None,
    start: Moment = None,
    end: Moment = None,
    columns: Iterable[str] | None = None,
    fill: str | None = None,
    *,
    limit: int | None = None,
    frequency: str | None = None,
    by: str = "name",
    root: str | Path = ".",
) -> "pa.Table":
    """Bars of one dataset, several, or all, as one Arrow table.

    Args:
        symbols: names (`AAPL.US`, `forex/1min/EURUSD`), tickers (`EURUSD`), or globs (`*.US`); None for all datasets.
        start: the first moment that is included. A date is the beginning of that day; a date, or a time without zone, is of
            the zone of each dataset's exchange (UTC where it has none).
        end: the first moment that is no longer included.
        columns: which of open, high, low, close, volume, openint; None for all.
        fill: how bars are made up that the calendar expects and nobody has seen, between those that were seen: `forward`,
            `backward`, `interpolate`, `zero` (see `market.fill`); None for seen bars only.
        limit: how many bars of one gap are made up at most; None for all.
        frequency: that of the bars, where the symbols alone mean several.
        by: `name`: one series after the other; `time`: all series' bars of one time, then those of the next.
        root: the project's folder.

    Returns:
        `name` (string), `date` (date32; daily and longer bars) or `time` (timestamp[us, UTC], when the bar begins), and the
        columns as float64, in the order in which they were asked for; with `fill` also `filled` (bool), whether a bar was
        made up. Rows ascend, no two equal, in (name, time), or by time in (time, name).

    Raises:
        BarsError: there is no such dataset, column, time or order, the frequency is left open, or there is no calendar to
            fill by.
        ConfigError: a setting is wrong, or there is no such way to fill.
        ChunkMissing: a chunk or a manifest is not there; the hint says which target to build.
        ChunkCorrupt: a chunk, a panel or a manifest is not what was built.
    """
    import pyarrow as pa

    if by not in {"name", "time"}:
        raise BarsError(f"by={by!r} is no order of bars", 'take "name" or "time"')
    query = Query(Catalogue.at(Path(root)), symbols, start, end, columns, frequency)
    if by == "time" and not fill:
        return _named_first(crosswise.read(query), query)
    table = pa.concat_tables(list(_series(query, fill, limit)))
    return _named_first(table if by == "name" else crosswise.sort(table, query), query)


def iter_series(
    symbols: str | Iterable[str] | None = None,
    start: Moment = None,
    end: Moment = None,
    columns: Iterable[str] | None = None,
    fill: str | None = None,
    *,
    frequency: str | None = None,
    root: str | Path = ".",
) -> Iterator["pa.Table"]:
    """As `read_bars` by name, a table per dataset: as much memory as the longest series takes, however many there are.

    Raises:
        BarsError: see `read_bars`; an unknown dataset or column at once, everything else while the tables are read.
    """
    query = Query(Catalogue.at(Path(root)), symbols, start, end, columns, frequency)
    return (_named_first(table, query) for table in _series(query, fill, None))


def iter_bars(
    symbols: str | Iterable[str] | None = None,
    start: Moment = None,
    end: Moment = None,
    columns: Iterable[str] | None = None,
    *,
    frequency: str | None = None,
    root: str | Path = ".",
) -> Iterator["pa.Table"]:
    """As `read_bars` by name, a table per chunk: as much memory as the largest chunk takes, however many there are.

    Raises:
        BarsError: see `read_bars`. If a build replaces a dataset's chunks meanwhile, `ChunkCorrupt` or `ChunkMissing`.
    """
    query = Query(Catalogue.at(Path(root)), symbols, start, end, columns, frequency)
    for dataset in query.datasets:
        for piece in query.pieces(dataset):
            if len(piece):
                yield _named_first(piece, query)


def _series(query: Query, fill: str | None, limit: int | None) -> Iterator["pa.Table"]:
    """A table per dataset, each of one build."""
    import pyarrow as pa

    for each in query.datasets:
        if fill:
            yield filled.series(query, each, fill, limit)
        else:
            yield pa.concat_tables([query.nothing(), *query.series(each)])


def _named_first(table: "pa.Table", query: Query) -> "pa.Table":
    return table.select([NAME, query.stamp, *table.column_names[2:]])
