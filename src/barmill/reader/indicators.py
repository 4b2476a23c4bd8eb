"""Indicators read back: by symbol and date as one table, and as sequences that models learn from."""

import bisect
import dataclasses
import datetime as dt
import difflib
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from barmill.config import load_settings
from barmill.errors import BarsError, ChunkCorrupt, ChunkMissing
from barmill.market.datasets import Dataset
from barmill.market.tables import read_parquet
from barmill.plan import Plan

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
    start: str | dt.date | None = None,
    end: str | dt.date | None = None,
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

    Raises:
        BarsError: there is no such series, column or date.
        ChunkMissing: the indicators of a series are not built; the hint says which target to build.
        ChunkCorrupt: they are not what was built.
    """
    import pyarrow as pa

    plan, low, high = _plan(Path(root)), _date(start), _date(end)
    pieces = []
    for each in _find(plan, symbols):
        table = _read(plan, each.name, columns)
        dates = table.column("date").to_pylist() if low or high else []
        first = bisect.bisect_left(dates, low) if low else 0
        after = bisect.bisect_left(dates, high) if high else len(table)
        pieces.append(table.slice(first, max(0, after - first)))
    return pa.concat_tables(pieces)


def read_sequences(
    symbols: str | Iterable[str] | None,
    length: int,
    start: str | dt.date | None = None,
    end: str | dt.date | None = None,
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
    plan, low, high = _plan(Path(root)), _date(start), _date(end)
    return [_windows(_read(plan, each.name, columns), each.name, length, low, high) for each in _find(plan, symbols)]


def _windows(table: "pa.Table", symbol: str, length: int, low: dt.date | None, high: dt.date | None) -> Sequences:
    import numpy as np

    dates = table.column("date").to_numpy().astype("datetime64[D]")
    names = [name for name in table.column_names if name not in _KEY]
    whole = np.empty((len(dates), len(names)))
    for at, name in enumerate(names):
        whole[:, at] = table.column(name).to_numpy()
    whole.flags.writeable = False
    if len(dates) < length:
        values = np.empty((0, length, len(names)))
    else:
        values = np.lib.stride_tricks.sliding_window_view(whole, length, axis=0).transpose(0, 2, 1)
    ends = dates[length - 1 :]
    first = int(np.searchsorted(ends, np.datetime64(low))) if low else 0
    after = int(np.searchsorted(ends, np.datetime64(high))) if high else len(ends)
    chosen = slice(first, max(first, after))
    complete = np.asarray(~np.isnan(values[chosen]).any(axis=(1, 2)))
    return Sequences(symbol, ends[chosen], values[chosen], complete)


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
        near = difflib.get_close_matches(lacking[0], there, 1, 0.0)[0]
        raise BarsError(f"there is no indicator {', '.join(lacking)}", f"the nearest is {near}; all: {', '.join(there)}")
    return table


def _plan(root: Path) -> Plan:
    settings = load_settings(root)
    folders = {name: root / getattr(settings, name) for name in ("stooq", "series", "artifacts")}
    return Plan(dataclasses.replace(settings, **folders))


def _find(plan: Plan, symbols: str | Iterable[str] | None) -> list[Dataset]:
    """The daily datasets that are meant, in order of name, each once."""
    those = [each for each in plan.datasets() if each.frequency == "daily"]
    words = ["*"] if symbols is None else [symbols] if isinstance(symbols, str) else list(symbols)
    found: dict[str, Dataset] = {}
    for word in words:
        meant = (
            [each for each in those if each.name == word]
            or [each for each in those if each.symbol == word.upper()]
            or [each for each in those if fnmatchcase(each.name, word)]
        )
        if not meant:
            near = difflib.get_close_matches(word.upper(), [each.symbol for each in those], 3)
            hint = f"the nearest are {', '.join(near)}" if near else '"doit datasets" lists them all'
            raise BarsError(f"no dataset of daily bars is called {word!r}", hint)
        found |= {each.name: each for each in meant}
    if not found:
        raise BarsError("no symbol is named", "name one, or None for all")
    return [found[name] for name in sorted(found)]


def _date(moment: Any) -> dt.date | None:
    if moment is None or (isinstance(moment, dt.date) and not isinstance(moment, dt.datetime)):
        return moment
    try:
        return dt.date.fromisoformat(str(moment))
    except ValueError:
        raise BarsError(f"{moment!r} is no date; indicators are daily", 'write it as "2024-01-31"') from None
