"""The way to a Dask scheduler: a thread in which Dask's client lives, so that the process that runs doit never waits for it.

What goes there are batches, what comes back are the events below, in the order in which they happened, and a ring of the bell.
"""

import asyncio
import contextlib
import logging
import pickle
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from barmill.errors import ClusterError
from barmill.run.cluster.performer import Batch, Done, perform

_BEAT = 0.5  # seconds between two looks at the scheduler
_PATIENCE = 5.0  # seconds that a scheduler has to answer at first
_SILENCE = 30.0  # seconds that it, or the network, may be silent later
_LONELY = 3.0  # seconds without a worker after which it is told
_FAREWELL = 5.0  # seconds that the end may take
_GONE = "the scheduler is gone"


@dataclass(frozen=True)
class Present:
    """These workers are there now, by address, with the number of their threads."""

    threads: Mapping[str, int]


@dataclass(frozen=True)
class Alone:
    """There has been no worker for a while."""


@dataclass(frozen=True)
class Began:
    """A worker has begun with a batch."""

    batch: int
    worker: str
    name: str


@dataclass(frozen=True)
class Ended:
    """A batch is done, or can't be: then `fault` says why."""

    batch: int
    done: Done | None
    fault: str = ""


@dataclass(frozen=True)
class Lost:
    """The scheduler is gone; nothing more will come."""

    fault: str


Event = Present | Alone | Began | Ended | Lost


class Link:
    """An open way to a scheduler.

    Args:
        address: `tcp://host:port` and the like; "" starts a cluster in this process.
        size: threads of that one.
        folder: where that one works.
        patience: seconds that a cluster may have no worker.
        ring: called, from another thread, when there is an event.

    Raises:
        ClusterError: nothing answers there.
    """

    def __init__(self, address: str, size: int, folder: str, patience: float, ring: Callable[[], None]) -> None:
        self.events: deque[Event] = deque()
        self.topic = ""
        self._where = (address, size, folder)
        self._ring = ring
        self._patience = patience
        self._alone = 0.0
        self._loop = asyncio.new_event_loop()
        self._open = threading.Event()
        self._closed = asyncio.Event()
        self._fault = ""
        self._is_connected = False
        self._client: Any = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._futures: dict[int, Any] = {}
        self._present: dict[str, int] | None = None
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._live(),), daemon=True)
        self._thread.start()
        self._open.wait()
        if not self._is_connected:
            raise ClusterError(
                f"there is no cluster at {address}: {self._fault}",
                "start it (`dask scheduler`), or look at the address and the network",
            )

    def send(self, batch: Batch, worker: str) -> None:
        """Have a batch done on this worker; if that goes away, it is for the caller to withdraw it."""
        self._loop.call_soon_threadsafe(self._start, batch.number, pickle.dumps(batch), worker)

    def withdraw(self, batch: int) -> None:
        """Take a batch back: nothing more is told of it."""
        self._loop.call_soon_threadsafe(self._drop, batch)

    def close(self) -> None:
        """Take back what is not done, and end."""
        with contextlib.suppress(RuntimeError):  # the loop has ended already
            self._loop.call_soon_threadsafe(self._closed.set)
        self._thread.join(_FAREWELL)

    async def _live(self) -> None:
        try:
            async with self._connected() as client:
                self._client = client
                self.topic = f"barmill-{client.id}"
                client.subscribe_topic(self.topic, self._heard)
                await self._look()
                self._is_connected = True
                self._open.set()
                await self._watch()
                await self._take_back()
        except Exception as error:  # noqa: BLE001 whatever Dask raises, the run must not wait for it
            self._tell_lost(str(error) or "it does not answer")
        finally:
            self._open.set()

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[Any]:
        from distributed import Client, LocalCluster

        _silence()
        address, size, folder = self._where
        async with contextlib.AsyncExitStack() as stack:
            cluster: Any = address
            if not address:
                cluster = await stack.enter_async_context(
                    LocalCluster(
                        n_workers=1,
                        threads_per_worker=size,
                        processes=False,
                        asynchronous=True,
                        dashboard_address="127.0.0.1:0",
                        worker_dashboard_address="127.0.0.1:0",
                        local_directory=folder,
                        silence_logs=False,
                        memory_limit=0,
                    )
                )
            options = {"asynchronous": True, "set_as_default": False, "timeout": _PATIENCE, "name": "barmill"}
            client = await stack.enter_async_context(Client(cluster, **options))
            client.rpc.timeout = _SILENCE  # of connections that it opens later
            yield client

    def _heard(self, event: Any) -> None:
        _, message = event
        self._tell(Began(message["batch"], message["worker"], message["name"]))

    def _start(self, number: int, parcel: bytes, worker: str) -> None:
        if self._client.status == "running":  # else `Lost` is told
            key = f"{self.topic}-{number}"
            self._futures[number] = self._client.submit(perform, parcel, key=key, workers=[worker], pure=False)
            self._start_task(self._follow(number, worker))

    def _start_task(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _drop(self, number: int) -> None:
        if future := self._futures.pop(number, None):
            self._start_task(self._cancel([future]))

    async def _cancel(self, futures: list[Any]) -> None:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self._client.cancel(futures, force=True), _FAREWELL / 2)

    async def _follow(self, number: int, worker: str) -> None:
        """Tell what came of a batch, unless it was withdrawn or the scheduler is gone."""
        done, fault = None, ""
        try:
            done = await self._result(self._futures[number])
        except asyncio.CancelledError as error:
            fault = f"it was cancelled on the cluster: {error or 'nobody says why'}"
        except Exception as error:  # noqa: BLE001 whatever a worker without our code raises
            fault = f"the worker {worker} can't do it: {error!r}"
        if self._futures.pop(number, None) is not None and self._client.status == "running":
            self._tell(Ended(number, done, fault))

    async def _result(self, future: Any) -> Done:
        """What came of a batch; asked for again where a connection fails: whether the scheduler is gone is seen by `_watch`."""
        while True:
            try:
                done: Done = await future
            except OSError:
                if future.status != "finished" or self._client.status != "running":
                    raise
                await asyncio.sleep(_BEAT)
            else:
                return done

    async def _watch(self) -> None:
        """Look at the scheduler and the workers until we are to end, or the scheduler is gone."""
        while not self._closed.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closed.wait(), _BEAT)
                return
            if self._client.status != "running":
                self._tell_lost(_GONE)
                return
            await self._look()

    async def _look(self) -> None:
        try:
            threads = dict(await asyncio.wait_for(self._client.scheduler.ncores(), _SILENCE))
        except TimeoutError:
            raise TimeoutError("the scheduler does not answer any more") from None
        except OSError:  # its end closed the connection
            raise ConnectionError(_GONE) from None
        if threads != self._present:
            self._present = threads
            self._tell(Present(threads))
        before = self._alone
        self._alone = 0.0 if threads else before + _BEAT
        if before < _LONELY <= self._alone:
            self._tell(Alone())
        if self._alone > self._patience:
            raise TimeoutError(f"it has had no worker for {self._patience:.0f} s")

    async def _take_back(self) -> None:
        futures = list(self._futures.values())
        self._futures.clear()
        if futures and self._client.status == "running":
            await self._cancel(futures)

    def _tell_lost(self, fault: str) -> None:
        self._fault = fault
        self._tell(Lost(fault))

    def _tell(self, event: Event) -> None:
        self.events.append(event)
        self._ring()


def _silence() -> None:
    """Keep Dask from telling what we tell."""
    for name in ("distributed", *(name for name in logging.root.manager.loggerDict if name.startswith("distributed."))):
        logging.getLogger(name).setLevel(logging.CRITICAL)
