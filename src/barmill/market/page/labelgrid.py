"""The grid of labels, as their summary has it: what became of positions, by target, stop, horizon and direction."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from barmill.market.grids import Label, parse_label
from barmill.page.heat import Cell


@dataclass(frozen=True)
class Outcomes:
    """What became of the positions of a label in one direction; NaN for what is not known.

    Attributes:
        rows: how many there are.
        target: of them, that the target ended; likewise `stop`; `censored`: the data end within the horizon.
        win_rate: targets among targets and stops, 0 to 1.
        break_even: the win rate at which targets and stops would be worth nothing.
        expectancy: mean of what a position came to, in stops (R), over all whose horizon lies within the data.
        pips: the same in pips.
    """

    rows: int
    target: int
    stop: int
    censored: int
    win_rate: float
    break_even: float
    expectancy: float
    pips: float

    @property
    def decided(self) -> int:
        """Positions that target or stop ended."""
        return self.target + self.stop

    def share(self, count: int) -> float:
        """Of all rows; NaN if there is none."""
        return count / self.rows if self.rows else math.nan


@dataclass(frozen=True)
class LabelGrid:
    """The summary of the labels of a series.

    Attributes:
        pip: in the quote unit.
        found: (label, direction) → what became of the positions.
    """

    pip: float
    found: Mapping[tuple[Label, str], Outcomes]

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, str]], pip: float) -> "LabelGrid":
        """From the rows of a summary, see `market.touches.SUMMARY`."""
        return cls(pip, {(parse_label(row["label"]), row["direction"]): _outcomes(row) for row in rows})

    @property
    def rows(self) -> int:
        """Of the series."""
        return max((each.rows for each in self.found.values()), default=0)

    @cached_property
    def targets(self) -> list[int]:
        """In pips, the greatest first: upwards in a chart."""
        return sorted({label.target for label, _ in self.found}, reverse=True)

    @cached_property
    def stops(self) -> list[int]:
        """In pips."""
        return sorted({label.stop for label, _ in self.found})

    @cached_property
    def horizons(self) -> list[int]:
        """In minutes."""
        return sorted({label.horizon for label, _ in self.found})

    def most(self, horizons: Sequence[int]) -> float:
        """The greatest distance of an expectancy from 0 among these horizons; 1 if there is none."""
        values = (abs(each.expectancy) for (label, _), each in self.found.items() if label.horizon in horizons)
        return max(filter(math.isfinite, values), default=0.0) or 1.0

    def matrix(self, side: str, horizon: int, told: Callable[[Label, Outcomes], Cell]) -> list[list[Cell]]:
        """A row of cells per target, a cell per stop."""
        named = [[Label(target, stop, horizon) for stop in self.stops] for target in self.targets]
        return [[told(label, self.found[label, side]) for label in row] for row in named]

    def telling(self) -> int:
        """The horizon within which about half of the positions are decided."""

        def off(horizon: int) -> float:
            mine = [each for (label, _), each in self.found.items() if label.horizon == horizon]
            return abs(sum(each.decided for each in mine) / max(sum(each.rows for each in mine), 1) - 0.5)

        return min(self.horizons, key=off)


def _outcomes(row: Mapping[str, str]) -> Outcomes:
    counts = (int(row[name]) for name in ("rows", "target", "stop", "censored"))
    shares = (float(row[name] or "nan") for name in ("target_share", "break_even", "mean_r", "mean_magnitude"))
    return Outcomes(*counts, *shares)
