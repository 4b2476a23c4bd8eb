"""Indicators read back: by symbol and date as one table, and as sequences that models learn from."""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from barmill.errors import BarsError, ChunkCorrupt, ChunkMissing, choice_of
from barmill.market.tables import read_parquet
from barmill.plan import Plan
from barmill.reader.bounds import Moment, span
from barmill.reader.catalogue import Catalogue

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

_KEY = ("symbol", "date")


class Sequences(NamedTuple):
    """A symbol's windows.

    Attributes:
        symbol: whose.
        dates: the last day of each window; datetime64[D], (windows,).
        values: float64, (windows, length, columns), oldest day first; NaN where there is no value. Read-only: all windows
            share the memory of one table, which they overlap in.
        complete: whether a window has all its values; bool, (windows,).
    """

    symbol: str
    dates: "npt.NDArray[np.datetime64]"
    values: "npt.NDArray[np.float64]"
    complete: "npt.NDArray[np.bool_]"


def read_indicators(
    symbols: str | Iterable[str] | None = None,
    start: Moment = None,
    end: Moment = None,
    columns: Sequence[str] | None = None,
    *,
    root: str | Path = ".",
) -> "pa.Table":
    """Indicators of one series of daily bars, several, or all, as one Arrow table (`.to_pandas()` makes a frame of it).

    Args:
        symbols: names (`AAPL.US`, `forex/daily/EURUSD`), tickers (`EURUSD`), or globs (`*.US`); None for all.
        start: the first date that is included.
        end: the first date that is no longer included.
        columns: which of the columns in INDICATORS.md; None for all.
        root: the project's folder.

    Returns:
        `symbol` (string), `date` (date32), and the columns in the order in which they were asked for: values are float64,
        null where there is none; calendar columns int8 and bool. Rows ascend in (symbol, date), no two equal.

    A series that has no bars has no indicators: it is left out with a `UserWarning` that names it, whatever file an earlier
    build of it left.

    Raises:
        BarsError: a series, column or date is unknown, or none of the series has bars.
        ChunkMissing: the indicators of a series are not built; the hint says which target to build.
        ChunkCorrupt: they are not what was built.
    """
    import pyarrow as pa

    pieces = []
    for _, table, (low, high) in _series(Path(root), symbols, start, end, columns):
        first, after = _days(table).searchsorted((low, high))
        pieces.append(table.slice(first, after - first))
    return pa.concat_tables(pieces)


def read_sequences(
    symbols: str | Iterable[str] | None,
    length: int,
    start: Moment = None,
    end: Moment = None,
    columns: Sequence[str] | None = None,
    *,
    root: str | Path = ".",
) -> list[Sequences]:
    """Windows of `length` days of each series, none of which holds days of two.

    Args:
        symbols: see `read_indicators`.
        length: days of a window, at least 1.
        start: the first date that a window may end on; the days before it are part of windows.
        end: the first date that no window ends on any more.
        columns: see `read_indicators`.
        root: the project's folder.

    Returns:
        per series, in order of name, its windows; none where it has fewer days than `length`.

    Raises:
        BarsError: see `read_indicators`, or a length below 1.
    """
    if length < 1:
        raise BarsError(f"length={length} is no number of days", "take 1 or more")
    return [_windows(*each, length) for each in _series(Path(root), symbols, start, end, columns)]


def _series(
    root: Path, symbols: str | Iterable[str] | None, start: Moment, end: Moment, columns: Sequence[str] | None
) -> Iterator[tuple[str, "pa.Table", tuple[int, int]]]:
    """Name, whole table and bounds (days since 1970) of each series that is meant."""
    catalogue = Catalogue.at(root)
    found = catalogue.find(symbols, "daily")
    empty = [each.name for each in found if not catalogue.plan.chunk_files(each.name)]
    if empty:
        fact = f"{', '.join(empty)}: no bars are built of it, so it has no indicators"
        if len(empty) == len(found):
            raise BarsError(fact, 'look at its prices; "doit health" says what is wrong with them')
        warnings.warn(f"{fact}; left out", stacklevel=4)
    for each in found:
        if each.name in empty:
            continue
        yield each.name, _read(catalogue.plan, each.name, columns), span(start, end, catalogue.plan.identity(each))


def _days(table: "pa.Table") -> "npt.NDArray[np.int64]":
    """Its dates as days since 1970."""
    import numpy as np

    found: npt.NDArray[np.int64] = table.column("date").to_numpy().astype("datetime64[D]").astype(np.int64)
    return found


def _windows(symbol: str, table: "pa.Table", bounds: tuple[int, int], length: int) -> Sequences:
    import numpy as np

    names = [name for name in table.column_names if name not in _KEY]
    whole = np.empty((len(table), len(names)))
    for at, name in enumerate(names):
        whole[:, at] = table.column(name).to_numpy()
    whole.flags.writeable = False
    if len(table) < length:
        values = np.empty((0, length, len(names)))
    else:
        values = np.lib.stride_tricks.sliding_window_view(whole, length, axis=0).transpose(0, 2, 1)
    ends = _days(table)[length - 1 :]
    chosen = slice(*ends.searchsorted(bounds))
    complete = np.asarray(~np.isnan(values[chosen]).any(axis=(1, 2)))
    return Sequences(symbol, ends[chosen].astype("datetime64[D]"), values[chosen], complete)


def _read(plan: Plan, name: str, columns: Sequence[str] | None) -> "pa.Table":
    import pyarrow as pa

    path = plan.path("indicators", f"{name}.parquet")
    wanted = None if columns is None else [*_KEY, *(column for column in columns if column not in _KEY)]
    cure = f'run "doit indicators:{name}"'
    try:
        table = read_parquet(path, wanted)
    except FileNotFoundError:
        raise ChunkMissing(f"{name}: indicators {path} do not exist", cure) from None
    except (OSError, pa.ArrowException) as error:
        raise ChunkCorrupt(f"{name}: indicators {path} can't be read: {error}", cure) from None
    if lacking := [column for column in wanted or () if column not in table.column_names]:
        there = [column for column in read_parquet(path).column_names if column not in _KEY]
        raise BarsError(f"there is no indicator {', '.join(lacking)}", choice_of(lacking[0], there))
    return table
