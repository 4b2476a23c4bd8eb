"""Stamps of real files in plain Python: Stooq's text, and dated CSV of other suppliers."""

import datetime as dt
import re
from pathlib import Path


def dates(path: Path) -> list[dt.date]:
    """Dates of the lines of Stooq's text (third field YYYYMMDD), or of a CSV whose first field is an ISO date."""
    found = []
    for line in path.read_text(encoding="latin-1").splitlines():
        fields = line.split(",")
        if len(fields) >= 9 and fields[2].isdigit():
            found.append(dt.date(int(fields[2][:4]), int(fields[2][4:6]), int(fields[2][6:])))
        elif len(fields) < 9 and fields[0][:4].isdigit():
            found.append(dt.date.fromisoformat(fields[0]))
    return sorted(found)


def moments(path: Path) -> list[dt.datetime]:
    """Moments, which are in UTC, of a CSV whose first field has `YYYY-MM-DD HH:MM` in it."""
    fields = (line.partition(",")[0] for line in path.read_text(encoding="utf-8", errors="replace").splitlines())
    found = [match[0] for match in map(re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d").search, fields) if match]
    return sorted(dt.datetime.strptime(f"{each}+0000", "%Y-%m-%d %H:%M%z") for each in found)
