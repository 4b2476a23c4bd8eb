"""Patterns as files: which there are, and that each figure has its twin out of sample."""

import json

import pytest

from barmill.errors import ConfigError
from barmill.market.tables import read_rows
from tests.stages.contract import StageContract
from tests.support import minutes


def test_files_of_a_pattern(tmp_path):
    """Rules and importances in sample and out of it, and how many rules were tried."""
    plan = minutes.plan(tmp_path)
    minutes.build(plan, "patterns")
    stem = tmp_path / "artifacts/patterns" / minutes.NAME
    told = json.loads((stem / "5m_5lb_T5_S5_H15_metadata.json").read_text())
    rules = read_rows(stem / "5m_5lb_T5_S5_H15_rules.csv")
    weights = read_rows(stem / "5m_5lb_T5_S5_H15_importances.csv")
    assert told["rules"] == len(rules) <= told["rules_tried"]
    assert told["surviving"] == sum(rule["survives"] == "yes" for rule in rules)
    assert 300 < told["rows_in"] + told["rows_out"] <= 596
    for name in ("rows", "support", "confidence", "base", "lift", "p", "pips"):
        assert all(rule[f"{name}_in"] for rule in rules)
        undefined = [rule for rule in rules if not rule[f"{name}_out"]]
        assert all(rule["rows_out"] == "0" and name in {"confidence", "lift", "pips"} for rule in undefined)
    assert {row["direction"] for row in weights} == {"up", "down"}
    assert set(told["forest"]["up"]) == {
        f"{name}_{sample}" for name in ("base", "loss", "base_loss") for sample in ("in", "out")
    }


@pytest.mark.parametrize(
    ("pair", "words"), [("5m_5lb", "label"), ("5m_5lb:T7_S5_H15", "T7_S5_H15"), ("5m_7lb:T5_S5_H15", "5m_7lb")]
)
def test_a_pair_that_is_not_made(tmp_path, pair, words):
    """A pair without label, or of a label or universe outside the grids, is an error that names it."""
    with pytest.raises(ConfigError, match=words):
        minutes.targets(minutes.plan(tmp_path, patterns=(pair,)), "patterns")


class TestContract(StageContract):
    """What every stage promises."""

    stage = "patterns"

    def target(self, root):
        """The pattern, with everything upstream built."""
        return minutes.ready(root, self.stage)
