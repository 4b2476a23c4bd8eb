"""A cluster whose machines share nothing but a network: each has an address, a folder and a home of its own, and links fail."""

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

import pytest

from tests.run.cluster.conftest import Clustered
from tests.support.cluster import cluster
from tests.support.host import Host
from tests.support.network import Network, network
from tests.support.nginx import Nginx
from tests.support.project import Project, ended, gone, until

SLOW = ("import time", "time.sleep(0.2)")
TEXTS = 6
COMMON = {
    "NO_PROXY": "*",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "11s",  # the least that Dask takes; its default is 30 s
    "BARMILL_WORKERS_PATIENCE": "20",
}


@dataclass
class Apart(Clustered):
    """A project on a machine of its own, whose remote is on another; `hosts` are all machines there are."""

    hosts: tuple[Host, ...] = ()
    remote: str = ""

    def start(self, *arguments: str, behind: tuple[str, ...] = (), **environ: str) -> Popen[str]:
        """As `Clustered.start`, there."""
        home = self.hosts[0]
        own = {"BARMILL_REMOTE": self.remote, **COMMON, **home.environ}
        return super().start(*arguments, behind=(*home.behind, *behind), **{**own, **environ})

    def builders(self) -> list[int]:
        """The processes that build, once each worker has one."""
        assert self.cluster is not None
        machines = self.cluster.machines
        until(lambda: all(machine.builders() for machine in machines))
        return [builder for machine in machines for builder in machine.builders()]


@pytest.fixture
def lan(tmp_path: Path) -> Iterator[Network]:
    """A network without machines."""
    with network(tmp_path / "lan") as made:
        yield made


@pytest.fixture
def apart(lan: Network) -> Iterator[Apart]:
    """A project, a scheduler, two workers and a web server, each on a machine of its own."""
    pytest.importorskip("distributed", reason="distributed is not installed (extra cluster)")
    pytest.importorskip("obstore", reason="obstore is not installed (extra remote)")
    home, head, one, two, store = hosts = tuple(map(lan.add, ("home", "head", "one", "two", "store")))
    server = Nginx(store.home / "nginx", store)
    server.start()
    try:
        with cluster(head, **COMMON) as started:
            project = Apart(Project.make(home.home / "p").root, started, hosts, server.url("place", server.port))
            project.many(TEXTS, *SLOW)
            for host in (one, two):
                started.add(project.root, host=host)
            yield project
    finally:
        server.kill()


def test_machines_that_share_nothing(apart: Apart, lan: Network) -> None:
    """Over the remote alone every byte is what a local build gives, though its cable is out for a while in the middle."""
    for host in apart.hosts:
        seen = subprocess.run([*host.behind, "ls", host.home.parent], capture_output=True, text=True, check=True)
        assert seen.stdout.split() == [host.home.name]
    run = apart.start()
    apart.builders()
    lan.cut("store")
    time.sleep(3)
    assert run.poll() is None
    lan.mend("store")
    result = ended(run)
    assert result.code == 0, result.out + result.err
    assert result.counts["built"] == len(apart.cluster.built()) + len(apart.built()) == 2 * (3 + TEXTS) + 1
    assert apart.artifacts() == apart.as_local(*SLOW)
    lan.cut("store")
    apart.edit("data/ant.txt", "ant", "aunt")
    alone = apart.good("--workers=")
    assert "the run went on without it" in alone.err
    assert alone.counts["built"] == 3


def test_a_machine_that_falls_silent(apart: Apart, lan: Network) -> None:
    """What a worker had to do whose cable is out, so that nobody is told, is done by the other."""
    run = apart.start()
    apart.builders()
    lan.cut("one")
    result = ended(run)
    assert result.code == 0, result.out + result.err
    assert "is gone; what it had to do is done by others" in result.err
    assert apart.artifacts() == apart.as_local(*SLOW)


def test_a_scheduler_that_falls_silent(apart: Apart, lan: Network) -> None:
    """The run ends with what to do, no build goes on, and what was finished is kept: the next run goes on from there."""
    run = apart.start()
    builders = apart.builders()
    until(lambda: len(apart.artifacts()) > 3)
    lan.cut("head")
    result = ended(run)
    assert result.code == 2, result.out + result.err
    assert f"error: {apart.cluster.address}: the scheduler " in result.out
    assert "hint: look at the cluster, then run doit again; what was finished is kept" in result.out
    assert "Traceback" not in result.out + result.err
    gone(builders)
    kept = len(apart.artifacts())
    again = apart.good("--workers=")
    assert again.counts["fresh"] + again.counts["restored"] >= kept
    assert apart.artifacts() == apart.as_local(*SLOW)


def test_a_slow_and_lossy_network(lan: Network, request: pytest.FixtureRequest) -> None:
    """Packets that come late, or not at the first attempt, cost time and nothing else."""
    lan.netem = "delay 20ms 10ms loss 1%"
    apart: Apart = request.getfixturevalue("apart")
    apart.good()
    assert apart.artifacts() == apart.as_local(*SLOW)
