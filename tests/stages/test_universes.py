"""Universes: 25 by default, each with what it says about itself; the series' own data decide, and nothing else."""

import json

import numpy as np
import pytest

from barmill.errors import ConfigError
from barmill.market import arrays
from barmill.market.series import Series
from barmill.market.tables import read_parquet
from barmill.stages import universes
from tests.stages.contract import StageContract
from tests.support import minutes
from tests.support.series import walk, write


def build(folder, series, **params):
    """One universe of a series: its table and its metadata."""
    chunks = write(folder / "chunk.parquet", series)
    out, metadata = folder / "universe.parquet", folder / "metadata.json"
    usual = {"name": "X", "interval": 5, "lookback": 10, "own": 1, "pip": 0.0001, "compression": "zstd:1"}
    universes.build([chunks], out, metadata, **{**usual, **params})
    return read_parquet(out), json.loads(metadata.read_text())


def test_the_default_grid_is_five_by_five(tmp_path):
    """Bars of 1, 5, 15, 30, 60 minutes, windows of 5, 10, 15, 20, 30 bars: 25 targets with the names of their files."""
    plan = minutes.plan(tmp_path, universe_intervals=(1, 5, 15, 30, 60), universe_lookbacks=(5, 10, 15, 20, 30))
    names = [target.name for target in minutes.targets(plan, "universes")]
    grid = [f"{interval}m_{lookback}lb" for interval in (1, 5, 15, 30, 60) for lookback in (5, 10, 15, 20, 30)]
    assert names == [f"{minutes.NAME}/{name}" for name in grid]


def test_file_and_metadata(tmp_path):
    """A row per window and a JSON of rows, span, pip, and what each feature is and how often it is not defined."""
    plan = minutes.plan(tmp_path)
    minutes.build(plan, "universes")
    folder = tmp_path / "artifacts/universes" / minutes.NAME
    told = json.loads((folder / "universe_5m_5lb_metadata.json").read_text())
    table = read_parquet(folder / "universe_5m_5lb.parquet")
    assert told["rows"] == len(table) == 3000 // 5 - 4
    assert (told["dataset"], told["universe"], told["pip"]) == (minutes.NAME, "5m_5lb", 0.0001)
    assert told["start"] == table.column("time")[0].as_py().isoformat()
    undefined = {each["name"]: each["undefined"] for each in told["features"]}
    assert undefined["dfa"] == len(table)
    assert undefined["mean"] == 0
    assert table.column_names[3:] == list(undefined)


def test_chunks_of_several_files_are_one_series(tmp_path):
    """Cut into files, in whatever order, the bars give the same universe."""
    series = walk(600)
    whole, _ = build(tmp_path, series)
    parts = [write(tmp_path / f"{k}.parquet", series[k * 200 : (k + 1) * 200]) for k in (2, 0, 1)]
    out = tmp_path / "parts.parquet"
    params = {"name": "X", "interval": 5, "lookback": 10, "own": 1, "pip": 0.0001, "compression": "zstd:1"}
    universes.build(parts, out, tmp_path / "parts.json", **params)
    assert out.read_bytes() == (tmp_path / "universe.parquet").read_bytes()
    assert len(whole) == 600 // 5 - 9


def test_a_tick_is_told_from_the_prices(tmp_path):
    """Without a pip, the unit follows from the first price, and the JSON says so."""
    _, told = build(tmp_path, walk(300, digits=3, start=7, step=0.01), pip=0.0)
    assert (told["pip"], told["pip_from"]) == (0.0001, "first close")


@pytest.mark.parametrize("rows", [0, 1, 49])
def test_too_short_a_series(tmp_path, rows):
    """Fewer bars than a window needs make an empty table that says so."""
    series = walk(rows) if rows else walk(1)[:0]
    table, told = build(tmp_path, series)
    assert (len(table), told["rows"], told["start"]) == (0, 0, None)


def test_data_that_differ_are_never_taken_for_the_same(tmp_path):
    """Reversed prices, so of equal length and span, rebuild every universe; with the old data back nothing is computed."""
    plan = minutes.plan(tmp_path)
    minutes.build(plan, "universes")
    before = minutes.files(plan, "universes")
    series = walk(3000, 21)
    turned = {name: getattr(series, name)[::-1] for name in ("open", "high", "low", "close")}
    minutes.put(tmp_path, Series(series.time, **turned, volume=series.volume))
    assert f"universes:{minutes.NAME}/5m_5lb" in minutes.built(minutes.build(plan, "universes"))
    after = minutes.files(plan, "universes")
    assert all(before[name] != after[name] for name in before if name.endswith("lb.parquet"))
    minutes.put(tmp_path, series)
    assert not minutes.built(minutes.build(plan, "universes"))
    assert minutes.files(plan, "universes") == before


def test_a_second_run_changes_no_byte_of_anything(tmp_path):
    """With everything in place a run builds nothing and touches no file of any research stage."""
    plan = minutes.plan(tmp_path)
    minutes.build(plan, "patterns")
    folders = [tmp_path / "artifacts" / stage for stage in ("universes", "labels", "regimes", "patterns")]
    found = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    before = [(path, path.read_bytes(), path.stat().st_mtime_ns) for path in found]
    assert len(before) > 15
    assert set(minutes.build(plan, "patterns").values()) == {"fresh"}
    assert before == [(path, path.read_bytes(), path.stat().st_mtime_ns) for path in found]


def test_an_appended_day_changes_no_old_row(tmp_path):
    """Later bars add rows; those that were there stay as they were, to the bit."""
    series = walk(2000)
    old, _ = build(tmp_path, series[:1500])
    new, _ = build(tmp_path, series)
    for name in old.column_names:
        values = [
            arrays.stamps(each.column(name)) if name in {"time", "last"} else arrays.numbers(each.column(name))
            for each in (old, new)
        ]
        np.testing.assert_array_equal(values[0], values[1][: len(old)])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"universe_intervals": (7,)}, ["universe_intervals", "7"]),
        ({"universe_lookbacks": (4,)}, ["universe_lookbacks", "4"]),
        ({"research": ("AAPL.US",)}, ["research", "AAPL.US", "daily"]),
        ({"pips": {"forex/*": "x"}}, ["pips", "'x'"]),
    ],
)
def test_a_setting_that_does_not_fit(tmp_path, settings, words):
    """The error names the setting and the value."""
    plan = minutes.plan(tmp_path, **settings)
    minutes.build(plan, "match")
    with pytest.raises(ConfigError) as caught:
        minutes.targets(plan, "universes")
    assert all(word in str(caught.value) for word in words)


def test_no_research_by_default(tmp_path):
    """Without the setting there is no target."""
    plan = minutes.plan(tmp_path, research=())
    assert [minutes.targets(plan, stage) for stage in ("universes", "labels", "regimes", "patterns")] == [[], [], [], []]


class TestContract(StageContract):
    """What every stage promises."""

    stage = "universes"

    def target(self, root):
        """A universe, with everything upstream built."""
        return minutes.ready(root, self.stage)
