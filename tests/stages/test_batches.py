"""Batches: each strategy's result is its own, whatever batch it is in; a failing one is a row; nothing is traded twice."""

from pathlib import Path

import numpy as np
import pytest

from barmill.config import Settings
from barmill.errors import ConfigError
from barmill.market import results
from barmill.market.backtest import Backtest
from barmill.market.costs import Costs, costs_of
from barmill.market.datasets import of_series
from barmill.market.series import Series
from barmill.market.strategies.families import FAMILIES
from barmill.market.strategies.strategy import batches_of, strategies
from barmill.market.tables import read_parquet
from barmill.plan import Plan
from barmill.stages import batches
from barmill.store.cache import Cache
from barmill.target import Target
from tests.stages.contract import StageContract
from tests.support.made_bars import made
from tests.support.research import LINES, write_chunk

PARAMS = {"costs": {"spread": 0.2, "commission": 0.3, "slippage": 0.1}, "both_touched": "stop", "out_of_sample": 0.3}
PARAMS["per_year"] = 375_840.0


def rules(*lines):
    """The strategies of lines: strategy → rule."""
    return {name: FAMILIES[name.partition(" ")[0]].rule for name in strategies(lines)}


def build(folder, pieces, known=None, series=None, **params):
    """Build a batch; returns its rows by strategy."""
    chunk = write_chunk(folder / "2023-11.parquet", made(700, step=0.0004) if series is None else series)
    out = folder / "out"
    batches.build([chunk], out, **PARAMS | params, pieces=pieces, known=known or {})
    return {row["strategy"]: row for row in read_parquet(out).to_pylist()}


@pytest.fixture
def counted(monkeypatch):
    """What is traded, as a list of exits that grows."""
    traded, measure = [], Backtest.measure
    monkeypatch.setattr(Backtest, "measure", lambda self, signals, exits: traded.append(exits) or measure(self, signals, exits))
    return traded


def test_columns_and_order(tmp_path):
    """A row per strategy, ascending, with exactly the columns of results."""
    rows = build(tmp_path, rules(*LINES))
    assert list(rows) == sorted(strategies(LINES))
    assert {tuple(row) for row in rows.values()} == {results.COLUMNS}
    assert all(row["n_trades"] == row["in_n_trades"] + row["out_n_trades"] for row in rows.values())
    assert sum(row["n_trades"] for row in rows.values()) > 500


def test_a_row_is_the_same_in_every_batch(tmp_path):
    """Alone or among others, a strategy has the same row, to the last bit."""
    together = build(tmp_path, rules(*LINES))
    for name in list(together)[::9]:
        assert build(tmp_path, {name: rules(*LINES)[name]}) == {name: together[name]}


def test_equal_signals_are_traded_once(tmp_path, counted):
    """Two rules that come to the same signals are traded once per exit; both have their row."""
    twin = {name.replace("ma_cross", "ma_twin"): rule for name, rule in rules("ma_cross fast=5 ratio=2").items()}
    rows = build(tmp_path, rules("ma_cross fast=5 ratio=2") | twin)
    assert len(rows) == 22
    assert len(counted) == 11
    for name in twin:
        other = rows[name.replace("ma_twin", "ma_cross")]
        assert rows[name] == other | {"strategy": name, "family": "ma_twin"}


def test_what_is_known_is_not_traded(tmp_path, counted):
    """With a folder that holds some of the strategies only the others are traded, and the bytes are the same."""
    everything = rules(*LINES)
    build(tmp_path, everything)
    whole = (tmp_path / "out").read_bytes()
    first = dict(list(everything.items())[:60])
    (tmp_path / "known").mkdir()
    build(tmp_path, first)
    (tmp_path / "out").rename(tmp_path / "known/out")
    counted.clear()
    build(tmp_path, everything, known=dict.fromkeys(first, tmp_path / "known"))
    assert (tmp_path / "out").read_bytes() == whole
    assert len(counted) == 6


def test_a_failing_strategy_is_a_row_with_its_error(tmp_path):
    """The others are backtested; the error has no path, no line and no memory address in it."""

    def broken(chart, **_):
        return chart.nothing

    pieces = rules("ma_cross fast=5 ratio=2 stop=2 target=3") | {"broken n=1 stop=2 target=3 hold=9": broken}
    rows = build(tmp_path, pieces)
    failed = rows["broken n=1 stop=2 target=3 hold=9"]
    assert failed["error"] == "AttributeError in broken: 'Chart' object has no attribute 'nothing'"
    assert all(failed[name] is None for name in results.metrics.COLUMNS)
    assert rows["ma_cross fast=5 ratio=2 stop=2 target=3 hold=240"]["n_trades"] > 0


def test_a_failure_is_told(tmp_path):
    """A batch names the strategies that failed, and why; those that it took from an earlier one did not fail."""

    def broken(chart, **_):
        raise ValueError("no")

    name = "ma_cross fast=5 ratio=2 stop=2 target=3 hold=240"
    chunk, pieces = write_chunk(tmp_path / "2023-11.parquet", made(700)), rules("ma_cross fast=5 ratio=2")
    params = PARAMS | {"pieces": pieces | {name: broken}}
    assert batches.build([chunk], tmp_path / "out", known={}, **params) == {name: "ValueError in broken: no"}
    (tmp_path / "known").mkdir()
    (tmp_path / "out").rename(tmp_path / "known/out")
    known = dict.fromkeys([each for each in pieces if each != name], tmp_path / "known")
    assert batches.build([chunk], tmp_path / "out", known=known, **params) == {name: "ValueError in broken: no"}
    assert batches.build([chunk], tmp_path / "out", known=known, **PARAMS, pieces=pieces) == {}


@pytest.mark.parametrize("error", [MemoryError(), OSError(28, "No space left on device")])
def test_a_machine_that_fails_is_no_result(tmp_path, error):
    """Want of memory or disk says nothing about a strategy: the batch fails, and nothing is stored."""

    def starved(chart, **_):
        raise error

    with pytest.raises(type(error)):
        build(tmp_path, {"ma_cross fast=5 ratio=2 stop=2 target=3 hold=240": starved})


@pytest.mark.parametrize("price", [0.0, -37.63])
@pytest.mark.parametrize("at", [0, 300, 699])
def test_a_bar_without_a_return_is_left_out_of_the_backtests(tmp_path, price, at):
    """A minute at a price of zero or less: every strategy has the result that it has without this minute."""
    series = made(700, step=0.0004)
    without = build(tmp_path / "a", rules(*LINES), series=series[np.arange(700) != at])
    series.low[at] = series.close[at] = price
    assert build(tmp_path / "b", rules(*LINES), series=series) == without
    assert sum(row["n_trades"] for row in without.values()) > 500


def test_a_series_of_negative_prices_trades_nothing(tmp_path):
    """Rows without trades, and without an error."""
    series = made(700, price=1.2)
    below = Series(series.time, *(-getattr(series, name) for name in ("open", "low", "high", "close")), series.volume)
    rows = build(tmp_path, rules(*LINES), series=below)
    assert {(row["n_trades"], row["error"]) for row in rows.values()} == {(0, "")}


@pytest.mark.parametrize("count", [0, 1, 5])
def test_hardly_any_bars(tmp_path, count):
    """A series with next to no bars has rows without trades."""
    rows = build(tmp_path, rules(*LINES), series=made(10)[:count])
    assert {(row["n_trades"], row["error"]) for row in rows.values()} == {(0, "")}


def test_costs_are_those_of_the_class_or_of_the_setting():
    """The first glob wins over the class; what is not three numbers is an error."""
    dataset = of_series(Path("data/series"), Path("forex/1min/EURUSD.txt"))
    assert costs_of(dataset, {}) == Costs(0.2, 0.3, 0.1)
    assert costs_of(dataset, {"crypto/*": "9 9 9", "forex/*": "1 2 0.5"}) == Costs(1, 2, 0.5)
    for text in ("1 2", "1 2 x", "1 -2 3", "nan 1 1"):
        with pytest.raises(ConfigError, match="costs"):
            costs_of(dataset, {"forex/*": text})


@pytest.mark.parametrize("symbol", ["XAUUSD", "USDTRY", "EURPLN", "USDMXN"])
def test_not_every_pair_is_as_cheap_as_euros_in_dollars(symbol):
    """Among the currencies a metal costs what it does among the commodities, and a minor currency more than two majors."""
    euro, yen, other = (of_series(Path("x"), Path(f"forex/1min/{name}.txt")) for name in ("EURUSD", "GBPJPY", symbol))
    assert costs_of(euro, {}) == costs_of(yen, {})
    assert costs_of(other, {}).spread >= 10 * costs_of(euro, {}).spread
    assert costs_of(other, {f"forex/1min/{symbol}": "1 2 3"}) == Costs(1, 2, 3)
    metal = of_series(Path("x"), Path("commodities/1min/XAUUSD.txt"))
    assert (costs_of(other, {}) == costs_of(metal, {})) == (symbol == "XAUUSD")


def test_a_share_out_of_sample_is_below_one():
    """A share of one or more is an error before anything runs."""
    with pytest.raises(ConfigError, match="out_of_sample"):
        next(iter(batches.targets(Plan(Settings(out_of_sample=1.0)))))


class Store:
    """A store, and batches of one series over it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.cache = Cache(root / "store", root / "state.sqlite")

    def build(self, series, pieces, name="batch", **params):
        """Build a batch through the cache; returns (origin, pieces known, rows)."""
        chunk = write_chunk(self.root / name / "2023-11.parquet", series)
        out = self.root / f"{name}.parquet"
        target = Target(name, batches.build, {"bars": [chunk]}, {"out": out}, PARAMS | params, pieces=pieces)
        outcome = self.cache.ensure(target)
        return outcome.origin, int(outcome.note.partition(" ")[0] or 0), read_parquet(out).to_pylist()


def test_another_series_of_the_same_length_and_ends(tmp_path):
    """Series that share length, first and last price share no result."""
    store, pieces = Store(tmp_path), rules("ma_cross fast=5 ratio=2")
    one = made(700, 1)
    other = made(700, 2)
    for name in ("open", "high", "low", "close"):
        for end in (0, -1):
            getattr(other, name)[end] = getattr(one, name)[end]
    first, second = store.build(one, pieces), store.build(other, pieces)
    assert (first[:2], second[:2]) == (("built", 0), ("built", 0))
    assert first[2] != second[2]
    assert store.build(one, pieces)[0] == "restored"


def test_costs_and_split_count(tmp_path):
    """Other costs, another rule for both touched, another split: other results, nothing taken from the former ones."""
    store, pieces = Store(tmp_path), rules("ma_cross fast=5 ratio=2")
    for params in ({}, {"costs": PARAMS["costs"] | {"spread": 0.4}}, {"both_touched": "target"}, {"out_of_sample": 0.5}):
        assert store.build(made(700, 1), pieces, **params)[:2] == ("built", 0)


def test_cut_another_way_nothing_is_traded(tmp_path, counted):
    """Batches of another size take every result from those that there are, and say how many."""
    store, series = Store(tmp_path), made(700, 1)
    for size in (20, 13, 200):
        counted.clear()
        found = [store.build(series, pieces, f"{size}-{k}")[1:] for k, pieces in enumerate(batches_of(LINES, size))]
        assert sum(known for known, _ in found) == (0 if size == 20 else 66)
        assert bool(counted) == (size == 20)
        rows = sorted((row for _, part in found for row in part), key=lambda row: row["strategy"])
        assert rows == store.build(series, rules(*LINES), "whole")[2]


class TestContract(StageContract):
    """What every stage promises."""

    stage = "batches"

    def target(self, root: Path) -> Target:
        """A batch of 20 strategies on 700 bars."""
        chunk = write_chunk(root / "2023-11.parquet", made(700, step=0.0004))
        (root / "artifacts").mkdir(exist_ok=True)
        out = root / "artifacts/batches/results_batch_0.parquet"
        return Target("0", batches.build, {"bars": [chunk]}, {"out": out}, PARAMS, pieces=batches_of(LINES, 20)[0])
