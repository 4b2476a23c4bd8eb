"""`doit prune`: remove outputs that no target claims any more, of instruments that were dropped or stages that were renamed."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from barmill import files
from barmill.run.commands.select import DRY_RUN_OPTION, all_targets, no_arguments
from barmill.run.lock import LOCK
from barmill.run.plain import Helped


class Prune(Helped):
    """Looks only in the folders of the stages that exist; what any task claims stays, and the store keeps what was removed."""

    name = "prune"
    doc_purpose = "remove outputs that no target claims"
    doc_usage = ""
    doc_description = "The store is not touched: a target that comes back is restored. Build first: the plan decides."
    cmd_options = (DRY_RUN_OPTION,)

    def execute(self, params: Any, args: list[str]) -> int:
        """Prune with doit's parsed options, when no other run is at work."""
        LOCK.wanted = True
        code: int = super().execute(params, args)
        return code

    def _execute(self, dry_run: bool, pos_args: list[str]) -> int:
        no_arguments("prune", pos_args)
        targets = all_targets(self.task_list)
        claimed = {os.path.abspath(path) for task in self.task_list for path in task.targets}
        artifacts = Path(self.dep_manager.name).parent
        stages = sorted({task.name for task in self.task_list if "passed" in (task.meta or {})})
        orphans = [path for stage in stages for path in _orphans(artifacts / stage, claimed)]
        for path in orphans:
            self.outstream.write(f"{path}\n")
            if not dry_run:
                files.remove(path)
        names = {task.name for task in self.task_list}
        gone = [name for name in targets[0].meta["cache"].state.tasks if name not in names] if targets else []
        if not dry_run:
            for name in gone:
                self.dep_manager.backend.drop(name)
            self.dep_manager.close()
        self.outstream.write(f"{len(orphans)} outputs {'would be ' if dry_run else ''}removed\n")
        return 0


def _orphans(folder: Path, claimed: set[str]) -> Iterator[Path]:
    """Files below `folder` that no task claims and that lie in no claimed folder; empty folders go with their last file."""
    if not folder.is_dir() or not claimed.isdisjoint(map(str, [folder.absolute(), *folder.absolute().parents])):
        return
    for path in sorted(folder.iterdir()):
        absolute = os.path.abspath(path)
        if absolute in claimed:
            continue
        if path.is_dir() and not path.is_symlink() and any(one.startswith(absolute + os.sep) for one in claimed):
            yield from _orphans(path, claimed)
        else:
            yield path
