"""The regular sessions of a calendar: those of exchange_calendars, or by our own rule of weekdays and hours."""

import datetime as dt
import textwrap
import warnings
from collections.abc import Iterator
from importlib.metadata import version

from barmill.errors import InputError
from barmill.market.calendars import WEEKDAYS, Calendar
from barmill.market.changes import moment
from barmill.market.sessions import Session

_DAY = dt.timedelta(days=1)
_LONGEST_FAULT = 200


def regular(calendar: Calendar, since: dt.date, until: dt.date) -> list[Session]:
    """Sessions from `since` to `until`, ascending; those that the calendar's bounds cut off are missing.

    Raises:
        InputError: exchange_calendars cannot compute them.
    """
    return list(_own(calendar, since, until) if calendar.weekdays else _of_library(calendar.name, since, until))


def _own(calendar: Calendar, since: dt.date, until: dt.date) -> Iterator[Session]:
    ahead = _DAY if calendar.open >= calendar.close else _DAY * 0
    for day in (since + _DAY * n for n in range((until - since).days + 1)):
        if WEEKDAYS[day.weekday()] in calendar.weekdays:
            yield Session(day, moment(day - ahead, calendar.open, calendar.zone), moment(day, calendar.close, calendar.zone))


def _of_library(name: str, since: dt.date, until: dt.date) -> Iterator[Session]:
    import exchange_calendars
    import pandas as pd

    kind = getattr(getattr(exchange_calendars, f"exchange_calendar_{name.lower()}"), f"{name}ExchangeCalendar")
    first, last = pd.Timestamp(since), pd.Timestamp(until)
    first, last = max(first, kind.bound_min() or first), min(last, kind.bound_max() or last)
    if first > last:
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pandas, about what exchange_calendars does
            table = kind(start=first, end=last).schedule
    except Exception as error:
        used = " and ".join(f"{library} {version(library)}" for library in ("exchange_calendars", "pandas"))
        fault = textwrap.shorten(repr(error), _LONGEST_FAULT)
        raise InputError(f"{used} cannot compute {name} from {since} to {until}: {fault}", _CURE) from error
    moments = (pd.DatetimeIndex(table[column]).to_pydatetime() for column in ("open", "close", "break_start", "break_end"))
    for date, *ends in zip(table.index, *moments, strict=True):
        yield Session(date.date(), *(end.astimezone(dt.UTC) for end in ends if end is not pd.NaT))


_CURE = "try another version of either, a later sessions_from, or give the datasets another calendar (setting calendars)"
