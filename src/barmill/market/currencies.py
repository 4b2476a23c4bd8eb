"""Currencies and quote units: what a price of a region is in, and which units are a part of a currency."""

from typing import NamedTuple

BY_REGION = {
    "us": "USD", "uk": "GBP", "pl": "PLN", "jp": "JPY", "hk": "HKD", "hu": "HUF", "de": "EUR",
}  # fmt: skip
"""Stooq region → its main currency. `world` and `macro` have none: an index is in points, a rate in two currencies."""

CODES = frozenset({
    "AED", "ARS", "AUD", "BGN", "BRL", "CAD", "CHF", "CLP", "CNH", "CNY", "COP", "CZK", "DKK", "EGP", "EUR", "GBP", "HKD",
    "HUF", "IDR", "ILS", "INR", "ISK", "JPY", "KRW", "KWD", "MXN", "MYR", "NOK", "NZD", "PEN", "PHP", "PLN", "QAR", "RON",
    "RSD", "RUB", "SAR", "SEK", "SGD", "THB", "TRY", "TWD", "UAH", "USD", "VND", "ZAR",
})  # fmt: skip
"""ISO 4217 codes of currencies that shares are quoted in."""

MINOR_UNITS = {"GBX": ("GBP", 0.01), "ZAC": ("ZAR", 0.01), "ILA": ("ILS", 0.01), "USX": ("USD", 0.01), "EUX": ("EUR", 0.01)}
"""Quote unit → (currency, how much of it one unit is): London quotes most shares in pence, GBX."""

_SPELLINGS = {"GBp": "GBX", "GBx": "GBX", "PENCE": "GBX", "ZAc": "ZAC", "ILa": "ILA", "USd": "USX", "EUc": "EUX"}


class Quote(NamedTuple):
    """What a price is in: `GBP` and `GBX` for pence, `USD` and `USD` for dollars."""

    currency: str
    unit: str


def quote(text: str) -> Quote:
    """The currency and the quote unit that a broker's text means; a text that is no known code stands for itself."""
    unit = _SPELLINGS.get(text, text.upper())
    unit = _SPELLINGS.get(unit, unit)
    return Quote(MINOR_UNITS[unit][0] if unit in MINOR_UNITS else unit, unit)


def is_code(text: str) -> bool:
    """Whether `text` is exactly a currency code or a quote unit, in the letter case that brokers write it in."""
    return text in CODES or text in MINOR_UNITS or text in _SPELLINGS


def per_unit(unit: str) -> float:
    """How much of its currency one quote unit is: 0.01 for pence, 1.0 for a currency."""
    return MINOR_UNITS[unit][1] if unit in MINOR_UNITS else 1.0
