"""What every stage promises, tested the same way: a stage's test class names its target and inherits these."""

import datetime as dt
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from barmill.config import Settings
from barmill.hashing import digest_file
from barmill.plan import Plan
from barmill.store.cache import Cache, Outcome
from barmill.target import Target
from tests.support.market import LONDON, NASDAQ, REPOSITORY, MarketProject, creators

STAGES = creators(REPOSITORY / "dodo.py")


class StageContract:
    """Subclass it and name the `stage`; the market is that of `MarketProject`, built as far as the stage needs it."""

    stage: str

    def target(self, root: Path) -> Target:
        """The stage's first target, with everything upstream built below `root`."""
        project = MarketProject.make(root)
        project.raw(NASDAQ, "AAPL.US")
        project.raw(LONDON, "VOD.UK")
        project.listed("broker.csv", [("AAPL", "", "NASDAQ", "Apple", "USD"), ("VOD:LN", "", "LSE", "Vodafone", "GBX")])
        data, artifacts = root / "data", root / "artifacts"
        folders = {"stooq": data / "stooq", "instruments": data / "instruments", "series": data / "series"}
        dates = {"sessions_from": dt.date(2023, 12, 1), "sessions_until": dt.date(2024, 1, 31)}
        plan = Plan(Settings(**folders, **dates, artifacts=artifacts, session_changes=data / "sessions.csv"))
        cache = Cache(plan.store, plan.state)
        for name in STAGES:
            targets = importlib.import_module(f"barmill.stages.{name}").targets(plan)
            if name == self.stage:
                return next(iter(targets))
            for target in targets:
                cache.ensure(target)
        raise LookupError(self.stage)

    def build(self, root: Path, target: Target | None = None) -> Outcome:
        """Build through the cache, whatever the store has."""
        target = target or self.target(root)
        return Cache(root / "artifacts/store", root / "artifacts/state.sqlite").ensure(target, force=True)

    def test_same_bytes_twice(self, tmp_path: Path) -> None:
        """Two builds in two folders write the same bytes."""
        first = self.build(tmp_path / "a")
        second = self.build(tmp_path / "b")
        assert dict(first.outputs) == dict(second.outputs)
        assert any(first.outputs.values())

    def test_same_bytes_from_another_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where the process stands decides nothing."""
        first = self.build(tmp_path / "a")
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        assert dict(first.outputs) == dict(self.build(tmp_path / "b").outputs)

    def test_same_bytes_under_another_hash_seed(self, tmp_path: Path) -> None:
        """Python's hash order decides nothing: the build is run again in a process with another seed."""
        first = self.build(tmp_path / "a")
        program = (
            f"import importlib, pathlib; m = importlib.import_module({type(self).__module__!r});"
            f"t = m.{type(self).__qualname__}(); o = t.build(pathlib.Path({str(tmp_path / 'b')!r}));"
            "print(sorted((r, n, d) for r, w in o.outputs.items() for n, (d, s) in w.items()))"
        )
        root = Path(__file__).parents[2]
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=root,
            env={"PYTHONHASHSEED": "4711", "PYTHONPATH": str(root), "PATH": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        expected = sorted(
            (role, name, digest) for role, written in first.outputs.items() for name, (digest, _) in written.items()
        )
        assert str(expected) == done.stdout.strip()

    def test_inputs_are_left_alone(self, tmp_path: Path) -> None:
        """A build changes none of its inputs."""
        target = self.target(tmp_path)
        paths = [name for _, name in target.spelled_out() if Path(name).is_file()]
        before = [digest_file(path) for path in paths]
        self.build(tmp_path, target)
        assert before == [digest_file(path) for path in paths]

    def test_build_is_found_by_name(self, tmp_path: Path) -> None:
        """A worker can import the build function by its dotted name."""
        build = self.target(tmp_path).build
        assert getattr(importlib.import_module(build.__module__), build.__name__) is build

    def test_import_is_cheap(self) -> None:
        """Importing the stage imports neither pandas nor pyarrow nor numpy: a no-op must not pay for them."""
        program = (
            f"import sys, barmill.stages.{self.stage}; print(*[m for m in ('pandas', 'pyarrow', 'numpy') if m in sys.modules])"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == ""
