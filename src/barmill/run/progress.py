"""The progress bar: stage, counts, time left. Imported only where there is a terminal."""

import time
from collections.abc import Mapping
from typing import IO

from doit.task import Task
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_INTERVAL = 0.05


class Bar:
    """A bar without a thread of its own (doit forks its workers), drawn when something happens, at most 20 times a second."""

    def __init__(self, stream: IO[str]) -> None:
        self._progress = Progress(
            TextColumn("{task.description:12}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(file=stream),
            auto_refresh=False,
            transient=True,
        )
        self._task = self._progress.add_task("", total=None)
        self._drawn = 0.0
        self._known = 0
        self._total = 0
        self._progress.start()

    def show(self, name: str, done: int, tasks: Mapping[str, Task]) -> None:
        """Draw the bar: `done` of the targets among `tasks`, at the stage of the task `name`."""
        if len(tasks) != self._known:
            self._known = len(tasks)
            self._total = sum(1 for task in tasks.values() if task.meta and "target" in task.meta)
        self.draw(name.partition(":")[0], done, self._total)

    def draw(self, what: str, done: int, total: int) -> None:
        """Draw the bar: `done` of `total`, unless it was drawn just now."""
        now = time.monotonic()
        if now - self._drawn < _INTERVAL:
            return
        self._drawn = now
        self._progress.update(self._task, description=what, completed=done, total=total)
        self._progress.refresh()

    def print(self, text: str) -> None:
        """Print a line above the bar."""
        self._progress.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Take the bar away."""
        self._progress.stop()
