"""doit's control of tasks, with what it does not do for stages that are listed late.

A wildcard selects their targets, and a plain task that reads an output of theirs waits for the target that makes it.
"""

import fnmatch
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from doit.control import TaskControl, TaskDispatcher
from doit.exceptions import InvalidCommand
from doit.task import DelayedLoaded, Task

from barmill.run.front import FRONT
from barmill.run.spelling import relative
from barmill.target import escaped

_OURS = {"target", "passed", "listing", "pattern"}


class Control(TaskControl):  # type: ignore[misc]
    """Selects by wildcards also what is not listed yet; a wildcard that can match nothing is an unknown name.

    Attributes:
        is_single: whether the tasks of this run run alone (`doit -s`).
    """

    is_single = False

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
        return Dispatcher(self.tasks, self.targets, self.selected_tasks, is_single=self.is_single)

    def _filter_tasks(self, task_selection: list[str]) -> list[str]:
        selected: list[str] = super()._filter_tasks(list(map(self._without_equals, task_selection)))
        return selected

    def _without_equals(self, name: str) -> str:
        """A name that doit can make a task of: for a path with `=`, of a stage that is not listed yet, that of a stand-in."""
        stage = FRONT.plan.stage_of(name) if "=" in name and FRONT.plan else None
        if stage not in self.tasks or name in self.targets or not is_late(self.tasks[stage]):
            return name
        stand_in = escaped(name)
        self.tasks[stand_in] = Task(stand_in, None, meta={"pattern": name, "late": [stage], "is_path": True})
        return stand_in

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
    """Lists a late stage before what needs its names.

    Args:
        arguments: those of doit's dispatcher.
        is_single: whether plain tasks run alone (`doit -s`).
    """

    def __init__(self, *arguments: Any, is_single: bool) -> None:
        self._is_single = is_single
        super().__init__(*arguments)

    def _add_task(self, node: Any) -> Iterator[Any]:
        task = node.task
        meta = task.meta or {}
        read = {} if self._is_single else _outputs_read(task)
        late = meta.get("late") or dict.fromkeys(stage for stage in read.values() if stage in self.tasks)
        listings = [self._listing(stage) for stage in late if is_late(self.tasks[stage])]
        if listings:
            for name in listings:
                if listed := self._gen_node(node, name):
                    yield listed
            self._node_add_wait_run(node, listings)
            if node.wait_run:
                yield "wait"
        if "is_path" in meta:
            found = self._makers({meta["pattern"]: ""})
        else:
            found = self._matching(meta["pattern"]) if "pattern" in meta else self._makers(read)
        more = [name for name in found if name not in task.task_dep and name != task.name]
        task.task_dep.extend(more)
        node.task_dep.extend(more)
        yield from super()._add_task(node)

    def _makers(self, read: Mapping[str, str]) -> list[str]:
        """The tasks that make these outputs: a file, the folder that it lies in, or all that lies in a folder."""
        makers: dict[str, None] = {}
        for path in read:
            name = path
            while name.strip(os.sep) and name not in self.targets:
                name = os.path.dirname(name)
            if name in self.targets:
                makers[self.targets[name]] = None
            else:
                makers.update((task, None) for made, task in self.targets.items() if made.startswith(path + os.sep))
        return list(makers)

    def _listing(self, stage: str) -> str:
        """The name of a task that does nothing but have the stage listed."""
        name = f"{stage}:*"
        if name not in self.tasks:
            loader = self.tasks[stage].loader
            loader.basename = stage
            self.tasks[name] = Task(name, None, loader=loader, meta={"listing": stage})
        return name

    def _matching(self, pattern: str) -> list[str]:
        return [name for name, task in self.tasks.items() if fnmatch.fnmatch(name, pattern) and not stands_in(task)]


def is_plain(task: Task) -> bool:
    """Whether a task is neither a target nor a stage of ours, and stands in for none."""
    return not (task.loader and task.loader is not DelayedLoaded) and not (task.meta or {}).keys() & _OURS


def is_late(task: Task) -> bool:
    """Whether a task stands for a stage that is not listed yet."""
    return task.loader is not None and task.loader is not DelayedLoaded and not task.loader.created and not stands_in(task)


def stands_in(task: Task) -> bool:
    """Whether a task only lists a stage, or gathers what a wildcard selects."""
    return bool((task.meta or {}).keys() & {"listing", "pattern"})


def _outputs_read(task: Task) -> dict[str, str]:
    """The outputs of stages that a plain task has as its file_dep, and their stages."""
    if FRONT.plan is None or task.name.startswith("_regex_target") or "target" in (task.meta or {}):
        return {}
    paths = map(relative, task.file_dep)
    return {path: stage for path in paths if (stage := FRONT.plan.stage_of(path))}


def _may_have(stage: str, pattern: str) -> bool:
    """Whether a target of `stage` may have a name that `pattern` matches."""
    start = re.split(r"[*?\[]", pattern, maxsplit=1)[0]
    return start.startswith(f"{stage}:") or f"{stage}:".startswith(start)
