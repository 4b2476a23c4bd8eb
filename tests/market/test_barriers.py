"""Volatility barriers: published answers on real dollar bars, a slow walk in Python on made ones, and the end of the data."""

import csv
import datetime as dt
import math

import numpy as np
import pytest

from barmill.market.barriers import label, sample, settled, volatility
from barmill.market.series import MINUTE, Series
from tests.support.real import real_data
from tests.support.series import DAY, MONDAY, walk

NAMES = ("open", "high", "low", "close", "volume")
PUBLISHED = (0.00896823893217064, 0.010166261175903357, 0.006455887663302873)  # last volatility; of the first and last event


def dollar_bars():
    """1,000 dollar bars of January 2015."""
    with open(real_data("golden/triple-barrier/dollar_bar_sample.csv")) as file:
        rows = list(csv.DictReader(file))
    moments = [dt.datetime.fromisoformat(row["date_time"]).replace(tzinfo=dt.UTC) for row in rows]
    time = np.array([round(moment.timestamp() * 1e6) for moment in moments])
    return Series(
        time, *np.array([[float(row[name]) for name in ("open", "high", "low", "close", "cum_vol")] for row in rows]).T
    )


def published_events(bars, scale):
    """The events of the published example: moves of two per cent, where volatility is above half a per cent."""
    events = sample(bars, np.full(len(bars), 0.02))
    assert len(events) == 9
    return events[scale[events] > 0.005]


@pytest.mark.real
def test_published_volatility():
    """960 values, the last as published to the last digit, as are those of the first and last event."""
    bars = dollar_bars()
    scale = volatility(bars, 100)
    assert np.count_nonzero(~np.isnan(scale)) == 959  # of one return there is no deviation
    events = published_events(bars, scale)
    assert len(events) == 8
    np.testing.assert_allclose([scale[-1], scale[events[0]], scale[events[-1]]], PUBLISHED, rtol=1e-14)


@pytest.mark.real
def test_published_barriers():
    """Of 8 events 2 end elsewhere without the vertical barrier; far barriers leave only 0, near ones no 0."""
    bars = dollar_bars()
    scale = volatility(bars, 100)
    events = published_events(bars, scale)
    day, never = (label(bars, events, scale, 1, 1, horizon) for horizon in (1440, 10**6))
    ends = [table.column("end").to_pylist() for table in (day, never)]
    assert sum(one != other for one, other in zip(*ends, strict=True)) == 2
    assert set(day.column("outcome").to_pylist()) == {"profit", "loss", "time"}
    far, near = (label(bars, events, scale, width, width, 1440) for width in (1000, 1e-8))
    assert set(far.column("label").to_pylist()) <= {0, None}
    assert far.column("outcome").to_pylist().count("censored") == 1  # the last event's day ends after the data
    assert set(near.column("label").to_pylist()) <= {1, -1}


def slow_volatility(series, span):
    """Weighted deviation from its definition: weights of a return k bars ago are (1 - 2/(span + 1))^k."""
    returns, found = [], []
    for i in range(len(series)):
        before = [j for j in range(i) if series.time[j] < series.time[i] - DAY]
        if not before:
            found.append(math.nan)
            continue
        returns.append(series.close[i] / series.close[before[-1]] - 1)
        weights = [(1 - 2 / (span + 1)) ** k for k in range(len(returns))][::-1]
        total = sum(weights)
        mean = sum(w * r for w, r in zip(weights, returns, strict=True)) / total
        variance = sum(w * (r - mean) ** 2 for w, r in zip(weights, returns, strict=True)) / total
        bias = 1 - sum(w * w for w in weights) / total**2
        found.append(math.sqrt(variance / bias) if len(returns) > 1 else math.nan)
    return found


def slow_label(series, at, profit, loss, horizon):
    """Outcome and end of one event, walking forward."""
    for j in range(at + 1, len(series)):
        gain = series.close[j] / series.close[at] - 1
        if gain > profit:
            return "profit", j
        if gain < -loss:
            return "loss", j
        if series.time[j] >= series.time[at] + horizon * MINUTE:
            return "time", j
    return "censored", None


def made():
    """A walk of bars of an hour, with gaps."""
    return walk(400, 5, minutes=60, step=1e-3, gaps=0.05)


def test_volatility_is_its_definition():
    """Each value is the slow one."""
    series = made()
    np.testing.assert_allclose(volatility(series, 20), slow_volatility(series, 20), rtol=1e-9)


def test_events_are_moves_beyond_the_threshold():
    """Sums of moves up and down, each restarted when it passes, and never below nothing."""
    series, threshold = made(), np.linspace(0.001, 0.004, 400)
    wanted, up, down = [], 0.0, 0.0
    for i in range(1, 400):
        move = math.log(series.close[i]) - math.log(series.close[i - 1])
        up, down = max(0.0, up + move), max(0.0, down - move)
        if down > threshold[i]:
            wanted, down = [*wanted, i], 0.0
        elif up > threshold[i]:
            wanted, up = [*wanted, i], 0.0
    assert sample(series, threshold).tolist() == wanted
    assert len(wanted) > 20


def test_no_event_where_the_threshold_is_not_known():
    """A threshold that is NaN is never passed, and what prices did until it was known makes no event after it."""
    series, threshold = made(), np.full(400, 0.003)
    assert len(sample(series, np.full(400, np.nan))) == 0
    late = np.where(np.arange(400) < 200, np.nan, threshold)
    assert sample(series, late).tolist() == (199 + sample(series[199:], threshold[199:])).tolist()


@pytest.mark.parametrize(("days", "share"), [(1, 0.577), (3, 0.839), (10, 0.951)])
def test_what_few_days_say_of_the_volatility(days, share):
    """Over many walks, the root of the mean square after w days is the share of the truth that the module says."""
    bars, wide = 96, 10**9  # of a day; a span so long that all weights are one
    squares = []
    for seed in range(150):
        series = walk((days + 1) * bars + 1, seed, minutes=15, step=1e-4, digits=9)
        squares.append((volatility(series, wide)[-1] * series.close[0] / 1e-4) ** 2 / bars)
    assert math.sqrt(np.mean(squares)) == pytest.approx(share, rel=0.12)


def test_the_volatility_of_the_first_days_is_left_out():
    """Known for three days it is as it was; until then there is none. A weekend makes no day of its first bars."""
    series = walk(2_000, 3, minutes=15)
    scale = volatility(series, 960)
    found = settled(series, scale)
    first, day = np.flatnonzero(~np.isnan(scale))[0], 97  # bars from one to the last more than a day before
    assert first == day + 1
    assert np.isnan(found[: first + 3 * day]).all()
    np.testing.assert_array_equal(found[first + 3 * day :], scale[first + 3 * day :])
    weekend = Series(series.time + (np.arange(2_000) >= 150) * 2 * DAY, *(getattr(series, name) for name in NAMES))
    scale = volatility(weekend, 960)
    assert np.isnan(scale).sum() == first
    assert np.isnan(settled(weekend, scale)).sum() >= first + 3 * day


@pytest.mark.parametrize(("profit", "loss", "horizon"), [(1, 1, 1440), (2, 0.5, 600), (50, 50, 3000)])
def test_each_event_ends_where_a_walk_forward_ends(profit, loss, horizon):
    """First of profit, loss and horizon; after the last bar it is censored, without a label."""
    series = made()
    scale = volatility(series, 20)
    events = np.flatnonzero(~np.isnan(scale))[::7]
    rows = label(series, events, scale, profit, loss, horizon).to_pylist()
    codes = {"profit": 1, "loss": -1, "time": 0, "censored": None}
    for at, row in zip(events.tolist(), rows, strict=True):
        outcome, end = slow_label(series, at, profit * scale[at], loss * scale[at], horizon)
        assert (row["outcome"], row["label"]) == (outcome, codes[outcome])
        assert (row["end"] is None) == (end is None)
        if end is not None:
            assert row["end"].timestamp() * 1e6 == series.time[end]
            assert row["gain"] == series.close[end] / series.close[at] - 1
    assert "censored" in {row["outcome"] for row in rows}


def test_an_event_knows_nothing_of_its_future():
    """Shuffle the bars after some moment: events, volatilities and entries before it stay as they were."""
    series, cut = made(), 250
    order = np.append(np.arange(cut), cut + np.random.default_rng(0).permutation(400 - cut))
    other = Series(series.time, *(getattr(series, name)[order] for name in ("open", "high", "low", "close", "volume")))
    known = []
    for each in (series, other):
        scale = settled(each, volatility(each, 20))
        table = label(each, sample(each, scale), scale, 1, 1, 1440)
        known.append(
            [
                row
                for row in table.select(["time", "entry", "volatility"]).to_pylist()
                if row["time"].timestamp() * 1e6 < series.time[cut]
            ]
        )
    assert known[0] == known[1]
    assert len(known[0]) > 20


@pytest.mark.parametrize("price", [0.0, -37.63])
def test_a_close_without_a_return_changes_no_other_bar(price):
    """A minute that closes at zero or less has no volatility and no event; all others are as if it were not there."""
    series, at = made(), np.array([0, 120, 121, 250, 399])
    rest = np.setdiff1d(np.arange(400), at)
    series.close[at] = price
    there = series[rest]
    scale, expected = volatility(series, 20), volatility(there, 20)
    assert np.isnan(scale[at]).all()
    np.testing.assert_array_equal(scale[rest], expected)
    assert np.isfinite(scale[rest][30:]).all()
    events = sample(series, scale)
    assert events.tolist() == rest[sample(there, expected)].tolist()
    assert len(events) > 20
    every = np.arange(400)
    assert label(series, every, scale, 1, 1, 600).equals(label(there, np.arange(len(rest)), expected, 1, 1, 600))


def test_no_bars():
    """Nothing makes nothing."""
    empty = walk(1)[:0]
    scale = volatility(empty, 100)
    assert len(settled(empty, scale)) == len(label(empty, sample(empty, scale), scale, 1, 1, 60)) == 0
    assert MONDAY % DAY == 0
