"""Gaps that nearly all series of a calendar have in common: a day off, or a hole of the supplier's, is one finding."""

import itertools
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_FEWEST = 3  # series that have a gap in common
_SHARE = 0.9  # of the series with bars before and behind it

_Point = tuple[str, int]  # a stamp, and whether the point lies before (0) or behind (1) the bar of that stamp
_Span = tuple[_Point, _Point]


@dataclass(frozen=True)
class SharedGap:
    """A gap that at least three series, and nine of ten, have in common.

    Attributes:
        start: the first stamp at which a bar is missing, as in the gaps of a series.
        end: the last.
        missing: the most bars that one series misses there.
        series: how many series miss it.
        of: how many have bars both before and behind it.
    """

    start: str
    end: str
    missing: int
    series: int
    of: int

    def covers(self, gap: Mapping[str, Any]) -> bool:
        """Whether a series' gap lies within it."""
        return bool(self.start <= gap["start"] and gap["end"] <= self.end)


def shared_gaps(series: Sequence[Mapping[str, Any]]) -> list[SharedGap]:
    """The gaps that series have in common, ascending.

    Args:
        series: start, end and `ranges` (start, end, missing) of each, of one calendar and frequency, as in `gaps.Gaps`.
    """
    spans = _common(series)
    if not spans:
        return []
    starts = [span[0] for span in spans]
    within: list[list[tuple[int, Mapping[str, Any]]]] = [[] for _ in spans]
    for number, each in enumerate(series):
        for gap in each["ranges"]:
            at = bisect_right(starts, (gap["start"], 0)) - 1
            if at >= 0 and (gap["end"], 1) <= spans[at][1]:
                within[at].append((number, gap))
    return [_gap(found, series) for found in within if found]


def _gap(found: Sequence[tuple[int, Mapping[str, Any]]], series: Sequence[Mapping[str, Any]]) -> SharedGap:
    start, end = min(gap["start"] for _, gap in found), max(gap["end"] for _, gap in found)
    return SharedGap(
        start,
        end,
        missing=max(gap["missing"] for _, gap in found),
        series=len({number for number, _ in found}),
        of=sum(each["start"] < start and end < each["end"] for each in series),
    )


def _common(series: Sequence[Mapping[str, Any]]) -> list[_Span]:
    """Where nearly all series that have begun and not ended miss bars."""
    around = _steps(each for each in series if each["start"])
    missed = _steps(gap for each in series for gap in each["ranges"])
    found: list[_Span] = []
    present = absent = 0
    for point, following in itertools.pairwise(sorted(around.keys() | missed.keys())):
        present += around[point]
        absent += missed[point]
        if absent >= _FEWEST and absent >= _SHARE * present:
            start = found.pop()[0] if found and found[-1][1] == point else point
            found.append((start, following))
    return found


def _steps(spans: Iterable[Mapping[str, Any]]) -> Counter[_Point]:
    """Point → how many more spans there are behind it than before it."""
    steps: Counter[_Point] = Counter()
    for span in spans:
        steps[span["start"], 0] += 1
        steps[span["end"], 1] -= 1
    return steps
