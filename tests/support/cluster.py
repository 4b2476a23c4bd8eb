"""Dask schedulers and workers for tests: real processes, each worker with a folder and a checkout of its own."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.host import Host
from tests.support.project import alive, gone, until

_DASK = (sys.executable, "-m", "dask")


@dataclass
class Machine:
    """What a worker has of a machine: its checkout, where it keeps things, and the process of `dask worker`."""

    checkout: Path
    folder: Path
    process: subprocess.Popen[str]

    @property
    def log(self) -> Path:
        """Where toy builds note that they ran."""
        return self.folder / "log.txt"

    def processes(self) -> list[int]:
        """Dask's processes here: `dask worker`, and below it, if there is a nanny, the one that works."""
        return [self.process.pid, *(child for child in _children(self.process.pid) if _is_worker(child))]

    def builders(self) -> list[int]:
        """The processes that build."""
        return [child for each in self.processes() if alive(each) for child in _children(each) if _is_builder(child)]


@dataclass
class Cluster:
    """A scheduler, and the workers that were started for it; all gone when the context is left."""

    host: Host
    environ: dict[str, str]
    scheduler: subprocess.Popen[str]
    address: str
    machines: list[Machine] = field(default_factory=list)

    def built(self) -> list[str]:
        """The toy builds that ran on workers since this was last asked, those of each in order."""
        logs = [machine.log for machine in self.machines if machine.log.exists()]
        lines = [line for log in logs for line in log.read_text().splitlines()]
        for log in logs:
            log.unlink()
        return lines

    @property
    def workers(self) -> str:
        """The address as `--workers` has it."""
        return self.address.replace("tcp://", "dask://")

    def add(self, code: Path, *arguments: str, nanny: bool = True, host: Host | None = None, **environ: str) -> Machine:
        """Start a worker with a copy of the modules of the project at `code`, on the scheduler's machine or another."""
        number, host = len(self.machines) + 1, host or self.host
        checkout, folder = host.home / f"checkout{number}", host.home / f"worker{number}"
        checkout.mkdir()
        folder.mkdir()
        for module in code.glob("*.py"):
            shutil.copy(module, checkout)
        options = ["--nthreads", "1", "--no-dashboard", "--name", f"w{number}", "--local-directory", str(folder)]
        options += [] if nanny else ["--no-nanny"]
        command = [*host.behind, *_DASK, "worker", self.address, *options, *arguments]
        own = {"PYTHONPATH": str(checkout), "BUILT_LOG": str(folder / "log.txt"), **host.environ}
        process = _started(command, checkout, folder / "out", {**self.environ, **own, **environ})
        machine = Machine(checkout, folder, process)
        self.machines.append(machine)
        until(lambda: "Registered to" in (folder / "out").read_text(), 60)
        return machine


@contextlib.contextmanager
def cluster(host: Host, **environ: str) -> Iterator[Cluster]:
    """A scheduler on a machine, and no worker yet."""
    host.home.mkdir(exist_ok=True)
    file = host.home / "scheduler.json"
    own = {"PYTHONDONTWRITEBYTECODE": "1", **environ}
    options = ["--host", host.address, "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
    command = [*host.behind, *_DASK, "scheduler", *options]
    process = _started(command, host.home, host.home / "scheduler.out", {**own, **host.environ})
    started = Cluster(host, own, process, "")
    try:
        started.address = until(lambda: _address(file), 60)
        yield started
    finally:
        mine = [pid for machine in started.machines for pid in (*machine.processes(), *machine.builders())]
        kill(*mine, process.pid)
        for each in (process, *(machine.process for machine in started.machines)):
            each.wait()
        gone(mine)


def _started(command: list[str], cwd: Path, out: Path, environ: dict[str, str]) -> subprocess.Popen[str]:
    with open(out, "w") as file:
        return subprocess.Popen(
            command, cwd=cwd, env={**os.environ, **environ}, stdout=file, stderr=subprocess.STDOUT, text=True, process_group=0
        )


def kill(*processes: int) -> None:
    """kill -9."""
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, 9)


def _address(file: Path) -> str:
    try:
        return str(json.loads(file.read_text())["address"])
    except (OSError, ValueError):
        return ""


def _children(process: int) -> list[int]:
    """The processes that a process has started, by any of its threads."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == process:
                found.append(int(stat.parent.name))
    return found


def _command(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text()
    except OSError:
        return ""


def _is_worker(process: int) -> bool:
    return "spawn_main" in _command(process)


def _is_builder(process: int) -> bool:
    return "barmill.run.worker" in _command(process)
