"""Gaps: bars that a calendar expects and a series has not, bars that it does not expect, and a verdict on each.

A series is judged from its first bar to its last, as far as the table of sessions goes. Daily bars are expected on each
session; weekly and monthly ones in each week (from Monday) and month with a session; those within a day on the grid of the
series over each session. Nothing is filled: see `market.fill`.

Verdict on a range of missing bars, by the shape of the series around it, as nothing else is known:

    thinly traded  there are many other ranges near: of the pairs of neighbours among the 20 bars before and the 20 bars
                   after, one in ten, and at least three, are apart, too; or there is such a range as near as that
    halted         it is alone, touches at least `halted_after` sessions, and is more than one weekly or monthly bar
    missing        it is alone, and shorter

Verdict on the series: `missing` if more bars lie in such ranges than is tolerated; else `halted`, `thinly traded`,
`extra rows`, whichever there is first; else `complete`. `no bars`, `no calendar` and `not judged` (all of it outside the
table of sessions) are verdicts, too.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from barmill.market.datasets import MINUTES
from barmill.market.expected import EPOCH, MINUTE, expected
from barmill.market.sessions import Sessions

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Stamps = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

MISSING, HALTED, THIN, EXTRA, COMPLETE = "missing", "halted", "thinly traded", "extra rows", "complete"
NO_BARS, NO_CALENDAR, NOT_JUDGED = "no bars", "no calendar", "not judged"
VERDICTS = (MISSING, HALTED, THIN, EXTRA, COMPLETE, NO_BARS, NO_CALENDAR, NOT_JUDGED)

_NEAR = 20
_THIN_SHARE = 0.1
_THIN_LEAST = 3


@dataclass
class Gaps:
    """What is missing from a series, and what is too much.

    Attributes:
        verdict: one of `VERDICTS`.
        start: first bar: YYYY-MM-DD, or YYYY-MM-DDTHH:MM:SSZ within a day; "" if there is none.
        end: last bar.
        rows: number of bars.
        expected: bars that the calendar expects from `start` to `end`.
        missing: those of them that are not there.
        extra: bars that it does not expect.
        unjudged: bars before the first or after the last session of the table.
        ranges: start, end (first and last expected stamp; sessions for weekly and longer), missing, sessions, verdict.
        extra_ranges: start, end, rows: bars in a row that are not expected.
    """

    verdict: str
    start: str = ""
    end: str = ""
    rows: int = 0
    expected: int = 0
    missing: int = 0
    extra: int = 0
    unjudged: int = 0
    ranges: list[dict[str, Any]] = field(default_factory=list)
    extra_ranges: list[dict[str, Any]] = field(default_factory=list)


def find(stamps: "Stamps", frequency: str, sessions: Sessions | None, tolerance: float, halted_after: int) -> Gaps:
    """The gaps of a series.

    Args:
        stamps: ascending: days since 1970-01-01 for daily and longer bars; microseconds since then, UTC, for others.
        frequency: a key of `datasets.PERIODS`.
        sessions: of its calendar; None if it has none.
        tolerance: share of the expected bars that may be missing.
        halted_after: see above.
    """
    if not len(stamps):
        return Gaps(NO_BARS)
    text = _moment if frequency in MINUTES else _date
    found = Gaps(NO_CALENDAR, text(stamps[0]), text(stamps[-1]), len(stamps))
    if sessions is None:
        return found
    judged = stamps[_within(stamps, sessions, frequency)]
    found.unjudged = len(stamps) - len(judged)
    if not len(judged):
        found.verdict = NOT_JUDGED
        return found
    grid = _grid(judged, frequency, sessions)
    present, extra = grid.compare(judged)
    found.expected, found.missing, found.extra = len(present), int((~present).sum()), int(extra.sum())
    found.ranges = _ranges(grid, present, halted_after)
    found.extra_ranges = [
        {"start": text(judged[start]), "end": text(judged[stop - 1]), "rows": int(stop - start)} for start, stop in _runs(extra)
    ]
    found.verdict = judge(found.ranges, found.expected, found.extra, tolerance)
    return found


def judge(ranges: Iterable[Mapping[str, Any]], expected: int, extra: int, tolerance: float) -> str:
    """The verdict on a series with these ranges of missing bars; see `Gaps` and `find`."""
    found = list(ranges)
    if sum(each["missing"] for each in found if each["verdict"] == MISSING) > tolerance * expected:
        return MISSING
    kinds = {each["verdict"] for each in found}
    return next((kind for kind in (HALTED, THIN) if kind in kinds), EXTRA if extra else COMPLETE)


@dataclass(frozen=True)
class _Grid:
    """Where bars are expected.

    Attributes:
        keys: ascending and unique: what a bar's key has to be.
        starts: text of the first stamp of each key.
        ends: text of the last.
        key: stamps → keys.
        sessions: counts the sessions of keys from `i` to `j`, both included.
        least: keys in a row that may be a halt.
    """

    keys: "Stamps"
    starts: Callable[[int], str]
    ends: Callable[[int], str]
    key: "Callable[[Stamps], Stamps]"
    sessions: Callable[[int, int], int]
    least: int = 1

    def compare(self, stamps: "Stamps") -> "tuple[Mask, Mask]":
        """Which keys are there; which stamps are not expected, or share a key with the one before."""
        import numpy as np

        keys = self.key(stamps)
        at = np.searchsorted(self.keys, keys)
        good = np.append(self.keys, np.iinfo(np.int64).max)[at] == keys
        present = np.zeros(len(self.keys), bool)
        present[at[good]] = True
        good[1:] &= keys[1:] != keys[:-1]
        return present, ~good


def _grid(stamps: "Stamps", frequency: str, sessions: Sessions) -> _Grid:
    if frequency in MINUTES:
        keys = expected(stamps, frequency, sessions)
        minutes = MINUTES[frequency]

        def touched(i: int, j: int) -> int:
            return sessions.touched(int(keys[i]) // MINUTE, int(keys[j]) // MINUTE + minutes)

        return _Grid(keys, lambda i: _moment(keys[i]), lambda i: _moment(keys[i]), lambda each: each, touched)
    if frequency == "daily":
        keys = expected(stamps, frequency, sessions)
        return _Grid(keys, lambda i: _date(keys[i]), lambda i: _date(keys[i]), lambda each: each, lambda i, j: j - i + 1)
    return _periods(stamps, _month if frequency == "monthly" else _week, sessions)


def _periods(stamps: "Stamps", period: "Callable[[Stamps], Stamps]", sessions: Sessions) -> _Grid:
    """A key per week or month with a session."""
    import numpy as np

    days = sessions.days.astype(np.int64)
    every = period(days)
    first, last = period(stamps[[0, -1]])
    days = days[np.searchsorted(every, first) : np.searchsorted(every, last, "right")]
    keys, starts = np.unique(period(days), return_index=True)
    stops = np.append(starts[1:], len(days))
    return _Grid(
        keys,
        starts=lambda i: _date(days[starts[i]]),
        ends=lambda i: _date(days[stops[i] - 1]),
        key=period,
        sessions=lambda i, j: stops[j] - starts[i],
        least=2,
    )


def _week(days: "Stamps") -> "Stamps":
    return (days + 3) // 7  # 1970-01-01 was a Thursday


def _month(days: "Stamps") -> "Stamps":
    import numpy as np

    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def _ranges(grid: _Grid, present: "Mask", halted_after: int) -> list[dict[str, Any]]:
    import numpy as np

    runs = _runs(~present)
    before = np.cumsum(present)[runs[:, 0]]  # bars there before each range
    low, high = np.maximum(before - _NEAR, 0), np.minimum(before + _NEAR, present.sum())
    near = np.searchsorted(before, low), np.searchsorted(before, high, "right")
    many = near[1] - near[0] - 1 >= np.maximum(_THIN_LEAST, _THIN_SHARE * (high - low))
    so_far = np.append(0, np.cumsum(many))
    thin = so_far[near[1]] > so_far[near[0]]
    ranges = []
    for (start, stop), is_thin in zip(runs.tolist(), thin.tolist(), strict=True):
        sessions = int(grid.sessions(start, stop - 1))
        is_halt = sessions >= halted_after and stop - start >= grid.least
        verdict = THIN if is_thin else HALTED if is_halt else MISSING
        ranges.append(
            {
                "start": grid.starts(start),
                "end": grid.ends(stop - 1),
                "missing": stop - start,
                "sessions": sessions,
                "verdict": verdict,
            }
        )
    return ranges


def _runs(mask: "Mask") -> "npt.NDArray[np.intp]":
    """Start and stop of each run of True, a row each."""
    import numpy as np

    steps = np.diff(mask.astype(np.int8), prepend=0, append=0)
    return np.flatnonzero(steps).reshape(-1, 2)


def _within(stamps: "Stamps", sessions: Sessions, frequency: str) -> slice:
    import numpy as np

    if not sessions.dates:
        return slice(0, 0)
    if frequency in MINUTES:
        bounds = [each * MINUTE for each in sessions.bounds]
    else:
        bounds = sessions.days[[0, -1]].astype(np.int64).tolist()
    return slice(int(np.searchsorted(stamps, bounds[0])), int(np.searchsorted(stamps, bounds[1], "right")))


def _date(day: Any) -> str:
    return dt.date.fromordinal(int(day) + EPOCH.toordinal()).isoformat()


def _moment(stamp: Any) -> str:
    moment = EPOCH + dt.timedelta(microseconds=int(stamp))
    return moment.isoformat(timespec="microseconds" if moment.microsecond else "seconds").replace("+00:00", "Z")
