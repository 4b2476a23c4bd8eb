"""Datasets: the price series of a project, each with one raw file, and what the file's place says about it.

    <stooq>/d_us_txt/data/daily/us/nasdaq stocks/1/aapl.us.txt   a matched symbol of the tree: AAPL.US
    <series>/forex/1min/EURUSD.txt                               a single series: forex/1min/EURUSD

Both hold Stooq's text. Stamps of the tree's bars within a day are the wall clock of Warsaw, where Stooq is; those of a
single series are UTC. Stamps of daily and longer bars are dates.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePath

from barmill.market import stooq, venues, yahoo

PERIODS = {
    "1min": "1",
    "5min": "5",
    "15min": "15",
    "30min": "30",
    "hourly": "60",
    "4hour": "240",
    "daily": "D",
    "weekly": "W",
    "monthly": "M",
}
"""Frequency → what Stooq's PER column says."""

MINUTES = {name: int(per) for name, per in PERIODS.items() if per.isdecimal()}
"""Frequency within a day → minutes of a bar."""

ASSET_CLASSES = (
    "equities", "etfs", "funds", "indices", "forex", "crypto", "bonds", "rates", "commodities", "futures", "derivatives",
    "macro", "other",
)  # fmt: skip

YAHOO = "yahoo"
"""The kind of provider whose tickers are spelled as `market.yahoo` says."""

STOOQ_ZONE = "Europe/Warsaw"
SERIES_ZONE = "UTC"

_LISTED = frozenset({"equities", "etfs", "funds", "derivatives"})  # where a ticker's suffix names an exchange
HISTORIES = ".history"
"""Below the folder of single series: what was loaded into each, and from whom."""

_SUFFIX = ".txt"
_PLACE = 3  # class, frequency, file


@dataclass(frozen=True)
class Dataset:
    """One price series.

    Attributes:
        name: unique in the project; names its targets and its outputs.
        symbol: ticker as Stooq or the provider writes it, in capitals.
        raw: its raw file, Stooq text.
        asset_class: one of `ASSET_CLASSES`.
        frequency: a key of `PERIODS`.
        zone: IANA time zone of the stamps in the raw file; "" where they are dates.
        mic: the exchange whose calendar it follows, as far as the place or the ticker's suffix says; else "".
    """

    name: str
    symbol: str
    raw: Path
    asset_class: str
    frequency: str
    zone: str
    mic: str


def of_tree(symbol: str, raw: Path, relative_path: str) -> Dataset:
    """The dataset of a matched symbol of the Stooq tree, whose raw file has this path below the tree's root."""
    return Dataset(symbol, symbol, raw, *_of_folder(relative_path.rpartition("/")[0]))


@functools.cache
def _of_folder(path: str) -> tuple[str, str, str, str]:
    """What the files of a folder of the tree have in common: asset class, frequency, zone, exchange."""
    folder = stooq.parse_folder(path)
    assert folder is not None, f"{path} came out of the index, which takes only files in Stooq's layout"
    frequency = folder.frequency.replace(" ", "")
    keeper = venues.keeper(folder.region, folder.category)
    return _class_of(folder), frequency, STOOQ_ZONE if frequency in MINUTES else "", keeper.mic if keeper else ""


def of_series(root: Path, relative: PurePath, kind: str = "") -> Dataset | None:
    """The dataset of a file below the folder of single series; None if its place is not `<class>/<frequency>/<SYMBOL>.txt`.

    Args:
        root: the folder of single series.
        relative: the file's path below it.
        kind: of the provider that it comes from: `YAHOO`, or any other, which spells tickers as Stooq does.
    """
    if len(relative.parts) != _PLACE or relative.suffix != _SUFFIX:
        return None
    asset_class, frequency, _ = relative.parts
    if asset_class not in ASSET_CLASSES or frequency not in PERIODS or not _is_symbol(relative.stem):
        return None
    name = relative.as_posix().removesuffix(_SUFFIX)
    zone = SERIES_ZONE if frequency in MINUTES else ""
    mic = _mic_of(relative.stem, asset_class, kind)
    return Dataset(name, relative.stem, root / relative, asset_class, frequency, zone, mic)


def _is_symbol(stem: str) -> bool:
    """Whether a file's name is in capitals, and UTF-8, as what tables and tasks are to name it by."""
    try:
        stem.encode()
    except UnicodeEncodeError:
        return False
    return stem == stem.upper()


def place(asset_class: str, frequency: str, symbol: str) -> PurePath:
    """Where a single series lies below the folder of them."""
    return PurePath(asset_class, frequency, symbol.upper() + _SUFFIX)


def chosen(table: Mapping[str, str], name: str) -> str:
    """What a setting says of the dataset `name`: the value of the first glob that matches; "" if none does."""
    return next((value for glob, value in table.items() if fnmatchcase(name, glob)), "")


def _mic_of(symbol: str, asset_class: str, kind: str) -> str:
    if kind == YAHOO and (asset_class in _LISTED or "." in symbol):
        return yahoo.mic_of(symbol)
    if asset_class not in _LISTED:
        return yahoo.future_mic(symbol) if symbol.endswith("=F") else ""
    venue = venues.listing(symbol, "").venue
    return (venue.mic or _COMPOSITES[venue.region]) if venue else ""


_COMPOSITES = {"us": "XNYS", "pl": "XWAR"}  # whose sessions the exchanges of a country share

_CLASSES = (
    ("etfs", "etfs"),
    ("stocks indices", "indices"),
    ("stocks", "equities"),
    ("indices", "indices"),
    ("cryptocurrencies", "crypto"),
    ("currencies", "forex"),
    ("money market", "rates"),
    ("bonds", "bonds"),
    ("commodities", "commodities"),
    ("lme", "commodities"),
    ("futures", "futures"),
    ("funds", "funds"),
    ("reits", "equities"),
    ("drs", "equities"),
    ("certificates", "derivatives"),
    ("options", "derivatives"),
    ("dws", "derivatives"),
    ("cbbcs", "derivatives"),
)


def _class_of(folder: stooq.Folder) -> str:
    if folder.region == "macro":
        return "macro"
    return next((found for word, found in _CLASSES if word in folder.category), "other")
