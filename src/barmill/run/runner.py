"""doit's parallel runner over our workers: a killed worker costs its task a second try, never the run.

Targets go to worker processes. Tasks of another kind (shell commands, Python functions of a dodo.py) run in threads of doit's
own process, because they can't be sent elsewhere.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, Pipe, wait
from types import TracebackType
from typing import Any, ClassVar, Protocol, Self

from doit.exceptions import BaseFail, InvalidTask, TaskError
from doit.runner import ERROR
from doit.task import Task

from barmill.run.pool import Pool
from barmill.run.reporter import Reporter
from barmill.run.tasks import Ensure
from barmill.run.verdict import Verdict
from barmill.run.work import Result, Work

_AT_ONCE = 64  # tasks that are begun before it is looked at what is done


class Workforce(Protocol):
    """Whoever does the work on targets: our own processes, or a cluster.

    Attributes:
        fault: why nothing more can be done, or "".
    """

    fault: str

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    @property
    def lines(self) -> list[Connection]:
        """What becomes readable when `results` has something to give."""

    @property
    def ahead(self) -> int:
        """How much work it wants to have in hand."""

    def give(self, work: Work) -> None:
        """Have `work` done."""

    def flush(self) -> None:
        """All the work that there is for now was given."""

    def results(self) -> Iterator[tuple[str, Result]]:
        """Yield (task, result) of the work that is done, without waiting for more."""

    def at_work(self) -> dict[str, str]:
        """Worker → what it is at work on, if that is to be shown."""


class PoolRunner(Verdict):
    """doit's `Runner` with `num_process` workers, or those of a cluster.

    Attributes:
        opens: gives those who work, by their number.
    """

    opens: ClassVar[Callable[[int], Workforce]] = Pool

    def __init__(self, *arguments: Any) -> None:
        *others, size = arguments
        super().__init__(*others)
        self._pool = type(self).opens(size)
        self._slots = threading.Semaphore(size)
        self._nodes: dict[str, Any] = {}
        self._threads: dict[Connection, str] = {}
        self._has_more = False

    @staticmethod
    def available() -> bool:
        """True; asked by doit."""
        return True

    def run_tasks(self, task_dispatcher: Any) -> None:
        """Run what doit dispatches, as much at once as there are workers."""
        done: deque[Any] = deque()
        with self._pool:
            while self._start_more(task_dispatcher, done) and not self._pool.fault:
                done.extend(self._finished())
        if self._pool.fault:
            self.reporter.runtime_error(self._pool.fault)
            self.final_result = ERROR

    def _start_more(self, dispatcher: Any, done: deque[Any]) -> bool:
        """Have doit dispatch as many tasks as we can take; whether any is at work then."""
        started = 0
        self._has_more = False
        while len(self._nodes) < self._pool.ahead and not self._stop_running:
            if started == _AT_ONCE:
                self._has_more = True
                break
            try:
                node = dispatcher.generator.send(done.popleft() if done else None)
            except StopIteration:
                break
            if node == "hold on":
                if done:
                    continue
                if not self._nodes:
                    raise InvalidTask("some tasks wait for each other")
                break
            if self.select_task(node, dispatcher.tasks):
                self._start(node)
                started += 1
            else:
                done.append(node)
        return bool(self._nodes)

    def _start(self, node: Any) -> None:
        task = node.task
        self._nodes[task.name] = node
        if _is_target(task):
            self._pool.give(task.actions[0].work(task))
        else:
            ours, theirs = Pipe()
            self._threads[ours] = task.name
            threading.Thread(target=self._execute, args=(task, theirs), daemon=True).start()

    def _execute(self, task: Task, line: Connection) -> None:
        with line, self._slots:
            try:
                fail = self.execute_task(task)
            except BaseException as error:  # noqa: BLE001 an exit, too, ends the thread, and the run would not know
                fail = TaskError(f"{task.name}: it ended its thread", error)
            task.meta = {**(task.meta or {}), "fail": fail}

    def _finished(self) -> list[Any]:
        """Wait until something is done, and tell of it; the nodes that were."""
        if not self._has_more:
            self._pool.flush()
            if isinstance(self.reporter, Reporter):
                self.reporter.show_workers(self._pool.at_work())
        ready = wait([*self._pool.lines, *self._threads], 0 if self._has_more else None)
        nodes = []
        for line in [line for line in self._threads if line in ready]:
            node = self._nodes.pop(self._threads.pop(line))
            line.close()
            self.process_task_result(node, node.task.meta.pop("fail"))
            nodes.append(node)
        for name, result in self._pool.results():
            node = self._nodes.pop(name)
            self.process_task_result(node, _taken(node.task, result))
            nodes.append(node)
        return nodes


def _is_target(task: Task) -> bool:
    return len(task.actions) == 1 and isinstance(task.actions[0], Ensure) and not task.teardown


def _taken(task: Task, result: Result) -> BaseFail | None:
    """As doit's `Task.execute` would leave the task after its action came to this result."""
    task.executed = True
    action = task.actions[0]
    fail: BaseFail | None = action.take(result)
    if fail is None:
        task.result = action.result
        task.values.update(action.values)
    return fail
