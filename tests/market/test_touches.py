"""Labels: each against a walk forward in slow Python with exact prices; ties, gaps, yen, the end of the data."""

import datetime as dt
import itertools
import math

import numpy as np
import pytest

from barmill.market.grids import Label, labels
from barmill.market.series import MINUTE, Series
from barmill.market.tables import write_parquet
from barmill.market.touches import OUTCOMES, SUMMARY, Touches, summed
from tests.support import touches_oracle
from tests.support.series import bars, walk

PIP = 0.0001
LEVELS = (5, 10, 15, 20, 30, 50)
HORIZONS = (1, 5, 15, 30, 60, 240, 1440)
GRID = labels(LEVELS, LEVELS[:5], HORIZONS, 1)
SIGNS = {"up": 1, "down": -1}


POINTS = 10  # of a pip


def exact(series, pip, touch):
    """The bars with prices in whole points."""
    names = ("close",) * 4 if touch == "close" else ("open", "high", "low", "close")
    prices = [[round(value * POINTS / pip) for value in getattr(series, name).tolist()] for name in names]
    minutes = (series.time // MINUTE).tolist()
    return [touches_oracle.Bar(*row) for row in zip(minutes, *prices, strict=True)]


def check(series, chosen, *, pip=PIP, tie="stop", touch="range", rows=None):
    """Every column of these labels, in both directions, is what the oracle says."""
    table = Touches.scan(series, LEVELS, HORIZONS, pip, touch)
    slow = exact(series, pip, touch)
    for label in chosen:
        found = {name: column.to_pylist() for name, column in zip(*parts(table.label(label, tie)), strict=True)}
        for at in rows if rows is not None else range(len(series)):
            for direction, sign in SIGNS.items():
                wanted = touches_oracle.position(slow, at, sign, *label, POINTS, tie)
                got = [found[f"{direction}_{name}"][at] for name in COLUMNS]
                assert got[0] == wanted.outcome, (label, at, direction)
                assert got[2:4] == [wanted.to_target, wanted.to_stop], (label, at, direction)
                for value, exactly in zip((got[1], *got[4:6]), (wanted.magnitude, wanted.mfe, wanted.mae), strict=True):
                    assert (value is None) == (exactly is None), (label, at, direction)
                    assert value is None or value == exactly / POINTS, (label, at, direction)
                assert got[6] is None or math.isclose(got[6], wanted.magnitude / POINTS / label.stop)


COLUMNS = ("outcome", "magnitude", "minutes_to_target", "minutes_to_stop", "mfe", "mae", "r")


def parts(table):
    """Names and columns of a table."""
    return table.column_names, table.columns


def one(series, target, stop, horizon, *, tie="stop", touch="range", at=0, direction="up"):
    """One row of one label, without its direction's prefix."""
    table = Touches.scan(series, (target, stop), (horizon,), PIP, touch).label(Label(target, stop, horizon), tie)
    row = table.slice(at, 1).to_pylist()[0]
    return {name: row[f"{direction}_{name}"] for name in COLUMNS}


def test_every_label_is_what_a_walk_forward_finds():
    """All 210 labels of the default grid, both directions, over a walk with gaps in time and between prices."""
    check(walk(420, 3, step=2e-4, gaps=0.03), GRID, rows=range(0, 420, 15))


@pytest.mark.parametrize("tie", ["stop", "target", "none"])
@pytest.mark.parametrize("touch", ["range", "close"])
def test_each_rule_is_what_it_says(tie, touch):
    """Wild bars that touch both levels all the time, under each rule and each kind of touch."""
    check(walk(200, 4, step=12e-4), [Label(5, 5, 15), Label(20, 10, 60), Label(50, 30, 5)], tie=tie, touch=touch)


def test_yen_has_its_own_pip():
    """A pair quoted in yen, at its pip of 0.01."""
    check(walk(300, 5, digits=3, start=151.2, step=2e-2), [Label(10, 10, 60), Label(30, 20, 240)], pip=0.01)


def test_a_wrong_pip_gives_other_labels():
    """The pip decides: at a hundredth of it, nearly everything is touched at once."""
    yen, label = walk(300, 5, digits=3, start=151.2, step=2e-2), Label(10, 10, 60)
    right, wrong = (Touches.scan(yen, (10,), (60,), pip, "range").outcomes(label, "stop", 1) for pip in (0.01, 0.0001))
    assert (right.outcome != wrong.outcome).mean() > 0.5


def test_a_level_is_touched_when_exactly_reached():
    """1.16 + 5 pips is 1.1605, though floats say 1.1604999…: the high that prints 1.1605 has touched it."""
    for entry in np.arange(1.1, 1.2, 0.00137).round(5):
        touched = bars((entry,) * 4, (entry, (entry + 0.0005).round(5), entry, entry))
        short = bars((entry,) * 4, (entry, (entry + 0.00049).round(5), entry, entry))
        assert one(touched, 5, 5, 1)["outcome"] == "target", entry
        assert one(short, 5, 5, 1)["outcome"] != "target", entry


def test_both_touched_in_one_bar():
    """The rule decides; an open beyond a level goes before it."""
    both = bars((1.1, 1.1, 1.1, 1.1), (1.1, 1.102, 1.098, 1.1), (1.1, 1.1, 1.1, 1.1))
    assert [one(both, 10, 10, 1, tie=tie)["outcome"] for tie in ("stop", "target", "none")] == ["stop", "target", "ambiguous"]
    up = bars((1.1, 1.1, 1.1, 1.1), (1.1015, 1.102, 1.098, 1.1), (1.1, 1.1, 1.1, 1.1))
    assert {one(up, 10, 10, 1, tie=tie)["outcome"] for tie in ("stop", "target", "none")} == {"target"}
    assert one(up, 10, 10, 1)["magnitude"] == 15
    assert one(up, 10, 10, 1, tie="target", direction="down")["outcome"] == "stop"


def test_a_gap_ends_the_position_at_the_open():
    """A bar that opens 30 pips below a stop of 10 loses 30, and three times the risk."""
    gap = bars((1.1, 1.1, 1.1, 1.1), (1.097, 1.0975, 1.0965, 1.097), (1.097,) * 4)
    found = one(gap, 20, 10, 5)
    assert (found["outcome"], found["magnitude"], found["mae"], found["r"]) == ("stop", -30, 30, -3)


def test_extremes_end_with_the_position():
    """No stopped row has a favourable move as far as its target; what comes after the exit counts for nothing."""
    found = Touches.scan(walk(20_000, 6), LEVELS, (240,), PIP, "range").outcomes(Label(10, 10, 240), "stop", 1)
    stopped, reached = (found.outcome == OUTCOMES.index(name) for name in ("stop", "target"))
    assert stopped.sum() > 1000
    assert (found.mfe[stopped] < 10).all()
    assert (found.mae[reached] < 10).all()
    assert (found.mfe[reached] == found.magnitude[reached]).all()


def test_the_other_level_is_told_after_the_exit_too():
    """The minutes to each level are those within the horizon, whichever ended the position."""
    series = bars((1.1,) * 4, (1.1, 1.1, 1.099, 1.0995), (1.0995, 1.101, 1.0995, 1.1), (1.1,) * 4)
    found = one(series, 10, 10, 3)
    assert (found["outcome"], found["minutes_to_stop"], found["minutes_to_target"]) == ("stop", 1, 2)


def test_the_end_of_the_data_is_told_and_not_guessed():
    """A row whose horizon ends with the last bar is decided; a later one is censored, unless a level was touched."""
    quiet = bars(*[(1.1,) * 4] * 10)
    table = Touches.scan(quiet, (5,), (4,), PIP, "range").label(Label(5, 5, 4), "stop")
    assert table.column("up_outcome").to_pylist() == ["none"] * 6 + ["censored"] * 4
    assert table.column("up_mfe").to_pylist() == [0.0] * 6 + [None] * 4
    assert len(table) == 10
    touched = bars(*[(1.1,) * 4] * 9, (1.1, 1.101, 1.1, 1.101))
    table = Touches.scan(touched, (5,), (4,), PIP, "range").label(Label(5, 5, 4), "stop")
    assert table.column("up_outcome").to_pylist() == ["none"] * 5 + ["target"] * 4 + ["censored"]


def test_a_horizon_without_bars_is_over():
    """Over a weekend no bar comes within an hour: the position ends where it began."""
    series = bars(*[(1.1,) * 4] * 4)
    time = series.time + np.array([0, 0, 2880, 2880]) * MINUTE
    found = one(Series(**{**vars(series), "time": time}), 5, 5, 60, at=1)
    assert (found["outcome"], found["magnitude"], found["mfe"], found["mae"]) == ("none", 0, 0, 0)


def test_the_future_beyond_the_horizon_changes_nothing():
    """Shuffle the bars after some moment: every label whose horizon was over by then stays as it was."""
    series, cut = walk(4000, 7), 2500
    order = np.append(np.arange(cut), cut + np.random.default_rng(0).permutation(len(series) - cut))
    shuffled = Series(series.time, *(getattr(series, name)[order] for name in ("open", "high", "low", "close", "volume")))
    one_, other = (Touches.scan(each, LEVELS, HORIZONS, PIP, "range") for each in (series, shuffled))
    for label in GRID[::17]:
        whole = cut - label.horizon
        tables = [each.label(label, "stop").slice(0, whole) for each in (one_, other)]
        assert tables[0].equals(tables[1]), label
    assert not one_.label(GRID[-1], "stop").equals(other.label(GRID[-1], "stop"))


def test_the_table_is_read_back_exactly(tmp_path):
    """What is written and read, whole or for one label, gives the same labels."""
    series, label = walk(3000, 8), Label(20, 10, 240)
    table = Touches.scan(series, LEVELS, HORIZONS, PIP, "range")
    write_parquet(tmp_path / "touches.parquet", table.to_arrow(), ["time"])
    whole, some = (Touches.read(tmp_path / "touches.parquet", PIP, chosen) for chosen in (None, [label]))
    assert len(some.columns) < len(whole.columns)
    for each in (whole, some):
        assert each.label(label, "stop").equals(table.label(label, "stop"))


def test_same_length_first_and_last_price_are_other_labels():
    """Two series that share length, first and last price, and so a fingerprint of these, share no labels."""
    series = walk(2999, 9)
    turned = series.close.copy()
    turned[1:-1] = turned[1:-1][::-1]
    other = Series(**{**vars(series), "open": turned, "high": turned, "low": turned, "close": turned})
    assert (len(other), other.close[0], other.close[-1]) == (len(series), series.close[0], series.close[-1])
    label = Label(5, 10, 60)
    found = [Touches.scan(each, (5, 10), (60,), PIP, "range").outcomes(label, "stop", 1).outcome for each in (series, other)]
    assert (found[0] != found[1]).mean() > 0.2


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_hardly_any_bars(rows):
    """No bar, one, two: as many rows, the last one censored."""
    found = Touches.scan(walk(rows) if rows else walk(1)[:0], LEVELS, HORIZONS, PIP, "range").label(GRID[0], "stop")
    assert len(found) == rows
    assert found.column("down_outcome").to_pylist()[-1:] == ["censored"] * min(rows, 1)


def test_a_summary_counts_what_the_label_has():
    """Counts and means are those of the rows whose horizon lies within the data; the other rows are censored."""
    table, label = Touches.scan(walk(5000, 10), LEVELS, HORIZONS, PIP, "range"), Label(10, 5, 60)
    every = table.label(label, "stop").to_pylist()
    rows = [row for row in every if row["time"] + dt.timedelta(minutes=60) <= every[-1]["time"]]
    told = summed(table, label, "stop", -1)
    assert tuple(told) == SUMMARY
    assert told["rows"] == 5000
    for outcome in OUTCOMES[:4]:
        assert told[outcome] == sum(row["down_outcome"] == outcome for row in rows)
    assert told["censored"] == 60 > sum(row["down_outcome"] == "censored" for row in every)
    gains = [row["down_magnitude"] for row in rows if row["down_magnitude"] is not None]
    assert told["mean_magnitude"] == f"{sum(gains) / len(gains):.6f}"
    assert told["target_share"] == f"{told['target'] / (told['target'] + told['stop']):.6f}"
    assert told["break_even"] == "0.333333"


@pytest.mark.parametrize(("step", "gaps"), [(12e-4, 0.0), (6e-4, 0.05)])
def test_ties_are_what_no_rule_would_decide(step, gaps):
    """As many rows as are ambiguous without a rule, of those whose horizon lies within the data; whatever the rule."""
    table = Touches.scan(walk(3_000, 12, step=step, gaps=gaps), LEVELS, (15, 60), PIP, "range")
    found = 0
    for label in (Label(5, 5, 15), Label(10, 15, 60), Label(20, 5, 60)):
        for sign in (1, -1):
            wanted = summed(table, label, "none", sign)["ambiguous"]
            found += wanted
            for tie in ("stop", "target", "none"):
                assert summed(table, label, tie, sign)["ties"] == wanted
    assert found > 100
    assert summed(Touches.scan(walk(300), (5,), (15,), PIP, "close"), Label(5, 5, 15), "stop", 1)["ties"] == 0


def test_the_end_of_the_data_favours_no_side():
    """Over every path of nine fair steps what positions gain and lose adds up to nothing, as it must (Doob 1953).

    Counted with the positions that the end of the data cuts off, those ended before it by the nearer level would tip it.
    """
    paths = itertools.product((5, -5), repeat=9)
    closes = [1.1 + np.cumsum([0, *path]) * PIP for path in paths]
    tables = [Touches.scan(bars(*[(close,) * 4 for close in each]), (5, 10, 15), (6,), PIP, "range") for each in closes]
    for target, stop in ((15, 5), (5, 15), (10, 5), (10, 10)):
        for sign in (1, -1):
            told = [summed(table, Label(target, stop, 6), "stop", sign) for table in tables]
            assert {each["censored"] for each in told} == {6}
            for name in ("mean_magnitude", "mean_r"):
                assert math.fsum(float(each[name]) for each in told) / len(told) == pytest.approx(0, abs=1e-6)


def test_a_random_walk_favours_no_side():
    """On a long random walk the target is reached about as often as the distances say."""
    table = Touches.scan(walk(200_000, 11), (10, 20), (1440,), PIP, "close")
    for target, stop in ((10, 10), (20, 10), (10, 20)):
        for sign in (1, -1):
            told = summed(table, Label(target, stop, 1440), "stop", sign)
            independent, fair = 200_000 / float(told["mean_minutes"]), stop / (target + stop)
            assert abs(float(told["target_share"]) - fair) < 4 * math.sqrt(fair * (1 - fair) / independent)
