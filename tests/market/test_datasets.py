"""What the place of a raw file says about its series."""

from pathlib import Path, PurePath

import pytest

from barmill.config import Settings
from barmill.market.datasets import ASSET_CLASSES, of_series, of_tree, place
from barmill.plan import Plan


@pytest.mark.parametrize(
    ("path", "asset_class", "frequency", "zone", "mic"),
    [
        ("d_us_txt/data/daily/us/nasdaq stocks/1/aapl.us.txt", "equities", "daily", "", "XNAS"),
        ("d_us_txt/data/5 min/us/nyse etfs/1/spy.us.txt", "etfs", "5min", "Europe/Warsaw", "XNYS"),
        ("d_uk_txt/data/daily/uk/lse stocks intl/0r2v.uk.txt", "equities", "daily", "", "XLON"),
        ("d_pl_txt/data/daily/pl/nc stocks/exm.txt", "equities", "daily", "", "XNCO"),
        ("d_pl_txt/data/daily/pl/wse indices/wig20.txt", "indices", "daily", "", ""),
        ("d_world_txt/data/daily/world/currencies\\major/eurusd.txt", "forex", "daily", "", ""),
        ("d_world_txt/data/hourly/world/cryptocurrencies/btc.v.txt", "crypto", "hourly", "Europe/Warsaw", ""),
        ("d_world_txt/data/daily/world/stooq stocks indices/^_us.txt", "indices", "daily", "", ""),
        ("d_macro_txt/data/daily/macro/us/cpiyus.m.txt", "macro", "daily", "", ""),
        ("data/daily/us/strange/a.us.txt", "other", "daily", "", ""),
    ],
)
def test_place_in_the_tree(path, asset_class, frequency, zone, mic):
    """Category, frequency and region decide asset class, zone of the stamps, and exchange."""
    found = of_tree("X", Path("tree") / path, path)
    assert (found.name, found.asset_class, found.frequency, found.zone, found.mic) == ("X", asset_class, frequency, zone, mic)


@pytest.mark.parametrize(
    ("path", "name", "zone", "mic"),
    [
        ("forex/1min/EURUSD.txt", "forex/1min/EURUSD", "UTC", ""),
        ("equities/daily/BRK-B.US.txt", "equities/daily/BRK-B.US", "", "XNYS"),
        ("equities/daily/AAPL.txt", "equities/daily/AAPL", "", ""),
        ("crypto/daily/BTC.V.txt", "crypto/daily/BTC.V", "", ""),
        ("indices/daily/^SPX.txt", "indices/daily/^SPX", "", ""),
    ],
)
def test_place_among_the_single_series(path, name, zone, mic):
    """Folders name class and frequency; only a listed paper's suffix names an exchange: `.V` is a cryptocurrency's."""
    found = of_series(Path("series"), PurePath(path))
    assert found is not None
    assert (found.name, found.zone, found.mic, found.raw) == (name, zone, mic, Path("series") / path)
    assert place(found.asset_class, found.frequency, found.symbol.lower()) == PurePath(path)


@pytest.mark.parametrize(
    "path",
    [
        "EURUSD.txt",
        "forex/EURUSD.txt",
        "fx/1min/EURUSD.txt",
        "forex/7m/EURUSD.txt",
        "forex/1min/eurusd.txt",
        "forex/1min/A.csv",
    ],
)
def test_no_place(path):
    """What is not at <class>/<frequency>/<SYMBOL>.txt is no series."""
    assert of_series(Path("series"), PurePath(path)) is None


def test_series_and_strays_of_a_plan(tmp_path):
    """A plan finds the single series in name order, names other files as strays, and passes over hidden ones."""
    for name in ("forex/1min/EURUSD.txt", "crypto/hourly/BTC.txt", "notes.md", ".history/a.json", "forex/1min/.EURUSD.tmp"):
        (tmp_path / "series" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "series" / name).touch()
    plan = Plan(Settings(series=tmp_path / "series", artifacts=tmp_path / "artifacts"))
    assert [each.name for each in plan.datasets()] == ["crypto/hourly/BTC", "forex/1min/EURUSD"]
    assert plan.strays() == [tmp_path / "series/notes.md"]
    assert {each.asset_class for each in plan.datasets()} <= set(ASSET_CLASSES)


def test_no_folder_of_series(tmp_path):
    """A project without single series has none."""
    assert Plan(Settings(series=tmp_path / "absent", artifacts=tmp_path)).datasets() == []
