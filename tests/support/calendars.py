"""Tables of sessions for tests, each built once per process and kept beside the other temporary files."""

import datetime as dt
import functools
import tempfile
from pathlib import Path

from barmill.market.calendars import file_name
from barmill.market.sessions import Session, Sessions, write_sessions
from barmill.stages import sessions

EPOCH = dt.date(1970, 1, 1)


@functools.cache
def table(calendar: str, since: str = "1970-01-01", until: str = "2030-12-31") -> Sessions:
    """The sessions of a calendar as the stage writes them."""
    return Sessions.read(table_file(calendar, since, until))


@functools.cache
def table_file(calendar: str, since: str = "1970-01-01", until: str = "2030-12-31") -> Path:
    """The file of them."""
    path = Path(tempfile.mkdtemp(prefix="sessions-")) / file_name(calendar)
    sessions.build([], path, path.with_suffix(".fault.txt"), calendar=calendar, since=since, until=until)
    return path


def made(folder: Path, dates: list[dt.date], hours: tuple[str, str] = ("09:00", "10:00")) -> Sessions:
    """A made-up calendar with sessions on these dates, at the same hours in UTC."""
    path = folder / "MADE.csv"
    rows = [
        Session(date, *(dt.datetime.combine(date, dt.time.fromisoformat(each), dt.UTC) for each in hours)) for date in dates
    ]
    write_sessions(path, rows)
    return Sessions.read(path)


def day(text: str) -> int:
    """Days since 1970 of a date."""
    return (dt.date.fromisoformat(text) - EPOCH).days


def moment(text: str) -> dt.datetime:
    """A moment in UTC from `YYYY-MM-DD HH:MM`."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def micros(stamp: dt.datetime) -> int:
    """Microseconds since 1970 of a moment."""
    return int(stamp.timestamp()) * 1_000_000
