"""The progress bar: stage, counts, time left. Imported only where there is a terminal."""

import time
from collections.abc import Iterator, Mapping
from typing import IO

from doit.task import Task
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

_INTERVAL = 0.05
_SHOWN = 8  # workers


class _Progress(Progress):
    """A progress bar with a line for each worker below it."""

    def __init__(self, *columns: TextColumn | BarColumn | MofNCompleteColumn | TimeRemainingColumn, console: Console) -> None:
        self.workers: Mapping[str, str] = {}
        super().__init__(*columns, console=console, auto_refresh=False, transient=True)

    def get_renderables(self) -> Iterator[RenderableType]:
        """The bar, then the workers."""
        yield from super().get_renderables()
        for name, what in sorted(self.workers.items())[:_SHOWN]:
            yield Text(f"  {name}  {what}", no_wrap=True, overflow="ellipsis")
        if len(self.workers) > _SHOWN:
            yield Text(f"  and {len(self.workers) - _SHOWN} more workers")


class Bar:
    """A bar without a thread of its own (doit forks its workers), drawn when something happens, at most 20 times a second."""

    def __init__(self, stream: IO[str]) -> None:
        self._progress = _Progress(
            TextColumn("{task.description:12}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(file=stream),
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

    def show_workers(self, at_work: Mapping[str, str]) -> None:
        """Draw what each worker is at work on below the bar, unless it was drawn just now."""
        self._progress.workers = at_work
        if at_work and time.monotonic() - self._drawn >= _INTERVAL:
            self._drawn = time.monotonic()
            self._progress.refresh()

    def print(self, text: str) -> None:
        """Print a line above the bar."""
        self._progress.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Take the bar away."""
        self._progress.stop()
