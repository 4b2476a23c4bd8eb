"""One run at a time in a project: the second waits for the first, or ends at once if it was told not to wait.

`flock` on a file of our own that also says who holds it: the lock goes with the process, however it ends.
"""

import contextlib
import errno
import fcntl
import json
import os
import sys
import time
from pathlib import Path

from barmill.errors import Busy, ConfigError, StoreError, printable
from barmill.files import flock, make_folder

NAME = ".lock"
_UNWRITABLE = {errno.EROFS, errno.ENOSPC, errno.EDQUOT}


class ProjectLock:
    """The lock of the project that this process is at work on; held until the process ends.

    Attributes:
        wanted: whether the command at work needs it: one that writes artifacts.
        waits: whether to wait for another holder.
    """

    def __init__(self) -> None:
        self.wanted = False
        self.waits = True
        self._file: int | None = None

    def take(self, artifacts: Path) -> bool:
        """Take the lock if it is wanted; says whether this process holds it.

        Raises:
            ConfigError: `artifacts` is not a folder.
            Busy: another process holds it, and we are not to wait.
            StoreError: the lock in `artifacts` can't be opened or taken.
        """
        if not self.wanted or self._file is not None:
            return self._file is not None
        path = artifacts / NAME
        try:
            make_folder(artifacts)
            file = _opened(path)
        except (FileExistsError, NotADirectoryError):
            raise ConfigError(f"artifacts: {artifacts.absolute()} is not a folder", "set `artifacts` to one") from None
        except OSError as error:
            raise StoreError(f"{path} can't be opened: {error}", "remove what stands in its way, or set `artifacts`") from None
        if file is None:
            return False
        try:
            flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB, path)
        except BlockingIOError:
            holder = _holder(file)
            if not self.waits:
                os.close(file)
                raise Busy(f"{holder} is at work in {artifacts.absolute()}", "wait for it, or leave out --no-wait") from None
            sys.stderr.write(f"waiting for {holder}, which is at work in {artifacts.absolute()}\n")
            flock(file, fcntl.LOCK_EX, path)
        except StoreError:
            os.close(file)
            raise
        self._file = file
        command = " ".join(["doit", *sys.argv[1:]])
        since = time.strftime("%Y-%m-%d %H:%M:%S %z")
        text = json.dumps({"process": os.getpid(), "host": os.uname().nodename, "since": since, "command": command})
        with contextlib.suppress(OSError):  # it is for those who wait; looking needs no room
            os.truncate(file, 0)
            os.pwrite(file, text.encode(), 0)
        return True


def _opened(path: Path) -> int | None:
    """The lock's file; None where it is missing and a full or read-only disk lets nobody make it, or write artifacts."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
    try:
        return os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None


def _holder(file: int) -> str:
    with contextlib.suppress(ValueError, KeyError, TypeError):
        told = json.loads(os.pread(file, 1 << 16, 0))
        return printable(f"`{told['command']}` (process {told['process']} on {told['host']}, since {told['since']})")
    return "another run"


LOCK = ProjectLock()
