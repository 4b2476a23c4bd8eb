"""What doit's own commands do otherwise in a project of ours: wildcards, the nearest names, and our state file alone.

doit offers no way to that but its classes. They are changed when the dodo.py of such a project is loaded, and in no other.
"""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import doit.cmd_base
from doit.cmd_clean import Clean
from doit.cmd_forget import Forget
from doit.cmd_ignore import Ignore
from doit.cmd_info import Info
from doit.cmd_list import List
from doit.dependency import Dependency
from doit.exceptions import InvalidCommand

from barmill.run.arguments import removed_tasks
from barmill.run.backend import Backend
from barmill.run.commands.select import chosen_names
from barmill.run.usage import until_nobody_reads


def adopt(state: Path) -> None:
    """Have doit's commands of this process work on a project of ours, whose state file is `state`."""
    doit.cmd_base.Dependency = functools.partial(_opened, state)
    for command in (Clean, Ignore):
        _wrap(command, _with_names)
    _wrap(List, _list)
    _wrap(Forget, _forget)
    _wrap(Info, _info)


def _wrap(command: Any, ours: Callable[..., Any]) -> None:
    theirs = getattr(command._execute, "__wrapped__", command._execute)

    @functools.wraps(theirs)  # doit reads the options it has to pass from the signature
    def execute(self: Any, **options: Any) -> Any:
        return until_nobody_reads(lambda: ours(self, theirs, options))

    command._execute = execute


def _opened(state: Path, backend: type, name: str, **options: Any) -> Dependency:
    """Doit's dependency manager over our state file.

    Raises:
        InvalidCommand: another backend or another file was asked for.
    """
    if backend is not Backend or name != str(state):
        raise InvalidCommand(
            f"a project of barmill keeps its state in {state} by the backend barmill, not in {name} by {backend.__name__}\n"
            "hint: leave out --backend and --db-file"
        )
    return Dependency(backend, name, **options)


def _with_names(command: Any, execute: Callable[..., Any], options: dict[str, Any]) -> Any:
    if names := [*options["pos_args"], *removed_tasks()]:
        options["pos_args"] = chosen_names(command.task_list, names)
    return execute(command, **options)


def _info(command: Any, execute: Callable[..., Any], options: dict[str, Any]) -> Any:
    """As doit's `info`, with every file that the target reads as its file_dep."""
    options["pos_args"] = chosen_names(command.task_list, [*options["pos_args"], *removed_tasks()])
    _declare_after_status(command)
    return execute(command, **options)


def _list(command: Any, execute: Callable[..., Any], options: dict[str, Any]) -> Any:
    """As doit's `list`, with every file that a target reads as its file_dep where `--deps` shows them."""
    if options["list_deps"] and options["status"]:
        _declare_after_status(command)
    elif options["list_deps"]:
        for task in command.task_list:
            _declare(task)
    return _with_names(command, execute, options)


def _declare_after_status(command: Any) -> None:
    judge = command.dep_manager.get_status

    def get_status(task: Any, *others: Any, **named: Any) -> Any:
        status = judge(task, *others, **named)
        _declare(task)
        return status

    command.dep_manager.get_status = get_status


def _declare(task: Any) -> None:
    """Make every file that the task's target reads its file_dep; a run has groups of files as task_dep."""
    if target := (task.meta or {}).get("target"):
        task.file_dep = sorted({path for _, path in target.spelled_out()})


def _forget(command: Any, execute: Callable[..., Any], options: dict[str, Any]) -> Any:
    if not (options["forget_all"] or options["forget_disable_default"]):
        names = [*(command.sel_tasks or ()), *removed_tasks()]
        if not names:
            raise InvalidCommand("forget which task?\nhint: give its name, or --all to forget every task")
        command.sel_tasks = chosen_names(command.task_list, names)
    return execute(command, **options)
