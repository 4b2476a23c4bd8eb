"""Rules of the strategy families against slow ones, and that none of them looks ahead; ids and grids of strategies."""

import itertools
import math

import numpy as np
import pytest

from barmill.errors import ConfigError
from barmill.market import metrics
from barmill.market.backtest import ATR, Backtest
from barmill.market.costs import Costs
from barmill.market.indicators import definitions
from barmill.market.indicators import series as averages
from barmill.market.kernels.rolling import tails
from barmill.market.series import Series
from barmill.market.silence import bars_needed
from barmill.market.strategies.families import EXITS, FAMILIES
from barmill.market.strategies.strategy import Strategy, batches_of, strategies
from tests.support import families_oracle, real_bars
from tests.support.made_bars import made

COSTS = Costs(0.2, 0.3, 0.1)


def backtest(series):
    """A backtest on a series."""
    return Backtest(series, COSTS, int(len(series) * 0.7), True, 1e5)


def few(family, count):
    """Parameters of a family: the first of its grid, the last, and some between."""
    grid = FAMILIES[family].grid
    every = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    return [every[k] for k in sorted({round(k * (len(every) - 1) / (count - 1)) for k in range(count)})]


def sides(series, family, params):
    """The side that a rule takes at each bar."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return FAMILIES[family].rule(backtest(series).chart, **params)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_rule_is_what_its_definition_says(family):
    """Bar for bar the sides of a slow rule written from the definition, which sees only the bars so far."""
    series = made(330, 7, step=0.0005, decimals=4, minutes=5)
    bars = families_oracle.Bars(series)
    spoken = 0
    for params in few(family, {"candle": 10, "macd": 2}.get(family, 4)):
        if max((v for v in params.values() if isinstance(v, int)), default=0) > 130:
            continue
        rule = getattr(families_oracle, family)
        expected = [int(buy) - int(sell) for buy, sell in (rule(bars, i, **params) for i in range(bars.count))]
        assert sides(series, family, params).tolist() == expected, params
        spoken += np.count_nonzero(expected)
    assert spoken > 10


def still_at_first(count):
    """Bars that do not move before the bar `count`."""
    series = made(330, 7, step=0.0005, decimals=4, minutes=5)
    prices = {name: getattr(series, name).copy() for name in ("open", "high", "low", "close")}
    for values in prices.values():
        values[:count] = series.close[0]
    return Series(**{**vars(series), **prices})


@pytest.mark.parametrize("still", [0, 40])
@pytest.mark.parametrize("n", [2, 14, 30])
def test_strategies_and_indicators_share_one_definition_of_each_average(n, still):
    """EMA, RSI, ATR, Bollinger bands and MACD of strategies are those of the indicators, from the first bar to the last."""
    series = still_at_first(still)
    chart, close, bars = backtest(series).chart, series.close, (series.high, series.low, series.close)
    line = chart.ema(n) - chart.ema(2 * n)
    expected_line, expected_signal, _ = definitions.macd(close, fast=n, slow=2 * n, signal=9)
    pairs = {
        "ema": (chart.ema(n), averages.ema(close, n)),
        "rsi": (chart.rsi(n), definitions.rsi(close, n=n)),
        "atr": (chart.atr(n), definitions.atr(*bars, n=n)),
        "mean": (chart.mean(n), averages.mean(close, n)),
        "deviation": (chart.deviation(n), averages.deviation(close, n)),
        "macd": (line, expected_line),
        "macd signal": (chart.ema_of(line, 9), expected_signal),
    }
    for name, (found, expected) in pairs.items():
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9, err_msg=name)


def without_volume(series, count):
    """The bars, of which the first ones have no volume."""
    return Series(**{**vars(series), "volume": np.append(np.full(count, np.nan), series.volume[count:])})


@pytest.mark.parametrize("count", [330, 200])
def test_a_rule_of_volume_where_there_is_none(count):
    """It goes by true ranges as long as none of the bars that it looks back on has a volume, and by volume after that."""
    series = made(330, 7, step=0.0005, decimals=4, minutes=5)
    quiet, params = without_volume(series, count), {"n": 20, "width": 1}
    bars = families_oracle.Bars(quiet)
    expected = [int(buy) - int(sell) for buy, sell in (families_oracle.volume_burst(bars, i, **params) for i in range(330))]
    found = sides(quiet, "volume_burst", params).tolist()
    assert found == expected
    loud = sides(series, "volume_burst", params).tolist()
    assert found[count + 20 :] == loud[count + 20 :]
    assert found[20:count] != loud[20:count]
    assert np.count_nonzero(found[:count]) > 10


def test_a_harami_where_trade_never_stops():
    """A body inside the one before is one, although every bar opens at the close before it."""
    close = np.array([10.0, 10, 9, 9.5, 10.5, 10.25, 9.75, 10.25, 9.75])
    open_ = np.append(10.0, close[:-1])
    high, low = np.maximum(open_, close), np.minimum(open_, close)
    series = Series(np.arange(9) * 60_000_000, open_, high, low, close, np.ones(9))
    assert sides(series, "candle", {"pattern": "harami", "trend": "any"}).tolist() == [0, 0, 0, 1, 0, -1, 0, 0, 0]


@pytest.mark.parametrize("share", [0.0, 0.02, 0.25, 0.4999, 0.5])
def test_rolling_quantiles(share):
    """Those of numpy, of each window; the first values may be NaN, and values may be equal."""
    rng = np.random.default_rng(3)
    for values in (rng.normal(size=300), np.round(rng.normal(size=300)), np.ones(50), np.arange(6.0), np.empty(0)):
        found = tails(np.append(np.full(7, np.nan), values), 20, share)
        for tail, part in zip(found, (share, 1 - share), strict=True):
            expected = [np.quantile(values[i - 19 : i + 1], part) if i >= 19 else np.nan for i in range(len(values))]
            np.testing.assert_allclose(tail, [np.nan] * 7 + expected, rtol=1e-12)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_bars_that_a_rule_needs(family):
    """With one bar fewer it never speaks, whatever the bars; with as many it does, on some bars."""
    for params in few(family, 3)[:2]:
        strategy = Strategy(family, params, (2, 3, 240))
        needed = FAMILIES[family].needs(**params)
        assert bars_needed(strategy) == max(needed, ATR) + 1
        series = [made(needed, seed, step=0.001, minutes=60) for seed in range(400 if needed else 0)]
        assert not any(sides(each[:-1], family, params).any() for each in series)
        assert needed == 0 or any(sides(each, family, params)[-1] for each in series), params
        for seed in range(40):
            made_bars = made(bars_needed(strategy) - 1, seed, step=0.001, minutes=60)
            run = backtest(made_bars)
            assert len(run.trade(run.signals(FAMILIES[family].rule, params), (2, 3, 9))[1][0]) == 0


@pytest.mark.parametrize("family", FAMILIES)
def test_no_rule_looks_ahead(family):
    """With every bar after the 900th changed, signals and trades up to there are what they were, to the last bit."""
    series, cut = made(1_500, 11), 900
    other = made(1_500, 12, step=0.002)
    mixed = Series(**{name: np.append(values[:cut], getattr(other, name)[cut:]) for name, values in vars(series).items()})
    mixed = Series(series.time, *(getattr(mixed, name) for name in ("open", "high", "low", "close", "volume")))
    for params in few(family, 6):
        before, after = (backtest(each).signals(FAMILIES[family].rule, params) for each in (series, mixed))
        known = before.at < cut
        assert np.array_equal(before.at[known], after.at[after.at < cut])
        assert np.array_equal(before.side[known], after.side[after.at < cut])
        assert before.distance[known].tobytes() == after.distance[after.at < cut].tobytes()
        done = [
            [
                trade
                for trade in zip(*map(np.ndarray.tolist, backtest(each).trade(told, (2, 3, 50))[0]), strict=True)
                if trade[1] < cut
            ]
            for each, told in ((series, before), (mixed, after))
        ]
        assert done[0] == done[1]


@pytest.mark.parametrize("count", [0, 1, 2, 29, 31])
@pytest.mark.parametrize("family", FAMILIES)
def test_hardly_any_bars(family, count):
    """On a series shorter than what a rule looks back on it has no signal, and does not fail."""
    series = made(40, 1)[:count]
    for params in few(family, 3):
        assert len(sides(series, family, params)) == count
        assert len(backtest(series).signals(FAMILIES[family].rule, params).at) <= max(count - ATR, 0) + 1


@pytest.mark.parametrize("family", FAMILIES)
def test_a_flat_series(family):
    """Where no price ever moves no rule has a signal."""
    flat = np.full(400, 1.17)
    series = Series(np.arange(400) * 60_000_000, flat, flat, flat, flat, np.full(400, np.nan))
    for params in few(family, 6):
        assert not np.any(sides(series, family, params)), params


def test_the_default_grid():
    """4,620 strategies, each once, in 24 batches of which the last is smaller; an id says all that a strategy is."""
    names = strategies(("default",))
    assert (len(names), len(set(names))) == (4620, 4620)
    batches = batches_of(("default",), 200)
    assert [len(batch) for batch in batches] == [200] * 23 + [20]
    assert sorted(itertools.chain(*batches)) == sorted(names)
    assert all(Strategy.parse(name).id() == name for name in names)
    assert len(EXITS) == 11


@pytest.mark.parametrize(
    "read",
    [lambda: made(6_000, 2), lambda: without_volume(made(6_000, 2), 6_000), real_bars.sample],
    ids=["loud", "quiet", "sample"],
)
def test_nearly_every_strategy_is_another(read):
    """On made bars, with volume or without, all of the 420 default rules speak, and hardly two say the same."""
    series, found, silent = read(), set(), 0
    run = backtest(series)
    for name in strategies(("default",))[::11]:
        strategy = Strategy.parse(name)
        signals = run.signals(FAMILIES[strategy.family].rule, strategy.params)
        silent += not len(signals.at)
        found.add(signals.digest())
    assert silent == 0
    assert len(found) >= 420 - 4


def test_bands_can_be_left():
    """No width of the table is one that no close can be away from a mean that it is part of."""
    grid = FAMILIES["band_reversion"].grid
    assert all(width < 0.9 * math.sqrt(n - 1) for n in grid["n"] for width in grid["width"])


def test_lines_are_grids():
    """A line names a family and values; what it leaves out has the table's; a strategy named twice is one."""
    assert strategies(("ma_cross fast=7|9 ratio=2 stop=1.50 target=3",)) == (
        "ma_cross fast=7 ratio=2 stop=1.5 target=3 hold=240",
        "ma_cross fast=9 ratio=2 stop=1.5 target=3 hold=240",
    )
    assert len(strategies(("macd",))) == 330
    assert len(strategies(("default", "macd", "macd fast=5"))) == 4620
    assert strategies(("candle pattern=pin trend=with stop=2 target=3 hold=9",)) == (
        "candle pattern=pin trend=with stop=2 target=3 hold=9",
    )


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("ma_crss fast=5", "the nearest is 'ma_cross'"),
        ("ma_cross slow=5", "has no 'slow'"),
        ("ma_cross fast=5.5", "fast can't be 5.5"),
        ("ma_cross fast=0", "fast can't be 0"),
        ("ma_cross fast=x", "fast can't be 'x'"),
        ("ma_cross stop=2", "target is missing"),
        ("ma_cross stop=0 target=3", "stop can't be 0"),
        ("ma_cross hold=1.5", "hold can't be 1.5"),
        ("candle pattern=doji", "pattern can't be 'doji'"),
        ("keltner width=nan", "width can't be nan"),
        ("", "there is no family ''"),
    ],
)
def test_a_line_that_is_wrong(line, says):
    """It is told with what would be right."""
    with pytest.raises(ConfigError) as caught:
        strategies((line,))
    assert says in str(caught.value)


def test_batch_size():
    """A batch size that is not positive is an error."""
    with pytest.raises(ConfigError, match="batch_size"):
        batches_of(("default",), 0)


@pytest.mark.real
@pytest.mark.parametrize(("read", "costs"), [(real_bars.eurusd, COSTS), (real_bars.ada, Costs(1, 5, 1))])
def test_on_real_bars_every_rule_is_another(read, costs):
    """Each of the 420 default rules trades, and no two have the same signals; no result is beyond what can be."""
    series = read()
    run = Backtest(series, costs, int(len(series) * 0.7), stop_first=True, per_year=1e5)
    digests = set()
    for name in strategies(("default",))[::11]:
        strategy = Strategy.parse(name)
        signals = run.signals(FAMILIES[strategy.family].rule, strategy.params)
        digests.add(signals.digest())
        values = dict(zip(metrics.COLUMNS, run.measure(signals, strategy.exits), strict=True))
        assert 0 < values["n_trades"] <= len(signals.at)
        assert -1 <= values["total_return"] < 10
        assert 0 <= values["ulcer_index"] <= values["max_drawdown"] <= 1
        assert 0 <= values["exposure"] <= 1
        assert values["cost"] > 0
        assert values["n_trades"] == values["in_n_trades"] + values["out_n_trades"]
    assert len(digests) == 420
