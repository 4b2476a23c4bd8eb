"""A tree of any size for benchmarks: short files, in the proportions of Stooq's bundles, with a defect in one of a hundred."""

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from barmill.sample.lists import DIALECTS, Instrument
from barmill.sample.prices import Shape, bars, daily, generator, text
from barmill.sample.quirks import COMMON

# folder, files of 70,000
_FOLDERS = (
    ("us/nasdaq stocks/1", 2000),
    ("us/nasdaq stocks/2", 1500),
    ("us/nasdaq etfs", 600),
    ("us/nyse stocks/1", 2000),
    ("us/nyse stocks/2", 1600),
    ("us/nyse etfs", 3000),
    ("us/nysemkt stocks", 300),
    ("uk/lse stocks", 2200),
    ("uk/lse stocks intl", 1400),
    ("uk/lse etfs/1", 3400),
    ("pl/wse stocks", 420),
    ("pl/nc stocks", 380),
    ("pl/wse etfs", 40),
    ("pl/wse stocks intl", 60),
    ("jp/tse stocks/1", 2100),
    ("jp/tse stocks/2", 1900),
    ("jp/tse etfs", 300),
    ("hk/hkex stocks", 2600),
    ("hk/hkex dws", 15000),
    ("hk/hkex cbbcs", 24000),
    ("hu/bse stocks", 100),
    ("world/indices", 200),
    ("world/currencies\\major", 100),
    ("world/currencies\\other", 4800),
)
_TOTAL = sum(weight for _, weight in _FOLDERS)

# first words of a category → the market in the comma, semicolon and tab dialects, Bloomberg's code, currency, country
_MARKETS: dict[str, tuple[str, ...]] = {
    "us/nasdaq": ("NSQ", "USA-NASDAQ", "NASDAQ", "US", "USD", "US"),
    "us/nyse": ("NYSE", "USA-NYSE", "New York Stock Exchange", "US", "USD", "US"),
    "us/nysemkt": ("NYSE-MKT", "USA-AMEX", "NYSE American", "US", "USD", "US"),
    "uk/lse": ("LSE", "GBR-LSE", "London Stock Exchange", "LN", "GBX", "GB"),
    "pl/wse": ("GPW", "GPW-WWA", "Warsaw Stock Exchange", "PW", "PLN", "PL"),
    "pl/nc": ("NewConnect", "GPW-NC", "NewConnect Warsaw", "NC", "PLN", "PL"),
    "jp/tse": ("JPX", "JPN-TSE", "Tokyo Stock Exchange", "JP", "JPY", "JP"),
    "hu/bse": ("Budapest", "HUN-BSE", "Budapest Stock Exchange", "HB", "HUF", "HU"),
}
_MISSES: tuple[tuple[str, ...], ...] = (
    ("TSX", "CAN-TSX", "Toronto Stock Exchange", "CN", "CAD", "CA"),
    ("AMS", "NLD-AMS", "Euronext Amsterdam", "NA", "EUR", "NL"),
    ("NYSE", "USA-NYSE", "New York Stock Exchange", "US", "USD", "US"),
)
_MISS_EVERY = 20
_QUIET, _FRACTIONAL, _SAVED_AGAIN, _DEFECTIVE = 0.15, 0.2, 0.02, 0.01  # shares of the files
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_MIX = 7001  # prime, so that n * _MIX runs through every code, in no visible order


class _Place(NamedTuple):
    folder: str
    stem: str


def files(seed: int, count: int, instruments: int, rows: int) -> Iterator[tuple[str, bytes]]:
    """Yield (relative path, content) of `count` raw files and of three lists with `instruments` rows together."""
    places = list(_places(count))
    for number, place in enumerate(places):
        name = _path(place)
        yield name, _content(place, rows, number, generator(seed, name))
    listed = [place for place in places if _market(place.folder)]
    for (name, write), some in zip(DIALECTS.items(), _lists(listed, instruments), strict=True):
        yield f"instruments/{name}", write(some)


def _places(count: int) -> Iterator[_Place]:
    """Folder and name of each file; the folders' shares of `count` are rounded so that they add up."""
    numbers: dict[str, int] = {}
    before = 0
    for folder, weight in _FOLDERS:
        region = folder.partition("/")[0]
        share = (before + weight) * count // _TOTAL - before * count // _TOTAL
        before += weight
        for _ in range(share):
            numbers[region] = numbers.get(region, 0) + 1
            yield _Place(folder, _stem(folder, numbers[region]))


def _stem(folder: str, number: int) -> str:
    region, _, category = folder.partition("/")
    if region == "hk":
        return f"{number}.hk"
    if region == "jp":
        return f"{1000 + number}.jp"
    if category in {"wse stocks", "nc stocks"}:
        return _code(number, 3)
    if region == "world":
        return "^" + _code(number, 4) if category == "indices" else _code(number, 6)
    return f"{_code(number, 4)}.{region}"


def _code(number: int, width: int) -> str:
    rest, letters = number * _MIX % 26**width, ""
    for _ in range(width):
        rest, letter = divmod(rest, 26)
        letters = _LETTERS[letter] + letters
    return letters


def _path(place: _Place) -> str:
    region = place.folder.partition("/")[0]
    return f"stooq/d_{region}_txt/data/daily/{place.folder}/{place.stem}.txt"


def _content(place: _Place, rows: int, number: int, rng: random.Random) -> bytes:
    """A short series: perhaps with bars of volume 0, fractional volumes, LF at the line ends, or a defect."""
    draw = rng.random
    quiet = 0.5 * draw() if draw() < _QUIET else 0.0
    shares = "%.9f" if draw() < _FRACTIONAL else "%.0f"
    end = "\n" if draw() < _SAVED_AGAIN else "\r\n"
    defect = draw() < _DEFECTIVE
    shape = Shape(price=1 + 300 * draw(), volume=100 + 1e6 * draw(), shares=shares, quiet=quiet)
    lines = bars(place.stem, "D", daily(rows), shape, rng)
    return text(COMMON[number % len(COMMON)](lines) if defect else lines, end)


def _market(folder: str) -> tuple[str, ...]:
    return _MARKETS.get(folder.partition(" ")[0], ())


def _lists(listed: Sequence[_Place], count: int) -> list[list[Instrument]]:
    """Rows of the three lists, in turn; each twentieth row has no file: another venue, or an unknown symbol."""
    lists: list[list[Instrument]] = [[], [], []]
    for number in range(count):
        dialect = number % len(lists)
        if number % _MISS_EVERY == _MISS_EVERY - 1 or not listed:
            market, symbol = _MISSES[number // _MISS_EVERY % len(_MISSES)], f"ZZ{number}"
        else:
            place = listed[number * len(listed) // count]
            market, symbol = _market(place.folder), place.stem.partition(".")[0].upper()
        *spellings, code, currency, country = market
        spelled = f"{symbol}:{code}" if dialect == 1 else symbol
        lists[dialect].append(Instrument(spellings[dialect], spelled, f"{symbol} Holding", currency, country))
    return lists
