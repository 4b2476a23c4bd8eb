"""doit's dependency manager with our decision in it: a target is up to date when none of the questions has an answer."""

from collections.abc import Collection, Mapping

from doit.dependency import Dependency, DependencyStatus
from doit.task import DelayedLoaded, Task

from barmill.errors import BarmillError, nearest
from barmill.run.control import stands_in
from barmill.run.front import FRONT
from barmill.run.questions import is_fresh
from barmill.run.work import Result


class Judge(Dependency):  # type: ignore[misc]
    """Takes over an open dependency manager; tasks that are no targets are judged as doit judges them.

    Args:
        dependency: the manager that doit opened.
        always: whether every selected task is to be built (`doit -a`).
        anew: stages whose targets are to be built (`doit --rebuild STAGE`).
    """

    def __init__(self, dependency: Dependency, *, always: bool, anew: Collection[str] = ()) -> None:
        self.__dict__.update(dependency.__dict__)
        self._always = always
        self._anew = anew

    def get_status(self, task: Task, tasks_dict: Mapping[str, Task], get_log: bool = False) -> DependencyStatus:
        """As doit's, for targets by our questions; a subtask that no stage has is an error that names the nearest."""
        target = (task.meta or {}).get("target")
        if stands_in(task):
            pattern = task.meta.get("pattern")
            return _error(f"{pattern}: no target matches") if pattern and not task.task_dep else DependencyStatus(get_log)
        if target is None:
            if _stands_for_nothing(task):
                return _error(_unknown(task.name, tasks_dict))
            try:
                return super().get_status(task, tasks_dict, get_log)
            except BarmillError as error:
                return _error(str(error))
        status = DependencyStatus(get_log)
        try:
            fresh = is_fresh(task.meta["cache"], target, task.name)
        except BarmillError as error:
            return _error(str(error))
        anew = task.name.partition(":")[0] in self._anew
        if anew or not fresh:
            status.status = "run"
        task.options = {"force": True} if self._always or anew or self.backend.is_forgotten(task.name) else None
        return status

    def save_success(self, task: Task, result_hash: str | None = None) -> None:
        """Record a finished task, and have its outputs looked at again by the tasks that read them."""
        target = (task.meta or {}).get("target")
        if target is None:
            super().save_success(task, result_hash)
            self.backend.look_again(task.targets)
            return
        task.meta["cache"].forget_outputs(target)
        self.backend.finish(target, task.name, Result(task.result, task.values))
        self.backend.dump()
        if FRONT.remote is not None and task.values.get("origin") == "built" and not task.values.get("failed"):
            FRONT.remote.offer(task.result)

    def remove_success(self, task: Task) -> None:
        """Drop the entry of a task that failed."""
        self.backend.drop(task.name)


def _stands_for_nothing(task: Task) -> bool:
    """Whether doit made this task up for a subtask named on the command line that its delayed creator then did not make."""
    made_up = task.loader is DelayedLoaded and not task.actions and not task.has_subtask
    return made_up and ":" in task.name and not task.name.startswith("_regex_target")


def _unknown(name: str, tasks: Mapping[str, Task]) -> str:
    stage = name.partition(":")[0]
    siblings = {known: None for known, task in tasks.items() if task.subtask_of == stage}
    near = nearest(name, siblings)
    hint = f"the nearest are {near}" if near else f'"doit list --all {stage}" shows its {len(siblings)} targets'
    return f"{name}: the stage {stage} has no such target\nhint: {hint}"


def _error(message: str) -> DependencyStatus:
    status = DependencyStatus(None)
    status.status = "error"
    status.error_reason = message
    return status
