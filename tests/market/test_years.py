"""Bars in a year: by calendar and length of bar."""

import pytest

from barmill.market.calendars import calendars
from barmill.market.years import UNKNOWN, bars_per_year


@pytest.mark.parametrize(
    ("calendar", "minutes", "bars"),
    [
        ("XNYS", 1, 252 * 390),
        ("XNYS", 5, 252 * 78),
        ("XNYS", 60, 252 * 7),
        ("XNYS", 240, 252 * 2),
        ("24/7", 1, 365 * 1440),
        ("24/5", 60, 261 * 24),
        ("XTKS", 30, 244 * 10),
        ("", 60, 261 * 24),
    ],
)
def test_bars_of_a_year(calendar, minutes, bars):
    """Sessions of a year times bars of a session, of which the last may be short."""
    assert bars_per_year(calendar, minutes) == bars


def test_every_calendar_has_a_year():
    """Of all that a dataset can follow the figures are there, and plausible."""
    assert UNKNOWN in calendars()
    for name in calendars():
        assert 240 <= bars_per_year(name, 1440) <= 365, name
        assert 240 <= bars_per_year(name, 1) / bars_per_year(name, 1440) <= 1440, name
