"""`doit run` (or plain `doit`): bring the selected tasks up to date."""

import contextlib
import datetime
import functools
import gc
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import doit.cmd_run
from doit.exceptions import InvalidCommand, InvalidTask
from doit.loader import generate_tasks
from doit.task import Task

from barmill.errors import BarmillError, Busy, ConfigError, nearest
from barmill.run.commands.select import unknown
from barmill.run.control import Control, is_late, is_plain
from barmill.run.front import FRONT
from barmill.run.judge import Judge
from barmill.run.lock import LOCK
from barmill.run.plain import BUSY, UNTRIED, WRONG, Helped, option
from barmill.run.spelling import relative
from barmill.run.verdict import Threads, Verdict
from barmill.run.work import machine_fault
from barmill.run.workers import WORKERS
from barmill.store.runs import add_run

_NO_WAIT = {
    "name": "no_wait",
    "long": "no-wait",
    "type": bool,
    "default": False,
    "help": "end at once, with exit code 4, if another run is at work in the project",
}
_REBUILD = option("rebuild", "build the targets of STAGE anew, and the others as they need it; may be repeated", default=[])
_MOMENT = 1.0  # seconds that uploads have after a signal or a fault
_WORKERS = {
    "name": "workers",
    "long": "workers",
    "type": str,
    "default": "",
    "help": "build on a Dask cluster: dask://host:port of its scheduler, or dask for one of this run's own, of -n threads",
}
_AGAIN = ("fresh", "force_rerun", "no_skip_existing")
_ANYHOW = "as -a: build the selected targets, and what they need, whatever is there"
_OURS = (_NO_WAIT, _REBUILD, _WORKERS, *(option(name, _ANYHOW, default=False) for name in _AGAIN))


class Interrupted(KeyboardInterrupt):
    """A signal asked this process to end; as with Ctrl-C, what is at work is left, and what is finished is kept."""


class Run(Helped, doit.cmd_run.Run):  # type: ignore[misc]
    """doit's run command, judging targets by their content keys; in a project that is not ours it is doit's and no more."""

    cmd_options = (*doit.cmd_run.Run.cmd_options, *_OURS)
    works_anywhere = True
    shows_names = False  # its reporter draws a bar, and shows the rest itself
    dep_manager: Any
    sel_tasks: Any
    task_list: list[Task]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._commands = list(options.get("cmds") or ())

    def execute(self, params: Any, args: list[str]) -> int:
        """Run with doit's parsed options and the selected tasks."""
        LOCK.wanted, LOCK.waits = True, not params["no_wait"]
        if params["workers"]:
            self._choose(params)
        if any(params[name] for name in _AGAIN):
            params["always"] = True
        FRONT.anew = frozenset(params["rebuild"])
        if not params["always"]:
            FRONT.command = self
        self._arguments = args
        FRONT.at_load = _catch_signals
        self._given = [f"--{each['long']}" for each in _OURS if params[each["name"]]]
        try:
            code: int = super().execute(params, args)
        except BarmillError as error:
            sys.stderr.write(f"error: {error}\n")
            return BUSY if isinstance(error, Busy) else UNTRIED
        except (OSError, KeyboardInterrupt) as error:
            if not FRONT.is_ours:
                raise
            return _ended(error)
        return code

    @staticmethod
    def _choose(params: Any) -> None:
        from barmill.run.cluster.address import parse

        try:
            parse(params["workers"])
        except ConfigError as error:
            raise InvalidCommand(str(error)) from None
        WORKERS.address = params["workers"]
        params["num_process"], params["par_type"] = params["num_process"] or os.cpu_count() or 1, "process"

    @functools.wraps(doit.cmd_run.Run._execute)  # doit reads the options it has to pass from the signature
    def _execute(self, **options: Any) -> int:
        if not FRONT.is_ours:
            if self._given:
                raise InvalidCommand(f"{self._given[0]} works only in a project of barmill\nhint: leave it out")
            theirs: int = super()._execute(**options)
            return theirs
        if self.sel_tasks is not None:
            self.sel_tasks = [relative(name) for name in self.sel_tasks]
        self._check_stages(FRONT.anew)
        if FRONT.has_missed(each for each in self.task_list if is_plain(each)):
            self.task_list = self.loader.load_tasks(cmd=self, pos_args=self._arguments)
        self.dep_manager = Judge(self.dep_manager, always=options["always"], anew=FRONT.anew)
        doit.cmd_run.TaskControl, Control.is_single = Control, options["single"]
        doit.cmd_run.Runner, doit.cmd_run.MThreadRunner = Verdict, Threads  # doit offers no other way to its choice of a runner
        if options["num_process"]:
            from barmill.run.runner import PoolRunner

            if WORKERS.address:
                from barmill.run.cluster.address import parse
                from barmill.run.cluster.pool import Cluster

                address, settings = parse(WORKERS.address), WORKERS.settings
                PoolRunner.opens = lambda size: Cluster(address, size, settings)
            doit.cmd_run.MRunner = PoolRunner
        # What was loaded lives until the end; the collector need not look at it again.
        gc.freeze()
        gc.enable()
        started = datetime.datetime.now(datetime.UTC)
        seconds: float | None = _MOMENT
        try:
            result: int = super()._execute(**options)
            seconds = None
        except InvalidCommand as error:
            if error.not_found is None:
                raise
            raise unknown(error.not_found, self._names(error.not_found), "command, task or target") from None
        finally:
            self._close(started, seconds)
        if isinstance(FRONT.stopped_by, ConfigError):
            return WRONG
        failed = any(task.values.get("failed") for task in self.control.tasks.values())  # pieces, which doit knows not of
        return result or int(failed)

    def _names(self, name: str) -> Iterator[str]:
        """All commands, tasks and paths, and the targets of late stages whose name is near that of `name`."""
        yield from (*self._commands, *self.control.tasks, *self.control.targets)
        late = {task.name: task.loader.creator for task in self.task_list if is_late(task)}
        for stage in filter(None, nearest(name.partition(":")[0], late).split(", ")):
            with contextlib.suppress(InvalidTask):
                yield from (task.name for task in generate_tasks(stage, late[stage]()))

    def _check_stages(self, names: Iterable[str]) -> None:
        stages = [task.name for task in self.task_list if not task.subtask_of]
        for name in names:
            if name not in stages:
                hint = f"the nearest are {near}" if (near := nearest(name, stages)) else f"there are {', '.join(stages)}"
                raise InvalidCommand(f"--rebuild {name}: there is no such stage\nhint: {hint}")

    def _close(self, started: datetime.datetime, seconds: float | None) -> None:
        """End uploads, and remember what the run did, unless everything was fresh: then it is not worth the writing."""
        remote = FRONT.remote
        if remote is not None:
            remote.drain(seconds)
        if not FRONT.tally.is_idle:
            entry = {
                "command": self.name,
                "started": started.isoformat(timespec="seconds"),
                "seconds": round((datetime.datetime.now(datetime.UTC) - started).total_seconds(), 3),
                "stages": FRONT.tally.stages(),
                "remote": remote.counts.told() if remote is not None else None,
            }
            add_run(Path(self.dep_manager.backend.name), entry)


def _ended(error: OSError | KeyboardInterrupt) -> int:
    """Report what ended the run; its exit code."""
    if isinstance(error, BrokenPipeError):  # `doit | head`: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + int(signal.SIGPIPE)
    if isinstance(error, OSError):
        if not (fault := machine_fault(error, "doit")):
            raise error
        sys.stderr.write(f"error: {fault}\n")
        return UNTRIED
    number = error.args[0] if isinstance(error, Interrupted) else signal.SIGINT
    sys.stderr.write(f"ended by {signal.Signals(number).name}; what was finished is kept, doit goes on from here\n")
    return 128 + int(number)


def _catch_signals() -> None:
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup wants it ignored
            signal.signal(number, _interrupt)


def _interrupt(number: int, _: object) -> None:
    raise Interrupted(number)
