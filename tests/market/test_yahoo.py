"""What Yahoo's tickers say: asset class and exchange; and that series loaded from Yahoo get their calendar by them."""

import json
from pathlib import PurePath

import pytest

from barmill.config import Settings
from barmill.market.calendars import calendar_of, calendars
from barmill.market.costs import costs_of
from barmill.market.datasets import YAHOO, of_series
from barmill.market.pips import pip_of
from barmill.market.yahoo import class_of, mic_of, pair_of
from barmill.plan import Plan
from barmill.sources.lookup import new_series


def elsewhere(folder, **settings):
    """Settings of a project that has nothing but single series in a folder."""
    none = folder / "none"
    return Settings(series=folder, stooq=none, instruments=none, artifacts=none, **settings)


@pytest.mark.parametrize(
    ("symbol", "asset_class", "calendar"),
    [
        ("AAPL", "equities", "XNYS"),
        ("BRK-B", "equities", "XNYS"),
        ("BF-A", "equities", "XNYS"),
        ("CDR.WA", "equities", "XWAR"),
        ("VOD.L", "equities", "XLON"),
        ("600519.SS", "equities", "XSHG"),
        ("000001.SZ", "equities", "XSHG"),
        ("0700.HK", "equities", "XHKG"),
        ("7203.T", "equities", "XTKS"),
        ("BTC-USD", "crypto", "24/7"),
        ("ETH-BTC", "crypto", "24/7"),
        ("1INCH-EUR", "crypto", "24/7"),
        ("EURUSD=X", "forex", "24/5"),
        ("JPY=X", "forex", "24/5"),
        ("^GSPC", "indices", "XNYS"),
        ("^GDAXI", "indices", "XETR"),
        ("^N225", "indices", "XTKS"),
        ("^NOBODY", "indices", ""),
        ("^TNX", "rates", "XNYS"),
        ("GC=F", "futures", "CMES"),
        ("KC=F", "futures", "IEPA"),
        ("ESZ24.CME", "futures", "CMES"),
        ("DX-Y.NYB", "futures", "IEPA"),
        ("^BUX.BD", "indices", "XBUD"),
        ("ABC.NOWHERE", "equities", ""),
    ],
)
def test_ticker_of_yahoo_has_its_class_and_calendar(tmp_path, symbol, asset_class, calendar):
    """A new series gets class and calendar by Yahoo's spelling, unless the user names another class."""
    plan = Plan(elsewhere(tmp_path))
    found = new_series(plan, symbol, "", "daily", YAHOO)
    assert (found.name, found.asset_class) == (f"{asset_class}/daily/{symbol}", asset_class)
    assert calendar_of(found, {}) == calendar
    assert new_series(plan, symbol, "other", "daily", YAHOO).name == f"other/daily/{symbol}"


def test_every_exchange_of_yahoo_is_a_calendar_or_unknown():
    """A MIC of the table is known to the calendars, but for those whose calendar nobody here has."""
    symbols = ("X.L", "X.DE", "X.TO", "X.NS", "X.TWO", "X.KQ", "X.AX", "X.SA", "X.V", "X.NE", "X.SZ")
    for symbol in symbols:
        dataset = of_series(PurePath("series"), PurePath(f"equities/daily/{symbol}.txt"), YAHOO)
        assert calendar_of(dataset, {}) in calendars(), symbol
    assert class_of("x.l") == "equities"
    assert mic_of("x.l") == "XLON"


@pytest.mark.parametrize(
    ("history", "settings", "calendar"),
    [
        ({"provider": "yahoo"}, {}, "XNYS"),
        ({"provider": "mine"}, {"mine": {"kind": "yahoo"}}, "XNYS"),
        ({"provider": "yahoo"}, {"yahoo": {"kind": "csv"}}, "XNYS"),
        ({"provider": "csv"}, {}, ""),
        ([], {}, ""),
        (None, {}, ""),
    ],
)
def test_series_follows_the_calendar_that_its_provider_s_spelling_says(tmp_path, history, settings, calendar):
    """AAPL is New York's where it was loaded from Yahoo, and of no known exchange where it came from elsewhere."""
    path = tmp_path / "equities/daily/AAPL.txt"
    path.parent.mkdir(parents=True)
    path.write_text("")
    plan = Plan(elsewhere(tmp_path, providers=settings))
    assert [plan.calendar(each) for each in plan.datasets()] == [""]
    record = tmp_path / ".history/equities/daily/AAPL.json"
    record.parent.mkdir(parents=True)
    if history is not None:
        record.write_text(json.dumps(history))
    assert [plan.calendar(each) for each in plan.datasets()] == [calendar]


@pytest.mark.parametrize(
    ("name", "calendar"),
    [
        ("equities/daily/^N225", "XTKS"), ("equities/daily/^NOBODY", ""), ("equities/daily/BTC-USD", "24/7"),
        ("equities/daily/EURUSD=X", "24/5"), ("equities/daily/GC=F", "CMES"), ("indices/daily/WIG20.WA", "XWAR"),
        ("etfs/daily/SPY", "XNYS"),
    ],
)  # fmt: skip
def test_a_ticker_stored_under_another_class_follows_its_spelling(name, calendar):
    """What was stored as a share before, and is none, is not judged by New York's sessions."""
    assert calendar_of(of_series(PurePath("series"), PurePath(f"{name}.txt"), YAHOO), {}) == calendar


@pytest.mark.parametrize(
    ("name", "calendar"), [("crypto/daily/BTC-USD", "24/7"), ("futures/daily/GC=F", "CMES"), ("equities/daily/ERIC.SS", "XSTO")]
)
def test_of_another_provider_only_an_unambiguous_spelling_counts(name, calendar):
    """`.SS` is Shanghai's at Yahoo and Stockholm's elsewhere; `=F` is Yahoo's alone."""
    assert calendar_of(of_series(PurePath("series"), PurePath(f"{name}.txt"), "csv"), {}) == calendar


@pytest.mark.parametrize("symbol", ["", ".", "=F", "=X", "-USD", "^", ".L "])
def test_marks_without_a_name_mean_no_exchange(symbol):
    """A mark alone is not a ticker."""
    assert mic_of(symbol) == ""


def test_pairs_have_the_pip_and_the_costs_of_their_currencies():
    """EURUSD=X and JPY=X are the pairs EURUSD and USDJPY."""
    assert [pair_of(each) for each in ("EURUSD", "EURUSD=X", "JPY=X", "GC=F")] == ["EURUSD", "EURUSD", "USDJPY", "GC=F"]
    yahoo, plain = (of_series(PurePath("x"), PurePath(f"forex/1min/{name}.txt"), YAHOO) for name in ("JPY=X", "USDJPY"))
    assert pip_of(yahoo, {}) == pip_of(plain, {}) == 0.01
    assert costs_of(yahoo, {}) == costs_of(plain, {})


def test_load_keeps_the_class_of_the_only_series_with_the_symbol(tmp_path):
    """What was stored under another class is loaded there again, not a second time elsewhere."""
    path = tmp_path / "other/daily/^GSPC.txt"
    path.parent.mkdir(parents=True)
    path.touch()
    plan = Plan(elsewhere(tmp_path))
    assert new_series(plan, "^gspc", "", "daily", YAHOO).name == "other/daily/^GSPC"
    assert new_series(plan, "^gspc", "", "weekly", YAHOO).name == "indices/weekly/^GSPC"
