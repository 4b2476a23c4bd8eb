"""How targets stand, without running them: what `doit status` and `doit explain` say is what the next run does."""

import json
import shutil
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from barmill.run.standing import Graph
from tests.support.market import FIRST_STAGES, NASDAQ, MarketProject
from tests.support.project import Project

WORDS = ("ant", "bee", "cat")
PLAIN = """

def task_note():
    def write():
        import os
        with open(os.environ["BUILT_LOG"], "a") as log:
            log.write("note\\n")
        text = open("artifacts/join/all.txt").read()
        open("note.txt", "w").write(str(len(text)))
    return {"actions": [write], "file_dep": ["artifacts/join/all.txt"], "targets": ["note.txt"]}
"""


def said(project: Project) -> dict[str, str]:
    """Task → what `doit explain` says of it."""
    names = ["upper", "join", "note", *(["split"] if list((project.root / "artifacts/upper").glob("*.up")) else [])]
    return {each["task"]: each["kind"] for each in json.loads(project.doit("explain", "--json", *names).out)}


class Edits(RuleBasedStateMachine):
    """Any edits of the toy project, with a plain task in it, between looks and runs."""

    folder: Any = None
    number = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).number += 1
        self.project = Project(self.folder / f"p{self.number}")
        shutil.copytree(self.folder / "built", self.project.root)

    @rule(word=st.sampled_from(WORDS), text=st.sampled_from(["one", "two\nlines", ""]))
    def edit(self, word: str, text: str) -> None:
        (self.project.root / f"data/{word}.txt").write_text(text)

    @rule(word=st.sampled_from(WORDS))
    def damage(self, word: str) -> None:
        path = self.project.root / f"artifacts/upper/{word}.up"
        path.unlink(missing_ok=True)
        path.write_text("damaged")

    @rule(path=st.sampled_from(["artifacts/upper/ant.up", "artifacts/join/all.txt", "note.txt"]))
    def lose(self, path: str) -> None:
        (self.project.root / path).unlink(missing_ok=True)

    @rule(times=st.sampled_from("12"))
    def set_parameter(self, times: str) -> None:
        (self.project.root / "times").write_text(times)

    @rule(task=st.sampled_from(["upper:bee", "join:all", "split:cat", "note"]))
    def forget(self, task: str) -> None:
        self.project.doit("forget", task)

    @rule()
    def build(self) -> None:
        before = said(self.project)
        self.project.built()
        result = self.project.doit()
        assert result.code == 0, result.out + result.err
        ran = {line.split()[1] for line in result.out.splitlines() if line.split()[:1] in (["built"], ["restored"])}
        ran |= {"note"} & set(self.project.built())
        for task in ran:
            assert before.get(task, "stale") != "fresh", (task, before)
        for task, kind in before.items():
            assert kind not in {"stale", "missing"} or task in ran, (task, kind, ran)

    @invariant()
    def explain_and_status_agree(self) -> None:
        kinds = said(self.project)
        counted = json.loads(self.project.doit("status", "--json").out)
        for stage in {name.partition(":")[0] for name in kinds}:
            for kind in ("fresh", "stale", "missing", "behind"):
                of_stage = [found for name, found in kinds.items() if name.partition(":")[0] == stage]
                assert of_stage.count(kind) == counted[stage][kind]


def test_what_is_called_fresh_does_not_run_and_what_is_called_stale_does(tmp_path, monkeypatch):
    """Whatever was edited, lost, damaged or forgotten: what runs was called stale, missing or behind."""
    project = Project.make(tmp_path / "built")
    (project.root / "dodo.py").write_text((project.root / "dodo.py").read_text() + PLAIN)
    project.good()
    monkeypatch.setattr(Edits, "folder", tmp_path)
    slow = settings(
        max_examples=6, stateful_step_count=5, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
    )
    run_state_machine_as_test(Edits, settings=slow)


@pytest.fixture
def market(tmp_path):
    """A built project of two symbols."""
    project = MarketProject.make(tmp_path / "p", [*FIRST_STAGES, "chunks", "gaps", "coverage", "sessions"])
    for name in ("AAPL.US", "MSFT.US"):
        project.raw(NASDAQ, name)
    project.listed("broker.csv", [(name, "", "NASDAQ", name, "USD") for name in ("AAPL", "MSFT")])
    project.good()
    return project


def test_edited_price_puts_everything_made_of_it_behind(market):
    """A raw price is edited: its export is stale, what follows from it is behind, also through others; the rest is fresh."""
    market.raw(NASDAQ, "AAPL.US", ("20240102", "20240103", "20240105"))
    counted = json.loads(market.bad("status", "--json", code=1))
    kinds = {stage: {kind: n for kind, n in each.items() if n} for stage, each in counted.items()}
    assert kinds["export"] == {"fresh": 1, "stale": 1}
    assert kinds["chunks"] == {"fresh": 1, "behind": 1, "not_known_until": "export:AAPL.US"}
    assert kinds["gaps"] == {"fresh": 1, "behind": 1, "not_known_until": "chunks:AAPL.US"}
    assert kinds["coverage"] == {"behind": 1, "not_known_until": "gaps:AAPL.US"}
    assert kinds["match"] == {"fresh": 1}
    assert "coverage: all its targets are known only after gaps:AAPL.US has run" in market.bad("status", code=1)
    out = market.bad("explain", "coverage:all", code=1)
    assert "coverage:all: behind\n  because  artifacts/gaps/AAPL.US.json is written by gaps:AAPL.US, which is not fresh" in out
    assert market.good("explain", "gaps:MSFT.US").out.startswith("gaps:MSFT.US: fresh")
    market.good()
    market.good("status")


def test_targets_that_a_stale_target_decides_are_behind_it(market):
    """A list is edited: which exports there are is known only after the match, so all of them are behind it."""
    market.listed("broker.csv", [("MSFT", "", "NASDAQ", "Microsoft", "USD")])
    out = market.bad("explain", "export:AAPL.US", code=1)
    assert "export:AAPL.US: behind\n  because  match:tradeable, which decides what this target is, is not fresh" in out


def test_a_deep_chain_of_plain_tasks_is_judged(tmp_path):
    """A chain of 3,000 tasks is deeper than Python's stack; one loop of tasks ends, too."""
    from doit.dependency import DependencyStatus
    from doit.task import Task

    class Manager:
        @staticmethod
        def get_status(task: Task, tasks: dict[str, Task]) -> DependencyStatus:
            status = DependencyStatus(False)
            status.status = "run" if task.name == "t0" else "up-to-date"
            return status

    chain = [
        Task(f"t{n}", ["true"], file_dep=[str(tmp_path / f"{n - 1}")], targets=[str(tmp_path / f"{n}")]) for n in range(3000)
    ]
    for n in range(3000):
        (tmp_path / f"{n}").touch()
    graph = Graph(chain, Manager(), {})
    assert graph.standing(chain[-1]) == ("behind", "t2998", str(tmp_path / "2998"))
    loop = [Task("a", ["true"], file_dep=["y"], targets=["x"]), Task("b", ["true"], file_dep=["x"], targets=["y"])]
    assert Graph(loop, Manager(), {}).standing(loop[0]).kind in {"missing", "behind"}
