"""One lock per dataset, around everything from its fetch to its publishing; it goes with the process, however that ends."""

import contextlib
import fcntl
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from barmill.errors import Busy
from barmill.files import flock, make_folder, unlockable

_FOLDER = ".locks"
_GLANCE = 0.5  # seconds that are waited in any case: who looks whether the lock is held has it for a moment


def path_of(series: Path, name: str) -> Path:
    """The lock file of a dataset; `series` is the folder of single series."""
    return series / _FOLDER / f"{name}.lock"


@contextlib.contextmanager
def held(series: Path, name: str, timeout: float) -> Iterator[None]:
    """Hold the lock of a dataset.

    Raises:
        Busy: another one holds it, after `timeout` seconds; says who.
        StoreError: the file system gives no locks.
    """
    from filelock import FileLock, Timeout

    path = path_of(series, name)
    make_folder(path.parent)
    lock = FileLock(path, timeout=max(timeout, _GLANCE), poll_interval=0.02)
    try:
        lock.acquire()
    except Timeout:
        raise Busy(
            f"{name} has been locked for {timeout:g} s by {_holder(path)}",
            "wait for it, look whether it hangs, or set a longer lock_timeout",
        ) from None
    except (OSError, NotImplementedError) as error:
        raise unlockable(path, error) from None
    try:
        told = {"process": os.getpid(), "host": os.uname().nodename, "since": _now(), "command": _command()}
        path.write_text(json.dumps(told))
        yield
    finally:
        lock.release()


def is_held(series: Path, name: str) -> bool:
    """Whether a process holds the lock of a dataset right now; any number may look at once."""
    try:
        file = os.open(path_of(series, name), os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB, path_of(series, name))
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def _holder(path: Path) -> str:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        told = json.loads(path.read_text())
        return f"`{told['command']}` (process {told['process']} on {told['host']}, since {told['since']})"
    return "another process"


def _command() -> str:
    return " ".join(["doit", *sys.argv[1:]])


def _now() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S %z")
