"""Rules of the strategy families against slow ones, and that none of them looks ahead; ids and grids of strategies."""

import itertools

import numpy as np
import pytest

from barmill.errors import ConfigError
from barmill.market import metrics
from barmill.market.backtest import ATR, Backtest
from barmill.market.costs import Costs
from barmill.market.series import Series
from barmill.market.strategies.families import EXITS, FAMILIES
from barmill.market.strategies.strategy import Strategy, batches_of, strategies
from tests.support import families_oracle, real_bars
from tests.support.made_bars import made

COSTS = Costs(0.2, 0.3, 0.1)


def backtest(series):
    """A backtest on a series."""
    return Backtest(series, COSTS, int(len(series) * 0.7), True)


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


def test_nearly_every_strategy_is_another():
    """On made bars with volume nearly all 4,620 trade, and hardly two have the same signals and exits."""
    series = made(6_000, 2)
    found, silent = set(), 0
    run = backtest(series)
    for name in strategies(("default",))[::11]:
        strategy = Strategy.parse(name)
        signals = run.signals(FAMILIES[strategy.family].rule, strategy.params)
        silent += not len(signals.at)
        found.add(signals.digest())
    assert silent <= 10
    assert len(found) >= 420 - 10


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
@pytest.mark.parametrize(("read", "costs", "silent"), [(real_bars.eurusd, COSTS, 0), (real_bars.ada, Costs(1, 5, 1), 4)])
def test_on_real_bars_every_rule_is_another(read, costs, silent):
    """Of the 420 default rules nearly all have signals and no two the same; no result is beyond what can be."""
    series = read()
    run = Backtest(series, costs, int(len(series) * 0.7), stop_first=True)
    digests, quiet = set(), 0
    for name in strategies(("default",))[::11]:
        strategy = Strategy.parse(name)
        signals = run.signals(FAMILIES[strategy.family].rule, strategy.params)
        digests.add(signals.digest())
        quiet += not len(signals.at)
        values = dict(zip(metrics.COLUMNS, run.measure(signals, strategy.exits), strict=True))
        assert values["n_trades"] <= len(signals.at)
        assert -1 <= values["total_return"] < 10
        assert 0 <= values["ulcer_index"] <= values["max_drawdown"] <= 1
        assert 0 <= values["exposure"] <= 1
        assert (values["cost"] > 0) == (values["n_trades"] > 0)
        assert values["n_trades"] == values["in_n_trades"] + values["out_n_trades"]
    assert quiet == silent
    assert len(digests) == 420 - max(silent - 1, 0)
