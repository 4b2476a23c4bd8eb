"""Stamps of price files: which form a file's stamps have, and each as Stooq's date and time in UTC.

The form is decided from all stamps of a file together (`decide`): the order of day, month and year, or the unit of epochs. A
`Clock` then turns one stamp after another into date and time.
"""

import datetime as dt
import operator
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from barmill.errors import InputError
from barmill.market.datasets import MINUTES
from barmill.market.numerals import contradicts

YMD, DMY, MDY, SHORT = "ymd", "dmy", "mdy", "yymmdd"
"""Orders of a date's parts. In the last one the year has two digits."""

ORDERS = (DMY, MDY, YMD)
"""Orders that a caller may name."""

UNITS = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}
"""Unit of epochs → how many make a second."""

SKIPPED, DOUBLED = "skipped_hour", "doubled_hour"
"""Reasons of a `NoStamp`: the zone's clocks never showed that time; they showed it twice, and the file does not say which is
meant."""

_SPAN = 4_200_000_000  # seconds from 1970 to 2103: a larger number counts a finer unit
_STAMP = re.compile(
    r"(\d{4})[-./]?(\d\d)[-./]?(\d\d)(?:[ T](\d\d):?(\d\d)(?::?(\d\d))?(?:[.,]\d+)? ?(?:(Z|UTC)|([+-]\d\d):?(\d\d)?)?)?"
)
_YEAR_FIRST = re.compile(r"(\d{4})([-./ ])(\d{1,2})\2(\d{1,2})(?!\d)(.*)")
_YEAR_LAST = re.compile(r"(\d{1,2})([-./])(\d{1,2})\2(\d{4}|\d\d)(?!\d)(.*)")
_DAY_NAME = re.compile(r"(\d{1,2})[-./ ]+([A-Za-z]{3,9})[-./, ]+(\d{4}|\d\d)(?!\d)(.*)")
_NAME_DAY = re.compile(r"([A-Za-z]{3,9})[-./ ]+(\d{1,2}),? +(\d{4})(?!\d)(.*)")
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)(\d{4}|\d{6})?(?!\d)(.*)")
_EPOCH = re.compile(r"(-?\d{1,20})(?:\.\d+)?")
_TIME = re.compile(
    r"[T, ]*(\d{1,2}):(\d\d)(?::(\d\d))?(?:[.,]\d+)? *([AaPp])?[Mm]? *(Z|UTC|GMT)?(?:([+-]\d\d):?(\d\d)?)?", re.ASCII
)
_DIGITS = re.compile(r"[T ]*(\d{1,6}|\d{9})")
_NAMES = "january february march april may june july august september october november december"
_MONTHS = {name[:cut]: at for at, name in enumerate(_NAMES.split(), 1) for cut in (3, None)} | {"sept": 9}
_PIVOT = 69  # a year of two digits from here on is of the 20th century
_NOON = 12
_SHORT_YEAR = 2
_STOOQ_LENGTH = len("YYYYMMDD,HHMMSS")


class NoStamp(ValueError):
    """A text is not a stamp; its argument is the reason: "" or one of `SKIPPED`, `DOUBLED`."""


@dataclass(frozen=True)
class Moment:
    """A stamp as it is written.

    Attributes:
        wall: date and time, without a zone; midnight where no time is written.
        timed: whether a time is written.
        offset: minutes east of UTC; None where none is written.
    """

    wall: dt.datetime
    timed: bool
    offset: int | None


@dataclass(frozen=True)
class Form:
    """The form of a file's stamps.

    Attributes:
        dates: `YMD`, `DMY`, `MDY`, `SHORT`, or a key of `UNITS`.
        digits: how many digits a time without marks has: 4 (`930` is 09:30), 6 (`93000` is 09:30:00), 9 (with milliseconds).
    """

    dates: str = YMD
    digits: int = 6

    def read(self, text: str) -> Moment:
        """A stamp; raises NoStamp."""
        try:
            return self._epoch(text) if self.dates in UNITS else self._calendar(text)
        except (ValueError, OverflowError):
            raise NoStamp("") from None

    def _epoch(self, text: str) -> Moment:
        found = _EPOCH.fullmatch(text)
        if not found or _unit(int(found[1])) != self.dates:
            raise ValueError(text)
        seconds = int(found[1]) // UNITS[self.dates]
        return Moment(dt.datetime(1970, 1, 1) + dt.timedelta(seconds=seconds), timed=True, offset=0)  # noqa: DTZ001 (a wall time)

    def _calendar(self, text: str) -> Moment:
        day, rest = _day(text, self.dates)
        if not rest.strip():
            return Moment(dt.datetime.combine(day, dt.time()), timed=False, offset=None)
        if digits := _DIGITS.fullmatch(rest):
            hour, minute, second = self._bare(digits[1])
            return Moment(dt.datetime.combine(day, dt.time(hour, minute, second)), timed=True, offset=None)
        found = _TIME.fullmatch(rest.strip())
        if not found:
            raise ValueError(text)
        hour, half = int(found[1]), (found[4] or "").lower()
        if half:
            if not 1 <= hour <= _NOON:
                raise ValueError(text)
            hour = hour % _NOON + (_NOON if half == "p" else 0)
        offset = 0 if found[5] else None
        if found[6]:
            offset = int(found[6]) * 60 + int(found[7] or 0) * (-1 if found[6].startswith("-") else 1)
        wall = dt.datetime.combine(day, dt.time(hour, int(found[2]), int(found[3] or 0)))
        return Moment(wall, timed=True, offset=offset)

    def _bare(self, digits: str) -> tuple[int, int, int]:
        if len(digits) > self.digits:
            raise ValueError(digits)
        full = digits.zfill(self.digits).ljust(6, "0")
        return int(full[:2]), int(full[2:4]), int(full[4:6])


def decide(stamps: Iterable[str], order: str = "") -> list[Form]:
    """The form of a file's stamps.

    Args:
        stamps: date and time of each line, separated by a space.
        order: one of `ORDERS`, if the caller knows the order of the dates' parts.

    Returns:
        One form, or several that read some stamp differently: nothing settles it.
    """
    votes: Counter[str] = Counter()
    dates: Counter[str] = Counter()
    longest = 0
    for each in stamps:
        text = each.strip()
        if found := _YEAR_LAST.fullmatch(text):
            dates[text[: found.end(4)]] += 1
            rest = found[5]
        elif (found := _EPOCH.fullmatch(text)) and not _is_compact(text):
            votes[_unit(int(found[1]))] += 1
            continue
        else:
            found = _YEAR_FIRST.fullmatch(text) or _COMPACT.fullmatch(text)
            votes[YMD] += found is not None
            rest = found[5] if found else ""
        if digits := _DIGITS.fullmatch(rest):
            longest = max(longest, len(digits[1]))
    orders = {"": (DMY, MDY, SHORT), YMD: (SHORT,)}.get(order, (order,))
    dotted = {text for text in dates if "." in text and not order}  # dots are taken to mean that the day comes first
    read = {form: [None if form == SHORT and text in dotted else _written(text, form) for text in dates] for form in orders}
    for form, days in read.items():
        votes[form] = sum(count for count, day in zip(dates.values(), days, strict=True) if day)
    votes.pop("", None)
    most = max(votes.values(), default=0)
    best = next((days for form, days in read.items() if votes[form] == most), None)
    meanings: dict[object, str] = {}
    for form, count in votes.items():
        other = read.get(form, [])
        if most and (count == most or (best and other and contradicts(best, other))):
            meanings.setdefault(tuple(other) or form, form)
    width = next((width for width in (4, 6, 9) if longest <= width), 6) if longest else 6
    return [Form(form, width) for form in meanings.values()] or [Form(digits=width)]


def _unit(number: int) -> str:
    return next((unit for unit, scale in UNITS.items() if abs(number) < _SPAN * scale), "")


def _is_compact(text: str) -> bool:
    """Whether digits are a calendar's date, maybe with a time: 20240131, 202401310930, 20240131093000."""
    try:
        Form()._calendar(text)  # noqa: SLF001 (of this module)
    except ValueError:
        return False
    return True


def _written(text: str, form: str) -> dt.date | None:
    try:
        return _day(text, form)[0]
    except ValueError:
        return None


def _day(text: str, form: str) -> tuple[dt.date, str]:
    """The date that a stamp begins with, and the text behind it; raises ValueError."""
    if found := _YEAR_FIRST.fullmatch(text):
        return dt.date(int(found[1]), int(found[3]), int(found[4])), found[5]
    if found := _YEAR_LAST.fullmatch(text):
        return _in_order(found, form), found[5]
    if found := _COMPACT.fullmatch(text):
        time = (found[4] or "").ljust(6, "0")
        rest = f" {time[:2]}:{time[2:4]}:{time[4:]}{found[5]}" if found[4] else found[5]
        return dt.date(int(found[1]), int(found[2]), int(found[3])), rest
    if found := _DAY_NAME.fullmatch(text):
        return dt.date(_year(found[3]), _MONTHS.get(found[2].lower(), 0), int(found[1])), found[4]
    if found := _NAME_DAY.fullmatch(text):
        return dt.date(int(found[3]), _MONTHS.get(found[1].lower(), 0), int(found[2])), found[4]
    raise ValueError(text)


def _in_order(found: re.Match[str], form: str) -> dt.date:
    one, mark, two, three = found.groups()[:4]
    short = len(three) == _SHORT_YEAR
    if form == DMY:
        return dt.date(_year(three), int(two), int(one))
    if form == MDY and mark != ".":  # dots stand only in dates that begin with the day or the year
        return dt.date(_year(three), int(one), int(two))
    if form == SHORT and short and len(one) == _SHORT_YEAR:
        return dt.date(_year(one), int(two), int(three))
    raise ValueError(found[0])


def _year(text: str) -> int:
    number = int(text)
    return number if len(text) > _SHORT_YEAR else number + (1900 if number >= _PIVOT else 2000)


class Clock:
    """Turns stamps into Stooq's date and time: `20240131,093000`.

    Args:
        frequency: a key of `datasets.PERIODS`.
        zone: IANA zone of stamps within a day that have no offset; "" for UTC.
        form: of the file's stamps.
        home: IANA zone in which the series' days begin; "" if it is not known.

    Attributes:
        kept: daily stamps with a time and an offset of UTC whose date was kept as written, as `home` is not known.
        local: whether any stamp within a day had no offset.
    """

    def __init__(self, frequency: str, zone: str = "", form: Form | None = None, home: str = "") -> None:
        self.kept = 0
        self.local = False
        self.within_a_day = frequency in MINUTES
        self._frequency = frequency
        self._zone = None if zone in {"", "UTC"} else ZoneInfo(zone)
        self._home = ZoneInfo(home) if home else None
        self._form = form or Form()
        self._quick = self._form.dates not in UNITS
        self._days: dict[str, str] = {}
        self._rounds: dict[int, int] = {}

    @property
    def needs_order(self) -> bool:
        """Whether the order of the lines can matter: `settle` is to be called first."""
        return self._zone is not None and self.within_a_day

    def settle(self, stamps: Iterable[tuple[int, str]]) -> None:
        """Find out which round of an hour that the zone's clocks showed twice each line means.

        Args:
            stamps: number and stamp of each line, in the file's order.
        """
        self._rounds = _rounds(list(self._local(stamps)))

    def _local(self, stamps: Iterable[tuple[int, str]]) -> Iterator[tuple[int, dt.datetime, bool]]:
        """Of stamps without an offset the line, the wall time, and whether the clocks showed it twice."""
        zone = self._zone
        assert zone is not None, "only what has a zone needs an order"
        changing: dict[dt.date, bool] = {}
        for line, text in stamps:
            try:
                moment = self._form.read(text)
            except NoStamp:
                continue
            if moment.offset is not None or not moment.timed:
                continue
            wall, day = moment.wall, moment.wall.date()
            if day not in changing:
                midnight = dt.datetime.combine(day, dt.time(), zone)
                after = midnight + dt.timedelta(days=1)
                changing[day] = midnight.utcoffset() != after.replace(fold=1).utcoffset()
            twice = changing[day] and _universal(wall, zone) != _universal(wall, zone, 1) and not _is_skipped(wall, zone)
            yield line, wall, twice

    def stamp(self, text: str, line: int = 0) -> str:
        """Date and time of a bar.

        Args:
            text: as the file has it.
            line: number of its line, as `settle` knows it.

        Raises:
            NoStamp: the text is not a stamp, or names a time that the zone skipped, or an hour that it had twice.
            InputError: the file's bars are not as long as asked for.
        """
        parts = _STAMP.fullmatch(text) if self._quick else None
        if parts and (":" in text or parts[6] or not parts[4]):
            year, month, day, hour, minute, second, utc, east, rest = parts.groups()
            anchored = utc or east
            if not self.within_a_day and not anchored:
                return self._daily(f"{year}{month}{day}", f"{hour or '00'}{minute or '00'}{second or '00'}")
            if self.within_a_day and hour:
                self.local = self.local or not anchored
                if utc or (not self._zone if east is None else east[1:] == "00" and rest in {None, "00"}):
                    return f"{year}{month}{day},{hour}{minute}{second or '00'}"
        moment = self._form.read(text)
        if not self.within_a_day:
            return self._dated(moment)
        if not moment.timed:
            raise InputError(
                f"the file has dates and no times, and {self._frequency} bars are wanted", "ask for it with --frequency daily"
            )
        self.local = self.local or moment.offset is None
        return f"{self._moved(moment, line):%Y%m%d,%H%M%S}".zfill(_STOOQ_LENGTH)

    def _dated(self, moment: Moment) -> str:
        """A daily bar: its date as written, or the exchange's own where the stamp has a time and an offset to move it by."""
        wall = moment.wall
        if moment.offset is not None and wall.time() != dt.time():
            if self._home:
                wall = (wall - dt.timedelta(minutes=moment.offset)).replace(tzinfo=dt.UTC).astimezone(self._home)
            elif not moment.offset:
                self.kept += 1
        return self._daily(f"{wall:%Y%m%d}".zfill(8), f"{moment.wall:%H%M%S}")

    def _daily(self, date: str, time: str) -> str:
        if self._days.setdefault(date, time) != time:
            raise InputError(
                f"the file has several bars on {date[:4]}-{date[4:6]}-{date[6:]}, and {self._frequency} ones are wanted",
                "say how long its bars are: --frequency 1min, 5min, hourly, …",
            )
        return f"{date},000000"

    def _moved(self, moment: Moment, line: int) -> dt.datetime:
        if moment.offset is not None:
            return moment.wall - dt.timedelta(minutes=moment.offset)
        if not self._zone:
            return moment.wall
        if _is_skipped(moment.wall, self._zone):
            raise NoStamp(SKIPPED)
        first, second = (_universal(moment.wall, self._zone, fold) for fold in (0, 1))
        if first == second:
            return first
        if line not in self._rounds:
            raise NoStamp(DOUBLED)
        return second if self._rounds[line] else first


def _universal(wall: dt.datetime, zone: ZoneInfo, fold: int = 0) -> dt.datetime:
    """A wall time of a zone in UTC, without a zone; `fold` 1 is the second round of an hour that comes twice."""
    return wall.replace(tzinfo=zone, fold=fold).astimezone(dt.UTC).replace(tzinfo=None)


def _is_skipped(wall: dt.datetime, zone: ZoneInfo) -> bool:
    return wall.replace(tzinfo=zone).astimezone(dt.UTC).astimezone(zone).replace(tzinfo=None) != wall


def _rounds(lines: Sequence[tuple[int, dt.datetime, bool]]) -> dict[int, int]:
    """Line → 0 or 1: which round of a doubled hour it means, as far as the order of the lines proves it.

    Lines that ascend, or descend, throughout step back once between the two rounds. Without that step, or with several, or
    among lines of no order, nothing tells the rounds apart.

    Args:
        lines: number, wall time, and whether the clocks showed it twice; in the file's order.
    """
    if not any(twice for _, _, twice in lines):
        return {}
    starts: dict[dt.date, dt.datetime] = {}
    for _, wall, twice in lines:
        if twice:
            starts[wall.date()] = min(starts.get(wall.date(), wall), wall)
    keys = [starts[wall.date()] if twice else wall for _, wall, twice in lines]
    ascending, descending = (all(map(holds, keys, keys[1:])) for holds in (operator.le, operator.ge))
    if ascending == descending:  # of no order, or all within one doubled hour
        return {}
    found: dict[int, int] = {}
    for day in starts:
        group = [(line, wall) for line, wall, twice in lines if twice and wall.date() == day]
        group = group if ascending else group[::-1]
        breaks = [at for at in range(1, len(group)) if group[at][1] <= group[at - 1][1]]
        if len(breaks) == 1:
            found |= {line: int(at >= breaks[0]) for at, (line, _) in enumerate(group)}
    return found
