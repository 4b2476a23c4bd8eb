"""Trades and metrics against a slow backtest in plain Python."""

import math
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barmill.market import metrics
from barmill.market.backtest import Backtest, Signals
from barmill.market.costs import Costs
from barmill.market.kernels.performance import WIDTH
from barmill.market.series import Series
from tests.support import backtest_oracle as oracle
from tests.support.made_bars import made

REASONS = {1: "stop", 2: "target", 3: "time", 4: "signal", 5: "end"}


def bars_of(series):
    """(open, high, low, close) of each bar."""
    return list(zip(*(getattr(series, name).tolist() for name in ("open", "high", "low", "close")), strict=True))


def signals_of(chosen):
    """Signals of bar → (side, distance)."""
    at = sorted(chosen)
    return Signals(
        np.array(at, np.int64), np.array([chosen[i][0] for i in at], np.int8), np.array([chosen[i][1] for i in at], float)
    )


def told(trades):
    """Trades of the kernel as the oracle tells them."""
    rows = zip(*(column.tolist() for column in trades), strict=True)
    return [oracle.Trade(entry, exit_, side, REASONS[why], *rest) for entry, exit_, side, why, *rest in rows]


def assert_equal_trades(found, expected):
    """The same trades; prices and returns within rounding."""
    assert [each[:4] for each in found] == [each[:4] for each in expected]
    for ours, theirs in zip(found, expected, strict=True):
        assert ours[4:] == pytest.approx(theirs[4:], rel=1e-12, abs=1e-14)


def assert_equal_metrics(found, expected):
    """The same metrics, undefined and infinite ones too."""
    for name, ours in zip(metrics.METRICS, found, strict=True):
        theirs = math.nan if expected[name] is None else expected[name]
        assert ours == pytest.approx(theirs, rel=1e-8, abs=1e-11, nan_ok=True), name


def compare(series, chosen, exits, costs, split, stop_first):
    """Trade and measure with the kernels and the oracle; returns the oracle's trades."""
    backtest = Backtest(series, costs, split, stop_first, YEAR)
    signals = signals_of(chosen)
    fractions = oracle.Costs(costs.spread / 2e4, costs.slippage / 1e4, costs.commission / 1e4)
    bars, closes = bars_of(series), series.close.tolist()
    parts = [
        oracle.trade(bars, chosen, exits, fractions, stop_first, start, end)
        for start, end in ((0, split), (split, len(series)))
    ]
    for found, expected in zip(backtest.trade(signals, exits), parts, strict=True):
        assert_equal_trades(told(found), expected)
    values = backtest.measure(signals, exits).reshape(3, WIDTH)
    lost = any(each.net <= -1 for each in parts[0])
    every = parts[0] if lost else parts[0] + parts[1]
    samples = ((every, 0, len(series)), (parts[0], 0, split), (parts[1], split, len(series)))
    for row, (trades, start, end) in zip(values, samples, strict=True):
        if start == end:
            continue
        assert_equal_metrics(row, oracle.measure(trades, closes, fractions.commission, start, end, YEAR))
    return parts


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    count=st.integers(60, 400),
    often=st.sampled_from([0.02, 0.1, 0.5, 1.0]),
    exits=st.tuples(st.sampled_from([0.5, 1, 2, 5]), st.sampled_from([0.5, 1, 3, 8]), st.sampled_from([1, 2, 10, 240])),
    costs=st.sampled_from([Costs(0, 0, 0), Costs(1.0, 0.5, 0.2), Costs(40, 10, 5)]),
    share=st.sampled_from([0.3, 0.5, 0.7]),
    stop_first=st.booleans(),
)
def test_equal_to_the_slow_one(seed, count, often, exits, costs, share, stop_first):
    """Random bars and signals, also at every bar: the same trades, bar for bar, and the same metrics of all three samples."""
    series = made(count, seed)
    rng = np.random.default_rng(seed + 1)
    chosen = {i: (int(rng.choice((-1, 1))), float(rng.uniform(0.0001, 0.001))) for i in range(count) if rng.random() < often}
    compare(series, chosen, exits, costs, max(int(count * share), 1), stop_first)


def series_of(*bars):
    """A series of (open, high, low, close)."""
    columns = [np.array(column, float) for column in zip(*bars, strict=True)]
    return Series(np.arange(len(bars)) * 60_000_000, *columns, np.zeros(len(bars)))


FREE = Costs(0, 0, 0)
YEAR = 98_280.0  # bars


def one(bars, side=1, exits=(1, 1, 99), stop_first=True, per_year=YEAR):
    """The one trade of a signal at the first bar with a distance of 1; as (entry, exit, reason, net return)."""
    series = series_of(*bars)
    (trade,) = compare(series, {0: (side, 1.0)}, exits, FREE, len(bars), stop_first)[0]
    return trade.entry, trade.exit, trade.reason, round(trade.net, 10)


FLAT = (10, 10.5, 9.5, 10)


@pytest.mark.parametrize(
    ("bars", "side", "expected"),
    [
        ([FLAT, FLAT, (10, 11, 9.5, 10)], 1, (1, 2, "target", 0.1)),
        ([FLAT, FLAT, (10, 10.5, 9, 10)], 1, (1, 2, "stop", -0.1)),
        ([FLAT, FLAT, (10, 11, 9.5, 10)], -1, (1, 2, "stop", -0.1)),
        ([FLAT, FLAT, (10, 10.5, 9, 10)], -1, (1, 2, "target", 0.1)),
        ([FLAT, (10, 11, 9.5, 10), FLAT], 1, (1, 1, "target", 0.1)),  # the bar of the entry counts
        ([FLAT, FLAT, (8, 8.5, 7, 8)], 1, (1, 2, "stop", -0.2)),  # a gap through the stop fills at the open
        ([FLAT, FLAT, (12, 13, 11, 12)], 1, (1, 2, "target", 0.2)),
        ([FLAT, FLAT, (12, 13, 11, 12)], -1, (1, 2, "stop", -0.2)),
        ([FLAT, FLAT, (10, 10.5, 9.5, 10.2)], 1, (1, 2, "end", 0.02)),
    ],
)
def test_one_trade(bars, side, expected):
    """A trade by hand: entry at the next open, exit where a level is touched, or at the open beyond it, or at the end."""
    assert one(bars, side) == expected


@pytest.mark.parametrize(("stop_first", "expected"), [(True, ("stop", -0.1)), (False, ("target", 0.1))])
def test_a_bar_that_touches_both(stop_first, expected):
    """It closes the position as the rule says."""
    assert one([FLAT, FLAT, (10, 11, 9, 10)], stop_first=stop_first)[2:] == expected


@pytest.mark.parametrize("stop_first", [True, False])
@pytest.mark.parametrize(
    ("side", "opened", "expected"),
    [(1, 9, ("stop", -0.1)), (1, 11, ("target", 0.1)), (-1, 11, ("stop", -0.1)), (-1, 9, ("target", 0.1))],
)
def test_a_bar_that_opens_exactly_at_a_level(side, opened, expected, stop_first):
    """It closes the position there, though it touches the other level, too, whatever the rule for such bars says."""
    assert one([FLAT, FLAT, (opened, 11, 9, 10)], side, stop_first=stop_first) == (1, 2, *expected)


def measured(closes, opened):
    """The metrics of a long position from an open to the last of these closes, without costs."""
    bars = [(opened, opened + 1, opened - 0.1, opened), *((opened, opened + 1, opened - 0.1, close) for close in closes)]
    series = series_of(*bars)
    backtest = Backtest(series, FREE, len(bars), stop_first=True, per_year=YEAR)
    return dict(zip(metrics.METRICS, backtest.measure(signals_of({0: (1, 100.0)}), (9, 9, 99)), strict=False))


def test_rounding_is_neither_a_gain_nor_a_loss():
    """Closes that differ from the entry in the last digits only: no return, no fall, no gaining part, nothing won or lost."""
    up, down = 0.1 + 0.2, math.nextafter(0.3, 0)
    assert down < 0.3 < up
    for closes in ([up] * 20, [down] * 20, [up, down] * 10, [down, up] * 10, [0.3 * (1 + 5e-13)] * 20):
        told = measured(closes, 0.3)
        assert (told["n_trades"], told["win_rate"], told["expectancy"], told["total_return"]) == (1, 0, 0, 0)
        assert (told["max_drawdown"], told["ulcer_index"], told["gaining_blocks"]) == (0, 0, 0)
        for name in ("profit_factor", "sharpe", "sortino", "calmar", "avg_win", "avg_loss", "skewness"):
            assert math.isnan(told[name]), name


def test_a_return_beyond_rounding_counts():
    """Two millionths of a millionth are a gain, and a loss."""
    told = measured([0.3] * 9 + [0.3 * (1 + 2e-12)] * 11, 0.3)
    assert (told["win_rate"], told["gaining_blocks"]) == (1, 1)
    assert told["total_return"] == pytest.approx(2e-12, rel=1e-3)
    assert told["sharpe"] > 0
    told = measured([0.3] * 9 + [0.3 * (1 - 2e-12)] * 11, 0.3)
    assert (told["win_rate"], told["gaining_blocks"]) == (0, 0)
    assert told["max_drawdown"] == pytest.approx(2e-12, rel=1e-3)
    assert told["avg_loss"] == pytest.approx(-2e-12, rel=1e-3)


def test_time_exit():
    """After `hold` bars, the first included, the position is closed at the close."""
    assert one([FLAT, FLAT, (10, 10.5, 9.5, 10.3), FLAT], exits=(1, 1, 2)) == (1, 2, "time", 0.03)


def test_reversal():
    """A signal of the other side closes one position and opens the other at the same open."""
    series = series_of(FLAT, FLAT, FLAT, (10.2, 10.6, 9.9, 10), FLAT)
    trades = compare(series, {0: (1, 1.0), 2: (-1, 1.0)}, (1, 1, 99), FREE, 5, True)[0]
    assert [(each.entry, each.exit, each.reason) for each in trades] == [(1, 3, "signal"), (3, 4, "end")]


def test_costs_are_taken():
    """A trade to the close at the same price loses the spread, twice the slippage and twice the commission."""
    series = series_of(FLAT, FLAT, FLAT)
    (trade,) = compare(series, {0: (1, 1.0)}, (1, 1, 99), Costs(10, 3, 2), 3, True)[0]
    assert trade.net == pytest.approx(-(10 + 2 * 2 + 2 * 3) / 1e4, rel=1e-3)
    assert trade.cost == pytest.approx(-trade.net)


def test_ruin_is_the_end():
    """A position that loses everything leaves nothing, not less, and nothing is traded after it."""
    series = series_of(FLAT, FLAT, (30, 31, 29, 30), FLAT, FLAT, FLAT)
    trades = compare(series, {0: (-1, 1.0), 3: (1, 1.0)}, (1, 1, 99), FREE, 6, True)[0]
    assert [(each.exit, each.net) for each in trades] == [(2, -1.0)]


@pytest.mark.parametrize("after", [(25, 26, 24, 25), (10, 25, 10, 10.2)])
def test_a_short_position_that_is_worth_nothing_is_over(after):
    """However far its stop, and wherever prices go from there: what is lost does not come back."""
    series = series_of(FLAT, FLAT, after, FLAT, FLAT)
    trades = compare(series, {0: (-1, 1.0), 3: (1, 1.0)}, (1000, 1, 99), Costs(4, 2, 1), 5, True)[0]
    assert [(each.exit, each.reason, each.net) for each in trades] == [(2, "stop", -1.0)]
    values = Backtest(series, FREE, 5, stop_first=True, per_year=YEAR).measure(signals_of({0: (-1, 1.0)}), (1000, 1, 99))
    told = dict(zip(metrics.COLUMNS, values, strict=True))
    assert (told["total_return"], told["max_drawdown"], told["win_rate"]) == (-1.0, 1.0, 0.0)


def test_after_a_total_loss_all_bars_have_the_metrics_of_the_equity_curve():
    """What is lost in-sample stays lost: later trades are of the out-of-sample bars alone, and in no figure of all bars."""
    rises = [(10 + k, 10.5 + k, 9.5 + k, 10.2 + k) for k in range(6)]
    series = series_of(FLAT, FLAT, (30, 31, 29, 30), FLAT, *rises)
    chosen, exits = {0: (-1, 1.0), 4: (1, 1.0), 6: (1, 1.0)}, (1, 1, 99)
    inside, outside = compare(series, chosen, exits, FREE, 4, True)
    assert (inside[-1].net, len(outside)) == (-1.0, 2)
    backtest = Backtest(series, FREE, 4, stop_first=True, per_year=YEAR)
    curve = backtest.equity(signals_of(chosen), exits)
    assert curve.tolist() == [1.0, 1.0] + [0.0] * 8
    told = dict(zip(metrics.COLUMNS, backtest.measure(signals_of(chosen), exits), strict=True))
    returns = np.array([0.0, 0.0, -1.0] + [0.0] * 7)
    assert told["sharpe"] == pytest.approx(returns.mean() / returns.std(ddof=1) * math.sqrt(YEAR), rel=1e-12)
    assert told["sortino"] == pytest.approx(returns.mean() / math.sqrt((returns**2).mean()) * math.sqrt(YEAR), rel=1e-12)
    assert (told["calmar"], told["max_drawdown"], told["total_return"]) == (-1.0, 1.0, -1.0)
    assert (told["n_trades"], told["out_n_trades"], told["win_rate"]) == (1, 2, 0.0)
    assert told["out_total_return"] > 0


@pytest.mark.parametrize("bars", [390, 2_000])
def test_few_bars_are_annualised_as_many(bars):
    """The factor is that of the calendar: the ratio of a day's bars is their mean over their deviation, times its root."""
    series = made(bars, 7)
    chosen, exits = {i: (1 if i % 14 else -1, 0.001) for i in range(0, bars, 7)}, (3, 3, 30)
    backtest = Backtest(series, FREE, bars, stop_first=True, per_year=YEAR)
    curve = np.append(1.0, backtest.equity(signals_of(chosen), exits))
    returns = np.diff(curve) / curve[:-1]
    told = dict(zip(metrics.COLUMNS, backtest.measure(signals_of(chosen), exits), strict=True))
    assert told["sharpe"] == pytest.approx(returns.mean() / returns.std(ddof=1) * math.sqrt(252 * 390), rel=1e-9)
    assert told["annual_return"] == pytest.approx(curve[-1] ** (252 * 390 / bars) - 1, rel=1e-6)


def fair(count, seed):
    """Bars of a minute over a fair walk of sixty steps each."""
    path = 1.2 + np.cumsum(np.random.default_rng(seed).choice((-2e-6, 2e-6), (count, 60))).reshape(count, 60)
    opened, close = np.append(1.2, path[:-1, -1]), path[:, -1].copy()
    high, low = np.maximum(opened, path.max(axis=1)), np.minimum(opened, path.min(axis=1))
    return Series(np.arange(count) * 60_000_000, opened, high, low, close, np.zeros(count))


@pytest.mark.parametrize("exits", [(1, 1, 40), (1, 3, 40), (4, 1, 40), (2, 8, 15), (50, 50, 5)])
def test_nothing_is_earned_of_a_fair_walk(exits):
    """Whatever stop, target and hold, trades come to 0 on average before costs (Doob 1953); costs are all that is lost."""
    series, rng = fair(40_000, 8), np.random.default_rng(9)
    at = np.flatnonzero(rng.random(40_000) < 0.05)
    signals = Signals(at, rng.choice(np.array([-1, 1], np.int8), len(at)), np.full(len(at), 3e-5))
    for costs in (FREE, Costs(2, 0.5, 0.3)):
        *_, net, cost = Backtest(series, costs, 40_000, stop_first=True, per_year=YEAR).trade(signals, exits)[0]
        gross = net + cost
        assert len(gross) > 500
        assert abs(gross.mean()) < 4 * gross.std() / math.sqrt(len(gross))
        least, most = (costs.spread + 2 * costs.commission + fills * costs.slippage for fills in (1, 2))
        assert least / 1e4 * 0.99 - 1e-12 <= cost.min()
        assert cost.max() <= most / 1e4 * 1.01 + 1e-12


def test_a_signal_at_every_bar_has_room():
    """Alternating signals at every bar make a trade at each but the first, and every one is there."""
    series = made(2_000, 3)
    chosen = {i: (1 if i % 2 else -1, 0.5) for i in range(len(series))}
    parts = compare(series, chosen, (1, 1, 99), FREE, 1_000, True)
    assert len(parts[0]) + len(parts[1]) == 1_999


def test_samples_are_apart():
    """No trade reaches over the split, and a signal at the last in-sample bar is an out-of-sample entry."""
    series = made(100, 4)
    inside, outside = compare(series, {45: (1, 1.0), 49: (-1, 1.0)}, (9, 9, 99), FREE, 50, True)
    assert [(each.entry, each.exit, each.reason) for each in inside] == [(46, 49, "end")]
    assert outside[0].entry == 50


def test_no_trades():
    """Without a signal nothing is lost, and what is a mean of nothing is undefined."""
    series = made(100, 5)
    compare(series, {}, (1, 1, 1), Costs(1, 1, 1), 70, True)


def test_kernels_stay_within_their_arrays(tmp_path):
    """Random trades, trades at every bar, and all rules run with numba checking every index."""
    if os.environ.get("NUMBA_BOUNDSCHECK"):
        return
    chosen = "equal_to_the_slow_one or has_room or looks_ahead or hardly_any or quantiles"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-k",
            chosen,
            __file__,
            "tests/market/test_strategies.py",
        ],
        cwd=os.path.dirname(os.path.dirname(os.path.dirname(__file__))),
        env={**os.environ, "NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
