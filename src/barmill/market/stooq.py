r"""Grammar of the Stooq tree: what the path of a price file says, and why a file is no price file.

    d_us_txt/data/daily/us/nasdaq stocks/1/aapl.us.txt
                  │     │  │             │ └ ticker AAPL.US, suffix .US
                  │     │  │             └ shard
                  │     │  └ category (may have several parts, and a backslash inside one: `currencies\major`)
                  │     └ region
                  └ frequency: daily, hourly, 5 min

A tree may start at the frequency, or at a known region and is then daily.
"""

import re
from typing import NamedTuple

FREQUENCIES = ("daily", "hourly", "5 min")
REGIONS = frozenset({"us", "uk", "pl", "jp", "hk", "hu", "de", "world", "macro"})

NOT_TXT = "not_txt"
NOT_IN_LAYOUT = "not_in_layout"
NOT_A_TICKER = "not_a_ticker"

_CANONICAL = re.compile(r"[a-z0-9]+_[a-z]+_txt/data/", re.IGNORECASE)
_NOTES = frozenset({"", "readme", "read me", "license", "licence", "changelog", "notes"})


class Folder(NamedTuple):
    """What the folder of a price file says; `depth` parts of it stand before the category."""

    frequency: str
    region: str
    category: str
    shard: str


class Name(NamedTuple):
    """What the name of a price file says."""

    ticker: str
    stem: str
    suffix: str


def parse_folder(folder: str) -> Folder | None:
    """What the relative path of a folder says about the files in it; `None` when it is outside the layout."""
    parts = folder.split("/")
    lowered = [part.lower() for part in parts]
    start = next((i for i, part in enumerate(lowered) if part in FREQUENCIES), -1)
    if start < 0:
        start = next((i - 1 for i, part in enumerate(lowered) if part in REGIONS), -2)
    if start < -1 or start + 1 >= len(parts):
        return None
    frequency = lowered[start] if start >= 0 and lowered[start] in FREQUENCIES else "daily"
    rest = parts[start + 2 :]
    shard = rest.pop() if rest and rest[-1].isdecimal() else ""
    return Folder(frequency, lowered[start + 1], "/".join(rest), shard)


def parse_name(name: str, folder: Folder | None) -> Name | str:
    """The ticker that a file name says, or the reason why the file is no price file.

    Reasons: `not_txt`, `not_in_layout` (no region in the path, or a file beside the categories that does not carry
    the region's suffix), `not_a_ticker` (a note such as `readme.txt`).
    """
    stem, dot, extension = name.rpartition(".")
    if not dot or extension.lower() != "txt":
        return NOT_TXT
    if folder is None:
        return NOT_IN_LAYOUT
    if stem.lower() in _NOTES:
        return NOT_A_TICKER
    _, dot, last = stem.rpartition(".")
    suffix = "." + last.upper() if dot else ""
    if not folder.category and suffix != "." + folder.region.upper():
        return NOT_IN_LAYOUT
    return Name(stem.upper(), stem, suffix)


def copy_rank(relative_path: str) -> tuple[bool, str]:
    """Sort key of two files with one ticker: the place where Stooq's bundle puts it comes first, then path order."""
    return _CANONICAL.match(relative_path) is None, relative_path
