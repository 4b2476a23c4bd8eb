"""`doit verify`: find every damage at rest: in the store, in what was built, in what is remembered, and in the inputs."""

import dataclasses
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from doit.exceptions import InvalidCommand
from doit.loader import generate_tasks
from doit.task import Task

from barmill.errors import BarmillError
from barmill.run.commands.select import JSON_OPTION, all_targets, no_arguments
from barmill.run.lock import LOCK
from barmill.run.plain import Helped, option
from barmill.store.recheck import Finished, verify_project, verify_state
from barmill.store.verify import Examination, verify_store

_INPUTS = option("inputs", "read the inputs again, too", default=False)
_REPAIR = option("repair", "set aside what is damaged, so that the next run makes it good", default=False)
_JOBS = option("jobs", "threads that read [default: %(default)s]", default=os.cpu_count() or 1, short="j")


class Verify(Helped):
    """Reads everything and runs nothing; a stage whose targets can't be told hides none of the others."""

    name = "verify"
    doc_purpose = "find every damaged, missing or stray file"
    doc_usage = ""
    doc_description = (
        "Reads every object and record of the store, every output, the state file, and with --inputs the inputs. A file that "
        "changed since it was built is stale, not damaged; the next run sees to it. Waits for a run that is at work. Exit code "
        "0 if all is sound, 1 if a fault was found, also if it was repaired."
    )
    cmd_options = (_INPUTS, _REPAIR, JSON_OPTION, _JOBS)
    execute_tasks = True  # doit leaves the stages that are made after others to us: making them may read what is damaged

    def execute(self, params: Any, args: list[str]) -> int:
        """Examine with doit's parsed options, when no run is at work: what one has just written would be taken for damage."""
        LOCK.wanted = True
        code: int = super().execute(params, args)
        return code

    def _execute(self, inputs: bool, repair: bool, as_json: bool, jobs: int, pos_args: list[str]) -> int:
        no_arguments("verify", pos_args)
        if jobs < 1:
            raise InvalidCommand(f"-j {jobs}: at least one thread has to read\nhint: leave it out to use every processor")
        exam = Examination(repair, jobs)
        bar = None
        if self.outstream.isatty() and not os.environ.get("CI") and not as_json:
            from barmill.run.progress import Bar

            bar = Bar(self.outstream.terminal)
            exam.progress = bar.draw
        try:
            self._examine(exam, inputs=inputs)
        except BarmillError as error:
            raise InvalidCommand(str(error)) from None
        finally:
            if bar:
                bar.close()
        self.outstream.write(_json(exam) if as_json else "".join(f"{line}\n" for line in _lines(exam, inputs=inputs)))
        return 1 if exam.faults else 0

    def _examine(self, exam: Examination, *, inputs: bool) -> None:
        state_is_sound = verify_state(exam, Path(self.dep_manager.name))
        targets = all_targets(self._tasks(exam))
        if targets and state_is_sound:
            finished = (Finished(task.name, task.meta["target"], self._line(task)) for task in targets)
            verify_project(exam, targets[0].meta["cache"], finished, inputs=inputs)
        if targets:
            cache = targets[0].meta["cache"]
            verify_store(exam, cache.objects, cache.actions)

    def _tasks(self, exam: Examination) -> Iterator[Task]:
        for task in self.task_list:
            if not task.loader:
                yield task
                continue
            try:
                yield from generate_tasks(task.name, task.loader.creator())
            except Exception as error:  # noqa: BLE001 whatever a stage makes of a damaged file
                fact = str(error).partition("\n")[0]
                what = f"the targets of {task.name} can't be told: {type(error).__name__}: {fact}"
                exam.add("targets", ".", what, "run doit: what it reads is made good first; then verify again")

    def _line(self, task: Task) -> str:
        return str(self.dep_manager.get_values(task.name).get("finished", ""))


def _json(exam: Examination) -> str:
    faults = [dataclasses.asdict(fault) for fault in exam.faults]
    return json.dumps({"examined": dict(sorted(exam.counts.items())), "faults": faults}, indent=1) + "\n"


def _lines(exam: Examination, *, inputs: bool) -> Iterator[str]:
    n = exam.counts
    yield from (f"{fault.kind}: {fault.path} {fault.what}; hint: {fault.cure}" for fault in exam.faults)
    yield ", ".join(
        [
            f"{n['objects']} objects ({n['bytes']} bytes)",
            f"{n['records']} records",
            f"{n['outputs']} outputs",
            f"{n['inputs']} inputs" if inputs else "no inputs (--inputs)",
            *_more(n["foreign"], "records of another format"),
            *_more(n["quarantined"], "in quarantine"),
            *_more(n["stale"], "stale"),
            f"{len(exam.faults)} faults",
        ]
    )


def _more(number: int, what: str) -> Iterable[str]:
    return [f"{number} {what}"] if number else []
