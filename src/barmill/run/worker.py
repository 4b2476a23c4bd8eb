"""A worker process: takes work from a connection, sends back results, and ends with whoever started it."""

import contextlib
import os
import pickle
import signal
import sys
import threading
from multiprocessing.connection import Connection

from barmill.run.work import Result


def main(connection: int, life: int) -> None:
    """Work until the connection is closed.

    Args:
        connection: descriptor over which `Work` comes, pickled, and a `Result` goes back.
        life: descriptor that is closed when the starter ends, however it ends: then this process ends at once.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the starter, who ends us
    threading.Thread(target=_end_with, args=(life,), daemon=True).start()
    with Connection(connection) as line, contextlib.suppress(EOFError, ConnectionError):  # the starter has closed it
        while True:
            line.send(_do(line.recv_bytes()))
            sys.stdout.flush()


def _do(job: bytes) -> Result:
    try:
        work = pickle.loads(job)  # noqa: S301 from our own starter
    except (Exception, SystemExit) as error:  # noqa: BLE001 a module that can't be imported fails its targets, not the run
        return Result(fault=f"a worker can't import what it is to build: {error!r}")
    result: Result = work.reported()
    return result


def _end_with(life: int) -> None:
    os.read(life, 1)
    os._exit(1)
