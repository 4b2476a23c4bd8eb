"""Colours that people who see few of them can tell apart, too; none is all that tells a thing."""

import math
from collections.abc import Sequence

LINES = ("#0072b2", "#d55e00", "#009e73", "#56b4e9", "#000000")
"""Of lines (Okabe and Ito); when they are used up they come again, dashed."""

DASHES = ("", "5 3")

_ABOVE, _BELOW, _MUCH = (67, 147, 195), (224, 130, 20), (154, 143, 196)
_WHITE = (255, 255, 255)
_CIVIDIS = ((0, 34, 78), (53, 69, 108), (102, 105, 112), (148, 142, 119), (200, 184, 102), (254, 232, 56))
NOTHING = "#e6e6e6"
"""Of what is in no class."""


def line(number: int) -> tuple[str, str]:
    """Colour and dashes (of SVG) of a line by its number, from 0 on."""
    return LINES[number % len(LINES)], DASHES[number // len(LINES) % len(DASHES)]


def diverging(share: float) -> str:
    """For -1 (orange) to 1 (blue); white at 0 and for NaN. Dark text can be read on all of them."""
    return _mixed(_WHITE, _ABOVE if share > 0 else _BELOW, abs(share))


def sequential(share: float) -> str:
    """For 0 (white) to 1 (violet); white for NaN. Dark text can be read on all of them."""
    return _mixed(_WHITE, _MUCH, share)


def ordered(count: int) -> list[str]:
    """That many colours from dark blue to yellow (cividis), in an order that can be seen."""
    return [_along(_CIVIDIS, k / max(count - 1, 1)) for k in range(count)]


def _along(stops: Sequence[tuple[int, int, int]], share: float) -> str:
    at = min(int(share * (len(stops) - 1)), len(stops) - 2)
    return _mixed(stops[at], stops[at + 1], share * (len(stops) - 1) - at)


def _mixed(one: tuple[int, int, int], other: tuple[int, int, int], share: float) -> str:
    share = 0.0 if math.isnan(share) else min(max(share, 0.0), 1.0)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(one, other, strict=True))
