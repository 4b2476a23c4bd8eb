"""What regimes are like: a profile of each, and how they follow one another, in sample and out of it."""

from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from barmill.market import arrays
from barmill.market.regimes import Regimes

if TYPE_CHECKING:
    import pyarrow as pa

SAMPLES = ("in", "out")
TRANSITIONS = ("sample", "from", "to", "count", "probability")
_NONE = "none"
_THIRDS = (1 / 3, 2 / 3)
_NAMES = {"trend_strength": ("down", "flat", "up"), "volatility": ("calm", "normal", "wild")}


def table_of(universe: "pa.Table", found: Regimes) -> "pa.Table":
    """A row per window: `time`, `last` (of the universe), `regime`, `name`, `sample` (in, out), `distance`."""
    import pyarrow as pa

    names = names_of(found)
    position = {number: at for at, number in enumerate(names)}
    places = np.array([position[int(each)] for each in found.regime], np.int8)
    samples = (np.arange(len(found.regime)) >= found.inside).astype(np.int8)
    return pa.table(
        {
            "time": universe.column("time"),
            "last": universe.column("last"),
            "regime": arrays.arrow(found.regime),
            "name": arrays.coded(places, list(names.values())),
            "sample": arrays.coded(samples, SAMPLES),
            "distance": arrays.arrow(found.distance),
        }
    )


def names_of(found: Regimes) -> dict[int, str]:
    """Number → name such as `up_calm`: in which third of all rows in sample the regime's mean trend and volatility lie."""
    names = {}
    for number in found.numbers:
        rows = np.flatnonzero(found.regime[: found.inside] == number)
        words = (_third(found, feature, rows) for feature in _NAMES if feature in found.features)
        names[number] = _NONE if number < 0 else "_".join(words)  # rows in no regime may have no feature to name them by
    return names


def _third(found: Regimes, feature: str, rows: NDArray[np.int64]) -> str:
    values = found.values[: found.inside, found.features.index(feature)]
    low, high = np.nanquantile(values, _THIRDS)
    mean = np.nanmean(values[rows])
    return _NAMES[feature][int(mean > low) + int(mean > high)]


def profile_columns(found: Regimes) -> tuple[str, ...]:
    """Columns of `profile`."""
    means = (f"{kind}_{name}" for name in found.features for kind in ("mean", "deviation"))
    return ("sample", "regime", "name", "rows", "share", "mean_run", "next_mean", "next_deviation", *means)


def profile(universe: "pa.Table", found: Regimes) -> Iterator[dict[str, object]]:
    """A row per sample and regime: rows, their share, mean length of a run, log return to the next row, and each feature."""
    close = arrays.numbers(universe.column("close"))
    following = np.append(np.diff(np.log(close, out=np.full(len(close), np.nan), where=close > 0)), np.nan)
    names = names_of(found)
    for sample, number in product(SAMPLES, found.numbers):
        part = found.sample(sample)
        regime, ahead = found.regime[part], following[part]
        ahead = ahead[:-1] if sample == "in" else ahead  # the last one's next row is out of sample
        inside = regime == number
        runs = int(np.count_nonzero(np.diff(inside.astype(np.int8), prepend=0) == 1))
        row: dict[str, object] = {"sample": sample, "regime": number, "name": names[number], "rows": int(inside.sum())}
        row |= {"share": _text(inside.mean()) if len(inside) else "", "mean_run": _text(inside.sum() / runs) if runs else ""}
        row |= _moments("next_mean", "next_deviation", ahead[inside[: len(ahead)]])
        for at, name in enumerate(found.features):
            row |= _moments(f"mean_{name}", f"deviation_{name}", found.values[part][inside, at])
        yield row


def transitions(found: Regimes) -> Iterator[dict[str, object]]:
    """A row per sample and pair of regimes: how often a row of the one is followed by one of the other, and the share."""
    for sample in SAMPLES:
        regime = found.regime[found.sample(sample)]
        for one, other in product(found.numbers, repeat=2):
            there = regime[:-1] == one
            count = int((there & (regime[1:] == other)).sum())
            share = _text(count / there.sum()) if there.any() else ""
            yield {"sample": sample, "from": one, "to": other, "count": count, "probability": share}


def _moments(mean: str, deviation: str, values: NDArray[np.float64]) -> dict[str, object]:
    defined = values[~np.isnan(values)]
    return {mean: _text(defined.mean()), deviation: _text(defined.std())} if len(defined) else {mean: "", deviation: ""}


def _text(value: float) -> str:
    return f"{value:.8g}"
