"""doit's state backend over our state file: read whole when it opens, every finished task committed at once."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from barmill.run.checker import CHECKER
from barmill.run.spelling import relative
from barmill.run.work import Result
from barmill.store.state import open_state
from barmill.target import Target

FORGOTTEN = "forgotten:"


class Backend:
    """A view of the state's task entries, in the shape doit asks for (`doit --backend barmill`).

    A task that was forgotten (`doit forget`) leaves a mark: its next run builds it, even if the store has the result.
    """

    desc = "SQLite, committed after each task"

    def __init__(self, name: str, codec: object = None, module_name: object = None) -> None:
        self.name = name
        self._state = open_state(Path(name))
        self._entries: dict[str, dict[str, Any]] = {}
        self._unwritten: set[str] = set()

    def get(self, task_id: str, dependency: str) -> Any:
        """A value of a task's entry, or None."""
        return self.entry(task_id).get(dependency)

    def set(self, task_id: str, dependency: str, value: Any) -> None:
        """Set a value of a task's entry. doit sets `deps:` last when a task has succeeded: then it is committed."""
        entry = self.entry(task_id)
        entry.pop(FORGOTTEN, None)
        entry[dependency] = value
        self._unwritten.add(task_id)
        if dependency == "deps:":
            self.dump()

    def finish(self, target: Target, task_id: str, result: Result) -> None:
        """Set the entry of a target that was finished, as doit itself would, to be written at the next `dump`."""
        deps = {name: self._state.stats.digest_once(name) for name in target.single_inputs()}
        checker = {"checker:": CHECKER, "deps:": list(deps)}
        self._entries[task_id] = {"_values_:": dict(result.values), "result:": result.key, **checker, **deps}
        self._unwritten.add(task_id)

    def look_again(self, names: Iterable[str]) -> None:
        """Look again at files that a task has just written, whichever way their paths are spelled."""
        for name in names:
            for path in {name, relative(name), os.path.abspath(name)}:
                self._state.stats.forget(path)

    def is_forgotten(self, task_id: str) -> bool:
        """Whether the user wants a task built at its next run, even if the store has the result."""
        if task_id not in self._entries and FORGOTTEN not in self._state.tasks.get(task_id, ""):
            return False  # most are not, and to decode the entries of ten thousand shows
        return bool(self.entry(task_id).get(FORGOTTEN))

    def in_(self, task_id: str) -> bool:
        """Whether the task has an entry."""
        return bool(self.entry(task_id).keys() - {FORGOTTEN})

    def remove(self, task_id: str) -> None:
        """Forget a task, at the user's wish: its next run builds it."""
        self._entries[task_id] = {FORGOTTEN: True}
        self._unwritten.add(task_id)
        self.dump()

    def remove_all(self) -> None:
        """Forget every task."""
        for task_id in self._state.tasks:
            self._entries[task_id] = {FORGOTTEN: True}
            self._unwritten.add(task_id)
        self.dump()

    def drop(self, task_id: str) -> None:
        """Remove the entry of a task that failed; a mark that it was forgotten stays."""
        if not self.entry(task_id).get(FORGOTTEN):
            self._entries[task_id] = {}
            self._state.drop("tasks", [task_id])
            self._state.commit()

    def dump(self) -> None:
        """Write what is not yet written."""
        for task_id in self._unwritten:
            self._state.put("tasks", task_id, self._entries[task_id])
        self._unwritten.clear()
        self._state.commit()

    def entry(self, task_id: str) -> dict[str, Any]:
        """A task's whole entry, to read and to change."""
        entry = self._entries.get(task_id)
        if entry is None:
            entry = self._entries[task_id] = _decode(self._state.tasks.get(task_id))
        return entry


def _decode(text: str | None) -> dict[str, Any]:
    try:
        entry = json.loads(text) if text else {}
    except ValueError:
        entry = {}
    return entry if isinstance(entry, dict) else {}
