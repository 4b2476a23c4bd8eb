"""Sessions of each calendar in use: when its exchange opens, pauses and closes."""

import datetime as dt
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from barmill.errors import InputError
from barmill.market.calendars import calendars
from barmill.market.changes import CORRECTIONS, apply, read_changes
from barmill.market.regular import regular
from barmill.market.sessions import write_sessions
from barmill.plan import Plan
from barmill.target import Target


def build(changes: Sequence[Path], out: Path, fault: Path, *, calendar: str, since: str, until: str) -> None:
    """Write the sessions of a calendar.

    A calendar that exchange_calendars can't compute has none, so that it stops no target of other calendars.

    Args:
        changes: the project's tables of changes; see `market.changes`. They come after the built-in corrections.
        out: CSV, a row per session, ascending: date on the exchange; open, close, break_start, break_end in UTC
            (YYYY-MM-DDTHH:MMZ), the last two empty where there is no break.
        fault: text: why the sessions can't be computed, and on a second line what to do about it; empty if they were.
        calendar: one of `market.calendars.calendars()`.
        since: first date, YYYY-MM-DD; later if the calendar is trusted from later, or exchange_calendars starts later.
        until: last date; earlier if exchange_calendars ends earlier, or neither the calendar is trusted until then nor
            a project's change to it is as late.

    Raises:
        InputError: a table of changes is wrong.
    """
    found = calendars()[calendar]
    builtin, own = read_changes(CORRECTIONS), [change for path in changes for change in read_changes(path)]
    known_until = max((found.trusted_until, *(each.last for each in own if each.calendar == calendar)))
    first = dt.date.fromisoformat(max(since, found.trusted_from))
    last = dt.date.fromisoformat(min(until, known_until) if found.trusted_until else until)
    try:
        computed = regular(found, first, last)
    except InputError as error:
        write_sessions(out, [])
        fault.write_text(f"{error.fact}\n{error.hint}\n", encoding="utf-8")
        return
    write_sessions(out, apply([*builtin, *own], computed, found, first, last))
    fault.write_text("", encoding="utf-8")


def targets(plan: Plan) -> Iterator[Target]:
    """One target per calendar that a dataset follows."""
    settings = plan.settings
    changes = [settings.session_changes] if os.path.lexists(settings.session_changes) else []
    for calendar in sorted({name for name in map(plan.calendar, plan.datasets()) if name}):
        yield Target(
            name=calendar.replace("/", "-"),
            build=build,
            inputs={"changes": changes},
            outputs={"out": plan.sessions(calendar), "fault": plan.sessions_fault(calendar)},
            params={
                "calendar": calendar,
                "since": settings.sessions_from.isoformat(),
                "until": settings.sessions_until.isoformat(),
            },
        )
