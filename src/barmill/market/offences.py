"""Which bars break which rule: rows found by Arrow, in groups of rules that a sound table passes at a glance.

A group begins with a question about whole columns; only where the answer is not that all is well are rows looked for.
"""

import functools
import itertools
import math
from array import array
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from barmill.market import policies, splits
from barmill.market.datasets import PERIODS
from barmill.market.schema import PRICES
from barmill.market.tables import constant

if TYPE_CHECKING:
    import pyarrow as pa

Bar = Mapping[str, Any]
Text = Callable[[int, Bar, Bar], str]

STAMP = ("date", "time")
_INTRADAY = frozenset(per for per in PERIODS.values() if per.isdecimal())
_MIDNIGHT = "00:00:00"
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


def of_stamps(table: "pa.Table") -> Iterator[Offence]:
    """Stamps that are missing, not in order, or there twice (of which the last in the table counts)."""
    date, time = table.column("date"), table.column("time")
    if not date.null_count and not time.null_count and _ascending(date, time):
        return
    stamps = list(zip(date.to_pylist(), time.to_pylist(), strict=True))
    missing = [row for row, each in enumerate(stamps) if None in each]
    latest = {each: row for row, each in enumerate(stamps)}
    earlier = [row for row, each in enumerate(stamps) if None not in each and latest[each] != row]
    falling: list[int] = []
    highest = ("", "")
    for row, each in enumerate(stamps):
        if None not in each:
            if each < highest:
                falling.append(row)
            highest = max(highest, each)
    yield from _some(policies.NULL_STAMPS, missing, _prices)
    yield from _some(policies.DUPLICATES, earlier, _prices)
    yield from _some(policies.ORDER, falling, lambda _row, _bar, before: f"stands behind {stamp(before)}")


def of_prices(table: "pa.Table") -> Iterator[Offence]:
    """Prices that are none, can't be, or do not go together."""
    import pyarrow.compute as pc

    opened, high, low, close = columns = [table.column(name) for name in PRICES]
    zero = constant(0.0)
    if not any(each.null_count for each in columns) and all(map(_all, _sound(opened, high, low, close))):
        return
    floor, ceiling = pc.min_element_wise(opened, close), pc.max_element_wise(opened, close)
    masks = {
        policies.NULL_PRICES: map(pc.is_null, columns),
        policies.NON_FINITE: (pc.invert(pc.is_finite(each)) for each in columns),
        policies.HIGH_BELOW_LOW: [pc.less(high, low)],
        policies.OHLC: (pc.greater(low, floor), pc.less(high, ceiling)),
        policies.NEGATIVE: (pc.less(each, zero) for each in columns),
        policies.ZERO: (pc.equal(each, zero) for each in columns),
    }
    for rule, parts in masks.items():
        yield from _some(rule, _rows(functools.reduce(pc.or_kleene, parts)), _prices)


def of_volume(table: "pa.Table") -> Iterator[Offence]:
    """Volumes below zero; of bars without a volume, or with none traded, the first stands for all."""
    import pyarrow.compute as pc

    volume, zero = table.column("volume"), constant(0.0)
    if not volume.null_count and _all(pc.greater(volume, zero)):
        return
    yield from _some(policies.NEGATIVE_VOLUME, _rows(pc.less(volume, zero)), _volume)
    masks = {policies.MISSING_VOLUME: pc.is_null(volume), policies.ZERO_VOLUME: pc.equal(volume, zero)}
    for rule, mask in masks.items():
        yield from _some(rule, _rows(mask), _volume, most=1)


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
    import pyarrow.compute as pc

    close = table.column("close")
    before, after = close[:-1], close[1:]
    ratio = pc.divide(after, before)
    farthest = min(limits.spike, splits.SMALLEST)
    calm = pc.and_(pc.less_equal(ratio, constant(math.exp(farthest))), pc.greater_equal(ratio, constant(math.exp(-farthest))))
    if not _all(calm):
        yield from _jumps(table, [row + 1 for row in _rows(pc.invert(calm))], limits.spike)
    yield from _runs(table, pc.equal(before, after), limits.stale_run)


def without(table: "pa.Table", rows: Collection[int]) -> "pa.Table":
    """The table, less these rows."""
    return _take(table, [row for row in range(table.num_rows) if row not in rows]) if rows else table


def in_order(table: "pa.Table") -> "pa.Table":
    """The table, ascending in its stamps."""
    return table.sort_by([(name, "ascending") for name in STAMP])


def bars(table: "pa.Table", rows: Sequence[int]) -> list[tuple[Bar, Bar]]:
    """Bars at these rows, each with the one before it."""
    both = _take(table, [*rows, *(max(row - 1, 0) for row in rows)]).to_pylist()
    return list(zip(both[: len(rows)], both[len(rows) :], strict=True))


def stamp(bar: Bar) -> str:
    """When a bar was: its date, and within a day its time; "" if it has no date."""
    date, time = bar["date"] or "", bar["time"] or ""
    return date if time in ("", _MIDNIGHT) and bar["per"] not in _INTRADAY else f"{date} {time}"


def _jumps(table: "pa.Table", rows: Sequence[int], spike: float) -> Iterator[Offence]:
    """Of these rows the steps between positive closes above the limit, and those like a split that was not adjusted for."""
    spikes, split = [], []
    for row, (bar, before) in zip(rows, bars(table, rows), strict=True):
        if all(0 < each["close"] < math.inf for each in (bar, before)):
            if abs(math.log(bar["close"]) - math.log(before["close"])) > spike:
                spikes.append(row)
            if _split(bar, before):
                split.append(row)
    yield from _some(policies.SPIKES, spikes, lambda _row, bar, before: f"close {bar['close']} after {before['close']}")
    yield from _some(policies.SPLIT_LIKE, split, _split_text)


def _split(bar: Bar, before: Bar) -> str:
    """The split that would explain how a bar opens; "" if none does."""
    opened = bar["open"]
    return splits.split_of(math.log(before["close"] / opened)) if opened and 0 < opened < math.inf else ""


def _split_text(_row: int, bar: Bar, before: Bar) -> str:
    return f"open {bar['open']} after close {before['close']}: like a split of {_split(bar, before)}"


def _runs(table: "pa.Table", equal: "pa.ChunkedArray", limit: int) -> Iterator[Offence]:
    """Runs of at least so many equal closes; what may be left out are the repeats."""
    least = limit if table.num_rows and table.column("per")[0].as_py() not in _INTRADAY else limit * _INTRADAY_RUN
    if not limit or not _has_run(equal, least - 1):
        return
    lengths: dict[int, int] = {}
    for _, group in itertools.groupby(enumerate(_rows(equal)), lambda each: each[1] - each[0]):
        steps = [row for _, row in group]
        if len(steps) + 1 >= least:
            lengths[steps[0]] = len(steps) + 1
    first = {row: start for start, length in lengths.items() for row in range(start, start + length)}
    repeats = [row for row, start in first.items() if row != start]
    yield from _some(
        policies.STALE_RUN,
        repeats,
        lambda row, bar, _before: f"{lengths[first[row]]} bars in a row close at {bar['close']}",
        starts=list(lengths),
    )


def _has_run(mask: "pa.ChunkedArray", least: int) -> bool:
    """Whether about so many in a row are true: at least the largest power of two in it."""
    import pyarrow.compute as pc

    length = 1
    while 2 * length <= least:
        mask = pc.and_(mask[:-length], mask[length:])
        length *= 2
    return pc.any(mask).as_py() is True


def _sound(opened: Any, high: Any, low: Any, close: Any) -> Iterator[Any]:
    """What is true of every bar without fault; a NaN makes it false."""
    import pyarrow.compute as pc

    for each in (opened, close):
        yield pc.less_equal(low, each)
        yield pc.less_equal(each, high)
    yield pc.greater(low, constant(0.0))
    yield pc.is_finite(high)


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


def _rows(mask: "pa.ChunkedArray") -> list[int]:
    import pyarrow.compute as pc

    found: list[int] = pc.indices_nonzero(mask).to_pylist()
    return found


def _take(table: "pa.Table", rows: Sequence[int]) -> "pa.Table":
    import pyarrow as pa

    # from a buffer: making an array of a list makes Arrow import pandas
    return table.take(pa.Array.from_buffers(pa.int64(), len(rows), [None, pa.py_buffer(array("q", rows))]))


def _prices(_row: int, bar: Bar, _before: Bar) -> str:
    return ", ".join(f"{name} {'missing' if bar[name] is None else bar[name]}" for name in PRICES)


def _volume(_row: int, bar: Bar, _before: Bar) -> str:
    return f"volume {'missing' if bar['volume'] is None else bar['volume']}"
