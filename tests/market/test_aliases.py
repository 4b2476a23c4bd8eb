"""Renamed tickers."""

import datetime

import pytest

from barmill.market import aliases


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("FB.US", "META.US"),
        ("BRKS.US", "AZTA.US"),
        ("PKI.US", "RVTY.US"),
        ("FISV.US", "FI.US"),
        ("FBHS.US", "FBIN.US"),
        ("NRZ.US", "RITM.US"),
        ("DWAV.US", "QBTS.US"),
    ],
)
def test_known_renames(old, new):
    """The renames that brokers' lists are known to lag behind."""
    assert aliases.successors(old, {})[0] == new


def test_chain_is_followed():
    """A company renamed three times is found under any later name, the next one first."""
    assert aliases.successors("CBS.US", {}) == ["VIAC.US", "PARA.US", "PSKY.US"]


def test_circle_ends():
    """Fiserv went from FISV to FI and back: neither name loops."""
    assert aliases.successors("FISV.US", {}) == ["FI.US"]
    assert aliases.successors("FI.US", {}) == ["FISV.US"]
    assert aliases.successors("A.US", {"A.US": "B.US", "B.US": "C.US", "C.US": "B.US"}) == ["B.US", "C.US"]


def test_settings_win():
    """A project's own alias wins over the built-in one."""
    assert aliases.successors("FB.US", {"FB.US": "FBX.US"}) == ["FBX.US"]


def test_table_is_sound():
    """Dates are dates in ascending order, no old ticker stands twice, and none is renamed to itself."""
    dates = [datetime.date.fromisoformat(date) for _, _, date in aliases.RENAMES]
    assert dates == sorted(dates)
    assert len({old for old, _, _ in aliases.RENAMES}) == len(aliases.RENAMES)
    assert all(old != new and old.endswith(".US") and new.endswith(".US") for old, new, _ in aliases.RENAMES)
