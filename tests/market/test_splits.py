"""Splits that a series was not adjusted for: the level of prices moves and stays, and turnover does not."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barmill.market.bars import read_bars
from barmill.market.rules import examine
from barmill.market.splits import is_ratio, split_like
from tests.support.real import real_data

SPLITS = [
    (5, 4, "5:4"), (4, 3, "4:3"), (5, 3, "5:3"), (4, 5, "4:5"), (3, 4, "3:4"), (3, 5, "3:5"),
    (2, 1, "2:1"), (3, 1, "3:1"), (3, 2, "3:2"), (5, 2, "5:2"), (1, 2, "1:2"), (1, 3, "1:3"), (2, 3, "2:3"),
    (7, 1, "about 7:1"), (20, 1, "about 20:1"), (1, 10, "about 1:10"), (1, 25, "about 1:25"), (1, 1000, "about 1:1000"),
    (1000, 1, "about 1000:1"),
]  # fmt: skip


def found(closes, volumes=None, row=None, opened=None):
    """What a step in these closes is like; bars open at their close, but for `opened` of the row."""
    close = np.array(closes, float)
    start = close.copy()
    row = int(np.abs(np.diff(np.log(close))).argmax()) + 1 if row is None else row
    if opened:
        start[row] = opened
    return split_like(start, close, np.array([1000.0] * len(close) if volumes is None else volumes, float), row)


def noise(count, size=0.01):
    """Factors around 1, always the same."""
    return np.exp(np.random.default_rng(7).normal(0, size, count))


@pytest.mark.parametrize(("new", "old", "told"), SPLITS)
@pytest.mark.parametrize("bars", [3, 4, 30])
def test_split_is_found_with_its_ratio(new, old, told, bars):
    """Prices that are divided by new shares for an old one, and volumes that are multiplied, are a split of that ratio."""
    closes = np.append(np.full(bars, 40.0), np.full(bars, 40.0 * old / new))
    assert found(closes, np.append(np.full(bars, 900.0), np.full(bars, 900.0 * new / old))) == told


@pytest.mark.parametrize(("new", "old", "told"), SPLITS)
def test_split_is_found_where_no_volume_is_known(new, old, told):
    """A series without volumes is judged by its prices."""
    assert found([40.0] * 8 + [40.0 * old / new] * 8, [math.nan] * 16) == told


def test_split_of_a_series_that_moves_is_found():
    """Daily moves of one in a hundred, and an opening two in a hundred away from the ratio, hide no split."""
    closes = np.append(np.full(30, 40.0), np.full(30, 20.0)) * noise(60)
    assert found(closes, np.append(np.full(30, 900.0), np.full(30, 1500.0)), row=30, opened=closes[29] / 2 * 1.02) == "2:1"


def test_consolidation_with_a_wide_range_on_its_first_day_is_found():
    """25 old shares for a new one, in a share that opens higher and loses a twentieth on the day: the ratio is about that."""
    closes = [0.52, 0.52, 0.52, 0.52, 14.25, 14.3, 14.3, 14.3, 14.3]
    assert found(closes, [500000] * 4 + [50000] + [20000] * 4, opened=15.05) == "about 1:28.9"


def test_split_soon_after_another_step_is_found():
    """A share that is hardly traded fell by two fifths on the day before."""
    assert found([145.0] * 6 + [85.1] + [1.69, 1.7, 1.7, 1.7, 1.53], [math.nan] * 12) == "about 50.4:1"


@pytest.mark.parametrize("bad", [0.5, 2.0, 0.1, 10.0, 0.001])
@pytest.mark.parametrize("length", [1, 2])
def test_bad_bars_are_no_split(bad, length):
    """One or two bars on another level, from which the series comes back, are no split, neither there nor on the way back."""
    closes = [100.0] * 10 + [100.0 * bad] * length + [100.0] * 10
    assert [found(closes, row=row) for row in (10, 10 + length)] == ["", ""]


def test_the_last_two_bars_are_not_judged():
    """A step that two bars follow at most may be a bad bar, and is not called a split yet."""
    assert found([40.0] * 8 + [20.0] * 2, [900.0] * 8 + [1800.0] * 2) == ""
    assert found([40.0] * 8 + [20.0] * 3, [900.0] * 8 + [1800.0] * 3) == "2:1"
    assert found([40.0] * 2 + [20.0] * 8, [900.0] * 2 + [1800.0] * 8) == ""


@pytest.mark.parametrize(
    ("factor", "traded"), [(0.5, 12), (0.5, 6), (0.8, 3), (1.25, 1.5), (2, 3), (3, 2), (5, 1.5), (0.2, 30)]
)
def test_news_are_no_split(factor, traded):
    """A price that moves by a split's ratio while more is traded than a split explains is news."""
    assert found([40.0] * 8 + [40.0 * factor] * 8, [900.0] * 8 + [900.0 * traded] * 8) == ""


@pytest.mark.parametrize("factor", [0.5, 0.8, 2, 1.25])
def test_news_that_only_the_first_bar_trades_on_are_no_split(factor):
    """A first bar with eight times the turnover is news, though the next bars trade as much as a split explains."""
    after = 900.0 / factor
    assert found([40.0] * 8 + [40.0 * factor] * 8, [900.0] * 8 + [8 * after] + [after] * 7) == ""
    assert found([40.0] * 8 + [40.0 * factor] * 8, [900.0] * 8 + [1.2 * after] + [after] * 7) != ""


@pytest.mark.parametrize(("new", "old", "told"), SPLITS)
def test_split_is_found_where_the_volume_stays(new, old, told):
    """A supplier that does not adjust volumes, or an average one that stays, hides no split."""
    assert found([40.0] * 8 + [40.0 * old / new] * 8, [900.0] * 16) == told


def test_step_of_a_wild_series_is_no_split():
    """A halving after steps of a third is what that series does."""
    assert found([40.0, 28.0, 40.0, 28.0, 40.0, 28.0, 40.0, 20.0, 20.0, 20.0], [math.nan] * 10, row=7) == ""


def test_series_that_is_hardly_traded_has_no_small_split():
    """Where on most days nothing is traded, a step to two fifths is a new quote."""
    assert found([600.0] * 8 + [240.0] * 8, [0.0] * 16) == ""


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from([1.0, 1.01, 2.0, 30.0, 0.03, 0.0, -1.0, math.inf, math.nan]), min_size=1, max_size=14),
    st.lists(st.sampled_from([0.0, 1.0, 30.0, math.nan]), min_size=14, max_size=14),
    st.data(),
)
def test_nothing_raises(closes, volumes, data):
    """Any numbers in any row give an answer."""
    row = data.draw(st.integers(0, len(closes) - 1))
    close = np.array(closes)
    with np.errstate(all="ignore"):
        assert isinstance(split_like(close, close, np.array(volumes[: len(closes)]), row), str)


@pytest.mark.parametrize(("size", "expected"), [(0.5, True), (2.0, True), (0.7, False), (1000, True), (7.4, False)])
def test_usual_ratios(size, expected):
    """Ratios that boards decide on are told from others."""
    assert is_ratio(math.log(size)) is expected


@pytest.mark.real
def test_real_consolidations_are_found_and_news_are_not():
    """In real daily shares and funds the consolidations and redenominations are found, and nothing else."""
    found = set()
    for path in sorted(real_data("stooq-uk-pl-us").rglob("*.txt")):
        gate = examine(read_bars(path.read_bytes()).given, "equities", {})
        found |= {(path.stem, each.stamp) for each in gate.findings if each.rule == "split_like"}
    assert found == {
        ("3brl.uk", "2022-12-19"), ("3oil.uk", "2022-12-19"), ("3ois.uk", "2024-07-22"), ("ba3.uk", "2025-05-30"),
        ("bid3.uk", "2024-02-16"), ("co3s.uk", "2024-02-16"), ("co3s.uk", "2024-07-19"), ("co3s.uk", "2025-07-08"),
        ("con3.uk", "2022-12-19"), ("jd3.uk", "2023-09-08"), ("sark.uk", "2025-07-08"),
        ("tsl3.uk", "2024-02-16"),
    }  # fmt: skip
