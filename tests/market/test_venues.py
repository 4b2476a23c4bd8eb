"""Venues: what brokers call them, and what a symbol and a market mean together."""

import pytest

from barmill.market import venues


@pytest.mark.parametrize(
    ("text", "mic"),
    [
        ("NSQ", "XNAS"), ("NYSE", "XNYS"), ("LSE", "XLON"), ("TSX", "XTSE"), ("PAR", "XPAR"), ("AMS", "XAMS"),
        ("NYSE-MKT", "XASE"), ("SWX", "XSWX"), ("BRU", "XBRU"), ("GBR-LSE", "XLON"), ("DEU-XETRA", "XETR"),
        ("GPW-WWA", "XWAR"), ("USA-NYSE", "XNYS"), ("USA-NASDAQ", "XNAS"), ("NEW YORK STOCK EXCHANGE (USD)", "XNYS"),
        ("London Stock Exchange", "XLON"), ("xwar", "XWAR"), ("NewConnect", "XNCO"), ("Giełda Papierów Wartościowych", "XWAR"),
        ("N", "XNYS"), ("P", "ARCX"), ("Z", "BATS"), ("A", "XASE"), ("V", "IEXG"), ("Q", "XNAS"),
        ("NASDAQ STOCKHOLM", "XSTO"), ("Frankfurt", "XFRA"), ("TSX-V", "XTSX"), ("XCNQ", "XCNQ"), ("HKEX", "XHKG"),
    ],
)  # fmt: skip
def test_broker_names(text, mic):
    """Codes and texts of bossa, mBank, Nasdaq Trader and others name their exchange."""
    venue = venues.by_name(text)
    assert venue is not None
    assert venue.mic == mic


@pytest.mark.parametrize("text", ["", "COMBINED MARKET NYSE", "NASDAQ DUBAI", "PINK", "UNKNOWN", "TSE", "BSE", "NETHER"])
def test_no_guess(text):
    """A text that only contains a name, or names two venues, names none."""
    assert venues.by_name(text) is None


@pytest.mark.parametrize(
    ("symbol", "market", "mic", "base", "source"),
    [
        ("AAPL", "NSQ", "XNAS", "AAPL", "market"),
        ("AAPL.US", "NSQ", "XNAS", "AAPL", "market"),
        ("GLEN:LN", "GBR-LSE", "XLON", "GLEN", "market"),
        ("GLEN:LN", "", "XLON", "GLEN", "symbol"),
        ("VOD LN Equity", "", "XLON", "VOD", "symbol"),
        ("VOD.L", "", "XLON", "VOD", "symbol"),
        ("NYSE:BRK.B", "", "XNYS", "BRK.B", "symbol"),
        ("AAPL:UW", "", "XNAS", "AAPL", "symbol"),
        ("AAPL:UW", "USA", "XNAS", "AAPL", "market"),
        ("CAR.UN", "TSX", "XTSE", "CAR.UN", "market"),
        ("ACR.H", "TSX", "XTSE", "ACR.H", "market"),
        ("ABC.L", "NYSE", "XNYS", "ABC.L", "market"),
        ("AAPL:LN", "NSQ", "XNAS", "AAPL", "conflict"),
        ("BRK B", "NYSE", "XNYS", "BRK B", "market"),
        ("EXM:PW", "NEWCONNECT", "XNCO", "EXM", "market"),
        ("BP.", "LSE", "XLON", "BP.", "market"),
    ],
)
def test_listing(symbol, market, mic, base, source):
    """The market names the venue, else the suffix does; a suffix of another country is part of the symbol."""
    listing = venues.listing(symbol, market)
    assert listing.venue is not None
    assert (listing.venue.mic, listing.base, listing.source) == (mic, base, source)


@pytest.mark.parametrize("symbol", ["CAR.UN", "BRK.B", "AAPL", "AAPL:ZZ", "BP.", ":US"])
def test_no_venue(symbol):
    """Without a market, a suffix that is no venue's names none."""
    assert venues.listing(symbol, "") == venues.Listing(None, symbol, "symbol")


def test_composite_of_a_country():
    """`.US` alone is any exchange of the country, and `:PW` both Warsaw boards."""
    united_states, warsaw = venues.listing("AAPL.US", "").venue, venues.listing("EXM:PW", "").venue
    assert united_states is not None
    assert (united_states.mic, united_states.label) == ("", "US")
    assert warsaw is not None
    assert warsaw.admits("pl", "nc stocks")
    assert warsaw.admits("pl", "wse stocks")


@pytest.mark.parametrize(
    ("mic", "region", "category", "expected"),
    [
        ("XWAR", "pl", "wse stocks", True), ("XWAR", "pl", "wse stocks intl", True), ("XWAR", "pl", "wse etfs", True),
        ("XWAR", "pl", "wse indices", False), ("XWAR", "pl", "nc stocks", False), ("XWAR", "world", "currencies", False),
        ("XNCO", "pl", "nc stocks", True), ("XNCO", "pl", "wse stocks", False), ("XLON", "uk", "lse etfs", True),
        ("XETR", "de", "xetra stocks", True), ("XETR", "de", "frankfurt stocks", False), ("XFRA", "de", "xetra stocks", False),
        ("XNYS", "us", "nasdaq stocks", True), ("XNYS", "world", "indices", False),
    ],
)  # fmt: skip
def test_admits(mic, region, category, expected):
    """A venue's files lie in its own categories of its own region."""
    venue = venues.by_mic(mic)
    assert venue is not None
    assert venue.admits(region, category) is expected


def test_swallowed_company():
    """The company's name is cut off the market column, and the currency in it is kept."""
    assert venues.split_market("LONDON STOCK EXCHANGE (GBP) GBR-LSE GLENCORE PLC") == ("GBR-LSE", "GBP", "GLENCORE PLC")
    assert venues.split_market("NASDAQ (USD)  USA-NASDAQ NMI HOLDINGS INC") == ("USA-NASDAQ", "USD", "NMI HOLDINGS INC")
    assert venues.split_market("NYSE-MKT") == ("NYSE-MKT", "", "")
    assert venues.split_market("NASDAQ (USD)") == ("NASDAQ (USD)", "USD", "")


def test_keeper():
    """A category tells whose listings are in it."""
    assert [venues.keeper("us", c).mic for c in ("nasdaq etfs", "nyse stocks", "nysemkt stocks")] == ["XNAS", "XNYS", "XASE"]
    assert venues.keeper("world", "indices") is None


def test_table_is_sound():
    """No MIC stands twice, no code means two venues, and a MIC has four letters."""
    codes = [code for venue in venues.VENUES for code in venue.codes]
    mics = [venue.mic for venue in venues.VENUES if venue.mic]
    names = [name for texts in venues._NAMES.values() for name in texts.split(", ")]
    assert len(codes) == len(set(codes))
    assert len(mics) == len(set(mics))
    assert len(names) == len(set(names))
    assert all(len(mic) == 4 for mic in mics)
    assert {venue.label for venue in venues.VENUES} == set(venues._NAMES)
    assert all(name == " ".join(name.upper().split()) for name in names)
