"""Spellings of share classes, preferreds, units and warrants."""

import pytest

from barmill.market import spelling


@pytest.mark.parametrize("symbol", ["BRK.B", "BRK/B", "BRK B", "BRK-B", "brk.b"])
def test_class_share(symbol):
    """Every spelling of a share class leads to the hyphen."""
    assert "BRK-B" in spelling.stems(symbol)
    assert spelling.kind("BRK-B") == "class_share"


@pytest.mark.parametrize("symbol", ["ABR$D", "ABRpD", "ABR-D", "ABR PRD", "ABR PR D", "ABR.PR.D", "ABR-PD", "ABR.PD", "ABR_D"])
def test_preferred(symbol):
    """Every spelling of a preferred series leads to the underscore."""
    assert "ABR_D" in spelling.stems(symbol)
    assert spelling.kind("ABR_D") == "preferred"


@pytest.mark.parametrize("symbol", ["TY$", "TYp", "TY.PR"])
def test_preferred_without_series(symbol):
    """A preferred without a series letter ends in the underscore."""
    assert "TY_" in spelling.stems(symbol)
    assert spelling.kind("TY_") == "preferred"


@pytest.mark.parametrize("symbol", ["AACT.U", "AACT=", "AACT/UN", "AACT-U"])
def test_unit(symbol):
    """Every spelling of a unit leads to -U."""
    assert "AACT-U" in spelling.stems(symbol)
    assert spelling.kind("AACT-U") == "unit"


@pytest.mark.parametrize("symbol", ["AACT.W", "AACT.WS", "AACT+", "AACT-WS", "AACT/WS", "AACT-WT"])
def test_warrant(symbol):
    """Every spelling of a warrant leads to -WS."""
    assert "AACT-WS" in spelling.stems(symbol)
    assert spelling.kind("AACT-WS") == "warrant"


@pytest.mark.parametrize(
    ("symbol", "stem"), [("BP.", "BP"), ("AAPL", "AAPL"), ("^SPX", "^SPX"), ("4GLD", "4GLD"), ("NA", "NA")]
)
def test_plain(symbol, stem):
    """A plain symbol has one spelling; the dot that pads a short London symbol is let go."""
    assert spelling.stems(symbol) == [stem]
    assert spelling.kind(stem) == ""


def test_class_before_preferred():
    """`ABR-D` may be both: the class, as it is spelled, comes first."""
    assert spelling.stems("ABR-D") == ["ABR-D", "ABR_D"]


@pytest.mark.parametrize("symbol", ["AGM.A", "AGM/A", "AGM A"])
def test_class_only(symbol):
    """A letter after a dot, a slash or a blank is a class, never the preferred of that letter."""
    assert "AGM_A" not in spelling.stems(symbol)
    assert "AGM-A" in spelling.stems(symbol)


def test_canadian_unit_is_not_its_dollar_line():
    """`CAR.UN` is tried as it is spelled before `CAR-U`, and `CAR.U` never as `CAR-UN`."""
    assert spelling.stems("CAR.UN") == ["CAR.UN", "CAR-UN", "CAR-U"]
    assert spelling.stems("CAR.U") == ["CAR.U", "CAR-U"]


def test_capital_p_is_a_letter():
    """The P of APPD is no mark of a preferred, the p of `APpD` is."""
    assert spelling.stems("APPD") == ["APPD"]
    assert "AP_D" in spelling.stems("APpD")
    assert spelling.stems("appd") == ["APPD"]


def test_numbers():
    """Hong Kong's numbers are tried without leading zeros and with four digits."""
    assert spelling.stems("00005") == ["00005", "5", "0005"]
    assert spelling.stems("7203") == ["7203"]
