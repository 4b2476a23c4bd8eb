"""`doit history`: what was done to the datasets, the failed and the interrupted updates, too."""

import json
import sys
from dataclasses import asdict
from typing import Any

from barmill.commands.base import Command
from barmill.config import Settings
from barmill.errors import BarmillError, UnknownSymbol, nearest
from barmill.run.commands.select import JSON_OPTION
from barmill.run.shown import Shown
from barmill.sources.history import TREE, History, names

_MOST = 100


class Histories(Command):
    """Tells the last 100 updates of some datasets, or the last of each."""

    name = "history"
    doc_purpose = "what was done to the datasets: loads, updates, syncs, failures"
    doc_usage = "[DATASET…]"
    doc_description = "Without a dataset the last entry of each. Exit code 1 if a history is damaged."
    cmd_options = (JSON_OPTION,)

    def _execute(self, as_json: bool, pos_args: list[str]) -> int:
        settings = self.plan.settings
        known = names(settings.series)
        wanted = [found for each in pos_args for found in _named(each, known)] or known
        told, code = {}, 0
        for name in wanted:
            try:
                told[name] = asdict(History.of(settings.series, name))
            except BarmillError as error:
                code = 1
                Shown(sys.stderr).write(f"error: {error}\n")
                continue
            if not as_json:
                self.outstream.write(f"{name}: {told[name]['provider'] or 'no provider'}\n")
                tell_history(self.outstream, settings, name, _MOST if pos_args else 1)
        if as_json:
            self.outstream.write(json.dumps(list(told.values()), indent=1) + "\n")
        return code


def tell_history(out: Any, settings: Settings, name: str, most: int) -> None:
    """Write the last updates of a dataset, a line each, the latest last."""
    for each in History.of(settings.series, name).updates[-most:]:
        what = f"{each.rows_before} → {each.rows_after} rows, {each.rows_added} new, {each.rows_changed} changed"
        if name == TREE:
            what = f"{each.rows_after} files, {each.rows_added} new, {each.rows_changed} changed"
        more = "; refreshed" if each.refreshed else ""
        out.write(f"  {each.at}  {each.status:11} {each.kind:6} {each.provider:12} {what}{more}, {each.seconds:.2f} s\n")
        out.write("".join(f"    {line}\n" for text in each.errors for line in text.splitlines()))


def _named(word: str, known: list[str]) -> list[str]:
    """The histories that a dataset's name or ticker means."""
    found = [word] if word in known else [name for name in known if name.rpartition("/")[2] == word.upper()]
    if not found:
        near = nearest(word, known)
        raise UnknownSymbol(f"nothing was done to {word} so far", f"the nearest are {near}" if near else "run doit load first")
    return found
