"""`doit gc`: remove from the store what nothing can use, and what breaks a limit."""

import dataclasses
import json
import os
from collections.abc import Iterator
from pathlib import Path

from barmill.run.commands.select import DRY_RUN_OPTION, JSON_OPTION, no_arguments
from barmill.run.plain import option
from barmill.run.storewide import StoreWide
from barmill.run.units import age, number, size, spelled
from barmill.store.collect import Report, collect
from barmill.store.guard import Guard
from barmill.store.limits import Limits
from barmill.store.projects import register


class Gc(StoreWide):
    """Safe while others build; keeps the present graph of every project that uses the store, and what is pinned."""

    name = "gc"
    doc_purpose = "remove from the store what is of no use, or breaks a limit"
    doc_description = (
        "Without a limit only what nothing can use goes: objects without a record, damaged records, what was left by a kill. "
        "A record that breaks any of the limits goes, unless it is pinned or of the present graph of a project that uses "
        'the store and is seen from here ("doit store" lists them). A target that comes back is built again.'
    )
    cmd_options = (
        option("older_than", "remove records not used for that long, such as 30d"),
        option("max_size", "remove the least recently used records until the store fits, such as 10G"),
        option("keep_last", "of each task keep the N records that were built last, no more"),
        option("grace", "seconds for which everything stays after it was used (3600)", default="3600"),
        option("ignored", "do not protect the project in this folder; may be repeated", default=[], long="ignore-project"),
        DRY_RUN_OPTION,
        JSON_OPTION,
    )

    def _execute(  # doit passes each option by name
        self,
        store: str,
        older_than: str,
        max_size: str,
        keep_last: str,
        grace: str,
        ignored: list[str],
        dry_run: bool,
        as_json: bool,
        pos_args: list[str],
    ) -> int:
        no_arguments("gc", pos_args)
        limits = Limits(
            age("--older-than", older_than) if older_than else None,
            size("--max-size", max_size) if max_size else None,
            number("--keep-last", keep_last) if keep_last else None,
        )
        seconds = number("--grace", grace)
        folder, paths = Path(store), [Path(os.path.abspath(path)) for path in ignored]
        if folder.is_dir():
            with Guard(folder).shared():
                register(folder, Path(os.path.abspath(self.dep_manager.name)))
        report = collect(folder, limits, grace=seconds, dry_run=dry_run, ignored=paths)
        if as_json:
            self.outstream.write(json.dumps(dataclasses.asdict(report), indent=1) + "\n")
        else:
            self.outstream.write("".join(f"{line}\n" for line in _lines(report, max_size)))
        return 0


def _lines(report: Report, max_size: str) -> Iterator[str]:
    word = "would be removed" if report.dry_run else "removed"
    rows = [(kind, tally, word) for kind, tally in report.removed.items() if tally.count]
    rows += [(kind, tally, "kept") for kind, tally in report.kept.items()]
    for kind, tally, what in rows:
        yield f"{kind:18}{tally.count:9} {spelled(tally.bytes):>11}  {what}"
    total = sum((tally.bytes for tally in report.removed.values()), 0)
    yield f"{spelled(total)} {'would be ' if report.dry_run else ''}freed"
    yield from report.notes
    if report.excess:
        why = ", ".join(f"{count} {reason}" for reason, count in report.held.items() if count)
        yield f"the store is {spelled(report.excess)} larger than --max-size {max_size}: {why or 'nothing'} may not go"
