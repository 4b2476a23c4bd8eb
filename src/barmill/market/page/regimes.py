"""What a page says of regimes: bands over the price, how much of the time each has, and what they are like."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from barmill.page import svg
from barmill.page.colors import NOTHING, ordered
from barmill.page.document import Axis, Page, areas, stamp, table

_COLUMNS = 400  # of the timeline: about two pixels each
_NOWHERE = -2  # of bars that are in no window


@dataclass(frozen=True)
class Prices:
    """What the timeline shows of a series of n bars.

    Attributes:
        time: int64, shape (n,): microseconds since 1970, UTC, ascending.
        close: float64, shape (n,).
    """

    time: NDArray[np.int64]
    close: NDArray[np.float64]


@dataclass(frozen=True)
class Sorting:
    """Windows of a series, sorted into regimes.

    Attributes:
        name: `5m_20lb_kmeans`: universe and method.
        time: int64, shape (w,): stamp of the first bar of each window's last interval, ascending, as in `Prices`.
        last: int64, shape (w,): that of the last one.
        regime: int16, shape (w,); -1 is none.
        outside: position of the first window out of sample.
        profile: rows of the table of that name, see `market.profiles`.
        lacking: why there is no regime, or "".
    """

    name: str
    time: NDArray[np.int64]
    last: NDArray[np.int64]
    regime: NDArray[np.int16]
    outside: int
    profile: Sequence[Mapping[str, str]]
    lacking: str = ""

    @property
    def title(self) -> str:
        """The name as people read it."""
        universe, _, method = self.name.rpartition("_")
        return f"{ {'kmeans': 'k-means', 'hdbscan': 'HDBSCAN'}[method] } of {universe}"

    @property
    def names(self) -> dict[int, str]:
        """Regime → its name, none (-1) first."""
        return dict(sorted({int(row["regime"]): row["name"] for row in self.profile}.items()))

    def colors(self) -> dict[int, str]:
        """Regime → colour, from calm to wild, for their numbers ascend with volatility."""
        numbers = [number for number in self.names if number >= 0]
        return {-1: NOTHING} | dict(zip(numbers, ordered(len(numbers)), strict=True))

    def of_bars(self, time: NDArray[np.int64]) -> NDArray[np.int16]:
        """The regime of the window whose last interval a bar is in; `_NOWHERE` if it is in none."""
        if not len(self.time):
            return np.full(len(time), _NOWHERE, np.int16)
        at = np.maximum(np.searchsorted(self.time, time, "right") - 1, 0)
        inside = (time >= self.time[at]) & (time <= self.last[at])
        return np.where(inside, self.regime[at], np.int16(_NOWHERE))


def show(page: Page, prices: Prices, sortings: Sequence[Sorting], ticks: Sequence[tuple[int, str]]) -> None:
    """A timeline per sorting, of which the reader chooses one."""
    page.heading("Regimes over the price")
    if not sortings:
        page.text(
            "There is no picture: no universe of this series is sorted into regimes (setting regime_universes, bars no longer "
            "than a universe's)."
        )
        return
    for each in sortings:
        if each.lacking:
            page.text(f"There is no picture of {each.title}: {each.lacking}.")
    shown = {str(k): each for k, each in enumerate(sortings) if not each.lacking}
    if shown:
        axis = Axis("regimes by", {k: each.title for k, each in shown.items()}, next(iter(shown)))
        page.choice("regimes", [axis], {(k,): _timeline(prices, each, ticks) for k, each in shown.items()})
        page.text(
            "Bands: the regime that most bars of a stretch are in. Below, a lane per regime: what share of the stretch it has. "
            "Regimes are numbered from calm to wild, by their volatility in sample, and named by the third of all in-sample "
            "windows in which their trend and volatility lie on average; none: in no regime. They are found in sample, and "
            "windows out of sample are only sorted into them. Run: successive windows in one regime.",
            "note",
        )


def _timeline(prices: Prices, sorting: Sorting, ticks: Sequence[tuple[int, str]]) -> str:
    bars, names, colors = sorting.of_bars(prices.time), sorting.names, sorting.colors()
    edges = np.unique(np.linspace(0, len(bars), min(_COLUMNS, len(bars)) + 1).astype(np.int64))
    shares = {number: np.add.reduceat(bars == number, edges[:-1]) / np.diff(edges) for number in names}
    axes = svg.Axes((0, len(bars)), (float(prices.close.min()), float(prices.close.max())), "close", ticks)
    for start, end, number in _stretches(edges, shares):
        when = f"{stamp(int(prices.time[start]))} to {stamp(int(prices.time[end - 1]))}"
        axes.band(start, end, colors[number], f"{_told(number, names)}, {when}")
    axes.line(list(enumerate(prices.close.tolist())), "#1f2328", "close")
    lanes = svg.Lanes((0, len(bars)))
    for number, name in names.items():
        shown = shares[number].tolist()
        lanes.lane(name if number < 0 else f"{number}", edges.tolist(), shown, colors[number], _told(number, names))
    if sorting.outside < len(sorting.time):
        cut = int(np.searchsorted(prices.time, sorting.time[sorting.outside]))
        axes.upright(cut, "out-of-sample")
        lanes.upright(cut)
    title = f"{sorting.title}: price and regimes"
    legend = areas([_told(number, names) for number in names], [colors[number] for number in names])
    return axes.svg(title) + lanes.svg(f"{title}, shares") + legend + _profile(sorting)


def _stretches(edges: NDArray[np.int64], shares: Mapping[int, NDArray[np.float64]]) -> list[tuple[int, int, int]]:
    """(first bar, bar behind the last, regime) of the stretches in which one has most bars; none where no bar is in any."""
    found: list[tuple[int, int, int]] = []
    for k, (start, end) in enumerate(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)):
        number = max(shares, key=lambda number: shares[number][k])
        if not shares[number][k]:
            continue
        goes_on = bool(found) and found[-1][1:] == (start, number)
        found.append((found.pop()[0] if goes_on else start, end, number))
    return found


def _told(number: int, names: Mapping[int, str]) -> str:
    return names[number] if number < 0 else f"{number} {names[number]}"


def _profile(sorting: Sorting) -> str:
    samples: dict[str, dict[int, Mapping[str, str]]] = {"in": {}, "out": {}}
    for row in sorting.profile:
        samples[row["sample"]][int(row["regime"])] = row
    columns = ("regime", "share in", "share out", "run in", "run out", "volatility in", "trend in")
    rows: list[list[Any]] = []
    for number in sorting.names:
        inside, outside = (samples[sample].get(number, {}) for sample in ("in", "out"))
        wanted = (
            (inside, "share"), (outside, "share"), (inside, "mean_run"), (outside, "mean_run"), (inside, "mean_volatility"),
            (inside, "mean_trend_strength"),
        )  # fmt: skip
        values = [float(row[key]) if row.get(key) else None for row, key in wanted]
        rows.append([_told(number, sorting.names), *values])
    return table(columns, rows)
