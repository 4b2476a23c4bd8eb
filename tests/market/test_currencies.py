"""Currencies and quote units."""

import pytest

from barmill.market import currencies


@pytest.mark.parametrize(
    ("text", "currency", "unit"),
    [
        ("GBX", "GBP", "GBX"),
        ("GBp", "GBP", "GBX"),
        ("gbx", "GBP", "GBX"),
        ("GBP", "GBP", "GBP"),
        ("usd", "USD", "USD"),
        ("ZAc", "ZAR", "ZAC"),
        ("", "", ""),
        ("XYZ", "XYZ", "XYZ"),
    ],
)
def test_quote(text, currency, unit):
    """Pence are pounds quoted in GBX; a currency is its own unit; what is unknown stands for itself."""
    assert currencies.quote(text) == (currency, unit)


def test_pence_are_hundredths():
    """100 GBX are one pound, and a dollar is a dollar."""
    assert currencies.per_unit("GBX") * 100 == 1.0
    assert currencies.per_unit("USD") == 1.0


def test_code_is_a_capital_word():
    """Only a code in the letter case of lists is one: `plc` and `Usd` are words of a name."""
    assert currencies.is_code("GBX")
    assert not currencies.is_code("PLC")
    assert not currencies.is_code("Usd")
