"""Targets as doit tasks: settings and plan for a dodo.py, and the task dicts of a stage."""

import gc
import linecache
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from doit.action import BaseAction
from doit.exceptions import InvalidDodoFile, InvalidTask, TaskError, TaskFailed

from barmill import files
from barmill.config import Settings, load_settings
from barmill.errors import BarmillError, Busy, InputError, StoreError
from barmill.plan import Plan
from barmill.run.checker import checker_for
from barmill.run.front import FRONT
from barmill.run.lock import LOCK
from barmill.run.plain import NoStore
from barmill.run.questions import is_fresh
from barmill.run.shown import Shown
from barmill.run.stock import adopt
from barmill.run.work import Result, Work
from barmill.run.workers import WORKERS
from barmill.store.cache import Cache, open_cache
from barmill.store.outcome import Outcome
from barmill.target import Target

_LONG = 3600.0  # seconds that one waits for a remote who asked for nothing else


def load(dodo: str) -> tuple[Plan, dict[str, Any]]:
    """The plan and `DOIT_CONFIG` of the project whose dodo.py is at `dodo` (its `__file__`).

    Raises:
        InvalidDodoFile: a setting is wrong; doit prints it and exits with 3.
        NoStore: state or store can't be used.
        Busy: another run is at work here, and this one is not to wait.
    """
    FRONT.is_ours = True
    FRONT.at_load()
    # Ten thousand tasks are a million objects that live until the end; the run command switches the collector on again.
    gc.disable()
    linecache.getlines(dodo)  # doit will ask for the creators' lines, perhaps with no descriptor left to read them by
    try:
        plan = Plan(load_settings(Path(dodo).parent))
        WORKERS.check(plan.settings)
        if LOCK.take(plan.settings.artifacts):
            _cache(plan.settings, plan).sweep()
        cache = _cache(plan.settings, plan)
        adopt(plan.state)
    except Busy:
        raise
    except StoreError as error:
        raise NoStore(error) from None
    except BarmillError as error:
        raise InvalidDodoFile(str(error)) from None
    FRONT.plan, FRONT.remote = plan, cache.remote
    return plan, {
        "backend": "barmill",
        "dep_file": str(plan.state),
        "store": str(plan.store),  # not doit's: for our commands that load no task
        "check_file_uptodate": checker_for(cache.stats),
        "reporter": "barmill",
        "continue": True,
        "verbosity": 1,
    }


def tasks(stage: ModuleType, plan: Plan) -> Iterator[dict[str, Any]]:
    """The doit tasks of a stage: a group named after it, and a subtask for each of its targets.

    Raises:
        InvalidTask: the stage's targets can't be told; doit prints it and exits with 3.
    """
    name = stage.__name__.rpartition(".")[2]
    passed: list[tuple[str, Outcome]] = []
    yield {"basename": name, "name": None, "doc": (stage.__doc__ or "").partition("\n")[0], "meta": {"passed": passed}}
    try:
        cache = _cache(plan.settings, plan)
        with cache.guard.series():
            for target, outcome in FRONT.passes(name, stage.targets(plan), cache, plan):
                if outcome:
                    passed.append((f"{name}:{target.task_name}", outcome))
                    FRONT.passed.add(passed[-1][0])
                else:
                    FRONT.note(target, f"{name}:{target.task_name}")
                    yield task(target, plan, cache) | {"basename": name}
        FRONT.settle(name)
    except BarmillError as error:
        FRONT.stopped_by = error
        raise InvalidTask(str(error)) from None


def task(target: Target, plan: Plan, cache: Cache) -> dict[str, Any]:
    """One target as a doit task.

    Files are `file_dep`; the makers of a group of files are `task_dep`, because doit's search for the makers of a task's
    file_deps is quadratic in their number. So is that of a file in a folder of a stage's, because the folder, which doit
    would not connect with it, may be an output.
    """
    FRONT.optional.update(str(target.outputs[role]) for role in target.optional)
    single = target.single_inputs()
    groups = [name for role, names in target.names() if target.is_group(role) for name in names]
    deep = [name for name in single if not plan.is_flat(name) or plan.stage_of(name) is None]
    own = {plan.stage_of(str(path)) for path in target.outputs.values()}
    makers = {maker: None for name in [*groups, *deep] for maker in FRONT.makers(name, plan) if maker not in own}
    return {
        "name": target.task_name,
        "actions": [Ensure(target, cache)],
        "file_dep": single,
        "task_dep": list(makers),
        "targets": [str(path) for path in target.outputs.values()],
        "uptodate": [UpToDate(target, cache)],
        "clean": [(_remove, [list(target.outputs.values())])],
        "meta": {"target": target, "cache": cache},
    }


class Absent(TaskFailed):  # type: ignore[misc]
    """There is no result of the target, and none was to be built."""


class UpToDate:
    """doit's `uptodate`: the recorded key is the key as of now, and the outputs are what the record says."""

    def __init__(self, target: Target, cache: Cache) -> None:
        self._target = target
        self._cache = cache

    def __call__(self, task: Any, values: Mapping[str, Any]) -> bool:
        """Whether it is up to date; called by doit with the task and what its last run recorded.

        A target of which an input is missing is not: its action raises the error, and `doit list` and `doit info` go on.
        """
        try:
            return is_fresh(self._cache, self._target, task.name)
        except InputError:
            return False


class Ensure(BaseAction):  # type: ignore[misc]
    """doit's action: bring the target's outputs into place, in whichever process doit runs it."""

    def __init__(self, target: Target, cache: Cache) -> None:
        self._target = target
        self._cache = cache
        self.task: Any = None
        self.out: str | None = None
        self.err: str | None = None
        self.result: str | None = None
        self.values: dict[str, Any] = {}

    def work(self, task: Any) -> Work:
        """What is to be done for `task`, in this or another process."""
        force = bool((task.options or {}).get("force"))
        return Work(self._target, self._cache, task.name, force=force, build=FRONT.builds, absent=FRONT.absent.get(task.name))

    def execute(self, out: object = None, err: object = None) -> TaskFailed | TaskError | None:
        """Do it here."""
        return self.take(self.work(self.task).do())

    def take(self, result: Result) -> TaskFailed | TaskError | None:
        """Take in the result: a target that failed is doit's TaskFailed, one that could not be tried is its TaskError."""
        if result.asked and FRONT.remote is not None:
            FRONT.remote.counts.add(**result.asked)
        if result.fault:
            kind = TaskError if result.untried else Absent if result.absent else TaskFailed
            fail = kind(result.fault)
            fail.traceback = result.trace.splitlines(keepends=True)
            return fail
        self.result = result.key
        self.values = dict(result.values)
        return None

    def __str__(self) -> str:
        build = self._target.build
        return f"{build.__module__}.{build.__qualname__}"


def _remove(outputs: list[Path], dryrun: bool) -> None:
    """Doit's clean action: outputs may be folders, which doit itself removes only when empty."""
    for path in outputs:
        if path.exists():
            Shown(sys.stdout).write(f"removing {path}\n")
            if not dryrun:
                files.remove(path)


def _cache(settings: Settings, plan: Plan) -> Cache:
    remote = None
    if settings.remote:
        from barmill.store.remote.options import remote_options

        remote = remote_options(settings)
        if remote is not None and not FRONT.hurries:
            remote = replace(remote, patience=_LONG)
    return open_cache(plan.store, plan.state, settings.link, settings.fsync, settings.compress, remote)
