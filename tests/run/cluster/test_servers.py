"""A remote that is a server, and goes away in the middle of a cluster's work."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.run.cluster.conftest import Clustered
from tests.support.cluster import Cluster
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
