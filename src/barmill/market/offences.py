"""Which bars break which rule: rows found column by column, in groups of rules that a sound table passes at a glance.

A group begins with a question about whole columns; only where the answer is not that all is well are rows looked for.
"""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from barmill.market import policies, splits
from barmill.market.arrays import arrow, numbers, valid
from barmill.market.datasets import PERIODS
from barmill.market.schema import PRICES

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    Mask = npt.NDArray[np.bool_]
    Numbers = npt.NDArray[np.float64]

Bar = Mapping[str, Any]
Text = Callable[[int, Bar, Bar], str]

STAMP = ("date", "time")
_INTRADAY = frozenset(per for per in PERIODS.values() if per.isdecimal())
_MIDNIGHT = "00:00:00"
_FEW = 3
_INTRADAY_RUN = 12  # so many times longer a run of equal closes must be within a day


class Days(Protocol):
    """The days on which an exchange is open."""

    @property
    def dates(self) -> Sequence[str]:
        """Its sessions, YYYY-MM-DD, ascending."""
        ...


class Limits(NamedTuple):
    """From where on a step between bars is conspicuous.

    Attributes:
        spike: |ln(close / previous close)| above which a bar is a spike.
        stale_run: equal closes in a row, of daily and longer bars; within a day it takes twelve times as many.
    """

    spike: float = 1.5
    stale_run: int = 10


LIMITS = Limits()


@dataclass(frozen=True)
class Offence:
    """The rows of a table that break a rule.

    Attributes:
        rule: which.
        rows: what is left out if the rule says so; ascending.
        text: what is wrong with a row, from its number, its bar, and the bar before it (for the first: itself).
        starts: where each run of them begins, if the rule is about runs; else `rows`.
        most: how many of `starts` a warning tells of, before it counts the others.
    """

    rule: str
    rows: Sequence[int]
    text: Text
    starts: Sequence[int]
    most: int = 20


def is_settled(table: "pa.Table") -> bool:
    """Whether each row has a stamp of its own, and they ascend."""
    date, time = table.column("date"), table.column("time")
    return not date.null_count and not time.null_count and _ascending(date, time)


def of_stamps(table: "pa.Table") -> Iterator[Offence]:
    """Stamps that are missing, or stand behind a later one."""
    stamps = _stamps(table)
    missing = [row for row, each in enumerate(stamps) if None in each]
    falling: list[int] = []
    highest = ("", "")
    for row, each in enumerate(stamps):
        if None not in each:
            if each < highest:
                falling.append(row)
            highest = max(highest, each)
    yield from _some(policies.NULL_STAMPS, missing, _prices)
    yield from _some(policies.ORDER, falling, lambda _row, _bar, before: f"stands behind {stamp(before)}")


def of_duplicates(table: "pa.Table", doubtful: Collection[int]) -> Iterator[Offence]:
    """Of several rows of one stamp all but one: the last that is not doubtful, or else the last.

    Args:
        table: rows of any order, each with a stamp.
        doubtful: rows that break another rule.
    """
    stamps = _stamps(table)
    chosen: dict[tuple[Any, Any], int] = {}
    for row, each in enumerate(stamps):
        if each not in chosen or row not in doubtful or chosen[each] in doubtful:
            chosen[each] = row
    others = [row for row, each in enumerate(stamps) if chosen[each] != row]
    yield from _some(policies.DUPLICATES, others, _prices)


def of_prices(table: "pa.Table") -> Iterator[Offence]:
    """Prices that are none, can't be, or do not go together."""
    import numpy as np

    columns = [table.column(name) for name in PRICES]
    opened, high, low, close = prices = [numbers(each) for each in columns]
    if np.all((low <= opened) & (low <= close) & (opened <= high) & (close <= high) & (low > 0) & (high < np.inf)):
        return  # a price that is missing or no number makes that false
    null = [~valid(each) for each in columns]
    masks = {
        policies.NULL_PRICES: null,
        policies.NON_FINITE: [~np.isfinite(each) & ~absent for each, absent in zip(prices, null, strict=True)],
        policies.HIGH_BELOW_LOW: [high < low],
        policies.OHLC: [low > np.fmin(opened, close), high < np.fmax(opened, close)],
        policies.NEGATIVE: [each < 0 for each in prices],
        policies.ZERO: [each == 0 for each in (high, low, close)],
        policies.ZERO_OPEN: [(opened == 0) & (high != 0) & (low != 0) & (close != 0)],
    }
    for rule, parts in masks.items():
        yield from _some(rule, _rows(np.logical_or.reduce(parts)), _prices)


def of_volume(table: "pa.Table") -> Iterator[Offence]:
    """Volumes below zero; of bars without a volume, or with none traded, the first stands for all."""
    column = table.column("volume")
    volume = numbers(column)
    if (volume > 0).all():
        return
    yield from _some(policies.NEGATIVE_VOLUME, _rows(volume < 0), _volume)
    yield from _some(policies.MISSING_VOLUME, _rows(~valid(column)), _volume, most=1)
    yield from _some(policies.ZERO_VOLUME, _rows(volume == 0), _volume, most=1)


def of_days(table: "pa.Table", days: Days) -> Iterator[Offence]:
    """Daily bars on days on which the exchange was closed, as far as its sessions are known."""
    if not days.dates:
        return
    sessions, first, last = set(days.dates), days.dates[0], days.dates[-1]
    stamps = zip(table.column("date").to_pylist(), table.column("per").to_pylist(), strict=True)
    closed = [
        row
        for row, (date, per) in enumerate(stamps)
        if per == PERIODS["daily"] and first <= date <= last and date not in sessions
    ]
    yield from _some(policies.OFF_SESSION, closed, lambda _row, bar, _before: f"no session on {bar['date']}")


def of_steps(table: "pa.Table", limits: Limits) -> Iterator[Offence]:
    """Closes that leave the one before too far behind, or do not leave it at all."""
    import numpy as np

    close = numbers(table.column("close"))
    before, after = close[:-1], close[1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = after / before
    farthest = min(limits.spike, splits.SMALLEST)
    far = (ratio > math.exp(farthest)) | (ratio < math.exp(-farthest))
    if far.any():
        yield from _jumps(table, close, [row + 1 for row in _rows(far)], limits.spike)
    yield from _runs(table, before == after, limits.stale_run)


def without(table: "pa.Table", rows: Collection[int]) -> "pa.Table":
    """The table, less these rows."""
    return _take(table, [row for row in range(table.num_rows) if row not in rows]) if rows else table


def in_order(table: "pa.Table") -> "pa.Table":
    """The table, ascending in its stamps."""
    return table.sort_by([(name, "ascending") for name in STAMP])


def bars(table: "pa.Table", rows: Sequence[int]) -> list[tuple[Bar, Bar]]:
    """Bars at these rows, each with the one before it."""
    if len(rows) <= _FEW:  # the usual case, and cheaper so
        pairs = (table.slice(max(row - 1, 0), 2 if row else 1).to_pylist() for row in rows)
        return [(pair[-1], pair[0]) for pair in pairs]
    both = _take(table, [*rows, *(max(row - 1, 0) for row in rows)]).to_pylist()
    return list(zip(both[: len(rows)], both[len(rows) :], strict=True))


def stamp(bar: Bar) -> str:
    """When a bar was: its date, and within a day its time; "" if it has no date."""
    date, time = bar["date"] or "", bar["time"] or ""
    return date if time in ("", _MIDNIGHT) and bar["per"] not in _INTRADAY else f"{date} {time}"


def _jumps(table: "pa.Table", close: "Numbers", rows: Sequence[int], spike: float) -> Iterator[Offence]:
    """Of these rows the steps between positive closes above the limit, and those like a split that was not adjusted for."""
    opened, volume = numbers(table.column("open")), numbers(table.column("volume"))
    spikes, split = [], {}
    for row in rows:
        before, after = float(close[row - 1]), float(close[row])
        if 0 < before < math.inf and 0 < after < math.inf:
            if abs(math.log(after) - math.log(before)) > spike:
                spikes.append(row)
            if found := splits.split_like(opened, close, volume, row):
                split[row] = found
    yield from _some(policies.SPIKES, spikes, lambda _row, bar, before: f"close {bar['close']} after {before['close']}")
    yield from _some(
        policies.SPLIT_LIKE,
        list(split),
        lambda row, bar, before: f"open {bar['open']} after close {before['close']}: like a split of {split[row]}",
    )


def _runs(table: "pa.Table", equal: "Mask", limit: int) -> Iterator[Offence]:
    """Runs of at least so many equal closes; what may be left out are the repeats."""
    import numpy as np

    least = limit if table.num_rows and table.column("per")[0].as_py() not in _INTRADAY else limit * _INTRADAY_RUN
    if not limit or not _has_run(equal, least - 1):
        return
    rows = equal.nonzero()[0]
    ends = np.append((np.diff(rows) > 1).nonzero()[0], len(rows) - 1)
    starts = rows[np.append(0, ends[:-1] + 1)]
    lengths = {
        start: length
        for start, length in zip(starts.tolist(), (rows[ends] - starts + 2).tolist(), strict=True)
        if length >= least
    }
    first = {row: start for start, length in lengths.items() for row in range(start, start + length)}
    repeats = [row for row, start in first.items() if row != start]
    yield from _some(
        policies.STALE_RUN,
        repeats,
        lambda row, bar, _before: f"{lengths[first[row]]} bars in a row close at {bar['close']}",
        starts=list(lengths),
    )


def _has_run(mask: "Mask", least: int) -> bool:
    """Whether about so many in a row are true: at least the largest power of two in it."""
    length = 1
    while 2 * length <= least:
        mask = mask[:-length] & mask[length:]
        length *= 2
    return bool(mask.any())


def _stamps(table: "pa.Table") -> list[tuple[Any, Any]]:
    return list(zip(table.column("date").to_pylist(), table.column("time").to_pylist(), strict=True))


def _ascending(date: "pa.ChunkedArray", time: "pa.ChunkedArray") -> bool:
    import pyarrow.compute as pc

    later = pc.less(date[:-1], date[1:])
    if _all(later):
        return True
    return _all(pc.or_(later, pc.and_(pc.equal(date[:-1], date[1:]), pc.less(time[:-1], time[1:]))))


def _some(rule: str, rows: Sequence[int], text: Text, **more: Any) -> Iterator[Offence]:
    if rows:
        yield Offence(rule, rows, text, **{"starts": rows, **more})


def _all(mask: "pa.ChunkedArray") -> bool:
    import pyarrow.compute as pc

    return pc.all(mask).as_py() is not False  # None where there is no row


def _rows(mask: "Mask") -> list[int]:
    found: list[int] = mask.nonzero()[0].tolist()
    return found


def _take(table: "pa.Table", rows: Sequence[int]) -> "pa.Table":
    import numpy as np

    return table.take(arrow(np.array(rows, np.int64)))


def _prices(_row: int, bar: Bar, _before: Bar) -> str:
    return ", ".join(f"{name} {'missing' if bar[name] is None else bar[name]}" for name in PRICES)


def _volume(_row: int, bar: Bar, _before: Bar) -> str:
    return f"volume {'missing' if bar['volume'] is None else bar['volume']}"
