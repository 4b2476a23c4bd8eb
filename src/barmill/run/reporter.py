"""doit's reporter: a progress bar on a terminal, plain lines elsewhere, and a last line that counts what was done."""

import os
import sys
import time
from collections.abc import Mapping
from typing import IO, Any

from doit.exceptions import BaseFail, UnmetDependency
from doit.reporter import ConsoleReporter
from doit.task import Task

from barmill.run.front import FRONT
from barmill.run.questions import told_of
from barmill.run.shown import shown
from barmill.run.tally import ORIGINS, Tally
from barmill.run.tasks import Absent

_TRIED_AGAIN = "hint: mend it and run doit, which tries again what failed, and takes the other pieces as they are"
_OTHERS = ("absent", "blocked", "ignored")


class Reporter(ConsoleReporter):  # type: ignore[misc]
    """Says what was built, restored or failed; targets that were fresh are only counted, and under a bar all good ones.

    Args:
        outstream: where to write.
        options: doit's reporter options.
    """

    desc = "barmill: progress bar or plain lines, then the counts and the time saved"

    def __init__(self, outstream: IO[str], options: Mapping[str, Any]) -> None:
        super().__init__(outstream, options)
        self._tally = Tally()
        self._start = time.perf_counter()
        self._tasks: Mapping[str, Task] = {}
        self._bar: Any = None

    def initialize(self, tasks: Mapping[str, Task], selected_tasks: list[str]) -> None:
        """Show the bar, if there is a terminal to show it on."""
        self._tasks = tasks
        if self.outstream.isatty() and not os.environ.get("CI"):
            from barmill.run.progress import Bar

            self._bar = Bar(self.outstream)
        self._count_passed()

    def get_status(self, task: Task) -> None:
        """A task is looked at."""
        if self._bar:
            self._bar.show(task.name, self._tally.total, self._tasks)

    def show_workers(self, at_work: Mapping[str, str]) -> None:
        """What the workers of a cluster are at work on."""
        if self._bar:
            self._bar.show_workers(at_work)

    def execute_task(self, task: Task) -> None:
        """A task starts: nothing to say before it has ended."""

    def add_success(self, task: Task) -> None:
        """A task was executed."""
        if not task.actions:
            return
        values = task.values
        title = f"{task.title()}, {values['note']}" if values.get("note") else task.title()
        if failed := values.get("failed"):
            self._tally.add(task.name, "failed")
            self._line(f"{'failed':9}{title}\n{_indented(told_of(failed))}{_indented(_TRIED_AGAIN)}".rstrip())
        else:
            self._add(task.name, title, values.get("origin", "built"), values.get("seconds", 0.0), values.get("saved", 0.0))
        if task.values.get("warning"):
            self._line(f"warning: {task.name}: {task.values['warning']}")

    def skip_uptodate(self, task: Task) -> None:
        """A task was up to date."""
        if task.actions:
            self._tally.add(task.name, "fresh")

    def skip_ignore(self, task: Task) -> None:
        """A task is ignored at the user's wish (`doit ignore`)."""
        self._tally.add(task.name, "ignored")
        self._line(f"{'ignored':9}{task.title()}")

    def add_failure(self, task: Task, fail: BaseFail) -> None:
        """A task failed, or could not be tried."""
        if isinstance(fail, UnmetDependency):
            if task.actions:
                self._tally.add(task.name, "blocked")
                self._line(f"{'blocked':9}{task.title()}  needs {', '.join(fail.message.split())}")
            return
        if isinstance(fail, Absent):
            self._tally.add(task.name, "absent")
            self._line(f"{'absent':9}{task.title()}")
            return
        self._tally.add(task.name, "failed")
        self.failures.append({"task": task, "exception": fail})
        message = fail.message.removeprefix(f"ERROR: Task '{task.name}' checking dependencies: ")
        self._line(f"{'failed':9}{task.title()}\n{_indented(message)}{_indented(''.join(fail.traceback))}".rstrip())

    def complete_run(self) -> None:
        """Everything that failed once more, what tasks printed, and the counts."""
        if self._bar:
            self._bar.close()
        for failure in self.failures:
            printed = "".join(text for action in failure["task"].actions for text in (action.out, action.err) if text)
            if printed:
                self._line(f"{failure['task'].name} printed:\n{_indented(printed)}".rstrip())
        for message in self.runtime_errors:
            self._line(f"error: {message}")
        self._count_passed()
        for warning in FRONT.plan.warnings() if FRONT.plan else ():
            self._line(f"warning: {warning}")
        seconds = time.perf_counter() - self._start
        counts = ", ".join(f"{self._tally.count(origin)} {origin}" for origin in _origins())
        others = "".join(f", {self._tally.count(kind)} {kind}" for kind in _OTHERS if self._tally.count(kind))
        total = self._tally.saved.total()
        saved = f"; the cache saved {total:.1f} s" if round(total, 1) else ""
        self._line(f"{counts}{others} in {seconds:.2f} s{saved}")
        FRONT.tally = self._tally

    def _count_passed(self) -> None:
        """Count the targets that needed no task, of the stages listed since this was last done."""
        for task in self._tasks.values():
            if task.meta and "passed" in task.meta:
                passed = task.meta.pop("passed")
                others = [each for each in passed if each[1].origin != "fresh"]
                self._tally.add(task.name, "fresh", number=len(passed) - len(others))
                for name, outcome in others:
                    self._add(name, name, outcome.origin, outcome.seconds, outcome.saved)

    def _add(self, name: str, title: str, origin: str, seconds: float, saved: float) -> None:
        self._tally.add(name, origin, seconds, saved)
        if origin != "fresh" and not self._bar:
            self._line(f"{origin:9}{title}  {seconds:.3f} s")

    def _line(self, text: str) -> None:
        if self._bar:
            self._bar.print(shown(text))
        else:
            self.write(f"{shown(text)}\n")

    def cleanup_error(self, exception: BaseFail) -> None:
        """A teardown failed."""
        sys.stderr.write(exception.get_msg())


def _origins() -> tuple[str, ...]:
    return tuple(origin for origin in ORIGINS if origin != "fetched" or FRONT.remote is not None)


def _indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())
