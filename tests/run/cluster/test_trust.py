"""Code and records that are not what they should be: refused, with what differs and where."""

import os
from pathlib import Path

from tests.run.cluster.conftest import Clustered
from tests.support.cluster import Cluster
from tests.support.project import Project

HOST = os.uname().nodename


def test_other_code(clustered: Clustered, scheduler: Cluster) -> None:
    """A worker with other code builds nothing, and says which code differs; what it has the same code for is built."""
    machine = scheduler.add(clustered.root)
    clustered.edit("helpers.py", '"!"', '"?"')
    text = clustered.bad()
    assert f"refused by the worker on {HOST}: the code of upper.build is " in text
    assert f"hint: bring the code on {HOST} to what it is here" in text
    assert clustered.artifacts() == {}
    assert scheduler.built() == []
    Project(machine.checkout).edit("helpers.py", '"!"', '"?"')
    assert clustered.good().counts["built"] == 7


def test_one_of_two_with_other_code(clustered: Clustered, scheduler: Cluster) -> None:
    """What one worker refuses is built by the other, and all ends well."""
    scheduler.add(clustered.root)
    clustered.many(6, "import time", "time.sleep(0.2)")
    scheduler.add(clustered.root)
    assert clustered.good().counts["built"] == 19
    assert clustered.artifacts() == clustered.as_local("import time", "time.sleep(0.2)")


def test_new_code_needs_no_new_workers(clustered: Clustered, scheduler: Cluster) -> None:
    """A worker that has built is given new code, and builds with that at once."""
    machine = scheduler.add(clustered.root)
    clustered.good()
    for project in (clustered, Project(machine.checkout)):
        project.edit("helpers.py", '"!"', '"?"')
    assert clustered.good().counts["built"] == 7
    assert clustered.artifacts() == clustered.as_local()


def test_no_code(clustered: Clustered, scheduler: Cluster, tmp_path: Path) -> None:
    """A worker that can't import what it is to build says so."""
    (tmp_path / "nothing").mkdir()
    scheduler.add(tmp_path / "nothing")
    text = clustered.bad()
    assert f"the worker on {HOST} has no upper.build: No module named 'upper'" in text
    assert "hint: install the project's code" in text


def test_a_worker_with_another_key(clustered: Clustered, scheduler: Cluster) -> None:
    """What a worker without our key has built is not believed, nor put in place; the secret is nowhere to be seen."""
    scheduler.add(clustered.root, BARMILL_REMOTE_KEY="theirs")
    text = clustered.bad(BARMILL_REMOTE_KEY="our-secret")
    assert "workers need the same remote and the same BARMILL_REMOTE_KEY as this run" in text
    assert clustered.artifacts() == {}
    assert "our-secret" not in text
    seen = [path.read_bytes() for path in clustered.root.parent.rglob("*") if path.is_file()]
    assert not any(b"our-secret" in content for content in seen)


def test_a_worker_with_the_key(clustered: Clustered, scheduler: Cluster) -> None:
    """With the same key, each from its own environment, all is built."""
    scheduler.add(clustered.root, BARMILL_REMOTE_KEY="ours")
    assert clustered.good(BARMILL_REMOTE_KEY="ours").counts["built"] == 7


def test_a_remote_that_is_another(clustered: Clustered, scheduler: Cluster, tmp_path: Path) -> None:
    """A worker whose own setting names another remote finds no inputs there, and says where it looked."""
    scheduler.add(clustered.root, BARMILL_REMOTE=str(tmp_path / "elsewhere"))
    text = clustered.bad()
    assert f"of file://{tmp_path / 'elsewhere'} is missing" in text
