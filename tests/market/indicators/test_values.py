"""Indicators against a slow oracle."""

import csv
import datetime as dt
import math

import numpy as np
import pytest

from barmill.market.indicators.catalog import CALENDAR, CATALOG, VALUES
from barmill.market.indicators.frame import calendar, compute, indicators
from tests.support.bars import COLUMNS, arrays, daily, table
from tests.support.indicator_oracle import by_definition, by_script, on_date
from tests.support.real import real_data

SIZES = (1, 2, 3, 13, 14, 15, 25, 26, 33, 34, 50, 199, 200, 201, 260)


def assert_equal(expected, bars, window=0, relative=1e-9):
    """Every value of every bar: missing where the oracle has none, else equal to the tolerance, by the column's scale."""
    found = compute(arrays(bars), window)
    assert list(found) == list(VALUES)
    for name in VALUES:
        wanted = [row[name] for row in expected]
        scale = np.median([abs(x) for x in wanted if x] or [1.0])
        for n, (want, have) in enumerate(zip(wanted, found[name], strict=True)):
            if want is None:
                assert not math.isfinite(have), (name, n)
            else:
                assert abs(want - have) <= relative * max(scale, abs(want)), (name, n, want, have)


@pytest.mark.parametrize("seed", range(4))
def test_definitions(seed):
    """All 26 values of 300 bars with flat bars, ties and missing volume trades agree with the oracle to 1e-9."""
    bars = daily(300, seed, decimals=(2, 2, 4, 0)[seed])
    assert_equal(by_definition(bars), bars)


@pytest.mark.parametrize("seed", range(2))
def test_window_of_200_reproduces_the_script(seed):
    """With window=200 every value is what a script that reads the last 200 rows of each day computes, to 1e-9."""
    bars = daily(290, seed + 10)
    assert_equal(by_script(bars), bars, window=200)


def test_short_window():
    """A window that is shorter than an indicator's warm-up leaves it without values; the others are of the window."""
    bars = daily(90, 3)
    assert_equal(by_script(bars, 40), bars, window=40)


@pytest.mark.parametrize("window", [0, 200])
def test_appended_days_change_no_bit(window):
    """The values of a shorter series are, to the bit, the first values of a longer one."""
    bars = arrays(daily(261, 5))
    whole = compute(bars, window)
    for size in SIZES:
        part = compute({name: values[:size] for name, values in bars.items()}, window)
        assert [name for name in VALUES if part[name].tobytes() != whole[name][:size].tobytes()] == []


def test_windowed_values_forget():
    """A price that left the window has no influence on plain averages, to the bit, however wrong it was."""
    bars = arrays(daily(120, 6))
    wrong = {name: values.copy() for name, values in bars.items()}
    wrong["close"][10] *= 1e6
    a, b = compute(bars), compute(wrong)
    for name in ("SMA_50", "BOLLINGER_upper_20_2", "MFI_14", "CMF_20", "volume_SMA_20"):
        assert a[name][61:].tobytes() == b[name][61:].tobytes()


@pytest.mark.parametrize("each", CATALOG, ids=lambda each: each.columns[0])
def test_warm_up(each):
    """The first value of each column comes at the bar that the table says, and not before."""
    bars = [bar | {"volume": bar["volume"] + 1} for bar in daily(80, 7)]
    found = compute(arrays(bars))
    for column, warm_up in zip(each.columns, each.warm_up, strict=True):
        assert np.isfinite(found[column]).tolist() == [False] * (warm_up - 1) + [True] * (81 - warm_up)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), None])
@pytest.mark.parametrize("column", ["open", "high", "low", "close", "volume"])
def test_missing_value_costs_its_own_bar_only(column, wrong):
    """A bar without a finite value has no indicators of that value; all others are as if the bar were not there."""
    bars = daily(150, 8)
    bars[70] = bars[70] | {column: wrong}
    assert_equal(by_definition(bars), bars)
    found = compute(arrays(bars))
    for each in CATALOG:
        for name in each.columns:
            assert math.isfinite(found[name][70]) == (column not in each.inputs)
            assert math.isfinite(found[name][149])


def test_no_values_at_all():
    """Bars without any volume, and no bars, have no values of it and raise nothing."""
    bars = [bar | {"volume": None} for bar in daily(60, 9)]
    found = compute(arrays(bars))
    assert not np.isfinite(found["OBV"]).any()
    assert np.isfinite(found["SMA_50"][49:]).all()
    assert {len(values) for values in compute(arrays([])).values()} == {0}


def test_flat_series():
    """A price that never moves: RSI 100 (no fall), bandwidth exactly 0, no money flow, hence no MFI."""
    bars = [bar | dict.fromkeys(("open", "high", "low", "close"), 0.1) for bar in daily(80, 1)]
    found = compute(arrays(bars))
    assert set(found["RSI_14"][14:]) == {100.0}
    assert set(found["BOLLINGER_bandwidth_20_2"][19:]) == {0.0}
    assert np.isnan(found["MFI_14"]).all()
    assert set(found["OBV"]) == set(found["AD_line"]) == {0.0}


def test_no_volume_after_fractional_volume():
    """Twenty days without volume after fractional ones: exactly none, so there is no ratio and no CMF."""
    bars = daily(100, 2)
    bars[60:90] = [bar | {"volume": 0.0} for bar in bars[60:90]]
    found = compute(arrays(bars))
    assert set(found["volume_SMA_20"][80:90]) == {0.0}
    assert np.isnan(found["volume_ratio_20"][79:90]).all()
    assert np.isnan(found["CMF_20"][79:90]).all()


def test_ties_of_typical_price():
    """(h + l + c) that is equal in decimals has no direction, though the rounded sums differ by 6e-14."""
    one, two = {"high": 30.3, "low": 30.1, "close": 30.2}, {"high": 30.4, "low": 30.1, "close": 30.1}
    assert sum(one.values()) != sum(two.values())
    bars = [bar | {"volume": 10.0} | (one, two)[n % 2] for n, bar in enumerate(daily(30, 0))]
    assert np.isnan(compute(arrays(bars))["MFI_14"]).all()
    bars[20] |= {"close": 30.21, "high": 30.5}
    assert_equal(by_definition(bars), bars)


def test_negative_and_zero_prices():
    """A yield below zero, and a close of zero, raise nothing: no logarithm, no quotient by what is not positive."""
    bars = daily(60, 4)
    bars[30] |= {"open": 0.0, "close": -0.444, "low": -0.5}
    bars[40] |= {"close": 0.0, "low": 0.0}
    found = compute(arrays(bars))
    assert np.isnan(found["log_return"][[30, 31, 40, 41]]).all()
    assert math.isnan(found["close_open_diff"][30])
    assert math.isnan(found["high_low_range"][40])
    assert_equal(by_definition(bars), bars)


def shifted(bars, by):
    """The bars with all prices lower."""
    return [bar | {name: round(bar[name] - by, 6) for name in ("open", "high", "low", "close")} for bar in bars]


@pytest.mark.parametrize("window", [0, 40])
def test_ratios_of_negative_prices_are_null(window):
    """A yield that rises from -0.7 has differences, averages and ranges, and no ratio to a negative price; as its logarithm."""
    close = [-0.7 + 0.005 * n for n in range(60)]
    bars = [bar | {"open": each - 0.004, "high": each + 0.002, "low": each - 0.006, "close": each}
            for bar, each in zip(daily(60, 0), close, strict=True)]  # fmt: skip
    found = compute(arrays(bars), window)
    for name in ("close_open_diff", "high_low_range", "BOLLINGER_bandwidth_20_2", "log_return", "MFI_14"):
        assert np.isnan(found[name]).all(), name
    for name in ("BOLLINGER_upper_20_2", "RSI_14", "MACD_line_12_26_9", "ATR_14", "SMA_20"):
        assert np.isfinite(found[name][34:]).all(), name
    assert set(found["RSI_14"][14:]) == {100.0}


def test_prices_that_fall_below_zero_and_rise_again():
    """The ratios of each bar are there exactly where their divisor is positive, as the oracle says of every value."""
    bars = daily(120, 6)
    bars = shifted(bars, sorted(bar["close"] for bar in bars)[60])
    assert sum(bar["close"] > 0 for bar in bars) > 40
    assert sum(bar["close"] < 0 for bar in bars) > 40
    assert_equal(by_definition(bars), bars)


def test_calendar():
    """Weekday, week, month and their ends of every day of five years, leap day among them."""
    days = np.arange("2019-01-01", "2024-01-01", dtype="datetime64[D]")
    found = calendar(days)
    for n, day in enumerate(days.tolist()):
        assert {name: values[n] for name, values in found.items()} == on_date(day)


def test_table():
    """A row a bar, named and dated; null, never NaN, where there is no value; typed."""
    made = indicators(table(daily(40, 1)), "AAPL.US")
    assert made.column_names == ["symbol", "date", *VALUES, *CALENDAR]
    assert [str(made.schema.field(name).type) for name in ("symbol", "date", "SMA_3", "month", "is_month_end")] == [
        "string", "date32[day]", "double", "int8", "bool",
    ]  # fmt: skip
    assert made.column("SMA_3").null_count == 2
    assert made.column("SMA_50").null_count == 40
    assert made.column("symbol").to_pylist() == ["AAPL.US"] * 40


@pytest.mark.real
def test_real_script_values():
    """DSE closes (the market the script is for) by its rules: 300 days of BATBC agree with the oracle."""
    with open(real_data("dse-daily/data_sample/Unadjusted/BATBC.csv"), encoding="utf-8", newline="") as file:
        rows = {row["Date"]: row for row in csv.DictReader(file)}
    bars = []
    for day, row in sorted(rows.items())[-300:]:
        bars.append({"date": dt.date.fromisoformat(day), **{name: float(row[name.title()]) for name in COLUMNS}})
    assert_equal(by_script(bars), bars, window=200)
    assert_equal(by_definition(bars), bars)
