"""How far a dataset is behind: in closed sessions of its calendar, or in calendar days, called so, where none is known."""

import datetime as dt
import itertools
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from barmill.errors import InputError
from barmill.market.datasets import Dataset
from barmill.market.sessions import Session, Sessions
from barmill.plan import Plan

SESSIONS, DAYS = "sessions", "calendar days"
_LENGTHS = {"weekly": 7, "monthly": 31}  # days of a bar
_FAR = dt.timedelta(days=45)  # a month and the longest pause between two sessions


class Lag(NamedTuple):
    """How far behind the last bar is.

    Attributes:
        behind: sessions that have closed since (of weekly and monthly bars: in weeks and months that are over), or days.
        unit: `sessions` or `calendar days`.
        calendar: whose sessions; "" if none is known.
        note: why it is days.
    """

    behind: int
    unit: str
    calendar: str
    note: str = ""


@dataclass
class Timetable:
    """The sessions of a project's datasets at one moment, each calendar read once.

    Args:
        plan: the project.
        moment: now, or what is taken for it; has a time zone.
    """

    plan: Plan
    moment: dt.datetime
    _known: dict[str, Sessions | str] = field(default_factory=dict)

    def lag(self, dataset: Dataset, last: str) -> Lag:
        """How far a dataset is behind whose last bar has the stamp `last`: a date, or an instant in UTC."""
        calendar = self.plan.calendar(dataset)
        sessions = self._sessions(calendar)
        if isinstance(sessions, str):
            days = (self.moment.date() - dt.date.fromisoformat(last[:10])).days - _LENGTHS.get(dataset.frequency, 1)
            return Lag(max(0, days), DAYS, calendar, sessions)
        over = self._over(sessions, dataset.frequency)
        begun = bisect_left(sessions.dates, str(_next_period(_date_of(sessions, last), dataset.frequency)))
        return Lag(max(0, over - begun), SESSIONS, calendar)

    def following(self, dataset: Dataset) -> dt.datetime | None:
        """When the session closes that ends the present bar; None if no calendar is known, or it goes no further."""
        sessions = self._sessions(self.plan.calendar(dataset))
        if isinstance(sessions, str):
            return None
        to_come = [each for each in _from(sessions, self.moment.date()) if each.close > self.moment]
        for session, later in itertools.pairwise(to_come):
            if _start(session.date, dataset.frequency) != _start(later.date, dataset.frequency):
                return session.close
        return None

    def _sessions(self, calendar: str) -> Sessions | str:
        """The sessions of a calendar, or why there are none."""
        if calendar not in self._known:
            self._known[calendar] = self._read(calendar)
        return self._known[calendar]

    def _read(self, calendar: str) -> Sessions | str:
        if not calendar:
            return "no calendar is known; set one in [tool.barmill.calendars]"
        path = self.plan.sessions(calendar)
        if not path.exists():
            return f'the sessions of {calendar} are not built; run "doit sessions"'
        try:
            sessions = Sessions.read(path)
            sessions.last_closed(self.moment)
        except InputError as error:
            return f"{error.fact}; {error.hint}"
        return sessions

    def _over(self, sessions: Sessions, frequency: str) -> int:
        """How many sessions are in periods (days, weeks, months) that are over: whose last session has closed."""
        closed = sessions.last_closed(self.moment)
        if closed is None:
            return 0
        later = next((each.date for each in _from(sessions, closed.date) if each.date > closed.date), None)
        if later is None:
            return len(sessions.dates)
        return bisect_left(sessions.dates, str(_start(later, frequency)))


def _from(sessions: Sessions, date: dt.date) -> Sequence[Session]:
    return sessions.between(date - dt.timedelta(days=2), date + _FAR)


def _date_of(sessions: Sessions, stamp: str) -> dt.date:
    """The session that a bar belongs to: of an instant the last one that had opened then."""
    date = dt.date.fromisoformat(stamp[:10])
    if len(stamp) == len("YYYY-MM-DD"):
        return date
    instant = dt.datetime.fromisoformat(stamp)
    opened = [each.date for each in sessions.between(date - _FAR, date + dt.timedelta(days=2)) if each.open <= instant]
    return opened[-1] if opened else date


def _start(date: dt.date, frequency: str) -> dt.date:
    """The first day of the period that a date is in."""
    if frequency == "weekly":
        return date - dt.timedelta(days=date.weekday())
    return date.replace(day=1) if frequency == "monthly" else date


def _next_period(date: dt.date, frequency: str) -> dt.date:
    """The first day of the period after that of a date."""
    return _start(_start(date, frequency) + dt.timedelta(days=_LENGTHS.get(frequency, 1)), frequency)
