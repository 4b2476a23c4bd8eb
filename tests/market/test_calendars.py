"""Which calendar a dataset follows: by choice, exchange, asset class or index, and never by guess."""

import warnings
from pathlib import Path, PurePath
from zoneinfo import ZoneInfo

import pytest

from barmill.errors import ConfigError
from barmill.market import venues
from barmill.market.calendars import calendar_of, calendars, cure
from barmill.market.changes import CORRECTIONS, read_changes
from barmill.market.datasets import Dataset, of_series, of_tree


def dataset(name="X", asset_class="equities", mic="", symbol=""):
    """A daily dataset."""
    return Dataset(name, symbol or name, Path("raw.txt"), asset_class, "daily", "", mic)


@pytest.mark.parametrize(
    ("mic", "calendar"),
    [
        ("XNAS", "XNYS"), ("XASE", "XNYS"), ("ARCX", "XNYS"), ("XNYS", "XNYS"), ("XNCO", "XWAR"), ("XLON", "XLON"),
        ("XTSX", "XTSE"), ("XCME", "CMES"), ("XDHA", "XDHA"), ("XZZZ", ""),
    ],
)  # fmt: skip
def test_exchange(mic, calendar):
    """An exchange follows its own calendar or that of the exchange it is part of; an unknown one follows none."""
    assert calendar_of(dataset(mic=mic), {}) == calendar


@pytest.mark.parametrize(
    ("asset_class", "symbol", "calendar"),
    [
        ("crypto", "BTC.V", "24/7"), ("forex", "EURUSD", "24/5"), ("indices", "^SPX", "XNYS"), ("indices", "^DAX", "XETR"),
        ("indices", "^_PL20", "XWAR"), ("indices", "WIG20", "XWAR"), ("indices", "^MT30", ""), ("bonds", "10USY.B", ""),
        ("rates", "PLOPLN1Y", ""), ("commodities", "ZL.F", ""), ("macro", "CPIYUS.M", ""), ("other", "X", ""),
    ],
)  # fmt: skip
def test_no_exchange(asset_class, symbol, calendar):
    """Without an exchange the asset class says, or the index; bonds, rates and the like follow no calendar until one is set."""
    assert calendar_of(dataset(asset_class=asset_class, symbol=symbol), {}) == calendar


def test_every_venue_has_a_calendar():
    """Each exchange that instruments are matched to follows a calendar that there is."""
    assert [mic for venue in venues.VENUES if (mic := venue.mic) and not calendar_of(dataset(mic=mic), {})] == []


def test_the_place_in_the_tree_says(tmp_path):
    """A file of the tree, or a single series, follows the calendar of its folder or suffix."""
    tree = {
        "d_us_txt/data/5 min/us/nasdaq stocks/1/aapl.us.txt": "XNYS",
        "d_pl_txt/data/daily/pl/nc stocks/exm.txt": "XWAR",
        "d_pl_txt/data/daily/pl/wse bonds/ds0725.txt": "XWAR",
        "d_uk_txt/data/daily/uk/lse etfs/1/iusa.uk.txt": "XLON",
        "d_jp_txt/data/daily/jp/tse stocks/1/7203.jp.txt": "XTKS",
        "d_world_txt/data/daily/world/currencies/major/eurusd.txt": "24/5",
        "d_world_txt/data/daily/world/cryptocurrencies/btc.v.txt": "24/7",
        "d_world_txt/data/daily/world/indices/^spx.txt": "XNYS",
        "d_world_txt/data/daily/world/bonds/10usy.b.txt": "",
    }
    found = {path: calendar_of(of_tree(PurePath(path).stem.upper(), Path(path), path), {}) for path in tree}
    assert found == tree
    assert calendar_of(of_series(tmp_path, PurePath("equities/daily/VOD.UK.txt")), {}) == "XLON"
    assert calendar_of(of_series(tmp_path, PurePath("forex/1min/EURUSD.txt")), {}) == "24/5"


def test_choice_wins_in_order():
    """The first glob that matches wins over the exchange; a MIC stands for the calendar that it follows."""
    chosen = {"forex/1min/*": "24/7", "AAPL.*": "XLON", "*": "XNAS"}
    assert calendar_of(dataset("forex/1min/EURUSD", "forex"), chosen) == "24/7"
    assert calendar_of(dataset("AAPL.US", mic="XNAS"), chosen) == "XLON"
    assert calendar_of(dataset("VOD.UK", mic="XLON"), chosen) == "XNYS"


def test_a_misspelt_choice_is_named():
    """A calendar that there is not is an error that names the nearest."""
    with pytest.raises(ConfigError) as error:
        calendar_of(dataset(), {"X": "xwarr"})
    assert "'xwarr'" in error.value.fact
    assert "XWAR" in error.value.hint


def test_a_dataset_without_calendar_has_a_cure():
    """The cure names the setting and the dataset."""
    assert '"bonds/daily/10USY.B" = "XNYS"' in cure("bonds/daily/10USY.B")


def test_calendars_are_those_of_the_library_and_three_of_ours():
    """Each calendar of exchange_calendars has a row, in its own time zone; every time zone exists."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import exchange_calendars

        names = {exchange_calendars.resolve_alias(name) for name in exchange_calendars.get_calendar_names()}
        kinds = {name: getattr(exchange_calendars, f"exchange_calendar_{name.lower()}", None) for name in names}
        found = {name: getattr(kind, f"{name}ExchangeCalendar").tz for name, kind in kinds.items() if kind}
    theirs = {name: each for name, each in calendars().items() if not each.weekdays}
    zones = {name: str(zone.fget(None) if isinstance(zone, property) else zone) for name, zone in found.items()}
    assert {name: each.zone for name, each in theirs.items()} == zones
    assert [ZoneInfo(each.zone).key for each in calendars().values()] == [each.zone for each in calendars().values()]
    assert sorted(name for name, each in calendars().items() if each.weekdays) == ["24/5", "24/7", "XDHA"]


def test_corrections_have_a_calendar_and_are_trusted():
    """Each built-in correction is about dates on which its calendar is trusted: an earlier one would change nothing."""
    for each in read_changes(CORRECTIONS):
        calendar = calendars()[each.calendar]
        assert len(each.first) == 5 or each.first >= calendar.trusted_from, each.where
        assert not calendar.trusted_until or each.last <= calendar.trusted_until, each.where
