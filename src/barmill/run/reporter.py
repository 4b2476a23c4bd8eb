"""doit's reporter: a progress bar on a terminal, plain lines elsewhere, and a last line that counts what was done."""

import os
import sys
import time
from collections import Counter
from collections.abc import Mapping
from typing import IO, Any

from doit.exceptions import BaseFail, UnmetDependency
from doit.reporter import ConsoleReporter
from doit.task import Task

from barmill.run.questions import told_of

_TRIED_AGAIN = "hint: mend it and run doit, which tries again what failed, and takes the other pieces as they are"


class Reporter(ConsoleReporter):  # type: ignore[misc]
    """Says what was built, restored or failed; targets that were fresh are only counted, and under a bar all good ones.

    Args:
        outstream: where to write.
        options: doit's reporter options.
    """

    desc = "barmill: progress bar or plain lines, then the counts and the time saved"

    def __init__(self, outstream: IO[str], options: Mapping[str, Any]) -> None:
        super().__init__(outstream, options)
        self._count: Counter[str] = Counter()
        self._saved = 0.0
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
            self._bar.show(task.name, sum(self._count.values()), self._tasks)

    def execute_task(self, task: Task) -> None:
        """A task starts: nothing to say before it has ended."""

    def add_success(self, task: Task) -> None:
        """A task was executed."""
        if not task.actions:
            return
        values = task.values
        name = f"{task.title()}, {values['note']}" if values.get("note") else task.title()
        if failed := values.get("failed"):
            self._count["failed"] += 1
            self._line(f"{'failed':9}{name}\n{_indented(told_of(failed))}{_indented(_TRIED_AGAIN)}".rstrip())
        else:
            self._add(name, values.get("origin", "built"), values.get("seconds", 0.0), values.get("saved", 0.0))
        if task.values.get("warning"):
            self._line(f"warning: {task.name}: {task.values['warning']}")

    def skip_uptodate(self, task: Task) -> None:
        """A task was up to date."""
        if task.actions:
            self._count["fresh"] += 1

    def skip_ignore(self, task: Task) -> None:
        """A task is ignored at the user's wish (`doit ignore`)."""
        self._count["ignored"] += 1
        self._line(f"{'ignored':9}{task.title()}")

    def add_failure(self, task: Task, fail: BaseFail) -> None:
        """A task failed, or could not be tried."""
        if isinstance(fail, UnmetDependency):
            if task.actions:
                self._count["blocked"] += 1
                self._line(f"{'blocked':9}{task.title()}  needs {', '.join(fail.message.split())}")
            return
        self._count["failed"] += 1
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
        seconds = time.perf_counter() - self._start
        counts = ", ".join(f"{self._count[origin]} {origin}" for origin in ("built", "restored", "fresh", "failed"))
        others = "".join(f", {self._count[kind]} {kind}" for kind in ("blocked", "ignored") if self._count[kind])
        saved = f"; the cache saved {self._saved:.1f} s" if round(self._saved, 1) else ""
        self._line(f"{counts}{others} in {seconds:.2f} s{saved}")

    def _count_passed(self) -> None:
        """Count the targets that needed no task, of the stages listed since this was last done."""
        for passed in (task.meta.pop("passed") for task in self._tasks.values() if task.meta and "passed" in task.meta):
            for name, outcome in passed:
                self._add(name, outcome.origin, outcome.seconds, outcome.saved)

    def _add(self, name: str, origin: str, seconds: float, saved: float) -> None:
        self._count[origin] += 1
        if origin == "fresh":
            return
        self._saved += max(0.0, saved - seconds) if origin == "restored" else 0.0
        if not self._bar:
            self._line(f"{origin:9}{name}  {seconds:.3f} s")

    def _line(self, text: str) -> None:
        if self._bar:
            self._bar.print(text)
        else:
            self.write(f"{text}\n")

    def cleanup_error(self, exception: BaseFail) -> None:
        """A teardown failed."""
        sys.stderr.write(exception.get_msg())


def _indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())
