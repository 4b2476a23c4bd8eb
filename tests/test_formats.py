"""What was written at the present formats is read for ever: store and state of `formats/v1`, which `formats/make.py` wrote.

The toy targets' code counts under a name (`toy.code_of`), so keys are the same under every Python. Proven is that equal code,
parameters, inputs and outputs come to the recorded keys, that records and objects are read, and that the state is believed;
not that code digests stay what they are: those may change with Python.
"""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from barmill.config import Settings
from barmill.hashing import Digest
from barmill.plan import Plan
from barmill.run.questions import is_fresh
from barmill.store.cache import Cache
from barmill.store.code import Codes
from barmill.store.state import _FORMAT, State, open_state
from barmill.target import Target
from tests.formats import toy

V1 = Path(__file__).parent / "formats/v1"


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The toy project with a copy of the v1 store and state, and none of its outputs; the present directory."""
    toy.write_texts(tmp_path)
    shutil.copytree(V1 / "store", tmp_path / "artifacts/store")
    shutil.copy(V1 / "state.sqlite", tmp_path / "artifacts")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Codes, "of", toy.code_of)
    return tmp_path


def opened() -> tuple[Cache, list[Target]]:
    """The project's cache and targets, as in a new process."""
    open_state.cache_clear()
    plan = Plan(Settings())
    return Cache(plan.store, plan.state), list(toy.targets(plan))


def written(target: Target) -> Iterator[tuple[str, bytes | None]]:
    """Every file (with its bytes) and folder of a target's outputs."""
    for role, output in target.outputs.items():
        for path in (output, *output.rglob("*")) if output.exists() else ():
            yield f"{role} {path.relative_to(output)}", None if path.is_dir() else path.read_bytes()


def test_everything_is_restored() -> None:
    """Every target is restored from the v1 store, to the bytes that a build writes."""
    cache, targets = opened()
    assert [cache.ensure(target).origin for target in targets] == ["restored"] * 3
    restored = [dict(written(target)) for target in targets]
    assert [cache.ensure(target, force=True).origin for target in targets] == ["built"] * 3
    assert [dict(written(target)) for target in targets] == restored
    assert [len(each) for each in restored] == [1, 2, 6]


def test_the_state_is_believed(capsys: pytest.CaptureFixture[str]) -> None:
    """With the outputs in place every target is fresh by the v1 state, which is read without a word."""
    cache, targets = opened()
    assert [is_fresh(cache, target, f"toy:{target.name}") for target in targets] == [False] * 3
    for target in targets:
        cache.ensure(target)
    cache, targets = opened()
    assert cache.state.stamps.keys() == {f"toy:{target.name}" for target in targets}
    assert {"in", "in/ant.txt", "artifacts/toy/all/names"} <= cache.stats.seen.keys()
    assert [is_fresh(cache, target, f"toy:{target.name}") for target in targets] == [True] * 3
    assert capsys.readouterr().err == ""


def test_a_record_of_another_format_is_a_miss(root: Path) -> None:
    """A record of format 2 is looked at and left where it is, byte for byte; its target is built."""
    cache, targets = opened()
    key = Digest(json.loads(cache.state.tasks["toy:ant"])["_values_:"]["finished"].split()[0])
    path = cache.actions.path(key)
    assert cache.actions.get(key) is not None
    newer = path.read_bytes().replace(b'"format":1', b'"format":2')
    path.write_bytes(newer)
    assert cache.actions.get(key) is None
    assert path.read_bytes() == newer
    assert not (root / "artifacts/store/quarantine").exists()
    assert [cache.ensure(target).origin for target in targets] == ["built", "restored", "restored"]


def test_a_newer_state_is_set_aside(capsys: pytest.CaptureFixture[str]) -> None:
    """A state of the next version is set aside whole, with a warning that names both versions; the store gives everything."""
    path = Path("artifacts/state.sqlite")
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA user_version={_FORMAT + 1}")
    assert State(path).tasks == {}
    assert f"format {_FORMAT + 1} is not {_FORMAT}" in capsys.readouterr().err
    with closing(sqlite3.connect(path.with_name("state.sqlite.damaged"))) as database:
        assert database.execute("SELECT count(*) FROM tasks").fetchone() == (4,)
    cache, targets = opened()
    assert [cache.ensure(target).origin for target in targets] == ["restored"] * 3
