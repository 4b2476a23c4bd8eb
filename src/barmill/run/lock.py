"""One run at a time in a project: the second waits for the first, or ends at once if it was told not to wait.

`flock` on a file of our own that also says who holds it: the lock goes with the process, however it ends.
"""

import contextlib
import fcntl
import json
import os
import sys
import time
from pathlib import Path

from barmill.errors import Busy, StoreError
from barmill.files import make_folder

NAME = ".lock"


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
            Busy: another process holds it, and we are not to wait.
            StoreError: there can be no lock in `artifacts`.
        """
        if not self.wanted or self._file is not None:
            return self._file is not None
        path = artifacts / NAME
        try:
            make_folder(artifacts)
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StoreError(f"{path} can't be opened: {error}", "mend what stands in its way, or set `artifacts`") from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(file)
            if not self.waits:
                os.close(file)
                raise Busy(f"{holder} is at work in {artifacts.absolute()}", "wait for it, or leave out --no-wait") from None
            sys.stderr.write(f"waiting for {holder}, which is at work in {artifacts.absolute()}\n")
            fcntl.flock(file, fcntl.LOCK_EX)
        self._file = file
        command = " ".join(["doit", *sys.argv[1:]])
        since = time.strftime("%Y-%m-%d %H:%M:%S %z")
        text = json.dumps({"process": os.getpid(), "host": os.uname().nodename, "since": since, "command": command})
        os.truncate(file, 0)
        os.pwrite(file, text.encode(), 0)
        return True


def _holder(file: int) -> str:
    with contextlib.suppress(ValueError, KeyError, TypeError):
        told = json.loads(os.pread(file, 1 << 16, 0))
        return f"`{told['command']}` (process {told['process']} on {told['host']}, since {told['since']})"
    return "another run"


LOCK = ProjectLock()
