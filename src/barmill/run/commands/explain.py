"""`doit explain TASK…`: why each target would run, what it reads, and what last came of it."""

import json
from collections.abc import Iterator
from typing import Any

from doit.exceptions import InvalidCommand
from doit.task import Task

from barmill.errors import BarmillError
from barmill.run.backend import FORGOTTEN
from barmill.run.commands.select import JSON_OPTION, chosen_targets
from barmill.run.plain import Helped
from barmill.run.questions import reasons


class Explain(Helped):
    """Asks the questions that `doit run` decides by, all of them, and runs nothing."""

    name = "explain"
    doc_purpose = "why targets would run, what they read, what wrote them"
    doc_usage = "TASK/TARGET..."
    doc_description = "Exit code 0 if all are fresh, 1 if one is stale."
    cmd_options = (JSON_OPTION,)

    def _execute(self, as_json: bool, pos_args: list[str]) -> int:
        if not pos_args:
            raise InvalidCommand("explain which target?\nhint: for example doit explain export:AAPL.US; doit status counts all")
        explanations = [self._explain(task) for task in chosen_targets(self.task_list, pos_args)]
        if as_json:
            self.outstream.write(json.dumps(explanations, indent=1) + "\n")
        else:
            self.outstream.write("\n".join("\n".join(_lines(each)) + "\n" for each in explanations))
        return 0 if all(not each["reasons"] for each in explanations) else 1

    def _explain(self, task: Task) -> dict[str, Any]:
        target, cache = task.meta["target"], task.meta["cache"]
        values = self.dep_manager.get_values(task.name)
        try:
            found = list(reasons(cache, target, values))
        except BarmillError as error:
            found = [error.fact]
        if self.dep_manager._get(task.name, FORGOTTEN):
            found.insert(0, "it was forgotten (doit forget)")
        key = values.get("finished", "").partition(" ")[0]
        record = cache.actions.get(key) if key else None
        return {
            "task": task.name,
            "reasons": found,
            "key": key or None,
            "reads": [{"role": role, "path": path} for role, path in target.spelled_out()],
            "writes": {role: str(path) for role, path in target.outputs.items()},
            "params": dict(target.params),
            "origin": values.get("origin"),
            "built": {"started": record.started, "seconds": record.seconds, "host": record.host} if record else None,
        }


def _lines(explanation: dict[str, Any]) -> Iterator[str]:
    stale = explanation["reasons"]
    yield f"{explanation['task']}: {'stale' if stale else 'fresh'}"
    yield from (f"  because  {reason}" for reason in stale)
    yield from _paths("reads", [(each["role"], each["path"]) for each in explanation["reads"]])
    yield from _paths("writes", list(explanation["writes"].items()))
    if explanation["params"]:
        yield "  params   " + ", ".join(f"{name}={value!r}" for name, value in explanation["params"].items())
    if explanation["built"]:
        built = explanation["built"]
        yield f"  built    {built['started']} on {built['host']} in {built['seconds']:.3f} s, key {explanation['key'][:12]}"
        if explanation["origin"] == "fetched":
            yield "  fetched  from the remote"


def _paths(word: str, paths: list[tuple[str, str]], most: int = 10) -> Iterator[str]:
    yield from (f"  {word:8} {role} {path}" for role, path in paths[:most])
    if len(paths) > most:
        yield f"  {word:8} and {len(paths) - most} more (--json lists all)"
