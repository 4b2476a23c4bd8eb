"""Brokers' lists of instruments, in three dialects."""

import hashlib
from collections.abc import Callable, Sequence
from typing import NamedTuple


class Instrument(NamedTuple):
    """A row of a broker's list, in the broker's own spelling."""

    market: str
    symbol: str
    name: str
    currency: str
    country: str


def isin(country: str, name: str) -> str:
    """An invented ISIN: the digits come from the company's name, the last one is the check digit."""
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % 10**9
    body = f"{country}{number:09d}"
    digits = [int(digit) for char in body for digit in str(int(char, 36))]
    doubled = (digit * (2 - place % 2) for place, digit in enumerate(reversed(digits)))
    return f"{body}{-sum(digit // 10 + digit % 10 for digit in doubled) % 10}"


def comma(instruments: Sequence[Instrument]) -> bytes:
    """UTF-8, no currency column: the currency is the last word of the name."""
    rows = ((each.market, isin(each.country, each.name), each.symbol, f"{each.name} {each.currency}") for each in instruments)
    return _joined(["market,isin,symbol,name", *map(",".join, rows)]).encode()


def semicolon(instruments: Sequence[Instrument]) -> bytes:
    """Code page 1250 with Polish words, and fees with a quoted decimal comma."""
    lines = ["Market;ISIN;Symbol;Name;Currency;Opłata;Dywidenda"]
    for number, each in enumerate(instruments):
        fee, dividend = f'"0,{7 + 6 * (number % 9):02d}"', ("Wypłaca", "Nie wypłaca")[number % 2]
        fields = (each.market, isin(each.country, each.name), each.symbol, each.name, each.currency, fee, dividend)
        lines.append(";".join(fields))
    return _joined(lines).encode("cp1250")


def tabbed(instruments: Sequence[Instrument]) -> bytes:
    """Tabs, a byte order mark, CRLF, other column names."""
    rows = ((each.symbol, isin(each.country, each.name), each.name, each.market, each.currency) for each in instruments)
    return _joined(["Ticker\tISIN\tSecurity Name\tExchange\tCcy", *map("\t".join, rows)], "\r\n").encode("utf-8-sig")


DIALECTS: dict[str, Callable[[Sequence[Instrument]], bytes]] = {
    "broker_comma.csv": comma,
    "broker_semicolon.csv": semicolon,
    "broker_tabs.txt": tabbed,
}
"""File name → what writes it."""


def _joined(lines: Sequence[str], end: str = "\n") -> str:
    return "".join(line + end for line in lines)
