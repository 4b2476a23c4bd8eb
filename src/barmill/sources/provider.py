"""What a provider of prices is: something that gives the bars of a symbol, or a whole tree of raw files."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from barmill.errors import nearest
from barmill.market.dialects import Reading


@dataclass(frozen=True)
class Request:
    """Which bars are wanted; both days count, None means as far as there are any.

    `home` is the IANA zone in which the series' days begin; "" if it is not known.
    """

    symbol: str
    frequency: str
    start: dt.date | None = None
    end: dt.date | None = None
    home: str = ""


class Provider(Protocol):
    """Gives single series."""

    name: str

    def fetch(self, request: Request) -> Reading:
        """The bars asked for; it may give more, before and after.

        Raises:
            UnknownSymbol: there is no such series.
            SourceError: it gives nothing that can be stored.
            InputError: what it gives is no prices.
        """
        ...

    def symbols(self) -> Sequence[str]:
        """What it has, in capitals; nothing if it can't tell."""
        ...


@dataclass(frozen=True, slots=True)
class Member:
    """A raw file of a tree.

    Attributes:
        path: below the tree's root, in Stooq's layout.
        ticker: what its name says.
        frequency: what its folder says, a key of `datasets.PERIODS`.
        place: where the source has it.
        size: bytes.
        crc: CRC-32 of its content; None if it is not known without reading it.
    """

    path: str
    ticker: str
    frequency: str
    place: tuple[Path, str]
    size: int
    crc: int | None


class TreeSource(Protocol):
    """Gives raw files in Stooq's layout, whole."""

    name: str

    def members(self) -> Sequence[Member]:
        """Every price file that it has, by path."""
        ...

    def read(self, member: Member) -> bytes:
        """The content of one.

        Raises:
            SourceError: it is damaged.
        """
        ...

    def strays(self) -> Sequence[str]:
        """What it has that is no price file, or may not be written, with the reason."""
        ...


def near(symbol: str, known: Collection[str]) -> str:
    """The hint to an unknown symbol."""
    found = nearest(symbol, known)
    return f"the nearest are {found}" if found else f"it has {len(known)} others"
