"""Rows to learn from: what is known at the end of a window, and what became of a position opened there.

In sample are the earlier rows, less those whose horizon reaches into the later ones: their outcome is decided there. Left out
are rows whose outcome is ambiguous, and those whose horizon reaches beyond the data: of these only what ended quickly is known,
which is no fair share of them. Both samples keep the order of time. Where one has too few rows, nothing can be learned, and it
is told why.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from barmill.market import arrays
from barmill.market.features import FEATURES
from barmill.market.grids import Label
from barmill.market.samples import border, text_of
from barmill.market.series import MINUTE
from barmill.market.touches import OUTCOMES, Touches

if TYPE_CHECKING:
    import pyarrow as pa

FEWEST = 100  # rows in each sample
CODES = ("candles",)  # features whose values are names, not sizes
DIRECTIONS = {"up": 1, "down": -1}
_HOUR = 60 * MINUTE


@dataclass(frozen=True)
class Rows:
    """n rows of a universe, with outcomes.

    Attributes:
        names: of the features.
        features: float64, shape (n, features); NaN where not defined.
        hour: int64, shape (n,): hour of the day, UTC, of the window's end.
        outcomes: direction (up, down) → int8, shape (n,): position in `touches.OUTCOMES`.
        gains: direction → float64, shape (n,): pips that the position came to.
        inside: bool, shape (n,): in sample.
        overlap: how many successive rows share a horizon: that many count as one when chance is reckoned.
        lacking: why nothing can be learned from them, or "".
        since: the border from which rows are out of sample, ISO text.
    """

    names: tuple[str, ...]
    features: NDArray[np.float64]
    hour: NDArray[np.int64]
    outcomes: dict[str, NDArray[np.int8]]
    gains: dict[str, NDArray[np.float64]]
    inside: NDArray[np.bool_]
    overlap: float
    lacking: str = ""
    since: str = ""


def rows(universe: "pa.Table", touches: Touches, label: Label, tie: str, out_of_sample: float | str, interval: int) -> Rows:
    """Join a universe with a label by the bar at whose close a window is known.

    Args:
        universe: a table of `market.features`.
        touches: of the same series.
        label: whose outcomes are joined.
        tie: see `market.touches`.
        out_of_sample: which rows are not learned from: from a date on, or a share of them, the last ones; see `market.samples`.
        interval: minutes between rows.
    """
    last = arrays.stamps(universe.column("last"))
    place = np.searchsorted(touches.columns["time"], last)
    found = {name: touches.outcomes(label, tie, sign) for name, sign in DIRECTIONS.items()}
    known = np.all([each.outcome[place] <= OUTCOMES.index("none") for each in found.values()], axis=0)
    known &= place < touches.covered(label.horizon)
    cut = border(last, out_of_sample)
    inside = last + label.horizon * MINUTE < cut
    kept = np.flatnonzero(known & (inside | (last >= cut)))
    names = tuple(each.name for each in FEATURES)
    features = np.column_stack([arrays.numbers(universe.column(name)).astype(np.float64) for name in names])
    hour = last % (24 * _HOUR) // _HOUR
    outcomes = {name: each.outcome[place[kept]] for name, each in found.items()}
    gains = {name: each.magnitude[place[kept]] for name, each in found.items()}
    lacking = _lacking(len(touches.columns["time"]), int(inside[kept].sum()), int((~inside[kept]).sum()))
    overlap = max(1.0, label.horizon / interval)
    return Rows(names, features[kept], hour[kept], outcomes, gains, inside[kept], overlap, lacking, text_of(cut))


def _lacking(bars: int, inside: int, outside: int) -> str:
    if min(inside, outside) >= FEWEST:
        return ""
    return (
        f"of {bars:,} bar{'s'[: bars != 1]} {inside} rows in sample and {outside} out of it have a known outcome: "
        f"patterns need {FEWEST} of each"
    )
