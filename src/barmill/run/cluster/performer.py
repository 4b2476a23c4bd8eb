"""What Dask runs on a worker: a batch of actions, one after the other, each in a child process that a fault can't outlive.

A build that is killed, or takes the interpreter with it, costs its child; the worker starts another, and says whose it was.
Dask's own process imports no stage, so new code needs no new worker: a child with other code than was asked for is replaced.
"""

import contextlib
import os
import pickle
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from barmill.hashing import Digest
from barmill.run.cluster.site import HOST, Bring, Build, Deliver, Errand
from barmill.run.cluster.spec import Spec
from barmill.run.pool import Worker
from barmill.run.work import Result

_ATTEMPTS = 2
_GLANCE = 0.2  # seconds between two looks at whether the work is still wanted


@dataclass(frozen=True)
class Batch:
    """Actions that are sent at once.

    Attributes:
        number: of the batch in its run.
        topic: under which its begin is told.
        url: of the remote.
        specs: what is to be done.
    """

    number: int
    topic: str
    url: str
    specs: tuple[Spec, ...]


@dataclass(frozen=True)
class Done:
    """What came of a batch: where it was done, and a result for each of its actions, in their order."""

    worker: str
    results: tuple[Result, ...]


class Unwanted(Exception):
    """Who asked for the work does not want it any more, or is gone."""


class Child:
    """A process of a worker's, with the code as it was when it began."""

    def __init__(self) -> None:
        self._process = Worker()
        self.has_worked = False

    def do(self, errand: Errand, is_wanted: Callable[[], bool]) -> Result | str:
        """The result of an errand, or how the process ended over it.

        Raises:
            Unwanted: nobody waits for it any more; the process is gone.
        """
        self._process.give("errand", pickle.dumps(errand))
        while not self._process.line.poll(_GLANCE):
            if not is_wanted():
                self._process.end(0.0)
                raise Unwanted
        result = self._process.taken()
        return self._process.end(1.0) if result is None else result

    def end(self) -> None:
        """Have it end; it is idle."""
        self._process.end(1.0)


_IDLE: dict[str, list[Child]] = {}
_LOCK = threading.Lock()


@contextlib.contextmanager
def _bench(worker: str) -> Iterator[list[Child]]:
    """Give at most one idle child of a worker's, and take back what is left afterwards."""
    with _LOCK:
        idle = _IDLE.setdefault(worker, [])
        mine = [idle.pop()] if idle else []
    yield mine
    with _LOCK:
        idle += mine


def perform(parcel: bytes) -> Done:
    """Do a batch (pickled); Dask calls it on a worker."""
    from distributed import get_worker

    worker = get_worker()
    batch: Batch = pickle.loads(parcel)  # noqa: S301 from those who may run code here
    key = worker.get_current_task()
    worker.log_event(batch.topic, {"batch": batch.number, "worker": worker.address, "name": str(worker.name)})

    def is_wanted() -> bool:
        task = worker.state.tasks.get(key)
        return task is not None and task.state != "cancelled"

    folder = os.path.join(worker.local_directory, "barmill")
    with _bench(worker.address) as idle:
        where = {"folder": folder, "url": batch.url, "run": batch.topic}
        results = _Shift(idle, where, is_wanted).work(batch.specs)
    return Done(worker.address, tuple(results))


class _Shift:
    """The work on one batch."""

    def __init__(self, idle: list[Child], where: dict[str, str], is_wanted: Callable[[], bool]) -> None:
        self._idle = idle
        self._where = where
        self._is_wanted = is_wanted
        self._cut_off: Result | None = None

    def work(self, specs: tuple[Spec, ...]) -> list[Result]:
        if len(specs) > 1:  # what fails here fails again where it can be told whose fault it is
            self._try(Bring(**self._where, wanted=tuple(each for spec in specs for each in spec.objects())))
        results = [self._built(spec) for spec in specs]
        keys = [Digest(result.key) for result in results if result.key]
        if not keys or not (failed := self._delivered(keys)).fault:
            return results
        delivered = {key: self._delivered([key]) for key in keys} if len(keys) > 1 else {keys[0]: failed}
        return [_unless(delivered.get(Digest(result.key)), result) for result in results]

    def _built(self, spec: Spec) -> Result:
        """What came of an action, with a new child if the one that there is has other code."""
        had_worked = bool(self._idle) and self._idle[0].has_worked
        result = self._try(Build(**self._where, spec=spec))
        if had_worked and result.values.get("differs"):
            self._idle.pop().end()
            result = self._try(Build(**self._where, spec=spec))
        return result

    def _delivered(self, keys: list[Digest]) -> Result:
        return self._try(Deliver(**self._where, keys=tuple(keys)))

    def _try(self, errand: Errand) -> Result:
        """The result of an errand; one that ends its child has another try, and none has who is cut off from the remote."""
        if self._cut_off is not None:
            return self._cut_off
        how = ""
        for _ in range(_ATTEMPTS):
            child = self._idle.pop() if self._idle else Child()
            result = child.do(errand, self._is_wanted)
            if not isinstance(result, str):
                child.has_worked = True
                self._idle.append(child)
                self._cut_off = result if result.values.get("cut_off") else None
                return result
            how = result
        hint = "see what the worker printed; if memory is short, give it fewer threads"
        return Result(fault=f"its process on {HOST} was {how}, {_ATTEMPTS} times\nhint: {hint}")


def _unless(delivered: Result | None, result: Result) -> Result:
    return delivered if delivered is not None and delivered.fault else result
