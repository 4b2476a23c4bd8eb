"""Deciding in front of doit: when everything is asked for, a target that is fresh, or in the store, needs no task at all.

A doit task costs some 200 µs to create, sort, dispatch, run and report, more than it costs to see that its target is fresh,
or to restore it. So `doit` without a selection asks the questions while targets are listed, and makes tasks of what is to be
built only. A target that reads what a task of this run may write (of a stage that is not yet listed, or a target that has a
task) can't be judged yet and gets its task; doit's run then judges it. `doit list`, `info`, `forget` and runs with a selection
see every task.
"""

import os
import sys
from typing import Any

from doit.globals import Globals

from barmill.errors import BarmillError, ObjectCorrupt, ObjectMissing
from barmill.plan import Plan
from barmill.run.questions import is_fresh
from barmill.run.work import result_of
from barmill.store.cache import Cache, Outcome
from barmill.target import Target

_FRESH = Outcome("", {}, "fresh", 0.0)  # type: ignore[arg-type]  # its key was not even looked up


class Front:
    """Which targets need no task in this run.

    Attributes:
        command: the `run` command of this process, or None while another command is at work.
        stopped_by: why the targets of a stage can't be told, if that is so.
        anew: stages whose targets are built whatever is there.
    """

    def __init__(self) -> None:
        self.command: Any = None
        self.stopped_by: BarmillError | None = None
        self.anew: frozenset[str] = frozenset()
        self._settled: set[str | None] = {None}
        self._pending: dict[str, str] = {}
        self._above: set[str] = set()

    def passes(self, target: Target, task: str, cache: Cache, plan: Plan) -> Outcome | None:
        """How the target came to be in place, and stays so in this run; None: it gets a task, and is waited for."""
        if self.command is None or self.command.sel_tasks is not None:
            return None
        if task.partition(":")[0] not in self.anew and self._is_settled(target, plan):
            try:
                if is_fresh(cache, target, task):
                    return _FRESH
                if outcome := self._restored(target, task, cache):
                    return outcome
            except (ObjectCorrupt, ObjectMissing) as error:
                sys.stderr.write(f"warning: {task}: {error.fact}; built again\n")
            except (BarmillError, OSError):
                pass  # its task will meet the same, and tell
        return None

    def note(self, target: Target, task: str) -> None:
        """A target gets a task: what reads its outputs waits for it."""
        for path in target.outputs.values():
            self._pending[str(path)] = task
            self._above.update(map(str, path.parents))

    def maker(self, name: str, plan: Plan) -> str | None:
        """The task to wait for before a file or folder is read: of the one that makes it, or of a stage not yet listed."""
        stage = plan.stage_of(name)
        if stage not in self._settled or name in self._above:
            return stage
        while name and name not in self._pending:
            name = name.rpartition(os.sep)[0]
        return self._pending.get(name)

    def settle(self, stage: str) -> None:
        """All targets of a stage have been listed: those that get no task are what they will be."""
        self._settled.add(stage)
        Globals.dep_manager.backend.dump()

    def _restored(self, target: Target, task: str, cache: Cache) -> Outcome | None:
        backend = Globals.dep_manager.backend
        if backend.is_forgotten(task):
            return None
        outcome = cache.restore(target)
        if outcome is not None:
            cache.forget_outputs(target)
            backend.finish(target, task, result_of(cache, target, outcome))
        return outcome

    def _is_settled(self, target: Target, plan: Plan) -> bool:
        """Whether nothing that the target reads can still be written in this run."""
        for _, names in target.names():
            for name in names:
                if self.maker(name, plan):
                    return False
        return True


FRONT = Front()
