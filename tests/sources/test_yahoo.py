"""Yahoo through a stand-in for its library, which answers as the library does."""

import datetime as dt
import sys
import types

import pandas as pd
import pytest

from barmill.errors import SourceError, UnknownSymbol
from barmill.sources.provider import Request
from barmill.sources.yahoo import Yahoo

COLUMNS = ["Open", "High", "Low", "Close", "Adj Close", "Volume"]


def answer(stamps, zone, name):
    """A frame of bars as the library gives it."""
    index = pd.DatetimeIndex(stamps).tz_localize(zone).rename(name)
    return pd.DataFrame([[2.0, 6.0, 1.0, 4.0, 2.0, 100]] * len(stamps), index=index, columns=COLUMNS)


@pytest.fixture
def library(monkeypatch):
    """The stand-in; `asked` is what it was called with, `answers` what it gives next."""
    found = types.ModuleType("yfinance")
    found.asked, found.answers = [], []

    class Ticker:
        def __init__(self, symbol):
            self.symbol = symbol

        def history(self, **options):
            found.asked.append((self.symbol, options))
            given = found.answers.pop(0)
            if isinstance(given, Exception):
                raise given
            return given

    found.Ticker = Ticker
    monkeypatch.setitem(sys.modules, "yfinance", found)
    return found


def test_daily(library):
    """Dates are those of the exchange, prices adjusted; the end that is asked for is the day after, which does not count."""
    library.answers = [answer(["2024-01-02", "2024-07-03"], "America/New_York", "Date")]
    bars = Yahoo("yahoo").fetch(Request("AAPL", "daily", dt.date(2024, 1, 1), dt.date(2024, 7, 3))).bars
    rows = [(r["date"], r["time"], r["open"], r["high"], r["low"], r["close"], r["volume"]) for r in bars.table.to_pylist()]
    assert rows == [(day, "00:00:00", 1.0, 3.0, 0.5, 2.0, 100.0) for day in ("2024-01-02", "2024-07-03")]
    symbol, options = library.asked[0]
    assert (symbol, options["interval"], options["start"], options["end"]) == ("AAPL", "1d", "2024-01-01", "2024-07-04")
    assert (options["auto_adjust"], options["actions"]) == (False, False)


def test_within_a_day(library):
    """Stamps within a day become UTC."""
    library.answers = [answer(["2024-01-02 09:30", "2024-07-03 09:30"], "America/New_York", "Datetime")]
    bars = Yahoo("yahoo").fetch(Request("AAPL", "hourly")).bars
    assert bars.table.column("time").to_pylist() == ["14:30:00", "13:30:00"]
    assert library.asked[0][1]["end"] is None


def test_unknown(library):
    """No bars, or the library's word for it, is an unknown symbol; anything else is told as it is."""
    library.answers = [answer([], "UTC", "Date"), ValueError("$X: possibly delisted; no price data found"), OSError("no route")]
    provider = Yahoo("yahoo")
    for error, words in ((UnknownSymbol, "no bar of X"), (UnknownSymbol, "delisted"), (SourceError, "OSError: no route")):
        with pytest.raises(error, match=words):
            provider.fetch(Request("X", "daily"))
    with pytest.raises(SourceError, match="no 4hour bars"):
        provider.fetch(Request("X", "4hour"))
