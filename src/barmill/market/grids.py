"""The grids of research, as names: universes (bars and lookback) and labels (target, stop and horizon)."""

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from barmill.errors import ConfigError

_UNIVERSE = re.compile(r"(\d+)m_(\d+)lb")
_LABEL = re.compile(r"T(\d+)_S(\d+)_H(\d+)")
METHODS = ("kmeans", "hdbscan")
"""Of sorting a universe's windows into regimes."""

_MOST = 10
_DAY = 1440


class Universe(NamedTuple):
    """Windows of `lookback` bars of `interval` minutes."""

    interval: int
    lookback: int

    @property
    def name(self) -> str:
        """As in `5m_20lb`."""
        return f"{self.interval}m_{self.lookback}lb"


class Label(NamedTuple):
    """A position with target and stop in pips, closed after `horizon` minutes at the latest."""

    target: int
    stop: int
    horizon: int

    @property
    def name(self) -> str:
        """As in `T20_S10_H240`."""
        return f"T{self.target}_S{self.stop}_H{self.horizon}"


def universes(intervals: Sequence[int], lookbacks: Sequence[int], own: int) -> list[Universe]:
    """Every universe of bars that bars of `own` minutes can be joined to, by interval and lookback.

    Raises:
        ConfigError: an interval divides no day, or a lookback is below 5.
    """
    for interval in intervals:
        if interval < 1 or _DAY % interval:
            raise ConfigError(f"setting universe_intervals: {interval} minutes do not divide a day", "choose 1, 5, 15, 30, 60")
    for lookback in lookbacks:
        if lookback < _SHORTEST:
            raise ConfigError(f"setting universe_lookbacks: {lookback} bars are too few", f"choose {_SHORTEST} or more")
    fitting = sorted(each for each in intervals if each % own == 0)
    return [Universe(*each) for each in itertools.product(fitting, sorted(lookbacks))]


_SHORTEST = 5  # bars that the features of a window need


def labels(targets: Sequence[int], stops: Sequence[int], horizons: Sequence[int], own: int) -> list[Label]:
    """Every label whose horizon is at least a bar of `own` minutes, by target, stop and horizon.

    Raises:
        ConfigError: a distance or horizon is 0.
    """
    for name, values in (("label_targets", targets), ("label_stops", stops), ("label_horizons", horizons)):
        if not values or min(values) < 1:
            raise ConfigError(f"setting {name}: {list(values)} is empty or has a 0", "give positive whole numbers")
    fitting = sorted(each for each in horizons if each >= own)
    return [Label(*each) for each in itertools.product(sorted(targets), sorted(stops), fitting)]


def groups(chosen: Sequence[Label], size: int) -> list[list[Label]]:
    """The labels in groups of `size`, in their order.

    Raises:
        ConfigError: the size is not from 1 to 10.
    """
    if not 1 <= size <= _MOST:
        raise ConfigError(f"setting checkpoint_interval: {size} is not from 1 to {_MOST}", f"choose {_MOST} or less")
    return [list(chosen[at : at + size]) for at in range(0, len(chosen), size)]


def chosen(names: Sequence[str], intervals: Sequence[int], lookbacks: Sequence[int], own: int) -> list[Universe]:
    """The universes of these names, in their order; those that bars of `own` minutes can't be joined to are left out.

    Raises:
        ConfigError: a name is none, or that of a universe outside the grid.
    """
    named = list(map(parse_universe, names))
    for universe in named:
        if universe.interval not in intervals or universe.lookback not in lookbacks:
            raise ConfigError(
                f"universe {universe.name} is chosen, but not made",
                f"universe_intervals has {list(intervals)}, universe_lookbacks {list(lookbacks)}: add it there",
            )
    made = universes(intervals, lookbacks, own)
    return [universe for universe in named if universe in made]


def sortings(names: Sequence[str], intervals: Sequence[int], lookbacks: Sequence[int], own: int) -> list[tuple[Universe, str]]:
    """The universes of these names, each with each method of sorting its windows into regimes. See `chosen`."""
    return list(itertools.product(chosen(names, intervals, lookbacks, own), METHODS))


def pairs(
    names: Sequence[str], made: Sequence[Label], intervals: Sequence[int], lookbacks: Sequence[int], own: int
) -> list[tuple[Universe, Label]]:
    """The universe and label of each of these names, like `5m_20lb:T10_S10_H60`. See `chosen`.

    Args:
        names: of pairs.
        made: the labels that there are.
        intervals: minutes of the universes' bars.
        lookbacks: bars of their windows.
        own: minutes of the series' bars.

    Raises:
        ConfigError: a name is none, or that of a universe or label outside the grids.
    """
    found = []
    for name in names:
        universe, _, label = name.partition(":")
        if parse_label(label) not in made:
            raise ConfigError(f"setting patterns: label {label} is not in the grid", "see label_targets, _stops, _horizons")
        found += [(each, parse_label(label)) for each in chosen([universe], intervals, lookbacks, own)]
    return found


def parse_universe(name: str) -> Universe:
    """The universe of a name like `5m_20lb`.

    Raises:
        ConfigError: it is no such name.
    """
    return Universe(*_numbers(_UNIVERSE, name, "universe", "5m_20lb: minutes of a bar, bars of the window"))


def parse_label(name: str) -> Label:
    """The label of a name like `T20_S10_H240`.

    Raises:
        ConfigError: it is no such name.
    """
    return Label(*_numbers(_LABEL, name, "label", "T20_S10_H240: target and stop in pips, horizon in minutes"))


def _numbers(form: re.Pattern[str], name: str, what: str, example: str) -> Iterator[int]:
    found = form.fullmatch(name)
    if not found:
        raise ConfigError(f"{name!r} names no {what}", f"write it as {example}")
    return map(int, found.groups())
