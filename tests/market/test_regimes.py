"""Regimes: found where they are, never from the future, the same at each build; profile and transitions counted by hand."""

import itertools
import math

import numpy as np
import pyarrow as pa
import pytest

from barmill.market import arrays, profiles
from barmill.market.features import table_of
from barmill.market.grids import METHODS
from barmill.market.regimes import FEATURES, find
from barmill.market.resample import resample
from barmill.market.series import Series
from tests.support import validity_oracle
from tests.support.series import MONDAY, walk

MINUTE = 60_000_000


def universe(values, close=None):
    """A universe whose features of regimes have these values, shape (n, features)."""
    n = len(values)
    time = MONDAY + np.arange(n) * 5 * MINUTE
    table = {"time": arrays.utc(time), "last": arrays.utc(time + 4 * MINUTE)}
    table["close"] = arrays.arrow(np.ones(n) if close is None else close)
    return pa.table(table | {name: arrays.arrow(values[:, k].astype(np.float32)) for k, name in enumerate(FEATURES)})


def clouds(n=600, seed=1):
    """Three clouds far apart, in turns of twenty rows; the one with the lowest volatility is 0."""
    rng = np.random.default_rng(seed)
    which = np.arange(n) // 20 % 3
    centres = np.array([[1, -5, 0, 0, 0, 0], [2, 0, 5, 0, 0, 5], [3, 5, 0, 5, 0, -5]])
    return which, centres[which] + rng.standard_normal((n, len(FEATURES))) * 0.1


@pytest.mark.parametrize("method", METHODS)
def test_clouds_are_found(method):
    """Three clouds are three regimes, in sample and out of it, numbered by volatility."""
    which, values = clouds()
    found = find(universe(values), method, 0.3)
    assert found.told["k"] == 3
    assert found.inside == 420
    agreed = found.regime == which
    assert agreed.mean() == 1 if method == "kmeans" else agreed.mean() > 0.95


@pytest.mark.parametrize("method", METHODS)
def test_the_future_decides_no_regime(method):
    """Whatever the rows out of sample are, those in sample keep their regimes, and each out of it depends on itself alone."""
    _, values = clouds()
    other = values.copy()
    other[450:] = other[450:][::-1] * 3
    one, two = (find(universe(each), method, 0.3) for each in (values, other))
    np.testing.assert_array_equal(one.regime[:450], two.regime[:450])
    np.testing.assert_array_equal(one.distance[:450], two.distance[:450])
    assert (one.distance[450:] != two.distance[450:]).any()


def test_the_future_names_no_regime():
    """Names and the profile in sample stay as they are, however wild and steep the rows out of sample become."""
    _, values = clouds()
    other = values.copy()
    other[420:, :2] += 1000
    found = [find(universe(each), "kmeans", 0.3) for each in (values, other)]
    assert profiles.names_of(found[0]) == profiles.names_of(found[1])
    assert len(set(profiles.names_of(found[0]).values())) == 3
    inside = [[row for row in profiles.profile(universe(values), each) if row["sample"] == "in"] for each in found]
    assert inside[0] == inside[1]


@pytest.mark.parametrize("method", METHODS)
def test_twice_the_same(method):
    """Seeds are fixed and threads are one: the same regimes to the bit."""
    series = walk(6000, 3)
    table = table_of(series, resample(series, 5, 1), 20, 5, 0.0001)
    one, two = (find(table, method, 0.3) for _ in range(2))
    np.testing.assert_array_equal(one.regime, two.regime)
    np.testing.assert_array_equal(one.distance, two.distance)


def test_rows_without_a_feature_have_no_regime():
    """A row with an undefined feature is in none; a feature that is hardly ever defined, or never moves, is left out."""
    _, values = clouds()
    values[5, 0] = np.nan
    values[:400, 5] = np.nan
    values[:, 4] = 7
    found = find(universe(values), "kmeans", 0.3)
    assert found.regime[5] == -1
    assert np.isnan(found.distance[5])
    assert (found.regime >= 0).sum() == 599
    assert found.told["left_out"] == [FEATURES[4], FEATURES[5]]


def assert_none(found, why):
    """No row is in a regime, and it is told why; tables can be made of it."""
    assert set(found.regime.tolist()) <= {-1}
    assert np.isnan(found.distance).all()
    assert why in found.told["lacking"]
    assert set(profiles.names_of(found)) <= {-1}


@pytest.mark.parametrize("count", [0, 1, 60])
def test_too_few_rows(count):
    """A sample too small to learn from has no regime, and says so with its size."""
    found = find(universe(clouds()[1][:count]), "kmeans", 0.3)
    assert_none(found, f"{int(count * 0.7)} rows are in sample: regimes need 50")
    table = universe(clouds()[1][:count])
    assert len(profiles.table_of(table, found)) == count
    assert sum(row["rows"] for row in profiles.profile(table, found)) == count
    assert len(list(profiles.transitions(found))) == (2 if count else 0)


@pytest.mark.parametrize("share", [1.0, 1.5, -0.1])
def test_a_share_that_leaves_a_sample_empty(share):
    """All rows out of sample, or more, or fewer than none, is an error that names the setting."""
    with pytest.raises(Exception, match="out_of_sample"):
        find(universe(clouds()[1]), "kmeans", share)


def test_profile_by_hand():
    """Rows, share, run length, next return and features of each regime and sample, counted in plain Python."""
    which, values = clouds()
    close = np.exp(np.cumsum(np.random.default_rng(2).standard_normal(600) * 1e-3))
    table = universe(values, close)
    found = find(table, "kmeans", 0.3)
    rows = {(row["sample"], row["regime"]): row for row in profiles.profile(table, found)}
    assert len(rows) == 6
    for (sample, regime), row in rows.items():
        start, end = (0, 420) if sample == "in" else (420, 600)
        there = [i for i in range(start, end) if which[i] == regime]
        runs = sum(1 for i in there if i == start or which[i - 1] != regime)
        after = [math.log(close[i + 1] / close[i]) for i in there if i + 1 < end]
        assert row["rows"] == len(there)
        assert float(row["share"]) == pytest.approx(len(there) / (end - start), rel=1e-7)
        assert float(row["mean_run"]) == pytest.approx(len(there) / runs, rel=1e-7)
        assert float(row["next_mean"]) == pytest.approx(sum(after) / len(after), rel=1e-6)
        mean = sum(float(np.float32(values[i, 0])) for i in there) / len(there)
        assert float(row["mean_volatility"]) == pytest.approx(mean, rel=1e-6)
    assert [row["name"] for row in rows.values()][:3] == ["down_calm", "flat_normal", "up_wild"]


def test_transitions_by_hand():
    """Each pair of regimes is counted within its sample; the shares of those after one add up to 1."""
    which, values = clouds()
    found = find(universe(values), "kmeans", 0.3)
    for row in profiles.transitions(found):
        start, end = (0, 420) if row["sample"] == "in" else (420, 600)
        pairs = [(int(which[i]), int(which[i + 1])) for i in range(start, end - 1)]
        count = pairs.count((row["from"], row["to"]))
        assert row["count"] == count
        assert float(row["probability"]) == pytest.approx(count / sum(one == row["from"] for one, _ in pairs), rel=1e-7)


def test_table_of_regimes():
    """A row per window with its stamps, regime, name and sample."""
    which, values = clouds()
    table = universe(values)
    rows = profiles.table_of(table, find(table, "kmeans", 0.3)).to_pylist()
    assert [row["regime"] for row in rows] == which.tolist()
    assert [row["sample"] for row in rows] == ["in"] * 420 + ["out"] * 180
    assert rows[0]["name"] == "down_calm"
    assert all((row["last"] - row["time"]).seconds == 240 for row in rows)


def test_a_series_of_one_price():
    """Where nothing ever moves there is nothing to sort: no row is in a regime, and it is told why."""
    flat = walk(3000)
    same = Series(flat.time, *([np.full(3000, 1.1)] * 4), np.zeros(3000))
    assert_none(find(table_of(same, resample(same, 5, 1), 5, 5, 0.0001), "kmeans", 0.3), "no feature moves in the 416 rows")


@pytest.mark.parametrize("method", METHODS)
def test_why_there_is_no_regime(method):
    """Too few rows in sample, too few of them whole, or all that are whole alike: each is told with its numbers."""
    _, values = clouds()
    assert_none(find(universe(values[:70]), method, 0.3), "49 rows are in sample: regimes need 50")
    ninth, holes = np.arange(600) % 9, values.copy()
    holes[ninth < 4, 0], holes[(ninth >= 4) & (ninth < 8), 1] = np.nan, np.nan
    assert_none(find(universe(holes), method, 0.6), "26 of 240 rows in sample have every feature: regimes need 50")
    alike = np.full((600, len(FEATURES)), 3.0)
    alike[::5, :2], alike[1::5, :2] = (np.nan, 5.0), (4.0, np.nan)
    assert_none(find(universe(alike), method, 0.3), "the 252 rows in sample that have every feature are all alike")


def test_the_choice_of_hdbscan_is_told():
    """Every size and number of neighbours is tried; that of the highest validity is taken, of equal ones the greatest."""
    _, values = clouds(3_000)
    for each in (values, values + np.random.default_rng(2).standard_normal(values.shape) * 2):
        found = find(universe(each), "hdbscan", 0.3)
        tried = {(row["smallest"], row["neighbours"]): row["score"] for row in found.told["validity"]}
        assert set(tried) == set(itertools.product((10, 20, 40), (10, 25)))
        best = (found.told["smallest"], found.told["neighbours"])
        assert best == max(choice for choice, score in tried.items() if score == max(tried.values()))
        points = ((each - each[:2016].mean(axis=0)) / each[:2016].std(axis=0))[:2016].astype(np.float32)
        some = found.regime[:2016][::3]
        slow = validity_oracle.validity(points[::3].tolist(), some.tolist())
        assert tried[best] == pytest.approx(slow, abs=0.1)


def test_where_no_place_is_dense():
    """One cloud is no two regimes: every row is in none, and it is told that no choice found any."""
    found = find(universe(np.random.default_rng(1).standard_normal((600, len(FEATURES)))), "hdbscan", 0.3)
    assert set(found.regime.tolist()) == {-1}
    assert found.told["k"] == 0
    assert found.told["lacking"] == "no choice of size and neighbours finds two dense places in 420 rows"


@pytest.mark.parametrize("method", METHODS)
def test_hardly_any_different_rows(method):
    """Rows of two kinds are two regimes, none of them split, and without a warning."""
    values = np.ones((600, len(FEATURES)))
    values[np.arange(600) % 3 == 0, 0] = 2.0
    found = find(universe(values), method, 0.3)
    assert found.told["k"] == 2
    assert found.regime.tolist() == (np.arange(600) % 3 == 0).astype(int).tolist()
