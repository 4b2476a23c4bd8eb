"""Programs that serve on a free port of the loopback interface, and end with the tests at the latest."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.project import until

_LISTEN = "0A"


def free_port() -> int:
    """A port of the loopback interface that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def program(name: str, cure: str) -> str:
    """The path of a program, of this environment's `servers` or the system's; skips the calling test where there is none."""
    places = os.pathsep.join([os.path.join(sys.prefix, "servers", "bin"), os.environ.get("PATH", ""), "/usr/sbin"])
    found = shutil.which(name, path=places)
    if found is None:
        pytest.skip(f"{name} is not installed ({cure})")
    return found


def answers(port: int) -> bool:
    """Whether something accepts connections there."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def listens(process: int, port: int) -> bool:
    """Whether something accepts connections on a port of the machine, or network namespace, in which a process is."""
    sockets = Path(f"/proc/{process}/net/tcp").read_text().splitlines()[1:]
    return any(address.endswith(f":{port:04X}") and state == _LISTEN for _, address, _, state, *_ in map(str.split, sockets))


@dataclass
class Served:
    """A program that serves on `port`.

    Attributes:
        command: the program and its arguments.
        folder: where it works; what it prints goes to `log` in it.
        port: where it will answer.
        behind: the command that runs it on another machine.
        environ: what its environment has beside ours.
    """

    command: Sequence[str]
    folder: Path
    port: int
    behind: Sequence[str] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    process: Any = None

    def start(self) -> None:
        """Start it, and wait until it answers; it dies with the thread that starts it."""
        dying = ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()
        command, environ = [*dying, *self.behind, *self.command], {**os.environ, **self.environ}
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, env=environ, stdout=log, stderr=log)
        until(self._answers)

    def kill(self) -> None:
        """End it as a crash does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(30)

    def _answers(self) -> bool:
        assert self.process.poll() is None, (self.folder / "log").read_text()
        return listens(self.process.pid, self.port)
