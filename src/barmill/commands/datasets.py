"""`doit datasets`: every price series of the project, and the files that are none."""

import json

from barmill.commands.base import Command
from barmill.market.calendars import cure
from barmill.run.commands.select import JSON_OPTION, no_arguments


class Datasets(Command):
    """Lists what is built; `doit health` judges it."""

    name = "datasets"
    doc_purpose = "list the price series of the project"
    doc_description = "Exit code 1 if a file below the folder of single series is none, because of its place or name."
    cmd_options = (JSON_OPTION,)

    def _execute(self, as_json: bool, pos_args: list[str]) -> int:
        no_arguments("datasets", pos_args)
        plan = self.plan
        strays = list(map(str, plan.strays()))
        rows = [
            {
                "name": each.name,
                "symbol": each.symbol,
                "asset_class": each.asset_class,
                "frequency": each.frequency,
                "exchange": each.mic,
                "calendar": plan.calendar(each),
                "raw": str(each.raw),
            }
            for each in plan.datasets()
        ]
        if as_json:
            self.outstream.write(json.dumps({"datasets": rows, "strays": strays}, indent=1) + "\n")
            return 1 if strays else 0
        width = max((len(row["name"]) for row in rows), default=7)
        for row in rows:
            line = (
                f"{row['name']:{width}}  {row['asset_class']:12} {row['frequency']:8} {row['exchange']:5} {row['calendar']:5}"
            )
            self.outstream.write(f"{line} {row['raw']}\n")
        for name in (row["name"] for row in rows if not row["calendar"]):
            self.outstream.write(f"no calendar: {name}; {cure(name)}\n")
        for path in strays:
            self.outstream.write(f"stray: {path}; a series lies at <asset class>/<frequency>/<SYMBOL>.txt\n")
        for warning in plan.warnings():
            self.outstream.write(f"warning: {warning}\n")
        self.outstream.write(f"{len(rows)} datasets\n")
        return 1 if strays else 0
