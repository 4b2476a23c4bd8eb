"""No early row depends on a later bar: the research of a series that is cut has the bytes of the whole one, up to the cut."""

import functools
import json

import numpy as np
import pytest

from barmill.market import arrays, metrics
from barmill.market.grids import Label
from barmill.market.indicators.frame import indicators
from barmill.market.series import MINUTE, Series
from barmill.market.strategies.strategy import batches_of
from barmill.market.tables import read_parquet, read_rows
from barmill.market.touches import Touches
from barmill.stages import batches, labels, patterns, regimes, universes
from tests.support.bars import daily, table
from tests.support.made_bars import made
from tests.support.research import LINES, write_chunk

COUNT = 2_500
CUTS = np.linspace(COUNT * 0.6, COUNT - 1, 10).astype(int).tolist()
BORDER = "2023-11-22"  # about half of the bars are before it
HORIZONS = (15, 60)
ZSTD = "zstd:1"


def changed(series, at, by):
    """The bars, of which some have other prices."""
    names = ("open", "high", "low", "close")
    prices = {name: getattr(series, name).copy() for name in names}
    for name in names:
        prices[name][at] = by(prices[name][at])
    return Series(series.time, **prices, volume=series.volume)


@functools.cache
def series_of(asset_class):
    """Minutes of a class, whose late bars have what its early ones do not."""
    if asset_class == "forex":
        return changed(made(COUNT, 1), [2_450], lambda price: price + 1e-6)
    if asset_class == "equities":  # a finer step, then nine decimals
        fine = changed(made(COUNT, 2, price=150, decimals=2), [1_700], lambda price: price + 0.0025)
        return changed(fine, [2_300], lambda price: price + 1e-9)
    if asset_class == "crypto":  # hardly worth anything, and a minute for nothing
        return changed(made(COUNT, 3, price=1.234e-5, decimals=10, step=0.002), [1_000, 2_000], lambda price: price * 0)
    return changed(made(COUNT, 4, price=20, decimals=2), [1_600, *range(2_100, 2_120)], lambda price: price - 57.5)


def folder_of(tmp_path, asset_class, count):
    """A folder with a chunk of the first bars of a series."""
    folder = tmp_path / f"{asset_class}_{count}"
    return folder, write_chunk(folder / "chunk.parquet", series_of(asset_class)[:count])


def exactly(rows):
    """Every value of a table, to the last bit, NaN like NaN."""
    return repr(rows.to_pylist())


CLASSES = pytest.mark.parametrize("asset_class", ["forex", "equities", "crypto", "commodities"])
PIPS = {"forex": 0.0001}


@CLASSES
def test_universes_and_regimes_of_a_cut_series(tmp_path, asset_class):
    """Each window has the features, and each row the regime, that it has in the whole series."""
    tables = {}
    for count in (COUNT, *CUTS):
        folder, chunk = folder_of(tmp_path, asset_class, count)
        out, about = folder / "universe.parquet", folder / "universe.json"
        usual = {"name": "X", "interval": 5, "lookback": 10, "own": 1, "compression": ZSTD}
        universes.build([chunk], out, about, pip=PIPS.get(asset_class, 0.0), **usual)
        written = [folder / name for name in ("regimes.parquet", "profile.csv", "transitions.csv", "regimes.json")]
        regimes.build(out, *written, method="kmeans", out_of_sample=BORDER, compression=ZSTD)
        assert json.loads(written[3].read_text())["out_of_sample_from"] == f"{BORDER}T00:00Z"
        tables[count] = read_parquet(out), read_parquet(written[0])
    whole = tables.pop(COUNT)
    assert np.count_nonzero(arrays.numbers(whole[1].column("regime")) >= 0) > 150
    ends = arrays.stamps(whole[0].column("last"))
    for count, parts in tables.items():
        rows = len(parts[0])
        assert rows >= np.count_nonzero(ends <= series_of(asset_class).time[count - 1]) - 1
        for part, every in zip(parts, whole, strict=True):
            assert exactly(part) == exactly(every.slice(0, rows)), count


@CLASSES
def test_labels_of_a_cut_series(tmp_path, asset_class):
    """Touches and outcomes of the rows whose horizon is over, and the pip, are those of the whole series."""
    found = {}
    for count in (COUNT, *CUTS):
        folder, chunk = folder_of(tmp_path, asset_class, count)
        touches, about = folder / "touches.parquet", folder / "touches.json"
        pip = PIPS.get(asset_class, 0.0)
        usual = {"name": "X", "levels": (5, 20), "horizons": HORIZONS, "pip": pip, "touch": "range", "compression": ZSTD}
        labels.build([chunk], touches, about, **usual)
        pip = json.loads(about.read_text())["pip"]
        read = Touches.read(touches, pip)
        found[count] = pip, read_parquet(touches), read.label(Label(20, 5, 60), "stop"), read.covered(60)
    whole = found.pop(COUNT)
    assert len(set(whole[2].column("up_outcome").to_pylist())) > 2
    for count, (pip, *parts, covered) in found.items():
        assert pip == whole[0]
        assert covered > count - 70
        for part, every in zip(parts, whole[1:], strict=False):
            assert exactly(part.slice(0, covered)) == exactly(every.slice(0, covered)), count


@CLASSES
def test_barriers_of_a_cut_series(tmp_path, asset_class):
    """Events, entries and volatilities are those of the whole series; so is the outcome where the horizon is over."""
    found = {}
    for count in (COUNT, *CUTS):
        folder, chunk = folder_of(tmp_path, asset_class, count)
        out = folder / "barriers.parquet"
        usual = {"span": 300, "threshold": 0.3, "profit": 1.0, "loss": 1.0, "horizon": 60, "compression": ZSTD}
        labels.build_barriers([chunk], out, folder / "barriers.json", **usual)
        found[count] = read_parquet(out)
    whole = found.pop(COUNT)
    assert len(whole) > 20
    for count, part in found.items():
        time, last = arrays.stamps(part.column("time")), series_of(asset_class).time[count - 1]
        known = ["time", "entry", "volatility"]
        assert len(part) == np.count_nonzero(arrays.stamps(whole.column("time")) <= last)
        assert exactly(part.select(known)) == exactly(whole.select(known).slice(0, len(part))), count
        over = int(np.count_nonzero(time + 60 * MINUTE <= last - 10 * MINUTE))
        assert exactly(part.slice(0, over)) == exactly(whole.slice(0, over)), count


def in_sample(path):
    """The rows of a CSV without what is of the later rows."""
    return [{name: text for name, text in row.items() if not name.endswith("_out") and name != "survives"}
            for row in read_rows(path)]  # fmt: skip


@pytest.mark.parametrize("asset_class", ["equities", "commodities"])
def test_patterns_of_a_cut_series(tmp_path, asset_class):
    """Rules and importances have the in-sample figures that they have of the whole series."""
    found = {}
    for count in (COUNT, *CUTS[6:]):  # before, too few rows are out of sample to learn anything
        folder, chunk = folder_of(tmp_path, asset_class, count)
        universe, touches, about = (folder / name for name in ("universe.parquet", "touches.parquet", "touches.json"))
        usual = {"name": "X", "pip": 0.0, "compression": ZSTD}
        universes.build([chunk], universe, folder / "universe.json", interval=5, lookback=10, own=1, **usual)
        labels.build([chunk], touches, about, levels=(5, 20), horizons=HORIZONS, touch="range", **usual)
        written = [folder / name for name in ("rules.csv", "importances.csv", "patterns.json")]
        how = {"label": "T20_S5_H15", "interval": 5, "tie": "stop", "out_of_sample": BORDER}
        patterns.build(universe, touches, about, *written, **how)
        found[count] = in_sample(written[0]), in_sample(written[1])
    whole = found.pop(COUNT)
    assert min(map(len, whole)) > 20
    for count, (rules, importances) in found.items():
        assert sorted(map(repr, rules)) == sorted(map(repr, whole[0])), count
        assert importances == whole[1], count


@CLASSES
def test_backtests_of_a_cut_series(tmp_path, asset_class):
    """Each in-sample figure of each strategy is that of the whole series."""
    costs = {"spread": 0.2, "commission": 0.3, "slippage": 0.1}
    inside = ["strategy", "error", *(name for name in metrics.COLUMNS if name.startswith("in_"))]
    found = {}
    for count in (COUNT, *CUTS):
        folder, chunk = folder_of(tmp_path, asset_class, count)
        how = {"both_touched": "stop", "out_of_sample": BORDER, "per_year": 1e5}
        batches.build([chunk], folder / "batch.parquet", costs=costs, **how, pieces=batches_of(LINES, 100)[0], known={})
        found[count] = read_parquet(folder / "batch.parquet").select(inside)
    whole = found.pop(COUNT)
    assert sum(whole.column("in_n_trades").to_pylist()) > 300
    for count, part in found.items():
        assert exactly(part) == exactly(whole), count


@pytest.mark.parametrize("window", [0, 40])
@pytest.mark.parametrize("below", [0.0, 50.0])
def test_indicators_of_a_cut_series(window, below):
    """Each value of each day is that of the whole series, also where prices fall below zero."""
    bars = [bar | {name: round(bar[name] - below, 6) for name in ("open", "high", "low", "close")} for bar in daily(260, 5)]
    assert (min(bar["low"] for bar in bars) < 0) == (below > 0)
    whole = indicators(table(bars), "X", window)
    for count in np.linspace(30, 259, 10).astype(int).tolist():
        assert exactly(indicators(table(bars[:count]), "X", window)) == exactly(whole.slice(0, count)), count
