"""A PostgreSQL server of the tests' own, data in a folder of theirs, on a loopback port; skipped where it is not installed."""

import glob
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.loopback import free_port
from tests.support.project import until

PASSWORD = "s3cret/word"  # of a server that lives as long as a test


def program(name: str) -> str:
    """The path of one of PostgreSQL's programs; skips the calling test where there is none."""
    found = shutil.which(name) or next(iter(sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), reverse=True)), None)
    if found is None:
        pytest.skip(f"PostgreSQL's {name} is not installed (Debian: postgresql)")
    return os.path.realpath(found)


@dataclass
class Server:
    """A server; `start` it."""

    home: Path
    port: int
    process: Any = None

    @classmethod
    def make(cls) -> "Server":
        """Make its data in a new folder, which `stop` removes; a user `barmill` with a password."""
        initdb = program("initdb")
        # folders of pytest's are closed to the server's user
        home = Path(tempfile.mkdtemp(prefix="barmill-postgres-", dir="/tmp" if os.geteuid() == 0 else None))
        secret = home / "password"
        secret.write_text(PASSWORD)
        for path in (home, secret):
            give(path)
        options = ["-U", "barmill", "-A", "scram-sha-256", "--pwfile", str(secret), "-E", "UTF8", "--no-sync", "--locale=C"]
        command = [initdb, "-D", str(home / "data"), *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False, **_as_owner())
        assert done.returncode == 0, done.stdout + done.stderr
        return cls(home, free_port())

    @property
    def url(self) -> str:
        """Where it is, with its password."""
        return f"postgresql://barmill:{PASSWORD.replace('/', '%2F')}@127.0.0.1:{self.port}/postgres"

    def start(self) -> "Server":
        """Start it, and wait until it answers."""
        options = ("listen_addresses=127.0.0.1", f"port={self.port}", "unix_socket_directories=", "fsync=off")
        arguments = [argument for option in options for argument in ("-c", option)]
        with open(self.home / "log", "ab") as log:
            self.process = subprocess.Popen(
                [program("postgres"), "-D", str(self.home / "data"), *arguments],
                stdout=log,
                stderr=log,
                start_new_session=True,
                **_as_owner(),
            )
        until(self._answers)
        return self

    def stop(self) -> None:
        """Stop it, cut its connections and remove its data."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(30)
        shutil.rmtree(self.home)

    def kill(self) -> None:
        """Kill the server and its workers with SIGKILL, as a crash of the machine does."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)
        (self.home / "data/postmaster.pid").unlink(missing_ok=True)

    def run(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of a query, or none."""
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(query, values or None)
            return cursor.fetchall() if cursor.description else []

    def empty(self) -> str:
        """A new database; its URL."""
        name = f"t{free_port()}_{os.urandom(4).hex()}"
        self.run(f"CREATE DATABASE {name}")
        return self.url.removesuffix("postgres") + name

    def _answers(self) -> bool:
        import psycopg

        assert self.process.poll() is None, (self.home / "log").read_text()
        try:
            self.run("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True


_OWNER = "postgres"  # PostgreSQL refuses to run as root


def give(path: Path) -> None:
    """Make the server's user the owner."""
    if os.geteuid() == 0:
        shutil.chown(path, _OWNER, _OWNER)


def _as_owner() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam(_OWNER)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "cwd": "/"}
