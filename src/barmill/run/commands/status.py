"""`doit status`: per stage how many targets are fresh, stale, missing, or behind a stale one. Runs nothing."""

import json
from collections import Counter

from doit.task import Task

from barmill.errors import BarmillError
from barmill.run.commands.select import JSON_OPTION, all_targets, no_arguments
from barmill.run.front import FRONT
from barmill.run.plain import Helped
from barmill.run.questions import is_fresh

_KINDS = ("fresh", "stale", "missing", "behind")


class Status(Helped):
    """Counts per stage; the same questions decide as in `doit run`."""

    name = "status"
    doc_purpose = "per stage: fresh, stale, missing and behind targets"
    doc_usage = ""
    doc_description = (
        "missing: an output is not there. stale: something it was built from changed. behind: it reads an output of a stale or "
        "missing target. A stage whose targets are known only after an earlier stage has run counts what is known now. "
        "Exit code 0 if all are fresh, 1 if not."
    )
    cmd_options = (JSON_OPTION,)

    def _execute(self, as_json: bool, pos_args: list[str]) -> int:
        no_arguments("status", pos_args)
        counts: dict[str, Counter[str]] = {}
        moving: set[str] = set()
        for task in all_targets(self.task_list):
            kind = self._kind(task, moving)
            counts.setdefault(task.subtask_of, Counter())[kind] += 1
            if kind != "fresh":
                moving.update(task.targets)
        if as_json:
            self.outstream.write(json.dumps({stage: {k: n[k] for k in _KINDS} for stage, n in counts.items()}, indent=1) + "\n")
        else:
            self.outstream.write(_table(counts))
            for unmatched in FRONT.plan.unmatched() if FRONT.plan else ():
                self.outstream.write(f"warning: {unmatched}\n")
        return 0 if not moving else 1

    def _kind(self, task: Task, moving: set[str]) -> str:
        target, cache = task.meta["target"], task.meta["cache"]
        if any(not path.exists() for role, path in target.outputs.items() if role not in target.optional):
            return "missing"
        if any(path in moving for _, path in target.spelled_out()):
            return "behind"
        try:
            return "fresh" if is_fresh(cache, target, task.name) else "stale"
        except BarmillError:
            return "stale"


def _table(counts: dict[str, Counter[str]]) -> str:
    width = max((len(stage) for stage in counts), default=5)
    lines = [f"{'stage':{width}}" + "".join(f"{kind:>9}" for kind in _KINDS)]
    for stage, numbers in counts.items():
        lines.append(f"{stage:{width}}" + "".join(f"{numbers[kind]:9}" for kind in _KINDS))
    return "\n".join(lines) + "\n"
