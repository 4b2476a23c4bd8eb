"""What fails on a cluster: workers and schedulers that are killed, builds that kill, full disks; what was finished is kept."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.run.cluster.conftest import Clustered
from tests.support.cluster import Cluster, kill
from tests.support.disks import mounted
from tests.support.project import Project, alive, ended, gone, until

SLOW = ("import time", "time.sleep(0.3)")


@pytest.mark.parametrize("seed", range(4))
def test_killed_workers(clustered: Clustered, scheduler: Cluster, seed: int) -> None:
    """Workers and a building process are killed at any moment: the run ends well, every byte is what a local build gives."""
    clustered.many(12, *SLOW)
    machines = [scheduler.add(clustered.root) for _ in range(2)]
    dice = random.Random(seed)
    run = clustered.start()
    until(lambda: any(machine.builders() for machine in machines))
    victims = ["worker", "worker", "builder"]  # a third worker, or a second builder, might be one too many for one target
    dice.shuffle(victims)
    for victim in victims:
        time.sleep(dice.uniform(0.05, 0.8))
        machine = dice.choice(machines)
        kill(*(machine.processes()[1:] if victim == "worker" else machine.builders()))
    result = ended(run)
    assert result.code == 0, result.out + result.err
    assert clustered.artifacts() == clustered.as_local(*SLOW)


def test_a_machine_that_is_gone(clustered: Clustered, scheduler: Cluster) -> None:
    """What a machine had to do when it went away for good is done by the other, and that is told."""
    clustered.many(8, *SLOW)
    machines = [scheduler.add(clustered.root) for _ in range(2)]
    run = clustered.start()
    until(lambda: all(machine.builders() for machine in machines))
    kill(*machines[0].builders(), *machines[0].processes())
    result = ended(run)
    assert result.code == 0, result.out + result.err
    assert "is gone; what it had to do is done by others" in result.err
    assert clustered.artifacts() == clustered.as_local(*SLOW)


def test_a_killed_scheduler(clustered: Clustered, scheduler: Cluster) -> None:
    """The run ends with what to do, builds on no worker go on, and what was finished is kept."""
    clustered.many(12, *SLOW)
    machine = scheduler.add(clustered.root)
    run = clustered.start()
    until(lambda: len(clustered.artifacts()) > 3)
    builders = machine.builders()
    kill(scheduler.scheduler.pid)
    result = ended(run)
    assert result.code == 2, result.out + result.err
    assert f"{scheduler.address}: the scheduler is gone" in result.out
    assert "hint: look at the cluster, then run doit again; what was finished is kept" in result.out
    assert "Traceback" not in result.out + result.err
    kept = len(clustered.artifacts())
    gone(builders)
    rest = Project(clustered.root).good()
    assert rest.counts["fresh"] + rest.counts["restored"] >= kept
    assert rest.counts["built"] < 31
    assert clustered.artifacts() == clustered.as_local(*SLOW)


def test_no_scheduler(clustered: Clustered) -> None:
    """An address at which nothing listens is an error with a cure, and costs no build."""
    text = clustered.bad("--workers", "dask://127.0.0.1:1", code=2)
    assert "there is no cluster at tcp://127.0.0.1:1" in text
    assert "hint: start it" in text
    assert clustered.artifacts() == {}


def test_no_remote(clustered: Clustered) -> None:
    """A cluster without a remote is an error with a cure."""
    text = clustered.bad("--workers", "dask://127.0.0.1:1", code=3, BARMILL_REMOTE="")
    assert "the project has no remote" in text
    assert "hint: set `remote`" in text


@pytest.mark.parametrize("address", ["dusk", "dask://", "ssh://host", "dask+carrier://host", "dask://me:secret@host:1"])
def test_a_wrong_address(clustered: Clustered, address: str) -> None:
    """What is no address is an error that says how one is written, and shows no password."""
    text = clustered.bad("--workers", address, code=3)
    assert "hint: give dask://host:port" in text
    assert "secret" not in text


def test_no_workers(clustered: Clustered, scheduler: Cluster) -> None:
    """A cluster without workers is told, and waited for as long as the settings say."""
    text = clustered.bad(code=2, BARMILL_WORKERS_PATIENCE="4")
    assert "has no workers; they are waited for" in text
    assert "it has had no worker for 4 s" in text


def test_a_late_worker(clustered: Clustered, scheduler: Cluster) -> None:
    """Workers that join while the run waits are given work."""
    run = clustered.start()
    scheduler.add(clustered.root)
    result = ended(run)
    assert (result.code, result.counts["built"]) == (0, 7)


def test_a_build_that_ends_its_process(clustered: Clustered, scheduler: Cluster) -> None:
    """It is a fault that names it and what became of its process; the others are built, by the same worker."""
    clustered.many(6, "os.kill(os.getpid(), 9) if 't03' in out.name else None")
    machine = scheduler.add(clustered.root)
    before = machine.processes()
    result = clustered.doit()
    assert result.code == 1
    assert "failed   upper:t03" in result.out
    assert "was killed by SIGKILL, 2 times" in result.out
    assert (result.counts["failed"], len(clustered.artifacts())) == (1, 8 + 8 * 3)
    assert machine.processes() == before


def test_a_build_that_kills_its_worker(clustered: Clustered, scheduler: Cluster) -> None:
    """What kills every worker that it is given to is found and named; the others are built."""
    clustered.many(6, "os.kill(os.getppid(), 9) if 't03' in out.name else None")
    for _ in range(2):
        scheduler.add(clustered.root)
    result = clustered.doit()
    assert result.code == 1, result.out + result.err
    assert "failed   upper:t03" in result.out
    assert "several workers died over it" in result.out
    assert (result.counts["failed"], len(clustered.artifacts())) == (1, 8 + 8 * 3)


def test_a_fault_of_a_build(clustered: Clustered, scheduler: Cluster) -> None:
    """What a build raises is shown with its traceback and the machine; the others are built."""
    clustered.many(3, "1 / ('t01' not in out.name)")
    scheduler.add(clustered.root)
    result = clustered.doit()
    assert f"the build function failed on {os.uname().nodename}" in result.out
    assert "ZeroDivisionError" in result.out
    assert (result.counts["failed"], result.counts["built"]) == (1, 10)


def test_a_build_that_writes_to_its_input(clustered: Clustered, scheduler: Cluster) -> None:
    """It fails, and spoils the input for nobody else: after the code is mended, all is what a local build gives."""
    spoil = "text.chmod(0o644), text.write_text('spoilt') if 't01' in out.name else None"
    clustered.many(3, spoil)
    machine = scheduler.add(clustered.root)
    result = clustered.doit()
    assert "t01.txt changed while it was read; nothing was kept" in result.out
    assert (result.counts["failed"], result.counts["built"]) == (1, 10)
    for project in (clustered, Project(machine.checkout)):
        project.edit("upper.py", f"    {spoil}\n", "")
    clustered.good()
    assert clustered.artifacts() == clustered.as_local()


def test_a_full_disk(clustered: Clustered, scheduler: Cluster, tmp_path: Path) -> None:
    """A worker whose disk is full is named with the path and the cure, and once there is room the build ends well."""
    clustered.edit(
        "upper.py",
        "out.write_text(",
        "out.with_name(out.name).write_text('x' * (1 << 23)) if 'bee' in out.name else None; out.write_text(",
    )
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=4m", "tmpfs") as disk:
        scheduler.add(clustered.root, BARMILL_WORKER_FOLDER=str(disk / "site"))
        result = clustered.doit()
        assert result.code == 2
        assert f"{os.uname().nodename}: " in result.out
        assert "No space left on device" in result.out
        assert "hint: make room on the disk" in result.out
        assert "Traceback" not in result.out
        assert sorted(name for name in clustered.artifacts() if "split" not in name) == ["upper/ant.up", "upper/cat.up"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_run(clustered: Clustered, scheduler: Cluster, number: signal.Signals) -> None:
    """Whatever ends the run, no build goes on on the cluster; the next run goes on from there, on the same workers."""
    flag = clustered.root.parent / "slow"
    flag.touch()
    clustered.many(3, "import time", f"time.sleep(60 if os.path.exists({str(flag)!r}) else 0)")
    machine = scheduler.add(clustered.root)
    run = clustered.start()
    (builder,) = until(machine.builders)
    until(lambda: any(machine.folder.rglob("inputs/*/*/*.txt")))
    run.send_signal(number)
    result = ended(run)
    gone([builder])
    assert result.code == (-9 if number == signal.SIGKILL else 128 + number)
    assert "Traceback" not in result.out + result.err
    flag.unlink()
    assert clustered.good().counts["built"] == 13
    assert alive(machine.processes()[1])
