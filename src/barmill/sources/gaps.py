"""Which sessions a series lacks, and in which stretches to ask for them."""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from barmill.market.datasets import MINUTES, Dataset
from barmill.market.sessions import Sessions
from barmill.plan import Plan

if TYPE_CHECKING:
    import pyarrow as pa

_MOST = 8  # requests that the gaps of one series are worth

Stretch = tuple[str, str]
"""First and last date, ISO, both included."""


def sessions_of(plan: Plan, dataset: Dataset) -> Sequence[str] | None:
    """Dates, ISO, ascending, on which the dataset's exchange is open, as far as its calendar is to be trusted.

    None if no calendar of it is known, its table of sessions was not built yet or is empty, or its bars are longer than a day.
    """
    calendar = plan.calendar(dataset)
    path = plan.sessions(calendar)
    if not calendar or not path.exists() or (dataset.frequency not in MINUTES and dataset.frequency != "daily"):
        return None
    return Sessions.read(path).dates or None


def missing(table: "pa.Table", sessions: Sequence[str]) -> list[str]:
    """Dates of sessions between the first bar and the last on which there is none.

    Args:
        table: bars, ascending, at least one.
        sessions: dates on which the exchange is open, ISO, ascending.
    """
    seen = table.column("date").to_pylist()
    there = set(seen)
    return [day for day in sessions[bisect_left(sessions, seen[0]) : bisect_right(sessions, seen[-1])] if day not in there]


def stretches(days: Collection[str], sessions: Sequence[str]) -> list[Stretch]:
    """Days as stretches without a session between them that is not one of them."""
    found: list[Stretch] = []
    latest = -1
    for day in sorted(days):
        at = bisect_left(sessions, day)
        if found and at == latest + 1:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
        latest = at
    return found


def few(found: list[Stretch]) -> list[Stretch]:
    """Stretches to ask for; in one, from the first to the last, where they are many, as of what trades rarely."""
    return found if len(found) <= _MOST else [(found[0][0], found[-1][1])]


def unasked(days: Iterable[str], asked: Iterable[Sequence[str]]) -> list[str]:
    """Of some days those in none of the stretches that were asked for before."""
    known = [tuple(each) for each in asked]
    return [day for day in days if not any(first <= day <= last for first, last in known)]


def around(table: "pa.Table", stretch: Stretch) -> Stretch:
    """A stretch with the day of a bar before it and of one after it, so that what comes can be compared with what is stored."""
    days = table.column("date").to_pylist()
    before, after = bisect_left(days, stretch[0]) - 1, bisect_right(days, stretch[1])
    return days[max(before, 0)], days[min(after, len(days) - 1)]
