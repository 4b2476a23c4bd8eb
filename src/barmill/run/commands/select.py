"""Which targets a command is about."""

import fnmatch
from collections.abc import Iterable, Iterator, Sequence

from doit.exceptions import InvalidCommand
from doit.task import Task

from barmill.errors import nearest
from barmill.run.plain import option
from barmill.run.spelling import relative

JSON_OPTION = option("as_json", "print JSON for programs", default=False, long="json")
DRY_RUN_OPTION = option("dry_run", "tell what would be removed, remove nothing", default=False, short="n")


def all_targets(task_list: Iterable[Task]) -> list[Task]:
    """The tasks that are targets of ours, in definition order."""
    return [task for task in task_list if task.meta and "target" in task.meta]


def chosen_targets(task_list: Iterable[Task], names: Iterable[str]) -> Iterator[Task]:
    """The targets called by task name, stage name, wildcard, or output path.

    Raises:
        InvalidCommand: there is no such target; the nearest are named.
    """
    yield from chosen(all_targets(task_list), names)


def chosen(tasks: Sequence[Task], names: Iterable[str]) -> Iterator[Task]:
    """Those of the tasks that are called by task name, stage name, wildcard, or output path.

    Raises:
        InvalidCommand: a name is unknown; the nearest are named.
    """
    by_name = {task.name: [task] for task in tasks}
    for task in tasks:
        if task.subtask_of:
            by_name.setdefault(task.subtask_of, []).append(task)
        for path in task.targets:
            by_name[path] = [task]
    for name in names:
        if "*" in name:
            found = [task for task in tasks if fnmatch.fnmatch(task.name, name) or fnmatch.fnmatch(task.subtask_of or "", name)]
        else:
            found = by_name.get(name) or by_name.get(relative(name)) or []
        if not found:
            raise unknown(name, by_name, "target")
        yield from found


def chosen_names(task_list: Iterable[Task], names: Iterable[str]) -> list[str]:
    """Names of tasks of any kind, with wildcards replaced by the names that they match.

    Raises:
        InvalidCommand: there is no such task; the nearest are named.
    """
    known = [task.name for task in task_list]
    chosen: list[str] = []
    for name in names:
        found = fnmatch.filter(known, name) if "*" in name else [name] if name in known else []
        if not found:
            raise unknown(name, known, "task")
        chosen += found
    return chosen


def unknown(name: str, known: Iterable[str], kind: str) -> InvalidCommand:
    """The error that `name` is not a `kind`; its hint names the nearest of those that are known."""
    near = nearest(name, known)
    hint = f"the nearest are {near}" if near else '"doit list --all" shows every one'
    what = f"no {kind} matches {name}" if "*" in name else f"unknown {kind}: {name}"
    return InvalidCommand(f"{what}\nhint: {hint}")


def no_arguments(command: str, arguments: list[str]) -> None:
    """Refuse arguments that a command about the whole project, or the store, would ignore.

    Raises:
        InvalidCommand: there are some.
    """
    if arguments:
        raise InvalidCommand(
            f"doit {command} is about the whole; it takes no {arguments[0]}\nhint: doit explain tells of one target"
        )
