"""`doit archive`: cold periods of single series packed beside their text, and brought back."""

import datetime as dt
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from barmill.commands.base import CLASS_OPTION, Command, chosen, day
from barmill.errors import ConfigError, InputError
from barmill.market.datasets import Dataset
from barmill.run.commands.select import JSON_OPTION
from barmill.run.lock import LOCK
from barmill.run.plain import option
from barmill.run.shown import Shown
from barmill.run.units import spelled
from barmill.sources.archive import Moved, archive, restore
from barmill.sources.history import FAILED


class Archiving(Command):
    """Works while no build does: one that has begun knows only the packs that there were."""

    name = "archive"
    doc_purpose = "pack cold periods of single series; they stay readable, and what is built from them stays as it is"
    doc_usage = "[DATASET…]"
    doc_description = (
        "Periods, as the dataset's chunks have them, that end before the day --before move from <series>/…/<SYMBOL>.txt into "
        "Parquet packs below <series>/.archive, each named by the digest of its bytes; builds and updates read both. A dataset "
        "is named by name, ticker or glob; without one it is all single series. Exit code 1 if one failed; the others are "
        "archived nevertheless."
    )
    cmd_options = (
        option("before", "periods that end before this day, YYYY-MM-DD"),
        option("restore", "bring everything back into the text", default=False),
        option("dry_run", "tell what would move, write nothing", default=False, short="n"),
        CLASS_OPTION,
        JSON_OPTION,
    )

    def _execute(self, before: str, restore: bool, dry_run: bool, asset_class: str, as_json: bool, pos_args: list[str]) -> int:
        last = _checked(before, restore)
        plan = self.plan
        wanted = _single(chosen(plan, asset_class, pos_args), pos_args)
        LOCK.wanted = not dry_run
        LOCK.take(plan.settings.artifacts)
        moved = [self._moved(each, last, dry_run) for each in wanted]
        if as_json:
            rows = list(map(_row, moved))
            self.outstream.write(json.dumps({"datasets": rows, "total": _sizes(moved)}, indent=1) + "\n")
        else:
            self._tell(moved, dry_run)
        return 1 if any(each.entry.status == FAILED for each in moved) else 0

    def _moved(self, dataset: Dataset, before: dt.date | None, dry_run: bool) -> Moved:
        plan = self.plan
        if before is None:
            return restore(dataset, plan.settings, dry_run=dry_run)
        return archive(dataset, plan.identity(dataset), before, plan.settings, dry_run=dry_run)

    def _tell(self, moved: list[Moved], dry_run: bool) -> None:
        for each in moved:
            Shown(sys.stderr).write("".join(f"error: {each.name}: {text}\n" for text in each.entry.errors))
            if each.entry.status != FAILED and each.rows:
                self.outstream.write(f"{each.name}: {'; '.join(_words(each, dry_run))}\n")
        size = _sizes(moved)
        done = sum(1 for each in moved if each.entry.status != FAILED and each.rows)
        failed = sum(1 for each in moved if each.entry.status == FAILED)
        self.outstream.write(
            f"{done} {'would change' if dry_run else 'changed'}, {len(moved) - done - failed} unchanged, {failed} failed; "
            f"{spelled(size['bytes_before'])}"
            + ("\n" if dry_run else f" → {spelled(size['bytes_after'])}, {size['ratio']:.3f} of it\n")
        )


def _words(each: Moved, dry_run: bool) -> Iterator[str]:
    span = " to ".join(dict.fromkeys((each.periods[0], each.periods[-1])))
    where = "back into the text" if each.entry.kind == "restore" else "into packs"
    yield f"{each.rows:,} rows of {span} {'would move' if dry_run else 'moved'} {where}"
    if not dry_run:
        yield f"text {spelled(each.text_before)} → {spelled(each.text_after)}"
        yield f"packs {spelled(each.packs_before)} → {spelled(each.packs_after)}"


def _checked(before: str, restore: bool) -> dt.date | None:
    """The day before which periods have to end; None if everything is brought back.

    Raises:
        ConfigError: there is none, it is no day or in the future, or there is both.
    """
    if bool(before) == restore:
        raise ConfigError("doit archive takes either --before or --restore", "doit archive --before 2024-01-01")
    found = day(before, "--before")
    if found and found > dt.datetime.now(dt.UTC).date():
        raise ConfigError(f"--before {found} is in the future", "only periods that have ended are cold")
    return found


def _single(found: list[Dataset], named: list[str]) -> list[Dataset]:
    """Those that are single series.

    Raises:
        InputError: none is, though some were named.
    """
    single = [each for each in found if each.name != each.symbol]
    if named and not single:
        raise InputError(
            f"{', '.join(named)}: only single series are archived",
            "files of the raw tree stay as Stooq has them",
        )
    return single


def _row(moved: Moved) -> dict[str, Any]:
    told = asdict(moved)
    entry = told.pop("entry")
    kept = ("status", "errors", "start", "end")
    return {**told, "stored": entry["rows_after"], **{name: entry[name] for name in kept}}


def _sizes(moved: list[Moved]) -> dict[str, float]:
    """Bytes of texts and packs together, before and after, and their ratio."""
    before = sum(each.text_before + each.packs_before for each in moved)
    after = sum(each.text_after + each.packs_after for each in moved)
    return {"bytes_before": before, "bytes_after": after, "ratio": round(after / before, 4) if before else 1.0}
