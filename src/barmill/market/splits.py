"""Splits of shares, as far as a price can tell of them."""

import bisect
import math

_RATIOS = (1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 16, 20, 25, 30, 40, 50, 60, 75, 80, 100)  # new shares for an old one
_LOGS = tuple(map(math.log, _RATIOS))
_NEAR = 0.02  # how far from such a ratio, on a logarithmic scale, the night and the first trades may carry a price

SMALLEST = _LOGS[0] - _NEAR
"""The natural logarithm of the smallest change that can be a split."""


def split_of(shares: float) -> str:
    """The split that multiplied shares by exp(`shares`), `2:1` for two new ones of an old one; "" if it is near none."""
    at = bisect.bisect_left(_LOGS, abs(shares) - _NEAR)
    if at == len(_LOGS) or _LOGS[at] > abs(shares) + _NEAR:
        return ""
    whole = _RATIOS[at] == int(_RATIOS[at])
    new, old = (int(_RATIOS[at]), 1) if whole else (int(2 * _RATIOS[at]), 2)
    return f"{new}:{old}" if shares > 0 else f"{old}:{new}"
