"""A slow count of the sessions that a series lacks, written without looking at how it is done."""

import datetime as dt


def period(date: dt.date, frequency: str):
    """What a bar of this frequency covers: a day, an ISO week, a month."""
    if frequency == "weekly":
        return tuple(date.isocalendar())[:2]
    return (date.year, date.month) if frequency == "monthly" else date


def behind(sessions, last: dt.date, moment: dt.datetime, frequency: str) -> int:
    """Sessions of later periods than that of the last bar, of which periods every session had closed at the moment."""
    found = 0
    for date, _, _ in sessions:
        mates = [close for other, _, close in sessions if period(other, frequency) == period(date, frequency)]
        later = period(date, frequency) > period(last, frequency)
        found += later and all(close <= moment for close in mates)
    return found
