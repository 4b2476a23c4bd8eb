"""Periods of a calendar: which one a day is in, where it begins and ends, in days or, in a time zone, in instants.

A scheme says how time is cut: `week` (ISO, from Monday), `month`, `quarter`, `year`, or `N days`, counted from 1970-01-01.
Names of a scheme's periods sort as the periods do, and no two schemes share one: `2024-W05`, `2024-02`, `2024-Q1`, `2024`,
`2024-01-25_30d`.
"""

import datetime as dt
import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from barmill.errors import ConfigError

SCHEMES = ("week", "month", "quarter", "year")

_DAYS = re.compile(r"([1-9]\d{0,3}) ?(?:d|days?)")
_NAME = re.compile(r"(\d{4})(?:-(?:W(\d\d)|Q([1-4])|(\d\d)(?:-(\d\d)_(\d+)d)?))?")
_EPOCH = dt.date(1970, 1, 1).toordinal()
_FIRST, _LAST = dt.date.min.toordinal(), dt.date.max.toordinal()
_MICROSECOND = dt.timedelta(microseconds=1)
_DAY = dt.timedelta(days=1) // _MICROSECOND


@dataclass(frozen=True, slots=True)
class Period:
    """A span of whole days.

    Attributes:
        name: unique over all schemes; names of one scheme sort in time.
        scheme: what it is a period of.
        first: its first day.
        last: its last day.
    """

    name: str
    scheme: str
    first: dt.date
    last: dt.date

    def days(self) -> tuple[int, int]:
        """Its bounds in days since 1970-01-01, the end exclusive."""
        return self.first.toordinal() - _EPOCH, self.last.toordinal() - _EPOCH + 1

    def instants(self, zone: ZoneInfo) -> tuple[int, int]:
        """Its bounds in microseconds since 1970-01-01 UTC, from the first instant of its first day in `zone`; end exclusive."""
        return _midnight(self.first, zone), _midnight(self.last, zone, 1)


def parse_scheme(text: str) -> str:
    """The scheme that a setting names, as it is written here: `30 days` for `30d`.

    Raises:
        ConfigError: it names none.
    """
    text = text.strip().lower()
    if text in SCHEMES:
        return text
    if found := _DAYS.fullmatch(text):
        return f"{found[1]} days"
    raise ConfigError(f"{text!r} is no period to cut chunks by", 'take week, month, quarter, year, or for example "30 days"')


def period_of(scheme: str, day: dt.date) -> Period:
    """The period of `scheme`, as `parse_scheme` writes it, that `day` is in."""
    if scheme == "year":
        return Period(f"{day.year:04d}", scheme, day.replace(month=1, day=1), day.replace(month=12, day=31))
    if scheme == "quarter":
        quarter = (day.month + 2) // 3
        first = day.replace(month=3 * quarter - 2, day=1)
        return Period(f"{day.year:04d}-Q{quarter}", scheme, first, _month_end(first.replace(month=3 * quarter)))
    if scheme == "month":
        return Period(f"{day.year:04d}-{day.month:02d}", scheme, day.replace(day=1), _month_end(day))
    if scheme == "week":
        year, week, weekday = day.isocalendar()
        return _span(f"{year:04d}-W{week:02d}", scheme, day.toordinal() - weekday + 1, 7)
    length = int(scheme.partition(" ")[0])
    first_day = (day.toordinal() - _EPOCH) // length * length + _EPOCH
    name = f"{dt.date.fromordinal(max(first_day, _FIRST))}_{length}d"
    return _span(name, scheme, first_day, length)


def parse_name(name: str) -> Period | None:
    """The period of this name; None if it is none."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    year, week, quarter, month, day, length = found.groups()
    try:
        if week:
            scheme, inside = "week", dt.date.fromisocalendar(int(year), int(week), 4)
        elif length:
            scheme, inside = f"{length} days", dt.date(int(year), int(month), int(day))
        else:
            scheme = "quarter" if quarter else "month" if month else "year"
            inside = dt.date(int(year), int(quarter) * 3 if quarter else int(month or 1), 1)
        period = period_of(scheme, inside)
    except (ValueError, ZeroDivisionError):
        return None
    return period if period.name == name else None


def _span(name: str, scheme: str, first: int, length: int) -> Period:
    """A period of `length` days, as far as Python's calendar reaches."""
    last = min(first + length - 1, _LAST)
    return Period(name, scheme, dt.date.fromordinal(max(first, _FIRST)), dt.date.fromordinal(last))


def _month_end(day: dt.date) -> dt.date:
    following = day.replace(day=28) + dt.timedelta(4) if (day.year, day.month) != (dt.MAXYEAR, 12) else None
    return following - dt.timedelta(following.day) if following else dt.date.max


def _midnight(day: dt.date, zone: ZoneInfo, later: int = 0) -> int:
    """The first instant of a day, or of one some days later, in microseconds of UTC."""
    ordinal = day.toordinal() + later
    local = dt.datetime.combine(dt.date.fromordinal(min(ordinal, _LAST)), dt.time(), zone)
    offset = local.utcoffset()
    assert offset is not None, "a ZoneInfo has an offset at every wall clock time"
    return (ordinal - _EPOCH) * _DAY - offset // _MICROSECOND
