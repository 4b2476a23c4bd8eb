"""`doit explain TASK…`: why each target would run, what it reads, and what last came of it."""

import json
from collections.abc import Iterator
from typing import Any

from doit.dependency import DependencyStatus
from doit.exceptions import InvalidCommand
from doit.task import Task

from barmill.errors import BarmillError
from barmill.run.backend import FORGOTTEN
from barmill.run.commands.select import JSON_OPTION, chosen
from barmill.run.plain import Helped
from barmill.run.questions import reasons
from barmill.run.standing import FRESH, Graph, Standing


class Explain(Helped):
    """Asks the questions that `doit run` decides by, all of them, and runs nothing."""

    name = "explain"
    doc_purpose = "why targets would run, what they read, what wrote them"
    doc_usage = "TASK/TARGET..."
    doc_description = (
        "A target is behind if it reads what a target that is not fresh writes, also through others: it runs if what it reads "
        "changes. Exit code 0 if all are fresh, 1 if not."
    )
    cmd_options = (JSON_OPTION,)

    def _execute(self, as_json: bool, pos_args: list[str]) -> int:
        if not pos_args:
            raise InvalidCommand("explain which target?\nhint: for example doit explain export:AAPL.US; doit status counts all")
        graph = Graph(self.task_list, self.dep_manager, self.loader.namespace)
        explanations = [self._explain(task, graph) for task in chosen(graph.working(), pos_args)]
        if as_json:
            self.outstream.write(json.dumps(explanations, indent=1) + "\n")
        else:
            self.outstream.write("\n".join("\n".join(_lines(each)) + "\n" for each in explanations))
        return 0 if all(each["kind"] == FRESH for each in explanations) else 1

    def _explain(self, task: Task, graph: Graph) -> dict[str, Any]:
        standing = graph.standing(task)
        found = list(_behind(standing)) if standing.behind else []
        if task.meta and "target" in task.meta:
            return self._of_target(task, standing, found)
        if standing.kind != FRESH and not standing.behind:
            found += _of_doit(self.dep_manager.get_status(task, graph.tasks, get_log=True))
        return {
            "task": task.name,
            "kind": standing.kind,
            "reasons": found,
            "key": None,
            "reads": [{"role": "file_dep", "path": path} for path in sorted(task.file_dep)],
            "writes": {path: path for path in task.targets},
            "params": {},
            "origin": None,
            "built": None,
        }

    def _of_target(self, task: Task, standing: Standing, found: list[str]) -> dict[str, Any]:
        target, cache = task.meta["target"], task.meta["cache"]
        values = self.dep_manager.get_values(task.name)
        try:
            found += reasons(cache, target, values)
        except BarmillError as error:
            found.append(error.fact)
        if self.dep_manager._get(task.name, FORGOTTEN):
            found.insert(0, "it was forgotten (doit forget)")
        key = values.get("finished", "").partition(" ")[0]
        record = cache.actions.get(key) if key else None
        return {
            "task": task.name,
            "kind": standing.kind,
            "reasons": found,
            "key": key or None,
            "reads": [{"role": role, "path": path} for role, path in target.spelled_out()],
            "writes": {role: str(path) for role, path in target.outputs.items()},
            "params": dict(target.params),
            "origin": values.get("origin"),
            "built": {"started": record.started, "seconds": record.seconds, "host": record.host} if record else None,
        }


def _behind(standing: Standing) -> Iterator[str]:
    if standing.through:
        yield f"{standing.through} is written by {standing.behind}, which is not fresh"
    else:
        yield f"{standing.behind}, which decides what this target is, is not fresh"


def _of_doit(status: DependencyStatus) -> Iterator[str]:
    """Doit's reasons for running a plain task."""
    for kind, what in status.reasons.items():
        if not what:
            continue
        names = ", ".join(map(str, what)) if isinstance(what, (list, tuple, set)) else ""
        yield f"{kind.replace('_', ' ')}{f': {names}' if names else ''}"


def _lines(explanation: dict[str, Any]) -> Iterator[str]:
    yield f"{explanation['task']}: {explanation['kind']}"
    yield from (f"  because  {reason}" for reason in explanation["reasons"])
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
