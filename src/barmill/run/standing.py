"""How each task of the graph stands: fresh, stale, missing, or behind another one. Runs nothing.

The questions of `run.questions` are about one target and the files that it reads as they are now. Here they are asked of the
whole graph: a target that reads what a stale one writes is behind it, also through others. What is called fresh does not run.
What is called stale or missing runs. What is behind runs if what it reads comes out as something else.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from doit.dependency import Dependency
from doit.task import Task

from barmill.errors import BarmillError
from barmill.run.questions import is_fresh

FRESH, STALE, MISSING, BEHIND = KINDS = ("fresh", "stale", "missing", "behind")


class Standing(NamedTuple):
    """How a task stands.

    Attributes:
        kind: one of `KINDS`.
        behind: the task that it waits for, "" if it waits for none; also of one that is missing.
        through: the path that it reads of that task; "" if that task decides which targets there are.
    """

    kind: str
    behind: str = ""
    through: str = ""


class Graph:
    """All tasks of a project, and how each stands; each is looked at once.

    Args:
        tasks: all of them, those of late creators, too.
        manager: doit's, for the tasks that are not targets.
        creators: the functions of dodo.py by name.

    Attributes:
        tasks: the tasks by name.
    """

    def __init__(self, tasks: Iterable[Task], manager: Dependency, creators: Mapping[str, Any]) -> None:
        self.tasks = {task.name: task for task in tasks}
        self._manager = manager
        self._after = dict(_created_after(creators))
        self._known: dict[str, Standing] = {}
        self._writers: dict[str, str] = {}
        self._below: dict[str, list[str]] = {}
        self._stages: dict[str, list[str]] = {}
        for task in self.tasks.values():
            self._stages.setdefault(_stage(task), []).append(task.name)
            for path in task.targets:
                self._writers[path] = task.name
                for above in _above(path):
                    self._below.setdefault(above, []).append(task.name)

    def working(self) -> list[Task]:
        """The tasks that do something, in definition order: targets of stages, and plain tasks with actions."""
        return [task for task in self.tasks.values() if task.actions]

    def standing(self, task: Task) -> Standing:
        """How a task stands."""
        path = {task.name: self._needs(task.name)}  # a stack of our own: a graph may be deeper than Python's
        while path and task.name not in self._known:
            name = next(reversed(path))
            unknown = next((one for one in path[name] if one not in self._known and one not in path), "")
            if unknown:
                path[unknown] = self._needs(unknown)
            else:
                self._known[name] = self._judge(self.tasks[name])
                del path[name]
        return self._known[task.name]

    def unsettled(self) -> dict[str, str]:
        """Stages whose targets are known only after a task that is not fresh has run: stage → that task."""
        found = {}
        for stage, earlier in self._after.items():
            names = self._stages.get(earlier, ())
            for name in names:
                self.standing(self.tasks[name])
            moving = self._first_moving(names)
            if moving:
                found[stage] = moving
        return found

    def _needs(self, name: str) -> Iterator[str]:
        """The tasks on which the standing of a task depends."""
        task = self.tasks[name]
        for path in _reads(task):
            yield from self._makers(path)
        yield from self._definers(task)

    def _makers(self, path: str) -> Iterator[str]:
        """The tasks that write a path, a folder above it, or something in it."""
        yield from self._below.get(path, ())
        while path:
            if path in self._writers:
                yield self._writers[path]
                return
            path = os.path.dirname(path) if os.path.dirname(path) != path else ""

    def _definers(self, task: Task) -> Sequence[str]:
        """The tasks of the stage after which the task's own is created, if they decide its definition.

        That is so where the task reads nothing that they, or others of its own stage, write.
        """
        own = _stage(task)
        earlier = self._after.get(own, "")
        makers = (self.tasks[maker] for path in _reads(task) for maker in self._makers(path))
        return () if any(_stage(maker) in {own, earlier} for maker in makers) else self._stages.get(earlier, ())

    def _judge(self, task: Task) -> Standing:
        if not task.actions:  # a group
            return _SETTLED
        for path in _reads(task):
            for maker in self._makers(path):
                if maker != task.name and self._is_moving(maker):
                    return Standing(MISSING if _is_missing(task) else BEHIND, maker, path)
        if moving := self._first_moving(self._definers(task)):
            return Standing(MISSING if _is_missing(task) else BEHIND, moving)
        if _is_missing(task):
            return Standing(MISSING)
        return Standing(FRESH if self._is_fresh(task) else STALE)

    def _is_fresh(self, task: Task) -> bool:
        target = _target(task)
        try:
            if target is not None:
                return is_fresh(task.meta["cache"], target, task.name)
            return self._manager.get_status(task, self.tasks).status in {"up-to-date", "ignore"}
        except (BarmillError, OSError):
            return False

    def _first_moving(self, names: Sequence[str]) -> str:
        return next((name for name in names if self._is_moving(name)), "")

    def _is_moving(self, name: str) -> bool:
        return self._known.get(name, _SETTLED).kind != FRESH


_SETTLED = Standing(FRESH)  # of a group, and of a task that waits for itself


def _stage(task: Task) -> str:
    return str(task.subtask_of or task.name)


def _target(task: Task) -> Any:
    return (task.meta or {}).get("target")


def _reads(task: Task) -> Iterator[str]:
    target = _target(task)
    if target is None:
        yield from sorted(task.file_dep)
    else:
        yield from (path for _, path in target.spelled_out())


def _is_missing(task: Task) -> bool:
    target = _target(task)
    if target is None:
        return not all(map(os.path.exists, task.targets))
    return any(not path.exists() for role, path in target.outputs.items() if role not in target.optional)


def _above(path: str) -> Iterator[str]:
    folder = os.path.dirname(path)
    while folder:
        yield folder
        path, folder = folder, os.path.dirname(folder)
        if path == folder:
            return


def _created_after(creators: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Stage → the stage after which doit lists it, as `create_after` says."""
    for name, creator in creators.items():
        late = getattr(creator, "doit_create_after", None)
        if late is not None and late.task_dep and name.startswith("task_"):
            yield name.removeprefix("task_"), late.task_dep
