"""Worker processes: each does one piece of work at a time; one that is killed is replaced, and its work is done again.

Workers are started, not forked, so the process that runs doit may hold threads; they share nothing with it but two pipes.
"""

import contextlib
import json
import os
import pickle
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from multiprocessing.connection import Connection, Pipe, wait
from types import TracebackType
from typing import Self

from barmill.run.work import Result, Work

_START = """
import json, sys
sys.path[:] = json.loads(sys.argv[3])
from barmill.run.worker import main
main(int(sys.argv[1]), int(sys.argv[2]))
"""
_PATIENCE = 5.0  # seconds that an idle worker has to end
_ATTEMPTS = 2


class Worker:
    """One process, and what it is at work on.

    Attributes:
        line: connection to it.
        name: the work that it was given, by name; "" if it is idle.
    """

    def __init__(self) -> None:
        with contextlib.ExitStack() as ours, contextlib.ExitStack() as others:
            self.line, theirs = Pipe()
            ours.callback(self.line.close)
            others.callback(theirs.close)
            ends, self._life = os.pipe()
            ours.callback(os.close, self._life)
            others.callback(os.close, ends)
            descriptors = (theirs.fileno(), ends)
            self._process = subprocess.Popen(
                [sys.executable, "-c", _START, *map(str, descriptors), json.dumps(sys.path)],
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                process_group=0,  # a Ctrl-C on the terminal is for us alone
            )
            ours.pop_all()
        self.name = ""

    @property
    def has_ended(self) -> bool:
        """Whether the process is gone."""
        return self._process.poll() is not None

    def give(self, name: str, job: bytes) -> None:
        """Have it do some work."""
        self.name = name
        with contextlib.suppress(OSError):  # it has ended: `taken` tells
            self.line.send_bytes(job)

    def taken(self) -> Result | None:
        """The result that it sent, or None if it has ended."""
        try:
            result: Result = self.line.recv()
        except (EOFError, OSError):
            return None
        return result

    def close(self) -> None:
        """Tell an idle worker to end."""
        self.line.close()

    def end(self, patience: float) -> str:
        """See to it that the process is gone; says how it ended."""
        self.line.close()
        try:
            code = self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        os.close(self._life)
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


class Pool:
    """Up to `size` workers, started when they are needed, gone when the context is left.

    Work may be given before there is a worker for it: then one that is done finds its next at once.

    Attributes:
        fault: always "": a worker that ends is replaced.
    """

    def __init__(self, size: int) -> None:
        self.fault = ""
        self._size = size
        self._workers: list[Worker] = []
        self._waiting: deque[str] = deque()
        self._jobs: dict[str, bytes] = {}
        self._attempts: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for worker in self._workers:
            worker.close()
        for worker in self._workers:
            worker.end(0.0 if kind or worker.name else _PATIENCE)

    @property
    def lines(self) -> list[Connection]:
        """What becomes readable when `results` has something to give."""
        return [worker.line for worker in self._workers if worker.name]

    @property
    def ahead(self) -> int:
        """How much work it wants to have in hand: one at work and one in waiting for each worker."""
        return 2 * self._size

    def flush(self) -> None:
        """Nothing: workers begin with what they are given."""

    def at_work(self) -> dict[str, str]:
        """Nothing that is to be shown."""
        return {}

    def give(self, work: Work) -> None:
        """Have a worker do `work` as soon as there is one for it."""
        self._jobs[work.task] = pickle.dumps(work)
        self._attempts[work.task] = 0
        self._waiting.append(work.task)
        self._hand_out()

    def results(self) -> Iterator[tuple[str, Result]]:
        """Yield (task, result) of the work that is done, without waiting."""
        ready = set(wait(self.lines, 0))
        for worker in [worker for worker in self._workers if worker.line in ready]:
            name, result = worker.name, worker.taken()
            worker.name = ""
            if result is None:
                self._workers.remove(worker)
                how = worker.end(_PATIENCE)
                self._attempts[name] += 1
                if self._attempts[name] < _ATTEMPTS:
                    sys.stderr.write(f"warning: {name}: its worker was {how}; it is tried once more\n")
                    self._waiting.appendleft(name)
                    self._hand_out()
                    continue
                result = Result(fault=f"its worker was {how}, {_ATTEMPTS} times\nhint: if memory is short, use fewer workers")
            del self._jobs[name]
            self._hand_out()
            yield name, result

    def _hand_out(self) -> None:
        while self._waiting and (worker := self._idle()):
            name = self._waiting.popleft()
            worker.give(name, self._jobs[name])

    def _idle(self) -> Worker | None:
        for worker in [worker for worker in self._workers if not worker.name]:
            if not worker.has_ended:
                return worker
            self._workers.remove(worker)
            worker.end(0.0)
        if len(self._workers) == self._size:
            return None
        try:
            self._workers.append(Worker())
        except OSError as error:
            if not self._workers:
                raise
            self._size = len(self._workers)
            sys.stderr.write(f"warning: only {self._size} of the workers can be started: {error.strerror}\n")
            return None
        return self._workers[-1]
