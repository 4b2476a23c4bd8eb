"""Regimes as files: which there are, and what they say."""

import json

import pytest

from barmill.errors import ConfigError
from barmill.market.tables import read_parquet, read_rows
from tests.stages.contract import StageContract
from tests.support import minutes
from tests.support.series import walk

NAME = f"{minutes.NAME}/5m_5lb"


def test_two_methods_per_universe(tmp_path):
    """k-means and HDBSCAN of each chosen universe."""
    plan = minutes.plan(tmp_path, universe_lookbacks=(5, 10), regime_universes=("5m_10lb", "5m_5lb"))
    names = [target.name.removeprefix(f"{minutes.NAME}/") for target in minutes.targets(plan, "regimes")]
    assert names == ["5m_10lb_kmeans", "5m_10lb_hdbscan", "5m_5lb_kmeans", "5m_5lb_hdbscan"]


def test_files_of_a_regime(tmp_path):
    """A row per window, a profile of each regime and sample, the transitions, and how it was found."""
    plan = minutes.plan(tmp_path)
    minutes.build(plan, "regimes")
    for method in ("kmeans", "hdbscan"):
        stem = tmp_path / f"artifacts/regimes/{NAME}_{method}"
        told = json.loads(stem.with_name(f"{stem.name}_metadata.json").read_text())
        rows = read_parquet(stem.with_name(f"{stem.name}.parquet")).to_pylist()
        assert told["rows"] == len(rows) == 596
        assert sum(row["sample"] == "in" for row in rows) == told["in_sample_rows"] == 416
        regimes = {str(row["regime"]) for row in rows}
        assert regimes == set(told["regimes"])
        profile = read_rows(stem.with_name(f"{stem.name}_profile.csv"))
        assert sum(int(row["rows"]) for row in profile) == 596
        transitions = read_rows(stem.with_name(f"{stem.name}_transitions.csv"))
        assert len(transitions) == 2 * len(regimes) ** 2
        assert sum(int(row["count"]) for row in transitions) == 596 - 2


def test_a_series_too_short(tmp_path):
    """A series too short to learn from has its files: every window is in no regime, and the metadata say why."""
    plan = minutes.plan(tmp_path)
    minutes.put(tmp_path, walk(120, 21))
    minutes.build(plan, "regimes")
    stem = tmp_path / f"artifacts/regimes/{NAME}_hdbscan"
    told = json.loads(stem.with_name(f"{stem.name}_metadata.json").read_text())
    assert told["lacking"] == "14 rows are in sample: regimes need 50"
    rows = read_parquet(stem.with_name(f"{stem.name}.parquet")).to_pylist()
    assert {row["regime"] for row in rows} == {-1}
    assert told["rows"] == len(rows) == 20


def test_a_universe_that_is_not_made(tmp_path):
    """An error names it."""
    with pytest.raises(ConfigError, match="5m_20lb"):
        minutes.targets(minutes.plan(tmp_path, regime_universes=("5m_20lb",)), "regimes")


class TestContract(StageContract):
    """What every stage promises, of k-means."""

    stage = "regimes"
    end = "kmeans"

    def target(self, root):
        """A target of this name, with everything upstream built."""
        return minutes.ready(root, self.stage, self.end)


class TestHdbscan(TestContract):
    """The same of HDBSCAN."""

    end = "hdbscan"
