"""`doit status`: per stage how many targets are fresh, stale, missing, or behind a stale one. Runs nothing."""

import json
from collections import Counter
from collections.abc import Mapping

from barmill.run.commands.select import JSON_OPTION, no_arguments
from barmill.run.front import FRONT
from barmill.run.plain import Helped
from barmill.run.standing import FRESH, KINDS, Graph


class Status(Helped):
    """Counts per stage; the same questions decide as in `doit run`."""

    name = "status"
    doc_purpose = "per stage: fresh, stale, missing and behind targets"
    doc_usage = ""
    doc_description = (
        "missing: an output is not there. stale: something it was built from changed. behind: a target that is not fresh "
        "writes what it reads, or decides it. A stage whose targets are known only after such a target has run is named. "
        "A plain task counts under its own name. Exit code 0 if all are fresh, 1 if not."
    )
    cmd_options = (JSON_OPTION,)

    def _execute(self, as_json: bool, pos_args: list[str]) -> int:
        no_arguments("status", pos_args)
        graph = Graph(self.task_list, self.dep_manager, self.loader.namespace)
        counts: dict[str, Counter[str]] = {}
        for task in graph.working():
            counts.setdefault(str(task.subtask_of or task.name), Counter())[graph.standing(task).kind] += 1
        unsettled = graph.unsettled()
        if as_json:
            stages: dict[str, dict[str, int | str]] = {stage: {kind: n[kind] for kind in KINDS} for stage, n in counts.items()}
            for stage, name in unsettled.items():
                stages.setdefault(stage, dict.fromkeys(KINDS, 0))["not_known_until"] = name
            self.outstream.write(json.dumps(stages, indent=1) + "\n")
        else:
            self.outstream.write(_table(counts, unsettled))
            for warning in FRONT.plan.warnings() if FRONT.plan else ():
                self.outstream.write(f"warning: {warning}\n")
        return 0 if all(each.total() == each[FRESH] for each in counts.values()) else 1


def _table(counts: Mapping[str, Counter[str]], unsettled: Mapping[str, str]) -> str:
    width = max((len(stage) for stage in counts), default=5)
    lines = [f"{'stage':{width}}" + "".join(f"{kind:>9}" for kind in KINDS)]
    for stage, numbers in counts.items():
        lines.append(f"{stage:{width}}" + "".join(f"{numbers[kind]:9}" for kind in KINDS))
    lines += [f"{stage}: all its targets are known only after {name} has run" for stage, name in unsettled.items()]
    return "\n".join(lines) + "\n"
