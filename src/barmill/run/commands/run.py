"""`doit run` (or plain `doit`): bring the selected tasks up to date."""

import functools
import gc
from typing import Any

from doit.cmd_run import Run as DoitRun
from doit.exceptions import InvalidCommand

from barmill.run.commands.select import relative
from barmill.run.front import FRONT
from barmill.run.judge import Judge, nearest


class Run(DoitRun):  # type: ignore[misc]
    """doit's run command, judging targets by their content keys."""

    dep_manager: Any
    sel_tasks: Any

    def execute(self, params: Any, args: list[str]) -> int:
        """Run with doit's parsed options and the selected tasks."""
        if not params["always"]:
            FRONT.command = self
        code: int = super().execute(params, args)
        return code

    @functools.wraps(DoitRun._execute)  # doit reads the options it has to pass from the signature
    def _execute(self, **options: Any) -> int:
        if self.sel_tasks is not None:
            self.sel_tasks = [relative(name) for name in self.sel_tasks]
        self.dep_manager = Judge(self.dep_manager, always=options["always"])
        # What was loaded lives until the end; the collector need not look at it again.
        gc.freeze()
        gc.enable()
        try:
            result: int = super()._execute(**options)
        except InvalidCommand as error:
            name = error.not_found
            if name is None:
                raise
            near = nearest(name, {**self.control.tasks, **self.control.targets})
            hint = f"the nearest are {near}" if near else '"doit list --all" shows every task'
            raise InvalidCommand(f"{name} is no command, task or target\nhint: {hint}") from None
        return result
