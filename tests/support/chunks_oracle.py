"""Periods and chunks in plain Python, with datetime, zoneinfo and csv: written without looking at how they are made."""

import csv
import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

VALUES = ("open", "high", "low", "close", "volume", "openint")


def period_name(scheme: str, day: dt.date) -> str:
    """The name of the period that a day is in."""
    if scheme == "year":
        return day.strftime("%Y").zfill(4)
    if scheme == "quarter":
        return f"{day.strftime('%Y').zfill(4)}-Q{[1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4][day.month - 1]}"
    if scheme == "month":
        return f"{day.strftime('%Y').zfill(4)}-{day.strftime('%m')}"
    if scheme == "week":
        return f"{day.strftime('%G').zfill(4)}-W{day.strftime('%V')}"
    length = int(scheme.split(maxsplit=1)[0])
    while (day - dt.date(1970, 1, 1)).days % length:
        day -= dt.timedelta(1)
    return f"{day.isoformat()}_{length}d"


def read_export(path: Path, clock: str) -> list[tuple]:
    """Bars of an export: a date, or where there is a clock an aware datetime in UTC, then six numbers or None."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    bars = []
    for row in rows:
        stamp = dt.date.fromisoformat(row["date"])
        if clock:
            wall = dt.datetime.fromisoformat(f"{row['date']}T{row['time']}").replace(tzinfo=ZoneInfo(clock), fold=1)
            stamp = wall.astimezone(dt.UTC)
        bars.append((stamp, *(float(row[name]) if row[name] else None for name in VALUES)))
    return bars


def cut(bars: list[tuple], scheme: str, zone: str) -> dict[str, list[tuple]]:
    """Bars by the name of their period."""
    chunks: dict[str, list[tuple]] = {}
    for bar in bars:
        day = bar[0].astimezone(ZoneInfo(zone)).date() if zone else bar[0]
        chunks.setdefault(period_name(scheme, day), []).append(bar)
    return chunks
