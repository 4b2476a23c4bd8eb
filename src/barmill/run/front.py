"""Deciding in front of doit: when everything is asked for, a target that is fresh, or in the store, needs no task at all.

A doit task costs some 200 µs to create, sort, dispatch, run and report, more than it costs to see that its target is fresh,
or to restore it. So `doit` without a selection asks the questions while targets are listed, and makes tasks of what is to be
built only. A target that reads what a task of this run may write (of a stage that is not yet listed, or a target that has a
task) can't be judged yet and gets its task; doit's run then judges it. `doit list`, `info`, `forget` and runs with a selection
see every task.

Plain tasks of the dodo.py are known only when everything is listed. Where one writes what a target reads, or names a target
that has no task, the stages are listed again.

With a remote, all that the store lacks of a stage is asked for at once, before its first task is made.
"""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from doit.globals import Globals
from doit.task import Task, result_dep

from barmill.errors import BarmillError, ObjectCorrupt, ObjectMissing
from barmill.hashing import Digest
from barmill.plan import Plan
from barmill.run.questions import is_fresh
from barmill.run.shown import Shown
from barmill.run.spelling import relative
from barmill.run.tally import Tally
from barmill.run.work import result_of
from barmill.store.cache import Cache
from barmill.store.outcome import Outcome
from barmill.target import Target

if TYPE_CHECKING:
    from barmill.store.remote.remote import Remote

_FRESH = Outcome("", {}, "fresh", 0.0)  # type: ignore[arg-type]  # its key was not even looked up


class Front:
    """Which targets need no task in this run.

    Attributes:
        command: the `run` command of this process, or None while another command is at work.
        stopped_by: why the targets of a stage can't be told, if that is so.
        anew: stages whose targets are built whatever is there.
        plan: the project's plan, or None in a project that has no stages of ours.
        remote: the project's remote, or None if it has none.
        builds: whether what is in neither store is built.
        hurries: whether a remote that is slow is to be given up soon.
        tally: what the run did, once it has ended.
        absent: task → key that neither the store nor the remote had when the stage was listed.
        at_load: what is done as soon as a dodo.py has shown to be that of a project of ours.
        is_ours: whether the dodo.py is that of a project of ours.
        passed: the targets that got no task.
        optional: the outputs that a build may leave unwritten.
    """

    def __init__(self) -> None:
        self.command: Any = None
        self.stopped_by: BarmillError | None = None
        self.anew: frozenset[str] = frozenset()
        self.plan: Plan | None = None
        self.remote: Remote | None = None
        self.builds = True
        self.hurries = True
        self.tally = Tally()
        self.absent: dict[str, Digest] = {}
        self.at_load: Callable[[], None] = lambda: None
        self.is_ours = False
        self.optional: set[str] = set()
        self._settled: set[str | None] = {None}
        self._pending: dict[str, str] = {}
        self._above: set[str] = set()
        self._inputs: set[str] = set()
        self.passed: set[str] = set()
        self._named: set[str] = set()
        self._restored_now: dict[str, Outcome] = {}

    def passes(self, name: str, targets: Iterable[Target], cache: Cache, plan: Plan) -> Iterator[tuple[Target, Outcome | None]]:
        """Yield each target of a stage with how it came to be in place, and stays so in this run; None: it gets a task.

        Args:
            name: of the stage.
            targets: of the stage.
            cache: the project's.
            plan: the project's.
        """
        if self.command is None or self.command.sel_tasks is not None:
            for target in targets:
                self._inputs.update(path for _, path in target.spelled_out())
                yield target, None
            return
        if cache.remote is not None:
            targets = list(targets)
            yield from zip(targets, self._judged(name, targets, cache, plan), strict=True)
            return
        for target in targets:
            judged = self._may_pass(name, target, plan)
            yield target, self._outcome(target, f"{name}:{target.task_name}", cache) if judged else None

    def _judged(self, name: str, targets: list[Target], cache: Cache, plan: Plan) -> list[Outcome | None]:
        """What `passes` says of each target, asking the remote at once for all that is lacking."""
        outcomes: list[Outcome | None] = [None] * len(targets)
        lacking: dict[int, Digest] = {}
        for number, target in enumerate(targets):
            if self._may_pass(name, target, plan):
                task = f"{name}:{target.task_name}"
                outcomes[number] = self._outcome(target, task, cache)
                if outcomes[number] is None and (key := self._key(target, task, cache)):
                    lacking[number] = key
        cache.guard.rest()
        brought = cache.fetch(set(lacking.values()))
        for number, key in lacking.items():
            task = f"{name}:{targets[number].task_name}"
            if key in brought:
                outcomes[number] = self._outcome(targets[number], task, cache)
            else:
                self.absent[task] = key
        return outcomes

    def _outcome(self, target: Target, task: str, cache: Cache) -> Outcome | None:
        try:
            if is_fresh(cache, target, task):
                return self._restored_now.get(task, _FRESH)
            return self._restored(target, task, cache)
        except (ObjectCorrupt, ObjectMissing) as error:
            again = "built again" if cache.remote is None else "fetched or built again"
            Shown(sys.stderr).write(f"warning: {task}: {error.fact}; {again}\n")
        except (BarmillError, OSError):
            pass  # its task will meet the same, and tell
        return None

    def _key(self, target: Target, task: str, cache: Cache) -> Digest | None:
        """What to ask the remote for; None if the target is to be built whatever there is, or can't be."""
        if Globals.dep_manager.backend.is_forgotten(task):
            return None
        try:
            return cache.key_once(target)
        except (BarmillError, OSError):
            return None  # its task will tell

    def note(self, target: Target, task: str) -> None:
        """A target gets a task: what reads its outputs waits for it."""
        for path in target.outputs.values():
            self._pending[str(path)] = task
            self._above.update(map(str, path.parents))

    def makers(self, name: str, plan: Plan) -> list[str]:
        """The tasks to wait for before a file or folder is read: those that make it, or its stage if that is not yet listed."""
        stage = plan.stage_of(name)
        if stage is not None and (stage not in self._settled or name in self._above):
            return [stage]
        if name in self._above:
            return [task for path, task in self._pending.items() if path.startswith(name + os.sep)]
        while name and name not in self._pending:
            name = name.rpartition(os.sep)[0]
        return [self._pending[name]] if name else []

    def has_missed(self, plain: Iterable[Task]) -> bool:
        """Take note of the plain tasks; whether the stages were listed without what these say, and are to be listed again."""
        tasks = list(plain)
        made = {path: task.name for task in tasks for name in task.targets for path in (relative(name), os.path.abspath(name))}
        above = {str(folder) for path in made for folder in Path(path).parents}
        self._named = {name for task in tasks for name in _names(task)}
        within = (name for name in self._inputs if made and not made.keys().isdisjoint(map(str, Path(name).parents)))
        missed = not self._inputs.isdisjoint(made.keys() | above - {".", os.sep}) or any(within)
        missed = missed or any(name in self._named or name.partition(":")[0] in self._named for name in self.passed)
        if missed:
            self._settled, self._pending, self._above = {None}, {}, set()
        self._pending.update(made)
        self._above.update(above)
        return missed

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
            self._restored_now[task] = outcome
        return outcome

    def _is_settled(self, target: Target, plan: Plan) -> bool:
        """Whether nothing that the target reads can still be written in this run."""
        settled = True
        for _, names in target.names():
            for name in names:
                self._inputs.add(name)
                settled = settled and not self.makers(name, plan)
        return settled

    def _may_pass(self, name: str, target: Target, plan: Plan) -> bool:
        """Whether a target of the stage `name` may need no task."""
        named = name in self._named or f"{name}:{target.task_name}" in self._named
        return self._is_settled(target, plan) and not named and name not in self.anew


def _names(task: Task) -> Iterator[str]:
    """The names of targets and stages of which a plain task needs the tasks: a stage only where it reads their results."""
    yield from (name for name in (*task.task_dep, *task.setup_tasks, *task.calc_dep) if ":" in name)
    yield from (name for name, _ in task.getargs.values())
    yield from (check.dep_name for check, *_ in task.uptodate if isinstance(check, result_dep))


FRONT = Front()
