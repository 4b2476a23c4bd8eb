"""Features of windows: each against its definition in slow Python, whatever the window; and none sees the future."""

import math

import numpy as np
import pytest

from barmill.market import arrays
from barmill.market.features import FEATURES, table_of, told, windows
from barmill.market.resample import resample
from barmill.market.series import MINUTE, Series
from tests.support import windows_oracle
from tests.support.series import bars, walk

NAMES = [each.name for each in FEATURES]
PIP = 0.0001


def expected(series, lookback):
    """The oracle's features, a dict per window."""
    rows = list(zip(series.open, series.high, series.low, series.close, series.volume, strict=True))
    starts = range(len(rows) - lookback + 1)
    return [windows_oracle.features([tuple(map(float, row)) for row in rows[i : i + lookback]], PIP) for i in starts]


def check(series, lookback):
    """Every feature of every window is what the oracle says."""
    found = windows(series, lookback, 1, PIP)
    wanted = expected(series, lookback)
    assert found.shape == (len(NAMES), len(wanted))
    for name, values in zip(NAMES, found, strict=True):
        if name != "coverage":
            oracle = [np.nan if each.get(name) is None else each[name] for each in wanted]
            np.testing.assert_allclose(values, oracle, rtol=2e-5, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("lookback", [5, 10, 15, 20, 30])
def test_each_feature_is_its_definition(lookback):
    """On a random walk with gaps, at each lookback of the default grid."""
    check(walk(120, lookback, gaps=0.05), lookback)


@pytest.mark.parametrize("lookback", [5, 12, 30])
def test_flat_and_stepping_windows(lookback):
    """Where prices stand still, rise evenly, or move in steps of a pip, what is not defined is NaN and the rest is right."""
    flat = [(1.1, 1.1, 1.1, 1.1)] * 40
    steps = [(1.1 + k % 3 * PIP, 1.1005, 1.0995, 1.1 + (k + 1) % 3 * PIP) for k in range(40)]
    even = [(1.1 * 1.001**k, 1.1 * 1.001**k, 1.1 * 1.001**k, 1.1 * 1.001**k) for k in range(40)]
    for rows in (flat, steps, even):
        check(bars(*rows), lookback)


def test_unknown_volumes():
    """A volume that is not known counts for nothing; there is no relative volume where none, or not the last, is known."""
    series = walk(60)
    volume = series.volume.copy()
    volume[::3] = np.nan
    volume[30:45] = np.nan
    volume[50:] = 0
    check(Series(**{**vars(series), "volume": volume}), 10)


def test_a_price_without_logarithm_spoils_its_windows_only():
    """Windows with a zero or negative price have no feature; the others are as without it."""
    series = walk(60)
    low = series.low.copy()
    low[20] = 0
    found = windows(Series(**{**vars(series), "low": low}), 10, 1, PIP)
    spoilt = np.isnan(found).all(axis=0)
    assert np.flatnonzero(spoilt).tolist() == list(range(11, 21))
    np.testing.assert_array_equal(found[:, ~spoilt], windows(series, 10, 1, PIP)[:, ~spoilt])


def of_logarithms(x):
    """A series of minutes whose closes have these logarithms."""
    close = np.exp(x)
    open_ = np.append(close[:1], close[:-1])
    time = np.arange(len(x)) * MINUTE
    return Series(time, open_, np.maximum(open_, close), np.minimum(open_, close), close, np.ones(len(x)))


def one(x):
    """The features of one window that has all of x; name → value."""
    return dict(zip(NAMES, windows(of_logarithms(x), len(x), 1, PIP)[:, 0].tolist(), strict=True))


def test_a_long_random_walk_has_the_values_of_theory():
    """What is known in closed form of a Gaussian random walk, without a loop of ours.

    Hurst exponent 1/2, Higuchi dimension 3/2. In a box of s steps the mean square about a line is (s^2 - 4) / (15 s) of that of
    a step: DFA's exponent is the slope of its root. Rising and falling threes have the chance 1/4 each, the other four 1/8
    (Bandt and Shiha 2007). Two steps are within half a deviation of one another with the chance erf(1/4).
    """
    found = one(np.cumsum(np.random.default_rng(3).standard_normal(4_000)) * 1e-4)
    sizes = np.array([3, 4, 6, 8, 12])
    dfa = np.polyfit(np.log(sizes), np.log((sizes**2 - 4) / (15 * sizes)) / 2, 1)[0]
    threes = -(2 * 0.25 * math.log(0.25) + 4 * 0.125 * math.log(0.125)) / math.log(6)
    assert found["dfa"] == pytest.approx(dfa, abs=0.02)
    assert found["higuchi"] == pytest.approx(1.5, abs=0.02)
    assert found["permutation_entropy"] == pytest.approx(threes, abs=0.005)
    assert found["sample_entropy"] == pytest.approx(-math.log(math.erf(0.25)), abs=0.02)
    assert (found["skewness"], found["kurtosis"]) == (pytest.approx(0, abs=0.15), pytest.approx(0, abs=0.3))
    walks = np.cumsum(np.random.default_rng(4).standard_normal((40, 500)), axis=1) * 1e-4
    assert np.mean([one(x)["hurst"] for x in walks]) == pytest.approx(0.5, abs=0.05)


def test_exponents_of_few_bars_lean():
    """Windows of 20 bars of a random walk have on average what the module says of them."""
    means = np.nanmean(
        windows(of_logarithms(np.cumsum(np.random.default_rng(7).standard_normal(40_000)) * 1e-4), 20, 1, PIP), 1
    )
    found = dict(zip(NAMES, means.tolist(), strict=True))
    assert [found[name] for name in ("hurst", "dfa", "higuchi")] == pytest.approx([0.47, 0.78, 1.53], abs=0.015)


def test_noise_and_a_wave_have_the_values_of_theory():
    """Noise about a level has Hurst exponent 0, dimension 2, and power at all frequencies; a wave has one, and dimension 1."""
    noise = one(np.random.default_rng(5).standard_normal(2_000) * 1e-4)
    assert noise["hurst"] == pytest.approx(0, abs=0.01)
    assert noise["higuchi"] == pytest.approx(2, abs=0.03)
    assert noise["permutation_entropy"] == pytest.approx(1, abs=0.005)
    expected_entropy = 1 - (1 - np.euler_gamma) / math.log(1_000)  # shares of a flat spectrum are exponential
    assert noise["spectral_entropy"] == pytest.approx(expected_entropy, abs=0.01)
    wave = one(np.sin(np.arange(1_000) / 20 * 2 * np.pi) * 1e-3)
    assert wave["dominant_frequency"] == pytest.approx(1 / 20)
    assert wave["spectral_entropy"] < 0.05
    assert wave["higuchi"] == pytest.approx(1, abs=0.1)


def test_coverage_is_the_share_of_time_with_bars():
    """Five bars of a minute over nine minutes cover five ninths."""
    series = walk(5)
    time = series.time + np.array([0, 0, 4, 4, 4]) * MINUTE
    found = windows(Series(**{**vars(series), "time": time}), 5, 1, PIP)
    assert found[NAMES.index("coverage"), 0] == np.float32(5 / 9)


def test_range_is_told_in_the_instruments_pips():
    """The same moves in yen are the same number of pips, each of 0.01."""
    at = NAMES.index("range_pips")
    euro, yen = walk(50), walk(50, digits=3, start=150, step=0.8e-2)
    assert 0.5 < windows(yen, 20, 1, 0.01)[at].mean() / windows(euro, 20, 1, 0.0001)[at].mean() < 2


@pytest.mark.parametrize(("interval", "lookback"), [(1, 5), (5, 10), (15, 30)])
def test_the_future_changes_no_row(interval, lookback):
    """Shuffle every bar after some moment: the rows known before it stay as they were, to the bit."""
    series, cut = walk(3000, gaps=0.02), 2000
    order = np.append(np.arange(cut), cut + np.random.default_rng(0).permutation(len(series) - cut))
    shuffled = Series(series.time, *(getattr(series, name)[order] for name in ("open", "high", "low", "close", "volume")))
    one, other = (table_of(each, resample(each, interval, 1), lookback, interval, PIP) for each in (series, shuffled))
    known = arrays.stamps(one.column("last")) < series.time[cut]
    assert known.sum() > 10
    for name in one.column_names:
        read = arrays.stamps if name in {"time", "last"} else arrays.numbers
        early, late = ([read(each.column(name))[part] for each in (one, other)] for part in (known, ~known))
        np.testing.assert_array_equal(*early, err_msg=name)
        assert name in {"time", "last", "coverage"} or not np.array_equal(*late)


def test_a_row_is_known_at_the_close_of_its_last_bar():
    """`last` is the stamp of the last minute in the row's last bar of five."""
    series = walk(60)
    table = table_of(series, resample(series, 5, 1), 5, 5, PIP)
    time, last = arrays.stamps(table.column("time")), arrays.stamps(table.column("last"))
    assert (last - time == 4 * MINUTE).all()
    assert len(table) == 60 // 5 - 4


def test_too_few_bars_make_an_empty_table():
    """Fewer bars than the window has: no row, and the metadata says so."""
    series = walk(4)
    table = table_of(series, resample(series, 1, 1), 5, 1, PIP)
    assert len(table) == 0
    assert (told(table)["rows"], told(table)["start"]) == (0, None)


def test_every_feature_says_what_it_is():
    """Name and formula of each stand in its table; names are unique."""
    assert len(set(NAMES)) == len(NAMES)
    assert all(each.formula for each in FEATURES)


def test_a_window_of_four_is_refused():
    """The features need five bars."""
    with pytest.raises(ValueError, match="4 bars"):
        windows(walk(10), 4, 1, PIP)
