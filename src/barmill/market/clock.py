"""Stamps of price files in any form, as Stooq's date and time in UTC."""

import datetime as dt
import re
from zoneinfo import ZoneInfo

from barmill.errors import InputError
from barmill.market.datasets import MINUTES

_STAMP = re.compile(
    r"(\d{4})[-./]?(\d\d)[-./]?(\d\d)(?:[ T](\d\d):?(\d\d)(?::?(\d\d))?(?:[.,]\d+)? ?(?:(Z|UTC)|([+-]\d\d):?(\d\d)?)?)?"
)


class Clock:
    """Turns stamps into Stooq's date and time: `20240131,093000`.

    Attributes:
        first: whether none was turned yet.
    """

    def __init__(self, frequency: str, zone: str) -> None:
        self.first = True
        self._within_a_day = frequency in MINUTES
        self._frequency = frequency
        self._zone = None if zone == "UTC" else ZoneInfo(zone)
        self._latest = dt.datetime.min.replace(tzinfo=dt.UTC)
        self._days: dict[str, str] = {}

    def stamp(self, text: str) -> str:
        """Date and time of a bar.

        Raises:
            ValueError: the text is no stamp, or names a time that the zone skipped.
            InputError: the file's bars are not as long as asked for.
        """
        self.first = False
        parts = _STAMP.fullmatch(text)
        if not parts:
            raise ValueError(text)
        year, month, day, hour, minute, second, utc, east, rest = parts.groups()
        date, time = f"{year}{month}{day}", f"{hour or '00'}{minute or '00'}{second or '00'}"
        if not self._within_a_day:
            if self._days.setdefault(date, time) != time:
                raise InputError(
                    f"the file has several bars on {year}-{month}-{day}, and {self._frequency} ones are wanted",
                    "say how long its bars are: --frequency 1min, 5min, hourly, …",
                )
            return f"{date},000000"
        if hour is None:
            raise InputError(
                f"the file has dates and no times, and {self._frequency} bars are wanted", "ask for it with --frequency daily"
            )
        if utc or (not self._zone if east is None else east[1:] == "00" and rest in {None, "00"}):
            return f"{date},{time}"
        wall = dt.datetime.fromisoformat(f"{year}-{month}-{day}T{hour}:{minute}:{second or '00'}")
        return self._universal(wall, east, rest).strftime("%Y%m%d,%H%M%S")

    def _universal(self, wall: dt.datetime, east: str | None, rest: str | None) -> dt.datetime:
        if east:
            minutes = int(rest or 0) * (-1 if east.startswith("-") else 1)
            return wall.replace(tzinfo=dt.timezone(dt.timedelta(hours=int(east), minutes=minutes))).astimezone(dt.UTC)
        moment = wall.replace(tzinfo=self._zone).astimezone(dt.UTC)
        if moment.astimezone(self._zone).replace(tzinfo=None) != wall:
            raise ValueError(f"{wall} is skipped in {self._zone}")
        if moment <= self._latest:  # the hour that a zone has twice in autumn: the second time round
            moment = max(moment, wall.replace(tzinfo=self._zone, fold=1).astimezone(dt.UTC))
        self._latest = max(self._latest, moment)
        return moment
