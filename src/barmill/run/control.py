"""doit's control of tasks, with what it does not do for stages that are listed late: wildcards that select their targets."""

import fnmatch
import re
from collections.abc import Iterator
from typing import Any

from doit.control import TaskControl, TaskDispatcher
from doit.exceptions import InvalidCommand
from doit.task import DelayedLoaded, Task


class Control(TaskControl):  # type: ignore[misc]
    """Selects by wildcards also what is not listed yet; a wildcard that can match nothing is an unknown name."""

    def __init__(self, task_list: list[Task], **options: Any) -> None:
        self._selects = False
        super().__init__(task_list, **options)

    def process(self, task_selection: list[str] | None) -> None:
        """Select tasks by what the command line says; None selects all."""
        self._selects = True
        super().process(task_selection)
        self._selects = False

    def task_dispatcher(self) -> "Dispatcher":
        """The dispatcher of the selected tasks."""
        return Dispatcher(self.tasks, self.targets, self.selected_tasks)

    def _get_wild_tasks(self, pattern: str) -> list[str]:
        found: list[str] = super()._get_wild_tasks(pattern)
        if not self._selects:
            return found
        stages = [name for name, task in self.tasks.items() if is_late(task) and name not in found and _may_have(name, pattern)]
        if stages:
            self.tasks[pattern] = Task(pattern, None, meta={"pattern": pattern, "late": stages})
            return [*found, pattern]
        if not found:
            raise InvalidCommand(not_found=pattern)
        return found


class Dispatcher(TaskDispatcher):  # type: ignore[misc]
    """Lists a late stage before what needs its names."""

    def _add_task(self, node: Any) -> Iterator[Any]:
        meta = node.task.meta or {}
        if "late" in meta:
            listings = [self._listing(stage) for stage in meta["late"]]
            yield from filter(None, [self._gen_node(node, name) for name in listings])
            self._node_add_wait_run(node, listings)
            if node.wait_run:
                yield "wait"
            node.task.task_dep = self._matching(meta["pattern"])
            node.task_dep = list(node.task.task_dep)
        yield from super()._add_task(node)

    def _listing(self, stage: str) -> str:
        """The name of a task that does nothing but have the stage listed."""
        name = f"{stage}:*"
        if name not in self.tasks and is_late(self.tasks[stage]):
            loader = self.tasks[stage].loader
            loader.basename = stage
            self.tasks[name] = Task(name, None, loader=loader, meta={"listing": stage})
        return name if name in self.tasks else stage

    def _matching(self, pattern: str) -> list[str]:
        return [name for name, task in self.tasks.items() if fnmatch.fnmatch(name, pattern) and not stands_in(task)]


def is_late(task: Task) -> bool:
    """Whether a task stands for a stage that is not listed yet."""
    return task.loader is not None and task.loader is not DelayedLoaded and not task.loader.created and not stands_in(task)


def stands_in(task: Task) -> bool:
    """Whether a task only lists a stage, or gathers what a wildcard selects."""
    return bool((task.meta or {}).keys() & {"listing", "pattern"})


def _may_have(stage: str, pattern: str) -> bool:
    """Whether a target of `stage` may have a name that `pattern` matches."""
    start = re.split(r"[*?\[]", pattern, maxsplit=1)[0]
    return start.startswith(f"{stage}:") or f"{stage}:".startswith(start)
