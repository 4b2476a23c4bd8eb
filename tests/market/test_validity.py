"""The validity of density-based clusters: a slow walk through its definition, published answers, and the edges."""

import numpy as np
import pytest

from barmill.market.validity import validity
from tests.support import validity_oracle


def crescents(n, seed, noise):
    """Two half moons of n points each, one in the other's arms, with noise about them."""
    rng = np.random.default_rng(seed)
    angle = np.linspace(0, np.pi, n)
    upper, lower = np.column_stack([np.cos(angle), np.sin(angle)]), np.column_stack([1 - np.cos(angle), 0.5 - np.sin(angle)])
    points = np.concatenate([upper, lower]) + rng.normal(size=(2 * n, 2)) * noise
    return points, np.repeat([0, 1], n)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("features", [1, 2, 6])
def test_equal_to_the_slow_one(seed, features):
    """On clouds of any number of features, with noise, of two points and more."""
    rng = np.random.default_rng(seed)
    labels = np.append(rng.integers(-1, 3, 60), [0, 1, 3, 3])
    points = rng.normal(size=(64, features)) + 3 * labels[:, None] * (seed % 2)
    expected = validity_oracle.validity(points.tolist(), labels.tolist())
    assert validity(points, labels) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("noise", "answer"), [(0.02, 0.5035330074855655), (0.05, 0.275350925359584), (0.3, -0.5223314552203886)]
)
def test_answers_of_another_program(noise, answer):
    """Those of `validity_index` of the package hdbscan 0.8, where a tenth of the points is noise."""
    points, labels = crescents(200, 5, noise)
    labels[::10] = -1
    assert validity(points, labels) == pytest.approx(answer, rel=1e-9)


def test_shape_counts_and_not_the_distance_to_a_centre():
    """Half moons are told apart better by themselves than by a cut through the middle."""
    points, labels = crescents(150, 1, 0.02)
    assert validity(points, labels) > 0.5
    assert validity(points, (points[:, 0] > 0.5).astype(int)) < 0


def test_fewer_than_two_clusters():
    """Nothing but noise, or one cluster, or one of a single point, is worth nothing."""
    points = np.random.default_rng(1).normal(size=(30, 3))
    for labels in (np.full(30, -1), np.zeros(30, int), np.append(np.zeros(29, int), 1)):
        assert validity(points, labels) == -1.0


def test_equal_points():
    """Clusters of points that are all the same are as valid as can be."""
    points = np.repeat([[0.0, 0.0], [1.0, 0.0]], 20, axis=0)
    assert validity(points, np.repeat([0, 1], 20)) == pytest.approx(1.0)
    assert validity(points[:, :1], np.append(np.repeat([0, 1], 15), np.full(10, -1))) <= 1.0


def test_many_points():
    """Of more than a thousand points in clusters a thousand at even distances are asked; noise counts whole."""
    points, labels = crescents(1_500, 3, 0.05)
    labels[::3] = -1
    asked = np.flatnonzero(labels >= 0)[np.linspace(0, 1_999, 1_000).astype(int)]
    assert validity(points, labels) == pytest.approx(validity(points[asked], labels[asked]) * 2 / 3)
