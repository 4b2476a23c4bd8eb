"""Where a reader begins and ends: dates and times as people give them, in the numbers that bars are stored with."""

import datetime as dt
from zoneinfo import ZoneInfo

from barmill.errors import BarsError
from barmill.market.manifest import Identity

Moment = str | dt.date | None
"""A date, a datetime, or the ISO text of one."""

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_DAY_ONE = _EPOCH.date().toordinal()
_BEFORE_ALL, _AFTER_ALL = -(2**63), 2**63 - 1


def span(start: Moment, end: Moment, identity: Identity) -> tuple[int, int]:
    """The stamps from `start` up to, not including, `end`: days since 1970, or microseconds where bars are timed.

    A date is the beginning of that day; a date, and a time without zone, are those of the dataset's own zone.

    Raises:
        BarsError: one of them is no date or time, is a time of day where bars are dated, or the end is before the start.
    """
    low = _BEFORE_ALL if start is None else _number(start, identity)
    high = _AFTER_ALL if end is None else _number(end, identity)
    if low > high:
        raise BarsError(f"the end {end} is before the start {start}", "start is included, end is not")
    return low, high


def _number(moment: str | dt.date, identity: Identity) -> int:
    when = _parse(moment)
    if not identity.zone:
        if isinstance(when, dt.datetime):
            if when.tzinfo is not None or when.time() != dt.time():
                fact = f"bars of {identity.name} are {identity.frequency} and have dates; {moment} is a time of a day"
                raise BarsError(fact, f'give a date: "{when.date()}"')
            when = when.date()
        return when.toordinal() - _DAY_ONE
    if not isinstance(when, dt.datetime):
        when = dt.datetime.combine(when, dt.time())
    if when.tzinfo is None:
        when = when.replace(tzinfo=ZoneInfo(identity.zone))
    return (when - _EPOCH) // dt.timedelta(microseconds=1)


def _parse(moment: str | dt.date) -> dt.date:
    if isinstance(moment, dt.date):
        return moment
    text = str(moment)
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        pass
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        raise BarsError(f"{text!r} is no date or time", 'write it as "2024-01-31" or "2024-01-31T15:30:00+01:00"') from None
