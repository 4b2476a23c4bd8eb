"""Concurrent calls: a bounded number of threads, started when needed, that never keep a process from ending."""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")

_PAUSE = 0.001  # seconds between looks while many answers are to come: to be woken for each costs more than to ask
_IDLE = 2.0  # seconds after which a thread without work ends


class Stalled(Exception):
    """No answer came within the time that there was for it."""


class Line:
    """Up to `size` calls at a time.

    The threads are daemons: one that waits for a dead server is left behind, and ends with the process.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._threads = 0
        self._lock = threading.Lock()
        self._batches: queue.SimpleQueue[_Batch[Any, Any]] = queue.SimpleQueue()

    def each(
        self, function: Callable[[Item], Answer], items: Collection[Item], left: Callable[[], float] | None = None
    ) -> Iterator[tuple[Item, Answer | Exception]]:
        """Yield (item, what the function gives or raises for it) as answers come.

        Args:
            function: called in one of the threads.
            items: what it is called with.
            left: seconds that the next answer has; any number if not given.

        Raises:
            Stalled: there was no answer in that time; what was not begun is not done any more.
        """
        batch: _Batch[Item, Answer] = _Batch(function, items)
        wanted = min(self._size, len(items))
        with self._lock:
            while self._threads < wanted:
                threading.Thread(target=self._work, name="remote", daemon=True).start()
                self._threads += 1
            for _ in range(wanted):
                self._batches.put(batch)
        try:
            yield from self._answers(batch, len(items), left)
        finally:
            batch.items.clear()

    def _answers(
        self, batch: "_Batch[Item, Answer]", count: int, left: Callable[[], float] | None
    ) -> Iterator[tuple[Item, Answer | Exception]]:
        while count:
            try:
                found = [batch.answers.get(timeout=None if left is None else min(max(0.0, left()), threading.TIMEOUT_MAX))]
            except queue.Empty:
                raise Stalled from None
            while not batch.answers.empty():
                found.append(batch.answers.get_nowait())
            yield from found
            count -= len(found)
            if count > self._size:
                time.sleep(_PAUSE)

    def _work(self) -> None:
        while True:
            try:
                batch = self._batches.get(timeout=_IDLE)
            except queue.Empty:
                with self._lock:
                    if self._batches.empty():
                        self._threads -= 1
                        return
            else:
                batch.work()


class _Batch(Generic[Item, Answer]):
    def __init__(self, function: Callable[[Item], Answer], items: Collection[Item]) -> None:
        self._function = function
        self.items = deque(items)
        self.answers: queue.SimpleQueue[tuple[Item, Answer | Exception]] = queue.SimpleQueue()

    def work(self) -> None:
        """Do one after the other until all are begun."""
        while True:
            try:
                item = self.items.popleft()
            except IndexError:
                return
            answer: Answer | Exception
            try:
                answer = self._function(item)
            except Exception as error:  # noqa: BLE001 whoever waits for the answer looks at it
                answer = error
            self.answers.put((item, answer))
