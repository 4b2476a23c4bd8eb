"""Indicators read back."""

import datetime as dt
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest

import barmill
from barmill.errors import BarsError, ChunkCorrupt, ChunkMissing
from barmill.market.datasets import place
from tests.support.bars import daily
from tests.support.databases import artifact


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A project with the indicators of two series of 80 days, and one of 3."""
    root = tmp_path_factory.mktemp("project")
    (root / "pyproject.toml").write_text("[tool.barmill]\n")
    for name, days, seed in (("EURUSD", 80, 1), ("GBPUSD", 80, 2), ("USDJPY", 3, 3)):
        raw = root / "data/series" / place("forex", "daily", name)
        raw.parent.mkdir(parents=True, exist_ok=True)
        raw.touch()
        folder = root / "artifacts/indicators/forex/daily"
        folder.mkdir(parents=True, exist_ok=True)
        artifact(folder, name, daily(days, seed))
    (root / "data/series" / place("forex", "daily", "XAUUSD")).touch()
    return root


def test_all_of_one(root):
    """Every column of every row, as the build wrote it."""
    found = barmill.read_indicators("EURUSD", root=root)
    assert found.equals(pq.read_table(root / "artifacts/indicators/forex/daily/EURUSD.parquet"))


def test_dates_and_columns(root):
    """From the start on, up to but without the end; columns in the order asked for; globs; pandas."""
    day = daily(80, 1)[70]["date"]
    columns = ["RSI_14", "OBV"]
    found = barmill.read_indicators(["GBPUSD", "EURUSD"], day, str(day + dt.timedelta(7)), columns, root=root)
    assert found.column_names == ["symbol", "date", "RSI_14", "OBV"]
    assert found.column("date").to_pylist() == [bar["date"] for bar in daily(80, 1)[70:75]] * 2
    assert found.to_pandas()["RSI_14"].notna().all()
    assert len(barmill.read_indicators("*/USDJPY", root=root)) == 3
    assert len(barmill.read_indicators("EURUSD", "2030-01-01", root=root)) == 0


def test_sequences(root):
    """Windows of one symbol each, the last day of which is in the span; they are views of one table."""
    days = [bar["date"] for bar in daily(80, 1)]
    symbols, columns = ["EURUSD", "GBPUSD", "USDJPY"], ["SMA_3", "month"]
    first, second, short = barmill.read_sequences(symbols, 10, days[50], columns=columns, root=root)
    assert (first.symbol, first.values.shape, short.values.shape) == ("forex/daily/EURUSD", (30, 10, 2), (0, 10, 2))
    assert first.dates.tolist() == second.dates.tolist() == days[50:]
    table = barmill.read_indicators("EURUSD", columns=["SMA_3", "month"], root=root)
    assert first.values[5, :, 0].tolist() == table.column("SMA_3").to_pylist()[46:56]
    assert first.values[5, :, 1].tolist() == table.column("month").to_pylist()[46:56]
    assert np.shares_memory(first.values[0], first.values[5])
    with pytest.raises(ValueError, match="read-only"):
        first.values[0, 0, 0] = 1.0
    assert first.complete.all()


def test_incomplete_windows_are_marked(root):
    """Windows that reach into a warm-up are there, and marked."""
    (found,) = barmill.read_sequences("EURUSD", 5, columns=["SMA_50"], root=root)
    assert found.complete.tolist() == [False] * 49 + [True] * 27


def test_errors(root):
    """Each mistake is told with what is there instead."""
    with pytest.raises(BarsError, match="EURUSD"):
        barmill.read_indicators("EURUS", root=root)
    with pytest.raises(BarsError, match="RSI_14"):
        barmill.read_indicators("EURUSD", columns=["RSI14"], root=root)
    with pytest.raises(BarsError, match="before the start"):
        barmill.read_indicators("EURUSD", "2019-01-01", "2018-01-01", root=root)
    with pytest.raises(BarsError, match="2024-01-31"):
        barmill.read_indicators("EURUSD", "last week", root=root)
    with pytest.raises(BarsError, match="length=0"):
        barmill.read_sequences("EURUSD", 0, root=root)
    with pytest.raises(BarsError, match="no symbol"):
        barmill.read_indicators([], root=root)
    with pytest.raises(ChunkMissing, match="doit indicators:forex/daily/XAUUSD"):
        barmill.read_indicators("XAUUSD", root=root)


def test_damage_is_told(root, tmp_path):
    """A file of which a byte was changed is not read."""
    path = root / "artifacts/indicators/forex/daily/USDJPY.parquet"
    data = path.read_bytes()
    try:
        path.write_bytes(data[: len(data) // 2])
        with pytest.raises(ChunkCorrupt, match=r"USDJPY\.parquet"):
            barmill.read_indicators("USDJPY", root=root)
    finally:
        path.write_bytes(data)


def test_importing_the_package_stays_cheap():
    """`import barmill` imports neither numpy nor pyarrow."""
    program = "import sys, barmill; print(*[m for m in ('numpy', 'pyarrow', 'pandas') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip() == ""
