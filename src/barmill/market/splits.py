"""Splits of shares, as far as prices and volumes can tell of them.

A split moves the level of all prices between two bars, by a ratio, and the number of shares by its inverse: the closes stay on
the new level, and what is traded is worth as much as before. A bad bar leaves the level; news move it less, or make the volume
rise. A step is like a split if

    level   the median of the 5 closes from it on over that of the 5 before it is as far as the open from the close before,
            within 0.05 + a tenth of it (all of it in natural logarithms), and twice as far as the longest step of the 20
            bars before
    size    it is a ratio of small numbers, within 0.03, or at least a quadrupling or quartering
    volume  (median likewise, where it is known) a ratio of small numbers leaves the turnover between 1/e and e times what it
            was; a larger one makes prices fall with no more than e^1.5 times the turnover, or rise with no more volume

At least 3 bars are needed before and from the step on: before that nobody can tell it from a bad bar. The limits were set by
the consolidations of leveraged products and the news days in real series of London, Warsaw and New York.
"""

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Numbers = npt.NDArray[np.float64]

_RATIOS = {(new, old): math.log(new / old) for new, old in ((3, 2), (2, 1), (5, 2), (3, 1))}
_NEAR = 0.03
_LARGE = math.log(4) - _NEAR
_BARS, _LEAST, _USUAL = 5, 3, 20
_STAYS, _SLACK, _STEPS = 0.05, 0.1, 2
_TURNOVER, _TURNOVER_LARGE = 1.0, 1.5

SMALLEST = _RATIOS[3, 2] - _NEAR
"""The natural logarithm of the smallest change that can be a split."""


_ALIKE = 0.02
_COMMON = (1.5, 2, 2.5, *range(3, 11), 12, 15, 16, 20, 25, 30, 40, 50, 60, 75, 80, 100, 150, 200, 250, 500, 1000)


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
    import numpy as np

    before, after = slice(max(row - _BARS, 0), row), slice(row, row + _BARS)
    if min(row, len(close) - row) < _LEAST:
        return ""
    level, gap = _step(close[before], close[after]), _log(opened[row] / close[row - 1])
    if not abs(level) >= SMALLEST or not abs(level - gap) <= _STAYS + _SLACK * abs(level):
        return ""
    if abs(level) < _STEPS * _longest(close[max(row - _USUAL, 0) : row]):
        return ""
    traded = _step(volume[before], volume[after])  # NaN, which no comparison holds for, where it is not known
    turnover = level + traded
    if abs(level) >= _LARGE:
        is_split = not (traded > 0 if level > 0 else turnover > _TURNOVER_LARGE)
        ratio = math.exp(abs(level))
        new, old = f"{ratio:.3g}", "1"
    else:
        (new_shares, old_shares), nearest = min(_RATIOS.items(), key=lambda each: abs(each[1] - abs(gap)))
        is_known = not np.isnan(volume[max(row - _BARS, 0) : row + _BARS]).any()
        is_split = abs(nearest - abs(gap)) <= _NEAR and (abs(turnover) <= _TURNOVER or not is_known)
        new, old = str(new_shares), str(old_shares)
    if not is_split:
        return ""
    about = "about " if abs(level) >= _LARGE else ""
    return f"{about}{new}:{old}" if level < 0 else f"{about}{old}:{new}"


def _step(before: "Numbers", after: "Numbers") -> float:
    """How far the median moved; NaN where either is not positive."""
    import numpy as np

    return _log(float(np.median(after)) / float(np.median(before)) if np.median(before) > 0 else math.nan)


def _longest(close: "Numbers") -> float:
    """The longest step between closes that are positive."""
    import numpy as np

    close = close[(close > 0) & np.isfinite(close)]
    return float(np.abs(np.diff(np.log(close))).max()) if len(close) > 1 else 0.0


def _log(ratio: float) -> float:
    return math.log(ratio) if 0 < ratio < math.inf else math.nan
