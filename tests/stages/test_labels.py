"""Labels as files: whose they are, what makes them again, and what a kill costs."""

import datetime as dt
import json
import math
import signal
import subprocess
import sys

import numpy as np
import pytest

from barmill.errors import ConfigError
from barmill.market.grids import Label
from barmill.market.tables import read_parquet, read_rows
from barmill.market.touches import OUTCOMES, Touches
from barmill.stages import labels
from barmill.store.cache import Cache
from tests.stages.contract import StageContract
from tests.support import minutes
from tests.support.market import REPOSITORY
from tests.support.series import walk, write

GRID = {
    "label_targets": (5, 10, 15, 20, 30, 50),
    "label_stops": (5, 10, 15, 20, 30),
    "label_horizons": (1, 5, 15, 30, 60, 240, 1440),
    "checkpoint_interval": 10,
}


def folder(plan, name=minutes.NAME):
    """Where a dataset's labels lie."""
    return plan.settings.artifacts / "labels" / name


def label_files(plan, name=minutes.NAME):
    """Name → content of each label's file."""
    return {path.stem: path.read_bytes() for path in sorted(folder(plan, name).glob("T*.parquet"))}


def test_a_file_is_the_view_of_the_table(tmp_path):
    """Each file holds exactly what the table of touches gives for it."""
    plan = minutes.plan(tmp_path)
    minutes.build(plan, "labels")
    pip = json.loads((folder(plan) / "touches.json").read_text())["pip"]
    table = Touches.read(folder(plan) / "touches.parquet", pip)
    assert list(label_files(plan)) == ["T10_S5_H15", "T10_S5_H60", "T5_S5_H15", "T5_S5_H60"]
    for target, stop, horizon in ((5, 5, 15), (10, 5, 60)):
        found = read_parquet(folder(plan) / f"T{target}_S{stop}_H{horizon}.parquet")
        view = table.label(Label(target, stop, horizon), "stop")
        for name in view.column_names:
            assert found.column(name).to_pylist() == view.column(name).to_pylist(), name


def test_metadata_and_summary(tmp_path):
    """The table says what it is; the summary has a row per label and direction."""
    plan = minutes.plan(tmp_path)
    minutes.build(plan, "labels")
    told = json.loads((folder(plan) / "touches.json").read_text())
    assert (told["dataset"], told["rows"], told["pip"], told["touch"]) == (minutes.NAME, 3000, 0.0001, "range")
    assert (told["levels"], told["horizons"]) == ([5, 10], [15, 60])
    rows = read_rows(folder(plan) / "summary.csv")
    assert [(row["label"], row["direction"]) for row in rows[:3]] == [
        ("T5_S5_H15", "up"),
        ("T5_S5_H15", "down"),
        ("T5_S5_H60", "up"),
    ]
    assert all(sum(int(row[name]) for name in ("target", "stop", "none", "ambiguous", "censored")) == 3000 for row in rows)


def test_the_summary_is_that_of_the_files(tmp_path):
    """Its counts and means, worked out again in plain Python from the rows of the files whose horizon lies within the data."""
    plan = minutes.plan(tmp_path, label_targets=(5, 20), label_horizons=(1, 60))
    minutes.build(plan, "labels")
    files = {path.stem: read_parquet(path).to_pylist() for path in sorted(folder(plan).glob("T*.parquet"))}
    told = read_rows(folder(plan) / "summary.csv")
    assert {row["label"] for row in told} == set(files)
    for row in told:
        side = row["direction"]
        every = files[row["label"]]
        end, horizon = every[-1]["time"], dt.timedelta(minutes=int(row["label"].rpartition("_H")[2]))
        rows = [each for each in every if each["time"] + horizon <= end]
        outcomes = [each[f"{side}_outcome"] for each in rows] + ["censored"] * (len(every) - len(rows))
        assert all(int(row[name]) == outcomes.count(name) for name in OUTCOMES)
        assert int(row["rows"]) == len(outcomes)
        target, stop = (int(part[1:]) for part in row["label"].split("_")[:2])
        decided = outcomes.count("target") + outcomes.count("stop")
        expected = {
            "target_share": outcomes.count("target") / decided if decided else None,
            "break_even": stop / (stop + target),
        }
        for name in ("r", "magnitude", "mfe", "mae"):
            values = [each[f"{side}_{name}"] for each in rows]
            expected[f"mean_{name}"] = math.fsum(values) / len(values)
        taken = [each[f"{side}_minutes_to_{each[f'{side}_outcome']}"] for each in rows
                 if each[f"{side}_outcome"] in {"target", "stop"}]  # fmt: skip
        expected["mean_minutes"] = sum(taken) / len(taken) if taken else None
        for name, value in expected.items():
            assert row[name] == "" if value is None else float(row[name]) == pytest.approx(value, abs=6e-7), (
                row["label"],
                name,
            )


def test_the_default_grid_has_210_labels_in_21_groups(tmp_path):
    """Six targets, five stops, seven horizons; ten files a target."""
    plan = minutes.plan(tmp_path, **GRID)
    groups = [target for target in minutes.targets(plan, "labels") if "group" in target.name]
    assert [len(group.outputs) for group in groups] == [10] * 21
    assert len({str(path) for group in groups for path in group.outputs.values()}) == 210


def test_no_files_unless_asked_for(tmp_path):
    """Without `label_files` there is the table, its summary and the barriers: everything follows from the table."""
    plan = minutes.plan(tmp_path, label_files=False)
    assert [target.name for target in minutes.targets(plan, "labels")] == [
        minutes.NAME,
        f"{minutes.NAME}/summary",
        f"{minutes.NAME}/barriers",
    ]


DIE = """
import os, pathlib, signal, sys
from barmill.market.touches import OUTCOMES, Touches
from tests.support import minutes
from tests.support.series import walk, write

label, asked = Touches.label, []

def dying(self, *arguments):
    asked.append(1)
    if len(asked) == 25:
        os.kill(os.getpid(), signal.SIGKILL)
    return label(self, *arguments)

Touches.label = dying
root = pathlib.Path(sys.argv[1])
plan = minutes.plan(root, **eval(sys.argv[2]))
minutes.put(root, walk(300))
minutes.build(plan, "labels")
"""


def test_a_kill_at_label_25_of_210_costs_the_group_in_flight(tmp_path):
    """kill -9 at the 25th label: two groups are kept; the next run builds the other 19, all 210 files are whole, and there."""
    killed, fresh = tmp_path / "killed", tmp_path / "fresh"
    done = subprocess.run(
        [sys.executable, "-c", DIE, str(killed), repr(GRID)], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    plan = minutes.plan(killed, **GRID)
    assert len(label_files(plan)) == 20
    came = {task: how for task, how in minutes.build(plan, "labels").items() if "group" in task}
    assert list(came.values()) == ["fresh"] * 2 + ["built"] * 19
    other = minutes.plan(fresh, **GRID)
    minutes.put(fresh, walk(300))
    minutes.build(other, "labels")
    assert len(label_files(plan)) == 210
    assert label_files(plan) == label_files(other)


def test_the_size_of_groups_changes_no_label(tmp_path):
    """Groups of one label or of four: the same files, to the byte."""
    one = minutes.plan(tmp_path / "a", checkpoint_interval=1)
    four = minutes.plan(tmp_path / "b", checkpoint_interval=4)
    for plan in (one, four):
        minutes.build(plan, "labels")
    assert label_files(one) == label_files(four)


@pytest.mark.parametrize("size", [0, 11])
def test_groups_have_one_to_ten_labels(tmp_path, size):
    """Another size is an error that names the setting."""
    with pytest.raises(ConfigError, match="checkpoint_interval"):
        minutes.targets(minutes.plan(tmp_path, checkpoint_interval=size), "labels")


def test_same_length_first_and_last_price_share_nothing(tmp_path):
    """A series that agrees in length, first and last price with the one before is not taken for it."""
    plan = minutes.plan(tmp_path)
    minutes.build(plan, "labels")
    before = label_files(plan)
    series = walk(3000, 21)
    middle = np.r_[0, np.arange(1, 2999)[::-1], 2999]
    other = type(series)(series.time, *(getattr(series, name)[middle] for name in ("open", "high", "low", "close", "volume")))
    assert (other.close[0], other.close[-1]) == (series.close[0], series.close[-1])
    minutes.put(tmp_path, other)
    minutes.build(plan, "labels")
    assert all(before[name] != content for name, content in label_files(plan).items())
    scratch = minutes.plan(tmp_path / "scratch")
    minutes.put(tmp_path / "scratch", other)
    minutes.build(scratch, "labels")
    assert label_files(plan) == label_files(scratch)


def test_each_instrument_has_its_own_labels(tmp_path):
    """A second series in the same project gets its own files and its own pip; the first one's stay as they are."""
    plan = minutes.plan(tmp_path)
    minutes.build(plan, "labels")
    before = label_files(plan)
    minutes.put(tmp_path, walk(2000, 22, digits=3, start=143, step=0.9e-2), "forex/1min/USDJPY")
    came = minutes.build(plan, "labels")
    assert not any(minutes.NAME in task for task in minutes.built(came))
    assert label_files(plan) == before
    told = json.loads((folder(plan, "forex/1min/USDJPY") / "touches.json").read_text())
    assert (told["pip"], told["rows"]) == (0.01, 2000)
    assert all(len(read_parquet(path)) == 2000 for path in folder(plan, "forex/1min/USDJPY").glob("T*.parquet"))


@pytest.mark.parametrize(
    ("change", "rebuilt"),
    [
        ({"label_targets": (5, 20)}, {"", "/summary", "/group_01", "/group_02"}),
        ({"pips": {"forex/*": "0.0002"}}, {"", "/summary", "/group_01", "/group_02"}),
        ({"label_touch": "close"}, {"", "/summary", "/group_01", "/group_02"}),
        ({"both_touched": "target"}, {"/summary", "/group_01", "/group_02"}),
        ({"barrier_profit": 2.0}, {"/barriers"}),
    ],
)
def test_a_setting_rebuilds_what_it_decides(tmp_path, change, rebuilt):
    """Grid, pip, touch, tie and barriers are part of what a label is; each reruns what depends on it, and nothing else."""
    minutes.build(minutes.plan(tmp_path), "labels")
    came = minutes.build(minutes.plan(tmp_path, **change), "labels")
    built = [task for task in minutes.built(came) if task.startswith("labels:")]
    assert {task.removeprefix(f"labels:{minutes.NAME}") for task in built} == rebuilt


def test_a_truncated_file_is_no_label(tmp_path):
    """A file cut in half is made whole from the store; the table cut in half, too."""
    plan = minutes.plan(tmp_path)
    minutes.build(plan, "labels")
    for name in ("T5_S5_H15.parquet", "touches.parquet"):
        path = folder(plan) / name
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        came = minutes.build(plan, "labels")
        assert path.read_bytes() == whole
        assert list(came.values()).count("restored") == 1


def test_a_forced_build_writes_the_same_bytes(tmp_path):
    """Built again, whatever the store has, every target of the stage comes out the same."""
    plan = minutes.plan(tmp_path)
    minutes.build(plan, "labels")
    before = minutes.files(plan, "labels")
    cache = Cache(plan.store, plan.state)
    for target in minutes.targets(plan, "labels"):
        assert cache.ensure(target, force=True).origin == "built"
    assert minutes.files(plan, "labels") == before


def test_barriers_are_as_far_as_a_day_carries(tmp_path):
    """By default a walk's volatility is about what a day of its steps adds up to, and some events outlast their day.

    Of fair walks 37 in 100 stay within one deviation of a day for a day; events are rather found where the estimate is low.
    """
    step, price, days = 1e-4, 1.5, 40
    chunk = write(tmp_path / "2025-10.parquet", walk(days * 1440, 5, step=step, start=price))
    barriers = next(each for each in minutes.targets(minutes.plan(tmp_path / "p"), "labels") if each.name.endswith("barriers"))
    labels.build_barriers([chunk], tmp_path / "barriers.parquet", tmp_path / "barriers.json", **barriers.params)
    table = read_parquet(tmp_path / "barriers.parquet")
    scale = table.column("volatility").to_numpy()[table.column("time").to_numpy() > np.datetime64("2025-11-05")]
    wide = step / price * math.sqrt(1440)
    assert np.median(scale) == pytest.approx(wide, rel=0.2)
    assert min(table.column("volatility").to_pylist()) > 0.4 * wide  # also of the first events
    outcomes = table.column("outcome").to_pylist()
    assert 0.1 < outcomes.count("time") / len(outcomes) < 0.5


@pytest.mark.parametrize(("frequency", "span"), [("1min", 14_400), ("15min", 960), ("4hour", 60)])
def test_the_volatility_of_barriers_spans_ten_days(tmp_path, frequency, span):
    """Whatever the bars; what the setting says goes before it."""
    settings = {
        "research": ("*",),
        "universe_intervals": (240,),
        "label_horizons": (240,),
        "patterns": (),
        "regime_universes": (),
    }
    minutes.plan(tmp_path)
    minutes.put(tmp_path, walk(10), f"forex/{frequency}/EURUSD")
    for chosen in (0, 50):
        plan = minutes.plan(tmp_path, **settings, barrier_span=chosen)
        wanted = f"forex/{frequency}/EURUSD/barriers"
        (target,) = (each for each in minutes.targets(plan, "labels") if each.name == wanted)
        assert target.params["span"] == (chosen or span)


@pytest.mark.parametrize("rows", [1, 2])
def test_hardly_any_bars(tmp_path, rows):
    """One bar, or two, make tables of as many rows."""
    plan = minutes.plan(tmp_path)
    minutes.put(tmp_path, walk(rows))
    minutes.build(plan, "labels")
    assert len(read_parquet(folder(plan) / "T5_S5_H15.parquet")) == rows
    assert len(read_parquet(folder(plan) / "barriers.parquet")) == 0


class TestContract(StageContract):
    """What every stage promises, of the table of touches."""

    stage = "labels"
    end = minutes.NAME

    def target(self, root):
        """A target of this name, with everything upstream built."""
        return minutes.ready(root, self.stage, self.end)


class TestGroup(TestContract):
    """The same of a group of labels."""

    end = "group_01"


class TestSummary(TestContract):
    """The same of the summary."""

    end = "summary"


class TestBarriers(TestContract):
    """The same of the volatility barriers."""

    end = "barriers"

    def target(self, root):
        """Of a series that is long enough to have events."""
        minutes.plan(root)
        minutes.put(root, walk(8_000, 21))
        return super().target(root)

    def test_there_are_events(self, tmp_path):
        """What is promised of a table is promised of one with rows."""
        target = self.target(tmp_path)
        places = {"barriers": tmp_path / "barriers.parquet", "metadata": tmp_path / "barriers.json"}
        target.build(**target.inputs, **places, **target.params)
        told = json.loads(places["metadata"].read_text())
        assert sum(told["events"].values()) == len(read_parquet(places["barriers"])) > 0
        assert 0 < told["volatility_settled"] < told["bars"] == 8_000
        assert "lacking" not in told
        target.build(**target.inputs, **places, **target.params | {"threshold": 1e6})
        told = json.loads(places["metadata"].read_text())
        assert told["lacking"].startswith("no moves add up to more than 1e+06 volatilities at ")
