"""`doit due`: which datasets are to be updated now, when the next ones will be, and text for cron and systemd."""

import json
import shlex
import sys
from pathlib import Path
from typing import TextIO

from barmill.commands.base import CLASS_OPTION, NOW_OPTION, Command, chosen, moment
from barmill.report.due import Due, schedule
from barmill.report.ended import Ended, listed
from barmill.report.health import tell
from barmill.report.schedules import crontab, systemd
from barmill.run.commands.select import JSON_OPTION
from barmill.run.plain import option
from barmill.run.shown import Shown

_MOST = 3


class DueNow(Command):
    """Asks calendars, not providers."""

    name = "due"
    doc_purpose = "which datasets lack a session that has closed, and when the next ones will"
    doc_usage = "[DATASET…]"
    doc_description = (
        "A dataset is due once a session of its calendar has closed that it has no bar of, and `publishing_delay` minutes have "
        "passed; a weekly or monthly one when the week or month is over. A series that has ended, as artifacts/coverage says, "
        "is not, unless its updates fail or its provider was not asked since. Where no calendar is known, calendar days "
        "decide, and it says so. `doit due --xargs | xargs -r doit update` updates what is due. Exit code 0."
    )
    cmd_options = (
        option("quiet", "the names of what is due, and nothing else", default=False, short="q"),
        option("for_xargs", "what is due as options of `doit update`", default=False, long="xargs"),
        option("for_cron", "print a crontab for this project", default=False, long="crontab"),
        option("for_systemd", "print systemd services and timers for this project", default=False, long="systemd"),
        CLASS_OPTION,
        NOW_OPTION,
        JSON_OPTION,
    )

    def _execute(
        self,
        quiet: bool,
        for_xargs: bool,
        for_cron: bool,
        for_systemd: bool,
        asset_class: str,
        now: str,
        as_json: bool,
        pos_args: list[str],
    ) -> int:
        out = self.outstream
        if for_cron or for_systemd:
            out.write(crontab(Path.cwd()) if for_cron else systemd(Path.cwd()))
            return 0
        plan, at = self.plan, moment(now)
        ends = Ended(plan, at)
        if ends.fault:
            Shown(sys.stderr).write(f"warning: no series counts as ended: {ends.fault}\n")
        found = schedule(plan, chosen(plan, asset_class, pos_args), at, ends)
        due = [each for each in found if each.now]
        if as_json:
            told = {"now": at.isoformat(timespec="seconds"), "datasets": [_row(each) for each in found]}
            out.write(json.dumps(told, indent=1) + "\n")
        elif quiet or for_xargs:
            out.writelines(f"{shlex.quote(f'--symbol={each.name}') if for_xargs else each.name}\n" for each in due)
        else:
            out.writelines(f"due: {each.name}  {_why(each)}\n" for each in due)
            _tell_later(out, [each for each in found if not each.now and not each.ended])
            out.write(listed([(each.name, each.last) for each in found if each.ended]))
            out.write(f"{len(due)} of {len(found)} datasets are due\n")
        return 0


def _why(each: Due) -> str:
    if each.lag is None:
        return "it has no bar"
    return f"{tell(each.lag)}, last bar {each.last}{f' ({each.lag.note})' if each.lag.note else ''}"


def _tell_later(out: TextIO, later: list[Due]) -> None:
    """When the others will be due, soonest first."""
    moments = sorted({each.at for each in later if each.at})
    for at in moments[:_MOST]:
        names = [each.name for each in later if each.at == at]
        more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
        out.write(f"next: {at:%Y-%m-%d %H:%M} UTC  {', '.join(names[:_MOST])}{more}\n")
    unknown = sum(each.at is None for each in later)
    if unknown:
        out.write(f"of {unknown} no calendar says when they will be due; they are not\n")


def _row(each: Due) -> dict[str, object]:
    lag = each.lag._asdict() if each.lag else {}
    return {
        "name": each.name,
        "due": each.now,
        "ended": each.ended,
        "last": each.last,
        **lag,
        "next": each.at.isoformat() if each.at else None,
    }
