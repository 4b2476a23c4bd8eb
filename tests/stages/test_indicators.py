"""Indicators of chunks: what the stage writes, and what makes it write again."""

import datetime as dt

import pyarrow.parquet as pq
import pytest

from barmill.market.indicators.frame import compute
from barmill.stages import indicators
from barmill.store.code import Reached
from tests.stages.contract import StageContract
from tests.support.bars import arrays, daily, table
from tests.support.market import NASDAQ, NYSE, MarketProject


def build(folder, chunks, **params):
    """Build from chunks of bars; the table."""
    folder.mkdir(exist_ok=True)
    paths = []
    for n, bars in enumerate(chunks):
        paths.append(folder / f"{n}.parquet")
        pq.write_table(table(bars), paths[-1])
    indicators.build(paths, folder / "out.parquet", **{"symbol": "AAPL.US", "window": 0, "compression": "zstd:1"} | params)
    return pq.read_table(folder / "out.parquet")


def test_chunks_are_one_series(tmp_path):
    """Where a series is cut does not show: the values are those of all bars together."""
    bars = daily(300, 1)
    whole = build(tmp_path / "a", [bars])
    cut = build(tmp_path / "b", [bars[:40], bars[40:41], bars[41:]])
    assert (tmp_path / "a/out.parquet").read_bytes() == (tmp_path / "b/out.parquet").read_bytes()
    assert whole.equals(cut)
    assert whole.column("EMA_50").to_numpy()[60] == compute(arrays(bars))["EMA_50"][60]


def test_window(tmp_path):
    """The setting decides the rules: with a window, cumulative values start anew in it."""
    bars = daily(260, 2)
    assert build(tmp_path / "a", [bars]).column("OBV")[-1] != build(tmp_path / "b", [bars], window=200).column("OBV")[-1]


@pytest.fixture
def project(tmp_path):
    """Two symbols of 60 days."""
    project = MarketProject.make(tmp_path)
    for folder, ticker, seed in ((NASDAQ, "AAPL.US", 1), (NYSE, "KO.US", 2)):
        project.daily(folder, ticker, daily(60, seed))
    project.listed("broker.csv", [("AAPL", "", "NASDAQ", "Apple", "USD"), ("KO", "", "NYSE", "Coca-Cola", "USD")])
    return project


def built(project, result):
    """The symbols whose indicators were built in a run."""
    return [name.partition(":")[2] for name in project.ran(result) if name.startswith("indicators:")]


def rows(project, name):
    """The rows of a symbol."""
    return pq.read_table(project.root / f"artifacts/indicators/{name}.parquet").to_pylist()


def test_what_runs_again(project):
    """A corrected price, a late row, a duplicate, a symbol that comes or goes, a setting: each runs what it is about."""
    assert built(project, project.good("indicators")) == ["AAPL.US", "KO.US"]
    project.assert_fresh("indicators")
    bars = daily(60, 1)
    before = rows(project, "AAPL.US")
    bars[40] |= {"close": bars[40]["high"]}
    project.daily(NASDAQ, "AAPL.US", bars)
    assert built(project, project.good("indicators")) == ["AAPL.US"]
    after = rows(project, "AAPL.US")
    assert after[:40] == before[:40]
    assert all(one["EMA_3"] != other["EMA_3"] for one, other in zip(after[40:], before[40:], strict=True))
    project.daily(NASDAQ, "AAPL.US", [*bars, bars[-1]])  # a line twice
    assert built(project, project.good("indicators")) == []
    project.daily(NASDAQ, "AAPL.US", bars[:30] + bars[31:])
    assert built(project, project.good("indicators")) == ["AAPL.US"]
    assert len(rows(project, "AAPL.US")) == 59
    project.listed("more.csv", [("IBM", "", "NYSE", "IBM", "USD")])
    project.daily(NYSE, "IBM.US", daily(5, 3))
    assert built(project, project.good("indicators")) == ["IBM.US"]
    (project.root / "data/instruments/more.csv").unlink()
    assert built(project, project.good("indicators")) == []
    assert "indicators/IBM.US.parquet" in project.good("prune", "-n").out
    assert built(project, project.good("indicators", BARMILL_INDICATOR_WINDOW="200")) == ["AAPL.US", "KO.US"]
    assert built(project, project.good("indicators")) == []  # as before: restored


def test_bad_price_costs_its_own_row(project):
    """A price that is no number leaves out its day; the other days, and the other symbols, have all their values."""
    bars = daily(60, 1)
    project.daily(NASDAQ, "AAPL.US", [*bars[:30], bars[30] | {"close": "nan"}, *bars[31:]])
    assert built(project, project.good("indicators")) == ["AAPL.US", "KO.US"]
    found = rows(project, "AAPL.US")
    assert bars[30]["date"] not in [row["date"] for row in found]
    assert None not in found[-1].values()
    assert rows(project, "KO.US")[-1]["date"] == bars[-1]["date"]


def test_only_daily_series(project):
    """A minute series has no daily indicators; a daily single series has, under its name."""
    project.series("forex/daily/EURUSD", ["20240102", "20240103"])
    project.series("forex/1min/EURUSD", ["20240102"])
    assert built(project, project.good("indicators")) == ["AAPL.US", "KO.US", "forex/daily/EURUSD"]
    found = rows(project, "forex/daily/EURUSD")
    assert [(row["symbol"], row["date"]) for row in found] == [
        ("forex/daily/EURUSD", dt.date(2024, 1, 2)), ("forex/daily/EURUSD", dt.date(2024, 1, 3)),
    ]  # fmt: skip


def test_definitions_are_part_of_the_key():
    """A changed definition, table row or TA-Lib runs the stage again: its code digest reaches all of them."""
    reached = Reached("barmill.stages.indicators")
    reached.follow("barmill.stages.indicators", "build")
    names = {f"barmill.market.indicators.{name}" for name in ("catalog", "definitions", "frame", "series", "windowed")}
    assert names <= reached.modules.keys()
    assert {"talib", "numpy"} <= reached.libraries


class TestContract(StageContract):
    """What every stage promises."""

    stage = "indicators"
