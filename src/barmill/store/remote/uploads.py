"""Uploads in the background: results go to the remote while the run goes on, and those still to go before it ends."""

import threading
from collections import deque

from barmill.hashing import Digest
from barmill.store.remote.counts import Counts
from barmill.store.remote.send import Send

_BATCH = 64  # records that are sent together: objects first


class Uploads:
    """A thread that sends what is offered.

    What waits is a list of keys; how much is sent at once is bounded by the line of `send`.
    """

    def __init__(self, send: Send, counts: Counts) -> None:
        self._send = send
        self._counts = counts
        self._keys: deque[Digest] = deque()
        self._more = threading.Condition()
        self._waiting = 0
        self._thread: threading.Thread | None = None

    def offer(self, key: Digest) -> None:
        """Have a record sent, with its objects, some time."""
        with self._more:
            self._keys.append(key)
            self._waiting += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="uploads", daemon=True)
                self._thread.start()
            self._more.notify_all()

    @property
    def waiting(self) -> int:
        """Records that were offered, and are neither sent nor given up."""
        return self._waiting

    def drain(self, seconds: float | None = None) -> None:
        """Wait until all that was offered is sent, or can't be.

        Args:
            seconds: how long, at most.
        """
        with self._more:
            self._more.wait_for(lambda: not self._waiting, seconds)

    def _work(self) -> None:
        while True:
            with self._more:
                self._more.wait_for(lambda: bool(self._keys))
                batch = [self._keys.popleft() for _ in range(min(_BATCH, len(self._keys)))]
            self._do(batch)

    def _do(self, batch: list[Digest]) -> None:
        left = len(batch)
        try:
            for _, fault in self._send.records(batch, look=False):
                if fault is not None:
                    self._counts.blame(fault, unsent=1)
                self._settle(1)
                left -= 1
        except Exception as error:  # noqa: BLE001 a fault of an upload fails no build
            self._counts.add(repr(error), unsent=left)
        finally:
            self._settle(left)

    def _settle(self, number: int) -> None:
        with self._more:
            self._waiting -= number
            self._more.notify_all()
