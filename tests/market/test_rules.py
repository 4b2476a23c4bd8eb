"""The gate: each rule at its boundary, the actions, and any table against a slow reading of the rules."""

import collections
import datetime as dt
import math

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barmill.errors import ConfigError
from barmill.market import policies
from barmill.market.bars import read_bars
from barmill.market.datasets import ASSET_CLASSES
from barmill.market.offences import Limits
from barmill.market.rules import examine
from barmill.market.schema import BAR
from tests.support import rules_oracle
from tests.support.real import real_data

NAN, INF = math.nan, math.inf


def bar(day, price=10.0, **fields):
    """A good daily bar of the `day`-th of January 2024, or one with a fault."""
    date = (dt.date(2024, 1, 1) + dt.timedelta(days=day)).isoformat()
    usual = dict.fromkeys(("open", "high", "low", "close"), price)
    return {"ticker": "A", "per": "D", "date": date, "time": "00:00:00", **usual, "volume": 5.0, "openint": 0.0, **fields}


def table(bars):
    """Bars as a table with the columns of an export."""
    types = [pa.string() if name in ("ticker", "per", "date", "time") else pa.float64() for name in BAR]
    return pa.table({name: pa.array([each[name] for each in bars], kind) for name, kind in zip(BAR, types, strict=True)})


def series(*faulty, count=5):
    """Good bars with rising closes, and after them these."""
    return table([*(bar(day, 10.0 + day) for day in range(count)), *faulty])


@pytest.mark.parametrize(
    ("faulty", "rule", "text"),
    [
        (bar(7, open=None), "null_prices", "open missing"),
        (bar(7, close=None), "null_prices", "close missing"),
        (bar(7, 12.0, high=INF), "non_finite_prices", "high inf"),
        (bar(7, 12.0, close=NAN), "non_finite_prices", "close nan"),
        (bar(7, 12.0, high=11.0, low=13.0), "high_below_low", "high 11.0, low 13.0"),
        (bar(7, 12.0, high=11.9, low=11.0), "ohlc_violations", "high 11.9"),
        (bar(7, 12.0, high=12.5, low=12.1), "ohlc_violations", "low 12.1"),
        (bar(7, 12.0, low=-0.1), "negative_prices", "low -0.1"),
        (bar(7, 12.0, low=0.0), "zero_prices", "low 0.0"),
        (bar(7, 12.0, open=0.0), "zero_open", "open 0.0"),
        (bar(7, 12.0, volume=-1.0), "negative_volume", "volume -1.0"),
        (bar(7, 12.0, volume=None), "missing_volume", "volume missing"),
        (bar(7, 12.0, volume=0.0), "zero_volume", "volume 0.0"),
        (bar(3, 14.0), "duplicate_dates", "close 13.0"),
        (bar(7, 70.0), "spikes", "close 70.0 after 14.0"),
        (bar(7, date=None), "null_stamps", "close 10.0"),
    ],
)
def test_each_rule(faulty, rule, text):
    """Each fault breaks its rule, is told with its stamp and what is wrong, and is handled as the default says."""
    gate = examine(series(faulty), "equities", {})
    (finding,) = [each for each in gate.findings if each.rule == rule]
    assert text in finding.text
    assert finding.stamp == ((faulty["date"] or "") if rule != "duplicate_dates" else "2024-01-04")
    assert finding.action == policies.DEFAULTS[rule]
    assert gate.counts[rule] == 1
    assert gate.table.num_rows == (5 if finding.action == "quarantine" else 6)


@pytest.mark.parametrize(
    "faulty",
    [
        bar(7, 14.0 * 4.4),
        bar(7, 14.0 / 1.45),
        bar(7, 8.5),
        bar(7, 7.0, open=8.0, high=8.0),
        bar(7, 12.0, high=12.0, low=12.0),
        bar(7, 12.0, volume=1e-9),
    ],
)
def test_what_is_within_the_limits_is_fine(faulty):
    """A large step, a halving that did not open so, a flat bar, next to no volume break no rule."""
    assert examine(series(faulty), "equities", {}).findings == []


def test_a_bar_out_of_order_is_told_and_sorted():
    """The order is mended, and the bar that stood behind a later one named."""
    gate = examine(table([bar(0, 1.0), bar(2, 3.0), bar(1, 2.0)]), "equities", {"split_like": "allow"})
    assert [(each.rule, each.stamp, each.text) for each in gate.findings] == [
        ("non_monotonic_dates", "2024-01-02", "stands behind 2024-01-03")
    ]
    assert gate.table.column("close").to_pylist() == [1.0, 2.0, 3.0]


def test_runs_of_equal_closes():
    """Ten equal closes in a row are told once, from where they begin; nine are none; within a day it takes 120."""

    def counted(count, **fields):
        return examine(series(*(bar(day, 9.0, **fields) for day in range(20, 20 + count))), "equities", {})

    assert counted(9).findings == []
    (finding,) = counted(10).findings
    assert (finding.rule, finding.stamp, finding.text) == ("stale_run", "2024-01-21", "10 bars in a row close at 9.0")
    minutes = [bar(0, 9.0, per="1", time=f"{n // 60:02d}:{n % 60:02d}:00") for n in range(120)]
    assert [each.text for each in examine(table(minutes), "equities", {}).findings] == ["120 bars in a row close at 9.0"]
    assert examine(table(minutes[1:]), "equities", {}).findings == []
    assert examine(table(minutes), "equities", {}, limits=Limits(stale_run=0)).findings == []


def test_quarantined_repeats_leave_the_first():
    """Where stale runs are quarantined, the bar that began the run stays, and each repeat is listed."""
    gate = examine(series(*(bar(day, 9.0) for day in range(20, 30))), "equities", {"stale_run": "quarantine"})
    assert len(gate.findings) == 9
    assert gate.table.column("date").to_pylist()[-2:] == ["2024-01-05", "2024-01-21"]


def test_steps_are_taken_from_the_last_good_bar():
    """A quarantined bar between two good ones makes no spike."""
    gate = examine(series(bar(7, 14.0, high=1.0, low=900.0, close=900.0), bar(8, 15.0)), "equities", {})
    assert {each.rule for each in gate.findings} == {"high_below_low", "ohlc_violations"}
    assert gate.table.num_rows == 6


def test_warnings_are_cut_and_counted():
    """Of many rows that a rule warns of the first twenty are told and the others counted; of idle days only the first."""
    broken = [bar(day, 12.0 + day, high=1.0 + day, low=0.5 + day) for day in range(10, 40)]
    told = [each for each in examine(series(*broken), "equities", {}).findings if each.rule == "ohlc_violations"]
    assert (len(told), told[-1].stamp, told[-1].text) == (21, "2024-02-09", "and 10 more, of which this is the last")
    idle = examine(series(*(bar(day, 10.0 + day, volume=0.0) for day in range(10, 40))), "equities", {})
    assert [(each.stamp, each.text) for each in idle.findings] == [
        ("2024-01-11", "volume 0.0"),
        ("2024-02-09", "and 29 more, of which this is the last"),
    ]
    assert idle.counts == {"zero_volume": 30}


def test_a_rejecting_rule_refuses_the_batch():
    """Where a rule rejects, nothing may be stored, and every bar that breaks it is told."""
    gate = examine(series(bar(7, 12.0, low=0.0)), "equities", {"zero_prices": "reject"})
    assert (gate.refused, gate.table.num_rows, len(gate.findings)) == (True, 0, 1)
    assert not examine(series(bar(7, 12.0, low=0.0)), "crypto", {"equities.zero_prices": "reject"}).refused


@pytest.mark.parametrize("asset_class", ["forex", "indices", "bonds", "rates", "macro", "commodities"])
def test_what_is_quoted_needs_no_volume(asset_class):
    """Where nothing is traded at one place, a volume that is zero or missing is nothing to tell."""
    assert examine(series(bar(7, 15.0, volume=0.0), bar(8, 16.0, volume=None)), asset_class, {}).findings == []


def test_yields_may_be_negative_and_prices_not():
    """Bonds, rates, commodities and macro series keep what is below zero; an equity does not."""
    below = [bar(7, -0.4), bar(8, 0.0)]
    kept = {name: examine(series(*below), name, {}).table.num_rows for name in ASSET_CLASSES}
    assert {name for name, rows in kept.items() if rows == 7} >= {"bonds", "rates", "commodities", "macro"}
    assert {name for name, rows in kept.items() if rows == 5} == {"equities", "etfs", "funds", "indices", "forex"}


def test_a_class_of_its_own_wins():
    """A rule for one asset class goes before the rule for all."""
    chosen = {"zero_volume": "quarantine", "equities.zero_volume": "allow"}
    idle = series(bar(7, 15.0, volume=0.0))
    assert examine(idle, "equities", chosen).findings == []
    assert examine(idle, "etfs", chosen).table.num_rows == 5


class Weekdays:
    """An exchange that is open from Monday to Friday, in January 2024."""

    dates = tuple(f"2024-01-{day:02d}" for day in range(1, 32) if dt.date(2024, 1, day).weekday() < 5)


def test_bars_off_session():
    """With the sessions at hand a daily bar on a day without one is told; without them, and beyond them, none is."""
    weekend = series(bar(5, 15.0))
    (finding,) = examine(weekend, "equities", {}, Weekdays()).findings
    assert (finding.rule, finding.stamp, finding.text) == ("off_session", "2024-01-06", "no session on 2024-01-06")
    assert examine(weekend, "equities", {}).findings == []
    later = series(bar(33, 15.0), bar(5, 15.0, per="W", volume=4.0))
    assert "off_session" not in examine(later, "equities", {}, Weekdays()).counts
    assert examine(weekend, "equities", {"off_session": "quarantine"}, Weekdays()).table.num_rows == 5


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"zero_volum": "warn"}, "unknown rule 'zero_volum'\nhint: the nearest is 'zero_volume'"),
        ({"stocks.zero_volume": "warn"}, "unknown asset class 'stocks'"),
        ({"zero_volume": "drop"}, "unknown action 'drop'"),
        (
            {"duplicate_dates": "allow"},
            "'duplicate_dates' can't be 'allow': of several bars of one time one is stored",
        ),
        ({"null_prices": "warn"}, "'null_prices' can't be 'warn': a bar without a price can't be stored"),
    ],
)
def test_a_misspelt_rule_is_an_error(chosen, words):
    """A rule, class or action that there is not is named with the nearest one; stamps can't be waived."""
    with pytest.raises(ConfigError, match=words):
        examine(series(), "forex", chosen)


@pytest.mark.parametrize("asset_class", ASSET_CLASSES)
def test_every_class_has_its_actions(asset_class):
    """Each asset class has a known action for each rule."""
    assert set(policies.resolve(asset_class, {}).values()) <= set(policies.ACTIONS)


PRICE = st.sampled_from([10.0, 10.0, 10.5, 20.0, 5.0, 60.0, 0.0, -1.0, None, NAN, INF])
RANDOM_BARS = st.lists(
    st.builds(
        lambda day, price, fields: bar(day, price, **fields),
        st.integers(0, 12),
        st.sampled_from([10.0, 10.0, 10.0, 10.2, 20.0, 50.0]),
        st.dictionaries(st.sampled_from(["open", "high", "low", "close"]), PRICE, max_size=2)
        | st.fixed_dictionaries({"volume": st.sampled_from([0.0, None, -3.0, 7.0])}),
    ),
    max_size=14,
)


@settings(max_examples=150, deadline=None)
@given(RANDOM_BARS, st.sampled_from([0.7, 1.5]), st.integers(2, 4))
def test_any_table_is_judged_as_by_hand(bars, spike, run):
    """Counts and surviving bars of any table are those of a plain reading of the rules."""
    gate = examine(table(bars), "equities", {}, limits=Limits(spike, run))
    left_out = {rule for rule, action in policies.DEFAULTS.items() if action == "quarantine"}
    counts, kept = rules_oracle.examine(bars, left_out, spike, run)
    assert gate.counts == counts
    assert gate.table.column("date").to_pylist() == kept
    told = collections.Counter(each.rule for each in gate.findings if each.action == "quarantine")
    assert told == {rule: count for rule, count in counts.items() if rule in left_out}


@pytest.mark.real
@pytest.mark.parametrize(
    ("path", "asset_class", "counts"),
    [
        ("stooq-world/world/bonds/10bey.b.txt", "bonds", {"spikes": 7}),
        ("stooq-world/world/bonds/10roy.b.txt", "bonds", {"high_below_low": 1, "ohlc_violations": 1, "stale_run": 1}),
        ("stooq-world/world/currencies/major/eurusd.txt", "forex", {}),
        ("stooq-world/world/indices/^spx.txt", "indices", {}),
        ("stooq-world/world/indices/^omxv.txt", "indices", {"ohlc_violations": 16}),
    ],
)
def test_real_series_of_other_classes(path, asset_class, counts):
    """Negative yields, and no volume where none is traded, are fine; a yield near zero jumps; known bad bars are found."""
    table = read_bars(real_data(path).read_bytes()).table
    gate = examine(table, asset_class, {})
    assert gate.counts == counts
    assert table.num_rows - gate.table.num_rows == counts.get("high_below_low", 0)
