"""A remote that is a server, and goes away in the middle of a cluster's work, or can't be reached from a worker."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.run.cluster.conftest import Clustered
from tests.support.cluster import Cluster
from tests.support.loopback import free_port
from tests.support.nginx import Nginx
from tests.support.project import ended, until

SLOW = ("import time", "time.sleep(0.2)")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Nginx]:
    """A server that the test may kill."""
    pytest.importorskip("obstore", reason="obstore is not installed (extra remote)")
    (tmp_path / "nginx").mkdir()
    server = Nginx(tmp_path / "nginx")
    server.start()
    yield server
    server.kill()


@pytest.mark.parametrize("later", [0.0, 1.0])
def test_a_killed_server(clustered: Clustered, scheduler: Cluster, server: Nginx, later: float) -> None:
    """What could not be sent fails and is named, what was finished is kept; once the server is back, all is as built here."""
    there = {"BARMILL_REMOTE": server.url("cluster", server.port)}
    clustered.many(12, *SLOW)
    for _ in range(2):
        scheduler.add(clustered.root)
    run = clustered.start(**there)
    until(clustered.artifacts)
    time.sleep(later)
    server.kill()
    result = ended(run)
    assert result.code in {1, 2}, result.out + result.err
    assert "Traceback" not in result.out + result.err
    assert server.url("cluster", server.port) in result.out + result.err
    kept = len(clustered.artifacts())
    server.start()
    again = clustered.good(**there)
    assert again.counts["fresh"] + again.counts["restored"] >= min(kept, 1)
    assert clustered.artifacts() == clustered.as_local(*SLOW)


def test_a_worker_that_is_cut_off(clustered: Clustered, scheduler: Cluster, server: Nginx) -> None:
    """A worker who can't reach the remote is told of once and builds nothing, others build all, what it would have had, too."""
    clustered.many(6, *SLOW)
    scheduler.add(clustered.root, BARMILL_REMOTE=server.url("cluster", free_port()))
    scheduler.add(clustered.root)
    result = clustered.good(BARMILL_REMOTE=server.url("cluster", server.port))
    assert result.counts["built"] == 19
    assert result.err.count("is given nothing any more, others do what it had to do: ") == 1
    assert not scheduler.machines[0].log.exists()
    assert clustered.artifacts() == clustered.as_local(*SLOW)


def test_workers_that_are_cut_off(clustered: Clustered, scheduler: Cluster, server: Nginx) -> None:
    """If no worker can reach the remote, the run does not wait: what it was to build fails, with where that was looked for."""
    nowhere = server.url("cluster", free_port())
    scheduler.add(clustered.root, BARMILL_REMOTE=nowhere)
    text = clustered.bad(BARMILL_REMOTE=server.url("cluster", server.port))
    assert text.count("\nfailed ") + text.startswith("failed ") == 3
    assert f"{nowhere}: it can't be connected to" in text
    assert clustered.artifacts() == {}
