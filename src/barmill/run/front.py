"""Deciding in front of doit: when everything is asked for, a fresh target needs no task at all.

A doit task costs some 40 µs to create, sort, dispatch and report, more than it costs to see that its target is fresh. So
`doit` without a selection asks the questions while targets are listed, and makes tasks of the rest only. A target that
reads what a task of this run may write (of a stage that is not yet listed, or a target that has a task) can't be judged yet
and gets its task; doit's run then judges it. `doit list`,
`info`, `forget` and runs with a selection see every task.
"""

import os
from typing import Any

from barmill.errors import BarmillError
from barmill.plan import Plan
from barmill.run.questions import is_fresh
from barmill.store.cache import Cache
from barmill.target import Target


class Front:
    """Which targets need no task in this run.

    Attributes:
        command: the `run` command of this process, or None while another command is at work.
    """

    def __init__(self) -> None:
        self.command: Any = None
        self._settled: set[str | None] = {None}
        self._pending: set[str] = set()
        self._above: set[str] = set()

    def passes(self, target: Target, task: str, cache: Cache, plan: Plan) -> bool:
        """Whether the target is fresh and stays so in this run; what is not gets a task, and is waited for."""
        if self.command is None or self.command.sel_tasks is not None:
            return False
        if self._is_settled(target, plan) and self._is_fresh(target, task, cache):
            return True
        for path in target.outputs.values():
            self._pending.add(str(path))
            self._above.update(map(str, path.parents))
        return False

    def settle(self, stage: str) -> None:
        """All targets of a stage have been listed: those that get no task are what they will be."""
        self._settled.add(stage)

    def _is_settled(self, target: Target, plan: Plan) -> bool:
        """Whether nothing that the target reads can still be written in this run."""
        for _, names in target.names():
            for name in names:
                if plan.stage_of(name) not in self._settled or (self._pending and self._is_pending(name)):
                    return False
        return True

    def _is_fresh(self, target: Target, task: str, cache: Cache) -> bool:
        try:
            return is_fresh(cache, target, task)
        except BarmillError:
            return False

    def _is_pending(self, name: str) -> bool:
        if name in self._above:
            return True
        while name and name not in self._pending:
            name = name.rpartition(os.sep)[0]
        return bool(name)


FRONT = Front()
