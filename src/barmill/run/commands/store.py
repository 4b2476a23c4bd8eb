"""`doit store`: figures of the store."""

import dataclasses
import datetime
import json
from collections.abc import Iterator
from pathlib import Path

from barmill.run.commands.select import JSON_OPTION, no_arguments
from barmill.run.storewide import StoreWide
from barmill.run.units import spelled
from barmill.store.figures import Figures, figures


class Store(StoreWide):
    """Looks at every record and object, and changes none."""

    name = "store"
    doc_purpose = "figures of the store: records, bytes, what they save, who uses it"
    doc_description = "Seconds are those that the builds took whose results are there. doit gc makes room."
    cmd_options = (JSON_OPTION,)

    def _execute(self, store: str, as_json: bool, pos_args: list[str]) -> int:
        no_arguments("store", pos_args)
        found = figures(Path(store))
        if as_json:
            self.outstream.write(json.dumps({"store": store, **dataclasses.asdict(found)}, indent=1) + "\n")
        else:
            self.outstream.write("".join(f"{line}\n" for line in _lines(store, found)))
        return 0


def _lines(store: str, found: Figures) -> Iterator[str]:
    yield f"{store}: {spelled(found.record_bytes + found.object_bytes)}"
    width = max(map(len, ("objects", *found.stages)))
    yield f"{'stage':{width}}{'records':>9}{'bytes':>12}{'build':>12}"
    for name, stage in found.stages.items():
        yield f"{name:{width}}{stage.records:9}{spelled(stage.bytes):>12}{stage.seconds:10.1f} s"
    yield f"{'records':{width}}{found.records:9}{spelled(found.record_bytes):>12}"
    yield f"{'objects':{width}}{found.objects:9}{spelled(found.object_bytes):>12}"
    yield f"{spelled(found.shared_bytes)} more if what is shared were there as often as it is named"
    if found.oldest is not None and found.newest is not None:
        yield f"records were used between {_time(found.oldest)} and {_time(found.newest)}"
    if found.unknown:
        yield f"{found.unknown} records are of another format, damaged or unreadable"
    if found.quarantine:
        yield f"{found.quarantine} damaged files, {spelled(found.quarantine_bytes)}, are in {store}/quarantine"
    yield from (f"pin      {name}: {count} records" for name, count in found.pins.items())
    yield from (f"project  {state}{'' if living else ' (gone)'}" for state, living in found.projects.items())


def _time(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
