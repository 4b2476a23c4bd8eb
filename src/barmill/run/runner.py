"""doit's parallel runner over our workers: a killed worker costs its task a second try, never the run.

Targets go to worker processes. Tasks of another kind (shell commands, Python functions of a dodo.py) run in threads of doit's
own process, because they can't be sent elsewhere.
"""

import threading
from collections import deque
from multiprocessing.connection import Connection, Pipe, wait
from typing import Any

from doit.exceptions import BaseFail, InvalidTask
from doit.runner import Runner
from doit.task import Task

from barmill.run.pool import Pool
from barmill.run.tasks import Ensure
from barmill.run.work import Result


class PoolRunner(Runner):  # type: ignore[misc]
    """doit's `Runner` with `num_process` workers."""

    def __init__(self, *arguments: Any) -> None:
        *others, self._size = arguments
        super().__init__(*others)
        self._nodes: dict[str, Any] = {}
        self._threads: dict[Connection, str] = {}

    @staticmethod
    def available() -> bool:
        """True; asked by doit."""
        return True

    def run_tasks(self, task_dispatcher: Any) -> None:
        """Run what doit dispatches, as much at once as there are workers."""
        with Pool() as pool:
            done: deque[Any] = deque()
            more = True
            while True:
                while more and not self._stop_running and len(self._nodes) < self._size:
                    try:
                        node = task_dispatcher.generator.send(done.popleft() if done else None)
                    except StopIteration:
                        more = False
                        break
                    if node == "hold on":
                        if done:
                            continue
                        break
                    if self.select_task(node, task_dispatcher.tasks):
                        self._start(node, pool)
                    else:
                        done.append(node)
                if not self._nodes:
                    if more and not self._stop_running:
                        raise InvalidTask("some tasks wait for each other")
                    return
                done.extend(self._finished(pool))

    def _start(self, node: Any, pool: Pool) -> None:
        task = node.task
        self._nodes[task.name] = node
        if _is_target(task):
            pool.give(task.actions[0].work(task))
        else:
            ours, theirs = Pipe()
            self._threads[ours] = task.name
            threading.Thread(target=self._execute, args=(task, theirs), daemon=True).start()

    def _execute(self, task: Task, line: Connection) -> None:
        try:
            task.meta = {**(task.meta or {}), "fail": self.execute_task(task)}
        finally:
            line.close()

    def _finished(self, pool: Pool) -> list[Any]:
        """Wait until something is done, and tell of it; the nodes that were."""
        ready = wait([*pool.lines, *self._threads])
        nodes = []
        for line in [line for line in self._threads if line in ready]:
            node = self._nodes.pop(self._threads.pop(line))
            line.close()
            self.process_task_result(node, node.task.meta.pop("fail"))
            nodes.append(node)
        for name, result in pool.results():
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
