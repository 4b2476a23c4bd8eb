"""Splits of shares, as far as prices and volumes can tell of them.

A split moves the level of all prices between two bars, by a ratio, and the number of shares by its inverse: the closes stay on
the new level, and what is traded is worth as much as before. A bad bar leaves the level; news move it less, or make the volume
rise, most on the first bar. A step is like a split if (all sizes in natural logarithms)

    level   the median of the 5 closes from it on over that of the 5 before it is as far as the open from the close before,
            within 0.05 + 0.15 of it, and both are at least twice the longest step between the 20 closes before
    size    it is a ratio of small numbers (5:4, 4:3, 3:2, 5:3, 2:1, 5:2, 3:1) within `near`, or at least a quadrupling or
            quartering
    volume  (medians likewise; where it is known) a small ratio makes prices fall with at most `turnover` more turnover, or rise
            with at most `rise` more volume, and neither is more than `first` higher on the first bar; a larger ratio makes
            prices fall with at most 1.5 more turnover, or rise with no more volume

At least 3 bars are needed before and from the step on: before that nobody can tell it from a bad bar. The limits were set by
the consolidations of leveraged products and the news days in real series of London, Warsaw and New York.
"""

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Numbers = npt.NDArray[np.float64]


class _Limits(NamedTuple):
    """How far a step may be from a split by a small ratio; see above. `level` bounds the move of the median beside the open."""

    near: float
    level: float
    turnover: float
    rise: float
    first: float


_USUAL = _Limits(near=0.05, level=math.inf, turnover=1.0, rise=0.3, first=0.7)
_FINE = _Limits(near=0.02, level=0.04, turnover=0.5, rise=0.1, first=0.5)  # news are often as small
_SMALL = {
    (5, 4): _FINE, (4, 3): _FINE, (3, 2): _USUAL, (5, 3): _USUAL, (2, 1): _USUAL, (5, 2): _USUAL, (3, 1): _USUAL,
}  # fmt: skip
_LARGE = math.log(4) - 0.03
_LARGE_TURNOVER = 1.5
_BARS, _LEAST, _BEFORE = 5, 3, 20
_STAYS, _SLACK, _STEPS = 0.05, 0.15, 2

SMALLEST = math.log(5 / 4) - _FINE.near - _FINE.level
"""The smallest step between closes at which a split may be."""

_ALIKE = 0.02
_COMMON = (
    5 / 4, 4 / 3, 3 / 2, 5 / 3, 2, 5 / 2, *range(3, 11), 12, 15, 16, 20, 25, 30, 40, 50, 60, 75, 80, 100,
    150, 200, 250, 500, 1000,
)  # fmt: skip


def is_ratio(size: float) -> bool:
    """Whether exp(`size`) or its inverse is within 2 % of a usual number of new shares for an old one."""
    return any(abs(abs(size) - math.log(ratio)) <= _ALIKE for ratio in _COMMON)


def split_like(opened: "Numbers", close: "Numbers", volume: "Numbers", row: int) -> str:
    """The split that explains the step from the bar before to a bar: `2:1` for two new shares of an old one; "" if none does.

    Args:
        opened: of all bars, ascending in time; so are the others.
        close: likewise.
        volume: likewise; NaN where it is not known.
        row: of the bar.
    """
    if min(row, len(close) - row) < _LEAST:
        return ""
    before, after = slice(max(row - _BARS, 0), row), slice(row, row + _BARS)
    gap, level = _log(opened[row], close[row - 1]), _step(close[before], close[after])
    if not (abs(gap) >= SMALLEST and abs(level - gap) <= _STAYS + _SLACK * abs(level)):
        return ""
    if min(abs(level), abs(gap)) < _STEPS * _longest(close[max(row - _BEFORE, 0) : row]):
        return ""
    traded = _Volume(_step(volume[before], volume[after]), _step(volume[before], volume[row : row + 1]), _is_known(volume, row))
    return _large(level, gap, traded) if abs(level) >= _LARGE else _small(level, gap, traded)


class _Volume(NamedTuple):
    """How far the median volume moved, and that of the first bar; NaN where nothing is traded; whether all are known."""

    step: float
    first: float
    is_known: bool


def _large(level: float, gap: float, traded: _Volume) -> str:
    """The split that explains the step, as far as one night's move can say; "" if the volume says that it is news."""
    if traded.step > 0 if level > 0 else level + traded.step > _LARGE_TURNOVER:
        return ""
    shares = float(f"{math.exp(abs(gap)):.3g}")
    return f"about {shares:g}:1" if level < 0 else f"about 1:{shares:g}"


def _small(level: float, gap: float, traded: _Volume) -> str:
    """The split by a small ratio that explains the step; "" if none does, or the volume says that it is news."""
    (new, old), limits = min(_SMALL.items(), key=lambda each: abs(math.log(each[0][0] / each[0][1]) - abs(gap)))
    if abs(math.log(new / old) - abs(gap)) > limits.near or abs(level - gap) > limits.level:
        return ""
    fall = min(level, 0.0)
    most = limits.turnover if level < 0 else limits.rise
    is_quiet = traded.step + fall <= most and not traded.first + fall > limits.first
    if traded.is_known and not is_quiet:
        return ""
    return f"{new}:{old}" if level < 0 else f"{old}:{new}"


def _is_known(volume: "Numbers", row: int) -> bool:
    import numpy as np

    return not np.isnan(volume[max(row - _BARS, 0) : row + _BARS]).any()


def _step(before: "Numbers", after: "Numbers") -> float:
    """How far the median moved; NaN where one is not known, not positive or not finite."""
    import numpy as np

    return _log(float(np.median(after)), float(np.median(before)))


def _longest(close: "Numbers") -> float:
    """The longest step between closes that are positive."""
    import numpy as np

    close = close[(close > 0) & np.isfinite(close)]
    return float(np.abs(np.diff(np.log(close))).max()) if len(close) > 1 else 0.0


def _log(value: float, base: float) -> float:
    is_good = 0 < value < math.inf and 0 < base < math.inf
    return math.log(value) - math.log(base) if is_good else math.nan
