"""Regimes: clusters of the windows of a universe, fitted on the earlier rows and given to all.

A regime of a row depends on that row and on the rows in sample, never on a later one out of sample. k-means takes the k of the
highest mean silhouette. HDBSCAN finds the number itself and leaves rows in no regime (-1); of its sizes of the smallest regime,
shares of the rows, and its numbers of neighbours that make a place dense it takes those of the highest validity (see
`market.validity`), of equal ones the greatest. Both see features less their mean, over their deviation in sample. A row that
was not fitted takes the nearest centre (k-means) or the regime of the nearest fitted row (HDBSCAN). Regimes are numbered by the
mean volatility of their rows in sample.
"""

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from barmill.market import arrays
from barmill.market.samples import border, learners, spread, text_of
from barmill.market.validity import validity

if TYPE_CHECKING:
    import pyarrow as pa

FEATURES = ("volatility", "trend_strength", "momentum", "efficiency", "range_position", "relative_volume")
FEWEST = 50  # rows in sample
_CLUSTERS = range(2, 7)
_MOST = {"kmeans": 20_000, "hdbscan": 5_000}  # rows that are fitted
_SCORED = 2_000  # rows of which the silhouette is asked: its cost is quadratic
_SHARES = (0.005, 0.01, 0.02)  # of the fitted rows that HDBSCAN's smallest regime may have
_SMALLEST = 10  # rows of it
_NEIGHBOURS = (10, 25)  # within whose distance a row may be in a dense place
_NOISE = -1


@dataclass(frozen=True)
class Regimes:
    """Regimes of n rows.

    Attributes:
        regime: int16, shape (n,); -1 is none, also of a row with an undefined feature.
        distance: float32, to the centre or the nearest fitted row, in deviations; NaN for an undefined feature.
        inside: how many of the rows, the first ones, are in sample.
        features: the columns that were seen.
        values: float64, shape (n, features): theirs.
        told: how they were found: the border, features left out, fitted rows, scores; or `lacking`: why there are none.
    """

    regime: NDArray[np.int16]
    distance: NDArray[np.float32]
    inside: int
    features: tuple[str, ...]
    values: NDArray[np.float64]
    told: dict[str, Any]

    @property
    def numbers(self) -> list[int]:
        """The regimes there are, none (-1) first."""
        return [int(each) for each in np.unique(self.regime)]

    def sample(self, name: str) -> slice:
        """The rows of `in` or `out`."""
        return slice(0, self.inside) if name == "in" else slice(self.inside, None)


def find(universe: "pa.Table", method: str, out_of_sample: float | str) -> Regimes:
    """Find regimes in the rows in sample, and sort all rows into them.

    Where too few rows are in sample, or nothing sets them apart, every row is in none, and it is told why.

    Args:
        universe: a table of `market.features`.
        method: one of `grids.METHODS`.
        out_of_sample: which rows are only sorted: from a date on, or a share of them, the last ones; see `market.samples`.

    Raises:
        ConfigError: all rows, or none, would be out of sample by their share.
    """
    every = np.column_stack([arrays.numbers(universe.column(name)).astype(np.float64) for name in FEATURES])
    last = arrays.stamps(universe.column("last"))
    cut = border(last, out_of_sample)
    inside, since = int(np.searchsorted(last, cut)), {"out_of_sample_from": text_of(cut)}
    kept = [k for k in range(len(FEATURES)) if _varies(every[:inside, k])]
    values = every[:, kept]
    whole = np.asarray(~np.isnan(values).any(axis=1))
    known = np.flatnonzero(whole)
    if lacking := _lacking(values[:inside], whole[:inside]):
        nowhere = np.full(len(every), _NOISE, np.int16), np.full(len(every), np.nan, np.float32)
        return Regimes(*nowhere, inside, tuple(FEATURES[k] for k in kept), values, since | {"lacking": lacking})
    points = _scaled(values, inside)
    fitted = spread(known[known < inside], _MOST[method])
    _, threads = learners()
    with threads.threadpool_limits(1):
        labels, distances, told = (_kmeans if method == "kmeans" else _hdbscan)(points, fitted, known)
    regime, distance = np.full(len(every), _NOISE, np.int16), np.full(len(every), np.nan, np.float32)
    regime[known], distance[known] = labels, distances
    regime = _renumbered(regime, every[:, FEATURES.index("volatility")], inside)
    names = tuple(FEATURES[k] for k in kept)
    told |= since | {"left_out": [name for name in FEATURES if name not in names], "fitted_rows": len(fitted)}
    return Regimes(regime, distance, inside, names, values, told)


def _lacking(values: NDArray[np.float64], whole: NDArray[np.bool_]) -> str:
    """Why no regimes can be found in these rows, of which some are whole; "" if they can."""
    if len(values) < FEWEST:
        return f"{len(values)} rows are in sample: regimes need {FEWEST}"
    if not values.shape[1]:
        return f"no feature moves in the {len(values):,} rows in sample, or is defined in half of them"
    if whole.sum() < FEWEST:
        return f"{whole.sum()} of {len(values):,} rows in sample have every feature: regimes need {FEWEST}"
    if not np.ptp(values[whole], axis=0).any():
        return f"the {whole.sum():,} rows in sample that have every feature are all alike"
    return ""


def _varies(values: NDArray[np.float64]) -> bool:
    defined = values[~np.isnan(values)]
    return len(defined) * 2 > len(values) and bool(np.ptp(defined) > 0)


def _scaled(values: NDArray[np.float64], inside: int) -> NDArray[np.float64]:
    scaled: NDArray[np.float64] = (values - np.nanmean(values[:inside], axis=0)) / np.nanstd(values[:inside], axis=0)
    return scaled


_Found = tuple[NDArray[np.int16], NDArray[np.float64], dict[str, Any]]


def _kmeans(points: NDArray[np.float64], fitted: NDArray[np.int64], known: NDArray[np.int64]) -> _Found:
    from sklearn.cluster import KMeans

    scored = spread(np.arange(len(fitted)), _SCORED)
    different = len(np.unique(points[fitted], axis=0))
    scores, models = {}, {}
    for k in _CLUSTERS[: max(1, different - 1)]:
        models[k] = KMeans(k, n_init=4, random_state=0).fit(points[fitted])
        scores[k] = _silhouette(points[fitted][scored], models[k].labels_[scored])
    best = max(scores, key=lambda k: (scores[k], -k))
    labels = models[best].predict(points[known])
    apart = points[known] - models[best].cluster_centers_[labels]
    told = {"k": best, "silhouettes": {str(k): score for k, score in scores.items()}}
    return labels.astype(np.int16), np.sqrt((apart**2).sum(axis=1)), told


def _silhouette(points: NDArray[np.float64], labels: NDArray[np.int32]) -> float:
    """The mean silhouette (Rousseeuw 1987), with six digits; its least value, -1, where all rows are in one cluster."""
    from sklearn.metrics import silhouette_score

    return round(float(silhouette_score(points, labels)), 6) if np.ptp(labels) else -1.0


def _hdbscan(points: NDArray[np.float64], fitted: NDArray[np.int64], known: NDArray[np.int64]) -> _Found:
    from sklearn.cluster import HDBSCAN
    from sklearn.neighbors import KDTree

    sizes = dict.fromkeys(max(_SMALLEST, int(len(fitted) * share)) for share in _SHARES)
    found, scores = {}, {}
    for size, near in product(sizes, _NEIGHBOURS):
        found[size, near] = HDBSCAN(min_cluster_size=size, min_samples=near, copy=True).fit_predict(points[fitted])
        scores[size, near] = round(validity(points[fitted], found[size, near]), 6)
    best = max(scores, key=lambda choice: (scores[choice], choice))
    distance, nearest = KDTree(points[fitted]).query(points[known])
    told: dict[str, Any] = {"k": len(set(found[best].tolist()) - {_NOISE}), "smallest": best[0], "neighbours": best[1]}
    told["validity"] = [{"smallest": size, "neighbours": near, "score": score} for (size, near), score in scores.items()]
    if not told["k"]:
        told["lacking"] = f"no choice of size and neighbours finds two dense places in {len(fitted):,} rows"
    return found[best][nearest[:, 0]].astype(np.int16), distance[:, 0], told


def _renumbered(regime: NDArray[np.int16], volatility: NDArray[np.float64], inside: int) -> NDArray[np.int16]:
    """Numbered by volatility in sample: which number a method gives a cluster means nothing."""
    there = [int(each) for each in np.unique(regime) if each != _NOISE]
    calm = {each: float(np.nanmean(volatility[:inside][regime[:inside] == each])) for each in there}
    renumbered = np.full_like(regime, _NOISE)
    for number, each in enumerate(sorted(there, key=lambda each: (calm[each], each))):
        renumbered[regime == each] = number
    return renumbered
