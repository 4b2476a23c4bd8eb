"""`doit push [TARGET…]`: send results of the project's present graph from the store to the remote."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

from doit.task import Task

from barmill.errors import BarmillError
from barmill.hashing import Digest
from barmill.run.commands.select import all_targets, chosen_targets
from barmill.run.front import FRONT
from barmill.run.plain import Helped
from barmill.run.remotely import the_remote
from barmill.run.units import spelled

_BATCH = 256  # records that are sent together
_TOLD = 10  # faults that are told one by one


class Push(Helped):
    """Sends what the local store has of the present graph, objects before records; what is there already is not sent."""

    name = "push"
    doc_purpose = "send results from the store to the remote"
    doc_usage = "[TASK/TARGET...]"
    doc_description = (
        "All targets that are known now, or some. What was not built here, or is stale, is counted and no fault. Exit code 0 "
        "if all that the store has is in the remote, 1 if something could not be sent."
    )
    cmd_options = ()

    def execute(self, params: Any, args: list[str]) -> int:
        """Run with doit's parsed options and the selected tasks."""
        FRONT.hurries = False
        try:
            code: int = super().execute(params, args)
        except KeyboardInterrupt:
            sys.stderr.write("ended by SIGINT; what was sent is sent, doit push goes on from here\n")
            return 128 + int(signal.SIGINT)
        return code

    def _execute(self, pos_args: list[str]) -> int:
        remote = the_remote("push", against="read")
        chosen = list(chosen_targets(self.task_list, pos_args) if pos_args else all_targets(self.task_list))
        start = time.perf_counter()
        names = {key: task.name for task in chosen if (key := _stored(task))}
        faults = 0
        for done, (key, fault) in enumerate(self._told(remote.send_each, names), 1):
            faults += fault is not None
            if fault is not None and faults <= _TOLD:
                sys.stderr.write(f"error: {names[key]}: {fault}\n")
            self._show(done, len(names))
        sent, size = remote.counts.sent_records, spelled(remote.counts.sent)
        there = len(names) - sent - faults
        failed = f", {faults} could not be sent" if faults else ""
        seconds = time.perf_counter() - start
        unbuilt = len(chosen) - len(names)
        self.outstream.write(
            f"{sent} sent, {there} there already, {unbuilt} not in the store{failed}; {size} in {seconds:.2f} s\n"
        )
        return 1 if faults else 0

    def _told(self, send: Any, names: dict[Digest, str]) -> Iterator[tuple[Digest, BarmillError | None]]:
        keys = list(names)
        for start in range(0, len(keys), _BATCH):
            yield from send(keys[start : start + _BATCH])

    def _show(self, done: int, total: int) -> None:
        if self.outstream.isatty() and not os.environ.get("CI"):
            self.outstream.terminal.write(f"\r{done} of {total}\r")
            self.outstream.flush()


def _stored(task: Task) -> Digest | None:
    """The key of what the store has of a target as it is now; None if it has nothing."""
    cache = task.meta["cache"]
    try:
        key: Digest = cache.key_once(task.meta["target"])
    except (BarmillError, OSError):
        return None
    record = cache.actions.get(key)
    return key if record is not None and not record.failed else None
