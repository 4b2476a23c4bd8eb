"""A slow reader of Stooq text in plain Python: what the export must say, written without looking at how it is made."""

import datetime as dt
import math


def number(text: str) -> float | None:
    """A finite plain decimal number, or None."""
    if not text or not set(text) <= set("0123456789.+-eE"):
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def stamp(date: str, time: str) -> str | None:
    """`YYYY-MM-DD HH:MM:SS`, or None if the two are no stamp."""
    if len(date) != 8 or len(time) != 6 or not (date + time).isascii():
        return None
    try:
        return dt.datetime.strptime(f"{date}{time}+0000", "%Y%m%d%H%M%S%z").strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return None


def read(data: bytes) -> tuple[dict[str, tuple], dict[int, str]]:
    """Bars by stamp, and reason by line number."""
    bars: dict[str, tuple] = {}
    faults: dict[int, str] = {}
    seen_data = False
    for at, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        text = line.decode("latin-1").strip("\r \t\x1a")
        if not text:
            continue
        if not seen_data and text.upper().startswith("<TICKER>"):
            continue
        seen_data = True
        fields = [each.strip() for each in text.split(",")]
        when = stamp(fields[2], fields[3]) if len(fields) == 10 else None
        if when is None or '"' in fields[0] + fields[1] or "\0" in fields[0] + fields[1]:
            faults[at] = "invalid_rows"
            continue
        prices = [number(each) for each in fields[4:8]]
        if None in prices:
            faults[at] = "non_numeric_prices"
            continue
        bars[when] = (*prices, number(fields[8]), number(fields[9]))
    return dict(sorted(bars.items())), faults
