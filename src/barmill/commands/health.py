"""`doit health`: which datasets are healthy, stale, ended or in error; for people, programs and cron."""

import json
import locale
from collections.abc import Mapping
from typing import TextIO

from barmill.commands.base import CLASS_OPTION, NOW_OPTION, Command, chosen, moment
from barmill.report.ended import listed
from barmill.report.health import ENDED, ERROR, GOOD, HEALTHY, STALE, STATUSES, Condition, Health, as_rows, examine
from barmill.report.lag import Timetable
from barmill.run.commands.select import JSON_OPTION
from barmill.run.plain import option

_SYMBOLS = {HEALTHY: "✅", STALE: "⚠️", ENDED: "⏹️", ERROR: "❌"}
_WORDS = {HEALTHY: "ok   ", STALE: "STALE", ENDED: "ended", ERROR: "ERROR"}


class HealthCheck(Command):
    """Judges what is built and what the histories say; builds and fetches nothing."""

    name = "health"
    doc_purpose = "which datasets are healthy, stale, ended or in error"
    doc_usage = "[DATASET…]"
    doc_description = (
        "stale: more sessions of its calendar have closed since the last bar than --stale-days (calendar days, and called so, "
        "where no calendar is known). ended: stale, while other datasets of its calendar go on, as artifacts/coverage "
        "says, and its provider, asked since, had no more bars. "
        "error: a file is missing or damaged, a raw file is of no use, the last update failed, or three of the last five did. "
        "A dataset is named by name, ticker or glob. Exit code 0 if all are healthy or ended and no file is astray, 1 if not."
    )
    cmd_options = (
        option("verbose", "tell every dataset, with its range, provider and last updates", default=False, short="v"),
        option("stale_days", "sessions that a dataset may be behind", default=7),
        CLASS_OPTION,
        NOW_OPTION,
        JSON_OPTION,
    )

    def _execute(self, verbose: bool, stale_days: int, asset_class: str, now: str, as_json: bool, pos_args: list[str]) -> int:
        plan, at = self.plan, moment(now)
        health = examine(plan, chosen(plan, asset_class, pos_args), Timetable(plan, at), stale_days)
        if as_json:
            told = {
                "now": at.isoformat(timespec="seconds"),
                "stale_days": stale_days,
                "healthy": health.is_good,
                "totals": health.counts(),
                "by_asset_class": health.by_class(),
                "datasets": as_rows(health),
                "strays": health.strays,
                "faults": health.faults,
                "shared_gaps": health.shared,
            }
            self.outstream.write(json.dumps(told, indent=1) + "\n")
        else:
            _tell(self.outstream, health, verbose)
        return 0 if health.is_good else 1


def _tell(out: TextIO, health: Health, verbose: bool) -> None:
    marks = _SYMBOLS if _shows_symbols(out) else _WORDS
    for each in health.conditions:
        if verbose or each.status not in GOOD:
            out.write(f"{marks[each.status]} {each.name}  {'; '.join(each.reasons)}".rstrip() + "\n")
        if verbose:
            out.writelines(f"    {line}\n" for line in _details(each))
    out.writelines(
        f"{marks[ERROR]} stray: {path}; a series lies at <asset class>/<frequency>/<SYMBOL>.txt\n" for path in health.strays
    )
    out.writelines(f"{marks[ERROR]} {fault}\n" for fault in health.faults)
    if verbose:
        out.writelines(f"shared gap: {_shared(each)}\n" for each in health.shared)
    else:
        out.write(listed([(each.name, each.end) for each in health.conditions if each.status == ENDED]))
    titles = " ".join(f"{word:>9}" for word in ("datasets", *STATUSES))
    out.write(f"\n{'asset class':12} {titles} {'rows':>14}\n")
    for name, counts in {**health.by_class(), "all": health.counts()}.items():
        numbers = " ".join(f"{counts[word]:9,}" for word in ("datasets", *STATUSES))
        out.write(f"{name:12} {numbers} {counts['rows']:14,}\n")


def _shared(gap: Mapping[str, str]) -> str:
    days = gap["start"] if gap["start"] == gap["end"] else f"{gap['start']} to {gap['end']}"
    return f"{days}  missing in {gap['series']} of {gap['of']} {gap['frequency']} series of {gap['calendar']}"


def _details(each: Condition) -> list[str]:
    lines = [
        f"{each.asset_class} {each.frequency}, {each.rows:,} rows from {each.start} to {each.end}" if each.rows else "no rows",
        f"{each.behind} {each.unit}{f' of {each.calendar}' if each.calendar else ''} behind" if each.unit else "",
        f"provider {each.provider}" if each.provider else "",
    ]
    for update in reversed(each.updates):
        errors = f": {'; '.join(update['errors'])}" if update["errors"] else ""
        lines.append(f"{update['at']} {update['kind']} {update['status']}, {update['rows_added']:+,} rows{errors}")
    return [line for line in [*lines, *each.notes] if line]


def _shows_symbols(out: TextIO) -> bool:
    """Whether the output is a terminal that can show them; a mail from cron, or a log, has words."""
    encoding = getattr(out, "encoding", "") or locale.getpreferredencoding(do_setlocale=False)
    return out.isatty() and encoding.lower().replace("-", "") == "utf8"
