"""`doit pin NAME [TASK…]` and `doit unpin NAME`: keep results in the store, and let them go."""

from pathlib import Path
from typing import Any

from doit.exceptions import InvalidCommand

from barmill.errors import StoreError, nearest
from barmill.hashing import Digest
from barmill.run.commands.select import all_targets, chosen_targets
from barmill.run.plain import Helped
from barmill.run.storewide import StoreWide
from barmill.store import pins


class Pin(Helped):
    """Keeps the records that the targets' last runs came to, and the objects that they name."""

    name = "pin"
    doc_purpose = "keep results in the store under a name; without a name, list the pins"
    doc_usage = "[NAME [TASK/TARGET...]]"
    doc_description = "Without a target, all that are built are kept. doit gc leaves pinned records alone, whoever runs it."
    cmd_options = ()

    def _execute(self, store: str, pos_args: list[str]) -> int:
        try:
            if not pos_args:
                for pin in pins.pinned(Path(store)):
                    self.outstream.write(f"{pin.name}: {len(pin.keys)} records, pinned {pin.created}\n")
                return 0
            name, *chosen = pos_args
            tasks = list(chosen_targets(self.task_list, chosen)) if chosen else all_targets(self.task_list)
            keys = {task.name: key for task in tasks if (key := self._key(task.name))}
            unbuilt = [task.name for task in tasks if task.name not in keys]
            if unbuilt and (chosen or not keys):
                raise InvalidCommand(f"{unbuilt[0]} was never built here: there is no result to keep\nhint: run doit first")
            pins.pin(Path(store), name, keys)
        except StoreError as error:
            raise InvalidCommand(str(error)) from None
        also = f"; {len(unbuilt)} targets that were never built are not among them" if unbuilt else ""
        self.outstream.write(f"{name}: {len(keys)} records pinned{also}\n")
        return 0

    def _key(self, task: str) -> Digest | None:
        """The key of the record that the task's last run came to."""
        return Digest(self.dep_manager.get_values(task).get("finished", "").partition(" ")[0]) or None


class Unpin(StoreWide):
    """Lets a pin go; its records stay until a gc with a limit."""

    name = "unpin"
    doc_purpose = "let a pin go"
    doc_usage = "NAME"
    doc_description = "Nothing is removed: doit gc does that."
    cmd_options: tuple[Any, ...] = ()

    def _execute(self, store: str, pos_args: list[str]) -> int:
        if len(pos_args) != 1:
            raise InvalidCommand("doit unpin takes the name of one pin\nhint: doit pin lists them")
        try:
            pins.unpin(Path(store), pos_args[0])
        except FileNotFoundError:
            near = nearest(pos_args[0], dict.fromkeys(pins.names(Path(store))))
            raise InvalidCommand(
                f"there is no pin {pos_args[0]}\nhint: {f'the nearest are {near}' if near else 'doit pin lists them'}"
            ) from None
        self.outstream.write(f"{pos_args[0]} let go\n")
        return 0
