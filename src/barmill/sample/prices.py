"""Price series in Stooq's text form: a random walk, one line per bar."""

import datetime as dt
import functools
import random
from collections.abc import Sequence
from typing import NamedTuple

from barmill.market.calendars import calendars
from barmill.market.changes import CORRECTIONS, apply, read_changes
from barmill.market.regular import regular
from barmill.market.sessions import Session

HEADER = "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>"
LAST_DAY = dt.date(2025, 10, 31)
_SATURDAY = 5
_MINUTE = dt.timedelta(minutes=1)


class Shape(NamedTuple):
    """What a series looks like.

    Attributes:
        price: where the walk starts.
        step: the widest move within a bar, as a fraction of the price.
        digits: printf form of a price.
        volume: middle of the volumes; 0 for a series without any.
        shares: printf form of a volume; `%.9f` for the fractions that adjusting for splits leaves.
        quiet: share of the bars with volume 0.
    """

    price: float
    step: float = 0.03
    digits: str = "%.6g"
    volume: float = 1e6
    shares: str = "%.0f"
    quiet: float = 0.0


def generator(seed: int, name: str) -> random.Random:
    """Random numbers of one file: no other file's numbers move when one is added."""
    return random.Random(f"{seed}:{name}")


@functools.cache
def weekdays(count: int) -> tuple[dt.date, ...]:
    """The last `count` weekdays up to `LAST_DAY`, ascending."""
    days = (LAST_DAY - dt.timedelta(n) for n in range(count * 7 // 5 + 7))
    return tuple(reversed([day for day in days if day.weekday() < _SATURDAY][:count]))


def sessions(calendar: str, count: int) -> list[Session]:
    """The last `count` sessions of a calendar up to `LAST_DAY`, ascending; no more than there are in the five years before."""
    return _five_years(calendar)[-count:]


@functools.cache
def _five_years(calendar: str) -> list[Session]:
    found, first = calendars()[calendar], LAST_DAY.replace(year=LAST_DAY.year - 5)
    return apply(read_changes(CORRECTIONS), regular(found, first, LAST_DAY), found, first, LAST_DAY)


@functools.cache
def daily(count: int, calendar: str = "") -> tuple[str, ...]:
    """Stamps, `DATE,TIME`, of `count` daily bars: on the sessions of a calendar, or without one on weekdays."""
    days = [each.date for each in sessions(calendar, count)] if calendar else weekdays(count)
    return tuple(f"{day:%Y%m%d},000000" for day in days)


def traded(calendar: str, count: int) -> list[str]:
    """Stamps of the bars of every minute of the last `count` sessions, UTC."""
    spans = ((each.open, (each.close - each.open) // _MINUTE) for each in sessions(calendar, count))
    return [f"{start + k * _MINUTE:%Y%m%d,%H%M}00" for start, length in spans for k in range(length)]


def intraday(days: int, minutes: range) -> list[str]:
    """Stamps of the bars that start at these minutes of the day, on each of the last `days` weekdays."""
    times = [f"{minute // 60:02d}{minute % 60:02d}00" for minute in minutes]
    return [f"{day:%Y%m%d},{time}" for day in weekdays(days) for time in times]


def bars(ticker: str, per: str, stamps: Sequence[str], shape: Shape, rng: random.Random) -> list[str]:
    """Lines of a series, header first, without line ends."""
    draw, step = rng.random, shape.step
    line = f"{ticker.upper()},{per},%s,{','.join([shape.digits] * 4)},{shape.shares},0"
    lines, close = [HEADER], shape.price
    for stamp in stamps:
        first = close * (1 + step * (draw() - 0.5) / 3)
        close = first * (1 + step * (draw() + draw() - 1))
        margin = abs(close) * step / 4
        high = max(first, close) + margin * draw()
        low = min(first, close) - margin * draw()
        volume = 0.0 if shape.quiet and draw() < shape.quiet else shape.volume * (0.5 + draw())
        lines.append(line % (stamp, first, high, low, close, volume))
    return lines


def text(lines: Sequence[str], end: str = "\r\n") -> bytes:
    """The bytes of a file; Stooq ends lines with CRLF, tools that saved it again with LF."""
    return "".join(line + end for line in lines).encode("latin-1")
