"""Grammar of the tree's paths."""

import pytest

from barmill.market import stooq


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("d_us_txt/data/daily/us/nasdaq stocks/1", ("daily", "us", "nasdaq stocks", "1")),
        ("d_us_txt/data/daily/us/nasdaq etfs", ("daily", "us", "nasdaq etfs", "")),
        ("h_us_txt/data/hourly/us/nyse stocks/4", ("hourly", "us", "nyse stocks", "4")),
        ("5_pl_txt/data/5 min/pl/wse stocks", ("5 min", "pl", "wse stocks", "")),
        ("daily/us/nyse etfs/2", ("daily", "us", "nyse etfs", "2")),
        ("us/nyse etfs/2", ("daily", "us", "nyse etfs", "2")),
        ("world/currencies/major", ("daily", "world", "currencies/major", "")),
        ("data/daily/world/currencies\\major", ("daily", "world", "currencies\\major", "")),
        ("data/daily/macro/us", ("daily", "macro", "us", "")),
        ("data/daily/us", ("daily", "us", "", "")),
        ("data/daily/nl/ams stocks", ("daily", "nl", "ams stocks", "")),
    ],
)
def test_folder(folder, expected):
    """Frequency, region, category and shard are read off the path, wherever the tree starts."""
    assert stooq.parse_folder(folder) == expected


@pytest.mark.parametrize("folder", ["", "csv", "d_us_txt/data", "data/daily", "somewhere/else"])
def test_folder_outside_the_layout(folder):
    """A folder with no region says nothing."""
    assert stooq.parse_folder(folder) is None


@pytest.mark.parametrize(
    ("name", "ticker", "suffix"),
    [
        ("aapl.us.txt", "AAPL.US", ".US"),
        ("AAPL.US.TXT", "AAPL.US", ".US"),
        ("brk-b.us.txt", "BRK-B.US", ".US"),
        ("agm_d.us.txt", "AGM_D.US", ".US"),
        ("exm.txt", "EXM", ""),
        ("na.txt", "NA", ""),
        ("^spx.txt", "^SPX", ""),
        ("^_pl20.txt", "^_PL20", ""),
        ("10bey.b.txt", "10BEY.B", ".B"),
        ("a b.us.txt", "A B.US", ".US"),
    ],
)
def test_name(name, ticker, suffix):
    """The ticker is the stem in capitals; nothing in it is taken for a missing value."""
    assert stooq.parse_name(name, stooq.Folder("daily", "us", "nasdaq stocks", "")) == (ticker, name[:-4], suffix)


def test_strays():
    """What is no price file has a reason."""
    inside, beside = stooq.Folder("daily", "us", "nasdaq stocks", "1"), stooq.Folder("daily", "us", "", "")
    assert stooq.parse_name("aapl.us.csv", inside) == "not_txt"
    assert stooq.parse_name("aapl", inside) == "not_txt"
    assert stooq.parse_name("readme.txt", inside) == "not_a_ticker"
    assert stooq.parse_name("readme.txt", None) == "not_in_layout"
    assert stooq.parse_name("tickers.txt", beside) == "not_in_layout"
    assert stooq.parse_name("aapl.us.txt", beside) == ("AAPL.US", "aapl.us", ".US")


def test_copies():
    """A file in the place where the bundle puts it comes before any other copy, whatever sorts first."""
    paths = ["a_copy/daily/us/x/aapl.us.txt", "d_us_txt/data/daily/us/nyse stocks/1/aapl.us.txt"]
    assert min(paths, key=stooq.copy_rank) == paths[1]
