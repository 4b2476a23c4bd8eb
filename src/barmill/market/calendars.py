"""Calendars: whose sessions a dataset follows, the calendar's time zone, and from when its dates can be relied on.

`calendars.csv` names every calendar there is. One with weekdays is ours: it opens on these at a wall-clock time and closes
at another; an opening not before the closing is on the day before (the week of foreign exchange starts on Sunday at 17:00
in New York). The others are those of exchange_calendars. `follows.csv` says which calendar an exchange (MIC), an asset class
or an index follows, where that is not the calendar of its own name.

A calendar is trusted from the day on which its sessions agree with Stooq's series of its indices and shares, and before which
they do not: exchange_calendars projects present rules into the past. Empty means that nothing is known against it.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from barmill.errors import ConfigError, nearest
from barmill.market import datasets, yahoo
from barmill.market.datasets import Dataset
from barmill.market.tables import read_rows

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True)
class Calendar:
    """A calendar of sessions.

    Attributes:
        name: as exchange_calendars calls it, or ours.
        zone: IANA time zone of its wall clock.
        weekdays: names of the days with a session; empty for a calendar of exchange_calendars.
        open: wall-clock time `HH:MM` of opening, where the calendar is ours.
        close: of closing; `24:00` is the end of the day.
        trusted_from: first date on which it can be relied on, `YYYY-MM-DD`; "" from its start.
        trusted_until: last such date; "" to its end.
    """

    name: str
    zone: str
    weekdays: tuple[str, ...]
    open: str
    close: str
    trusted_from: str
    trusted_until: str


def calendar_of(dataset: Dataset, chosen: Mapping[str, str]) -> str:
    """The calendar that a dataset follows; "" when none is known, which is to be reported, never guessed.

    Args:
        dataset: what is asked about.
        chosen: glob of dataset names → calendar; the first that matches wins over everything else.

    Raises:
        ConfigError: `chosen` names a calendar that there is not.
    """
    if name := datasets.chosen(chosen, dataset.name):
        return _known(name, dataset)
    follows = _follows()
    if dataset.mic:
        return follows.get(("mic", dataset.mic), dataset.mic if dataset.mic in calendars() else "")
    index = follows.get(("index", dataset.symbol), "")
    return follows.get(("class", dataset.asset_class)) or index or follows.get(("class", yahoo.class_of(dataset.symbol)), "")


def zone_of(dataset: Dataset, chosen: Mapping[str, str]) -> str:
    """IANA name of the zone in which the dataset's days begin: its exchange's, or that of the calendar chosen for it; else UTC.

    What is traded around the clock all over the world has its days in UTC, whatever zone the calendar of its asset class is in.

    Args:
        dataset: what is asked about.
        chosen: as for `calendar_of`.

    Raises:
        ConfigError: `chosen` names a calendar that there is not.
    """
    is_tied = dataset.mic or datasets.chosen(chosen, dataset.name)
    calendar = calendar_of(dataset, chosen) if is_tied else ""
    return calendars()[calendar].zone if calendar else "UTC"


def days_of(dataset: Dataset, chosen: Mapping[str, str]) -> str:
    """As `zone_of`; "" where a dataset is tied to an exchange that is not known.

    Args:
        dataset: what is asked about.
        chosen: as for `calendar_of`.

    Raises:
        ConfigError: see `zone_of`.
    """
    is_known = datasets.chosen(chosen, dataset.name) or calendar_of(dataset, chosen)
    return zone_of(dataset, chosen) if is_known else ""


def cure(name: str, calendar: str = "") -> str:
    """What to do about a dataset without a calendar, or of a calendar without sessions."""
    fault = f"{calendar} has no sessions, see the last lines of doit; " if calendar else ""
    return f'{fault}set its calendar in pyproject.toml: [tool.barmill.calendars] "{name}" = "XNYS", or another known calendar'


@functools.cache
def calendars() -> Mapping[str, Calendar]:
    """Every calendar by its name."""
    rows = read_rows(Path(__file__).with_name("calendars.csv"))
    return {
        row["calendar"]: Calendar(
            row["calendar"],
            row["zone"],
            tuple(row["weekdays"].split()),
            row["open"],
            row["close"],
            row["trusted_from"],
            row["trusted_until"],
        )
        for row in rows
    }


def file_name(calendar: str) -> str:
    """The file of a calendar's sessions: `24-7.csv` for 24/7."""
    return calendar.replace("/", "-") + ".csv"


@functools.cache
def _follows() -> Mapping[tuple[str, str], str]:
    rows = read_rows(Path(__file__).with_name("follows.csv"))
    return {(row["kind"], row["key"]): row["calendar"] for row in rows}


def _known(name: str, dataset: Dataset) -> str:
    found = name if name in calendars() else _follows().get(("mic", name), "")
    if not found:
        near = nearest(name.upper(), calendars())
        raise ConfigError(
            f"setting calendars: unknown calendar {name!r}, which is given to {dataset.name}",
            f"the nearest are {near}" if near else "write a MIC of ISO 10383, such as XNYS",
        )
    return found
