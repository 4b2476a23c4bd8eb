"""Bars in a year: what returns and ratios are annualised by, from the calendar and never from the bars that there are.

`years.csv` has the sessions of a year (mean of 2015 to 2024) and the trading minutes of a regular session of every calendar, as
exchange_calendars has them; of the calendars that it cannot compute, as the exchange publishes them.
"""

import functools
from collections.abc import Mapping
from pathlib import Path

from barmill.market.tables import read_rows

UNKNOWN = "24/5"
"""The calendar by which a dataset without one is annualised: most of what has none is traded nearly around the clock."""


def bars_per_year(calendar: str, minutes: int) -> float:
    """Bars of `minutes` in a year of sessions; a bar that a session's end cuts short counts as one.

    Args:
        calendar: a name of `calendars.calendars()`; "" where none is known, then `UNKNOWN` counts.
        minutes: length of a bar, less than a day.
    """
    days, session = _years()[calendar or UNKNOWN]
    return float(days * -(-session // minutes))


@functools.cache
def _years() -> Mapping[str, tuple[int, int]]:
    rows = read_rows(Path(__file__).with_name("years.csv"))
    return {row["calendar"]: (int(row["days"]), int(row["minutes"])) for row in rows}
