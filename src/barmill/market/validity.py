"""How well regions of high density are told apart: the validity of clusters of any shape (DBCV, Moulavi and others 2014).

Of n points in d dimensions, some of them in clusters, others noise; inside a cluster of m points

    core(p) = (sum over its other points q of |p - q|^-d, / (m - 1))^(-1/d)
    reach(p, q) = max(core(p), core(q), |p - q|)
    sparseness = the longest inner edge of its minimum spanning tree by `reach`
    separation = the least `reach` from an inner point of it to one of another cluster
    validity = (separation - sparseness) / max(separation, sparseness)

where inner points have more than one edge, and inner edges join two of them. The index is the sum of validity m / n over the
clusters: -1 to 1, the higher the better; noise counts as nothing. Where there are fewer than two clusters it is -1.
"""

import numpy as np
from numpy.typing import NDArray

from barmill.market.samples import spread

Floats = NDArray[np.float64]

_MOST = 1_000  # points of which it is asked: its cost is quadratic
_LEAST = np.finfo(np.float64).tiny  # an edge between equal points: one of 0 is none
_FEWEST = 2  # clusters, and points of one


def validity(points: Floats, labels: NDArray[np.integer]) -> float:
    """The index of clusters, by at most 1,000 of their points at even distances.

    Args:
        points: shape (n, d).
        labels: shape (n,): the cluster of each, -1 for noise.
    """
    inside = np.flatnonzero(labels >= 0)
    asked = spread(inside, _MOST)
    clusters = [points[asked[labels[asked] == each]] for each in np.unique(labels[inside])]
    if min(len(clusters), min(map(len, clusters), default=0)) < _FEWEST:
        return -1.0
    cores, inner, sparse = zip(*map(_shape, clusters), strict=True)
    total = 0.0
    for k, cluster in enumerate(clusters):
        others = (_reach(inner[k], inner[j], cores[k], cores[j]).min() for j in range(len(clusters)) if j != k)
        separation = min(map(float, others))
        total += (separation - sparse[k]) / max(separation, sparse[k], _LEAST) * len(cluster) / len(asked)
    return total * len(inside) / len(points)


def _shape(points: Floats) -> tuple[Floats, Floats, float]:
    """Core distances of a cluster's inner points, these points, and its sparseness."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import minimum_spanning_tree
    from scipy.spatial.distance import cdist

    apart = cdist(points, points)
    np.fill_diagonal(apart, np.inf)
    with np.errstate(divide="ignore", over="ignore"):
        core = ((1 / apart) ** points.shape[1]).sum(axis=1)
        core = (core / (len(points) - 1)) ** (-1 / points.shape[1])
    np.fill_diagonal(apart, 0)
    tree = minimum_spanning_tree(csr_array(np.maximum(_reach(points, points, core, core, apart), _LEAST))).tocoo()
    edges = np.bincount(np.append(tree.row, tree.col), minlength=len(points))
    among = (edges[tree.row] > 1) & (edges[tree.col] > 1)
    middle = edges > 1 if (edges > 1).any() else edges > 0
    return core[middle], points[middle], float(tree.data[among if among.any() else slice(None)].max())


def _reach(one: Floats, other: Floats, core: Floats, far: Floats, apart: Floats | None = None) -> Floats:
    """From each point of the one to each of the other, shape (m, l)."""
    from scipy.spatial.distance import cdist

    found: Floats = np.maximum(cdist(one, other) if apart is None else apart, np.maximum(core[:, None], far[None, :]))
    return found
