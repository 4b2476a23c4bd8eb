"""Changes to a calendar: sessions that were not held, that were held all the same, or that closed early.

A table of changes is CSV with the columns of `COLUMNS`:

    calendar  name of a calendar
    from      first date, YYYY-MM-DD; or MM-DD, which means that day of every year
    to        last date; empty for one day
    weekdays  `Mon Fri`: only these days of the range; empty for all
    change    closed: no session · open: a session on each day that has none · hours: other hours of the sessions there are
    open      wall-clock time HH:MM on the exchange; empty for the usual
    close     the same
    reason    why; never empty

Later rows see what earlier ones left. `corrections.csv` is the built-in table: what exchange_calendars does not know, each row
with what it was established from. A project adds its own (setting `session_changes`).
"""

import csv
import datetime as dt
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from barmill.errors import InputError
from barmill.files import read_text
from barmill.market.calendars import WEEKDAYS, Calendar, calendars
from barmill.market.sessions import Session

COLUMNS = ("calendar", "from", "to", "weekdays", "change", "open", "close", "reason")
CORRECTIONS = Path(__file__).with_name("corrections.csv")

_DAY = dt.timedelta(days=1)
_EVERY_YEAR = len("MM-DD")


@dataclass(frozen=True)
class Change:
    """One row of a table of changes; `where` is its file and line."""

    where: str
    calendar: str
    first: str
    last: str
    weekdays: tuple[str, ...]
    change: str
    open: str
    close: str

    def days(self, since: dt.date, until: dt.date) -> Iterator[dt.date]:
        """The days that it is about, from `since` to `until`."""
        if len(self.first) == _EVERY_YEAR:
            every_year = [f"{year}-{self.first}" for year in range(since.year, until.year + 1)]
            days: Iterable[dt.date] = [day for day in map(_date, every_year) if day and since <= day <= until]
        else:
            first, last = max(since, dt.date.fromisoformat(self.first)), min(until, dt.date.fromisoformat(self.last))
            days = (first + _DAY * n for n in range((last - first).days + 1))
        return (day for day in days if not self.weekdays or WEEKDAYS[day.weekday()] in self.weekdays)


def read_changes(path: Path) -> list[Change]:
    """Read a table of changes.

    Raises:
        InputError: the file can't be read, is not UTF-8, or its header or a row is wrong; names the line.
    """
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    try:
        header = next(reader, [])
        if tuple(header) != COLUMNS:
            raise InputError(f"{path}: the columns are {','.join(header)}", f"write them as {','.join(COLUMNS)}")
        return [_change(f"{path}, line {reader.line_num}", row) for row in reader if row]
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: {error}", "correct this line") from None


def apply(
    changes: Iterable[Change], sessions: Iterable[Session], calendar: Calendar, since: dt.date, until: dt.date
) -> list[Session]:
    """The sessions of `calendar` from `since` to `until` after the changes to it.

    Raises:
        InputError: hours are changed where there is no session, or a session would close before it opens.
    """
    held = {each.date: each for each in sessions}
    for change in changes:
        if change.calendar != calendar.name:
            continue
        days = list(change.days(since, until))
        if change.change == "closed":
            for day in days:
                held.pop(day, None)
        elif change.change == "open":
            hours = _usual(held, days)
            held |= {day: _opened(day, change, calendar, hours) for day in days if day not in held}
        else:
            affected = [day for day in days if day in held]
            if days and not affected:
                raise InputError(f"{change.where}: {calendar.name} has no session there", "use `open`, or another date")
            held |= {day: _with_hours(held[day], change, calendar.zone) for day in affected}
    return [held[day] for day in sorted(held)]


def moment(day: dt.date, time: str, zone: str) -> dt.datetime:
    """A wall-clock time `HH:MM` of a day, in UTC; `24:00` is the end of the day."""
    hours, minutes = map(int, time.split(":"))
    wall = dt.datetime(day.year, day.month, day.day, hours % 24, minutes, tzinfo=ZoneInfo(zone)) + _DAY * (hours // 24)
    return wall.astimezone(dt.UTC)


def _change(where: str, row: list[str]) -> Change:
    if len(row) != len(COLUMNS):
        raise InputError(f"{where}: {len(row)} fields where the header has {len(COLUMNS)}", "quote a field with a comma in it")
    fields = dict(zip(COLUMNS, map(str.strip, row), strict=True))
    for column, (is_good, cure) in _CHECKS.items():
        if not is_good(fields[column]):
            raise InputError(f"{where}: {column} is {fields[column]!r}", cure)
    first, last = fields["from"], fields["to"] or fields["from"]
    if len(first) != len(last) or last < first or (len(first) == _EVERY_YEAR and first != last):
        raise InputError(f"{where}: the range is {first} to {last}", "write two dates YYYY-MM-DD, the earlier first")
    if fields["change"] == "hours" and not fields["open"] + fields["close"]:
        raise InputError(f"{where}: other hours, but neither open nor close", "write one of them as HH:MM")
    weekdays = tuple(fields["weekdays"].split())
    return Change(where, fields["calendar"], first, last, weekdays, fields["change"], fields["open"], fields["close"])


def _date(text: str) -> dt.date | None:
    try:
        return dt.datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007
    except ValueError:
        return None


def _is_date(text: str) -> bool:
    return len(text) in (_EVERY_YEAR, len("YYYY-MM-DD")) and _date(f"2024-{text}"[-10:]) is not None


def _is_time(text: str) -> bool:
    try:
        return not text or f"{dt.time.fromisoformat(text):%H:%M}" == text
    except ValueError:
        return False


_CHECKS: dict[str, tuple[Callable[[str], bool], str]] = {
    "calendar": (lambda text: text in calendars(), "name one of those in market/calendars.csv, such as XWAR or 24/7"),
    "from": (_is_date, "write YYYY-MM-DD, or MM-DD for every year"),
    "to": (lambda text: not text or _is_date(text), "write YYYY-MM-DD, or leave it empty for one day"),
    "weekdays": (lambda text: set(text.split()) <= set(WEEKDAYS), f"write some of {' '.join(WEEKDAYS)}"),
    "change": (lambda text: text in {"closed", "open", "hours"}, "write closed, open or hours"),
    "open": (_is_time, "write HH:MM, wall clock of the exchange"),
    "close": (_is_time, "write HH:MM, wall clock of the exchange"),
    "reason": (bool, "say why: who reads it next will ask"),
}


def _usual(held: dict[dt.date, Session], days: list[dt.date]) -> Session | None:
    """A session near the days, to take hours from: the last before them, else the first after them."""
    before = max((day for day in held if days and day < days[0]), default=None)
    return held[before if before is not None else min(held)] if held else None


def _opened(day: dt.date, change: Change, calendar: Calendar, usual: Session | None) -> Session:
    """A session on a day without one, at the hours of the change, or at the usual wall-clock time."""
    if change.open and change.close:
        ends = [moment(day, time, calendar.zone) for time in (change.open, change.close)]
        return _with_hours(Session(day, *ends), change, calendar.zone)
    if usual is None:
        raise InputError(f"{change.where}: {calendar.name} has no usual hours then", "write open and close")
    zone, later = ZoneInfo(calendar.zone), day - usual.date

    def moved(end: dt.datetime) -> dt.datetime:
        return (end.astimezone(zone) + later).astimezone(dt.UTC)  # of aware times Python adds to the wall clock

    return _with_hours(Session(day, *(moved(end) for end in usual[1:] if end is not None)), change, calendar.zone)


def _with_hours(session: Session, change: Change, zone: str) -> Session:
    """The session with the hours of the change; a break that is no longer inside it falls away."""
    opening = moment(session.date, change.open, zone) if change.open else session.open
    closing = moment(session.date, change.close, zone) if change.close else session.close
    if opening >= closing:
        raise InputError(f"{change.where}: {session.date} would close before it opens", "mend open or close")
    pause = session.break_start, session.break_end
    inside = pause[0] is not None and pause[1] is not None and opening < pause[0] and pause[1] < closing
    return Session(session.date, opening, closing, *(pause if inside else (None, None)))
