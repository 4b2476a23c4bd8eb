"""Matching: the right file of the right venue, or a reason."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barmill.config import Settings
from barmill.market import venues
from barmill.market.tables import write_rows
from barmill.plan import Plan
from barmill.stages import instruments, match
from tests.stages.contract import StageContract
from tests.support.lists import build_list
from tests.support.real import real_data
from tests.support.steps import steps
from tests.support.trees import build_index, build_match, instrument, match_lists, plant

US = "d_us_txt/data/daily/us"
UK = "d_uk_txt/data/daily/uk"
PL = "d_pl_txt/data/daily/pl"
HK = "d_hk_txt/data/daily/hk"
WORLD = "d_world_txt/data/daily/world"

TREE = (
    f"{US}/nasdaq stocks/1/aapl.us.txt", f"{US}/nyse stocks/1/brk-b.us.txt", f"{US}/nyse stocks/1/abr_d.us.txt",
    f"{US}/nyse stocks/1/aact-u.us.txt", f"{US}/nyse stocks/1/aact-ws.us.txt", f"{US}/nyse stocks/1/ty_.us.txt",
    f"{US}/nasdaq stocks/2/meta.us.txt", f"{US}/nyse stocks/2/car.us.txt", f"{US}/nasdaq stocks/1/lccc.us.txt",
    f"{US}/nyse etfs/1/spy.us.txt", f"{US}/nysemkt stocks/imo.us.txt", f"{US}/nyse stocks/1/na.us.txt",
    f"{UK}/lse stocks/bp.uk.txt", f"{UK}/lse stocks/bt-a.uk.txt", f"{UK}/lse etfs/1/iwda.uk.txt",
    f"{UK}/lse etfs/2/cspx.uk.txt",
    f"{PL}/wse stocks/pkn.txt", f"{PL}/wse stocks intl/prx.pl.txt", f"{PL}/wse etfs/etfbtbsp.pl.txt", f"{PL}/nc stocks/exm.txt",
    f"{PL}/nc stocks/na.txt", f"{PL}/wse indices/wig20.txt", f"{HK}/hkex stocks/5.hk.txt",
    f"{WORLD}/currencies\\major/eurusd.txt", f"{WORLD}/indices/^spx.txt", f"{WORLD}/cryptocurrencies/any.v.txt",
    f"{WORLD}/bonds/10bey.b.txt",
)  # fmt: skip


def _match(folder, symbol, market="", paths=TREE, **values):
    """(matched ticker, strategy, confidence) of an instrument, or its reason."""
    frequency, aliases = values.pop("frequency", "daily"), values.pop("aliases", None)
    found = build_match(folder, paths, [instrument(symbol, market, **values)], frequency, aliases)
    if not found.matches:
        return found.unmatched[0]["reason"]
    return tuple(found.matches[0][name] for name in ("matched_ticker", "strategy", "confidence"))


@pytest.mark.parametrize(
    ("symbol", "market", "expected"),
    [
        ("AAPL", "NSQ", ("AAPL.US", "venue_suffix", "high")),
        ("AAPL:US", "USA-NASDAQ", ("AAPL.US", "venue_suffix", "high")),
        ("aapl", "Nasdaq", ("AAPL.US", "venue_suffix", "high")),
        ("AAPL.US", "NSQ", ("AAPL.US", "ticker", "high")),
        ("AAPL.US", "", ("AAPL.US", "ticker", "high")),
        ("AAPL:US", "", ("AAPL.US", "venue_suffix", "low")),
        ("AAPL", "NYSE", ("AAPL.US", "venue_suffix", "medium")),
        ("SPY", "P", ("SPY.US", "venue_suffix", "high")),
        ("IMO", "NYSE-MKT", ("IMO.US", "venue_suffix", "high")),
        ("NA", "NYSE", ("NA.US", "venue_suffix", "high")),
        ("NA", "NEWCONNECT", ("NA", "bare", "high")),
        ("BRK.B", "NYSE", ("BRK-B.US", "class_share", "high")),
        ("BRK/B", "NYSE", ("BRK-B.US", "class_share", "high")),
        ("BRK B", "NYSE", ("BRK-B.US", "class_share", "high")),
        ("BRK-B", "NYSE", ("BRK-B.US", "class_share", "high")),
        ("BRK-B.US", "NYSE", ("BRK-B.US", "ticker", "high")),
        ("BRK.B:US", "", ("BRK-B.US", "class_share", "low")),
        ("BT.A", "LSE", ("BT-A.UK", "class_share", "high")),
        ("ABR$D", "N", ("ABR_D.US", "preferred", "high")),
        ("ABRpD", "N", ("ABR_D.US", "preferred", "high")),
        ("ABR-D", "N", ("ABR_D.US", "preferred", "medium")),
        ("ABR PRD", "N", ("ABR_D.US", "preferred", "high")),
        ("TY$", "N", ("TY_.US", "preferred", "high")),
        ("AACT.U", "N", ("AACT-U.US", "unit", "high")),
        ("AACT=", "N", ("AACT-U.US", "unit", "high")),
        ("AACT.W", "N", ("AACT-WS.US", "warrant", "high")),
        ("AACT.WS", "N", ("AACT-WS.US", "warrant", "high")),
        ("AACT+", "N", ("AACT-WS.US", "warrant", "high")),
        ("FB", "NSQ", ("META.US", "alias", "medium")),
        ("BP.", "LSE", ("BP.UK", "venue_suffix", "high")),
        ("BP.:LN", "GBR-LSE", ("BP.UK", "venue_suffix", "high")),
        ("IWDA:LN", "LSE", ("IWDA.UK", "venue_suffix", "high")),
        ("PKN:PW", "GPW-WWA", ("PKN", "bare", "high")),
        ("PKN:PW", "", ("PKN", "bare", "low")),
        ("PKN", "XWAR", ("PKN", "bare", "high")),
        ("ETFBTBSP:PW", "GPW-WWA", ("ETFBTBSP.PL", "venue_suffix", "high")),
        ("PRX.PL", "GPW", ("PRX.PL", "ticker", "high")),
        ("EXM", "NewConnect", ("EXM", "bare", "high")),
        ("0005", "HKEX", ("5.HK", "venue_suffix", "high")),
    ],
)
def test_right_match(tmp_path, symbol, market, expected):
    """Each spelling of a symbol finds the one file of its venue."""
    assert _match(tmp_path, symbol, market) == expected


@pytest.mark.parametrize(
    ("symbol", "market", "reason"),
    [
        ("AAPL:LN", "LSE", "not_in_tree"),
        ("EXM", "BRU", "venue_not_covered(XBRU)"),
        ("EXM", "GPW", "not_in_tree"),
        ("IWDA", "AMS", "venue_not_covered(XAMS)"),
        ("CSPX:NA", "", "venue_not_covered(XAMS)"),
        ("PRX", "AMS", "venue_not_covered(XAMS)"),
        ("CAR.UN", "TSX", "venue_not_covered(XTSE)"),
        ("CAR.UN", "", "unknown_venue"),
        ("ANY.V", "", "venue_not_covered(XTSX)"),
        ("ANY", "TSXV", "venue_not_covered(XTSX)"),
        ("CCC", "NSQ", "not_in_tree"),
        ("EURUSD", "NYSE", "not_in_tree"),
        ("^SPX", "NSQ", "not_in_tree"),
        ("WIG20", "GPW", "not_in_tree"),
        ("AAPL", "", "unknown_venue"),
        ("PKN", "", "unknown_venue"),
        ("AAPL", "COMBINED MARKET NYSE", "unknown_venue"),
        ("10BEY.B", "", "unknown_venue"),
        ("10BEY.B", "BRU", "venue_not_covered(XBRU)"),
        ("SPY", "XETRA", "venue_not_covered(XETR)"),
        ("AAPL.L", "NYSE", "not_in_tree"),
        ("ABR.PRC", "NYSE", "not_in_tree"),
        ("ABR.D", "NYSE", "not_in_tree"),
    ],
)
def test_never_another_venue(tmp_path, symbol, market, reason):
    """A file of another venue, a prefix, an index, a rate or a coin never stands in; the reason says what is missing."""
    assert _match(tmp_path, symbol, market) == reason


def test_contradiction(tmp_path):
    """The market wins over the suffix after a colon, with low confidence."""
    assert _match(tmp_path, "AAPL:LN", "NSQ") == ("AAPL.US", "venue_suffix", "low")


def test_currency_doubt(tmp_path):
    """A currency that the venue does not trade in lowers the confidence."""
    rows = [instrument("SPY", "NYSE", currency=currency) for currency in ("USD", "EUR", "")]
    found = build_match(tmp_path, TREE, rows)
    assert [row["confidence"] for row in found.matches] == ["high", "medium", "high"]


A1, B9 = "US0000000AA1", "US0000000BB9"
TWO = (f"{US}/nyse stocks/1/aaaa.us.txt", f"{US}/nyse stocks/1/bbbb.us.txt", f"{UK}/lse stocks/aaaa.uk.txt")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # the row's ISIN is another ticker's
        (
            [("AAAA", "NYSE", A1), ("BBBB", "NYSE", B9), ("AAAA:US", "NYSE", A1), ("AAAA:US", "NYSE", B9)],
            ["AAAA.US high", "BBBB.US high", "AAAA.US high", "isin_conflict BBBB.US;AAAA.US"],
        ),
        (
            [("BBBB", "NYSE", B9), ("AAAA", "NYSE", B9), ("AAAA", "NYSE", A1)],
            ["BBBB.US high", "isin_conflict BBBB.US;AAAA.US", "AAAA.US low"],
        ),
        # two ISINs of one ticker, of which nobody says whose the other is: the fewer and the equal are doubtful
        ([("AAAA", "NYSE", A1), ("AAAA", "NYSE", B9)], ["AAAA.US low", "AAAA.US low"]),
        ([("AAAA", "NYSE", A1), ("AAAA", "NYSE", B9), ("AAAA", "NYSE", A1)], ["AAAA.US high", "AAAA.US low", "AAAA.US high"]),
        # one paper under two tickers, on one venue or on two, is not a conflict
        ([("AAAA", "NYSE", A1), ("BBBB", "NYSE", A1)], ["AAAA.US high", "BBBB.US high"]),
        ([("AAAA", "NYSE", A1), ("AAAA", "LSE", B9)], ["AAAA.US high", "AAAA.UK high"]),
        ([("AAAA", "NYSE", A1), ("AAAA", "NYSE", "")], ["AAAA.US high", "AAAA.US high"]),
    ],
)  # fmt: skip
def test_isins_that_contradict_each_other_are_never_a_sure_match(tmp_path, rows, expected):
    """A ticker that other rows give another ISIN is doubtful, and a miss where the ISIN is another ticker's."""
    found = build_match(tmp_path, TWO, [instrument(symbol, market, isin=isin) for symbol, market, isin in rows], "daily", None)
    matched, missed = iter(found.matches), iter(found.unmatched)
    for text in expected:
        if text.startswith("isin_conflict"):
            row = next(missed)
            assert f"{row['reason']} {row['candidates']}" == text
        else:
            row = next(matched)
            assert f"{row['matched_ticker']} {row['confidence']}" == text
    assert not [*matched, *missed]


def test_spelling_precedence(tmp_path):
    """Where both a class and a preferred file are there, `ABR-D` is the class as it is spelled and `ABR$D` the preferred."""
    paths = [*TREE, f"{US}/nyse stocks/1/abr-d.us.txt"]
    found = build_match(tmp_path, paths, [instrument(symbol, "NYSE") for symbol in ("ABR-D", "ABR.D", "ABR$D", "ABR_D")])
    assert [row["matched_ticker"] for row in found.matches] == ["ABR-D.US", "ABR-D.US", "ABR_D.US", "ABR_D.US"]
    assert [row["strategy"] for row in found.matches] == ["class_share", "class_share", "preferred", "preferred"]


def test_given_venue_wins(tmp_path):
    """The venue of the accepted table is taken where the market text says nothing."""
    assert _match(tmp_path, "IWDA", venue="XLON") == ("IWDA.UK", "venue_suffix", "high")
    assert _match(tmp_path, "IWDA", venue="XAMS") == "venue_not_covered(XAMS)"


def test_venue_of_a_country_symbol(tmp_path):
    """A match by `.US` alone is given the exchange whose category the file is in."""
    found = build_match(tmp_path, TREE, [instrument("AAPL.US"), instrument("CAR.US"), instrument("EXM:PW")])
    assert [row["venue"] for row in found.matches] == ["XNAS", "XNYS", "XNCO"]


def test_frequency(tmp_path):
    """Only files of the wanted frequency match; a ticker that other frequencies have says so."""
    paths = ["h_us_txt/data/hourly/us/nyse stocks/1/ibm.us.txt", f"{US}/nyse stocks/1/ge.us.txt"]
    assert _match(tmp_path, "IBM", "NYSE", paths) == "frequency_missing"
    assert _match(tmp_path, "GM", "NYSE", paths) == "not_in_tree"
    assert _match(tmp_path, "IBM", "NYSE", paths, frequency="hourly") == ("IBM.US", "venue_suffix", "high")


def test_aliases_of_the_project(tmp_path):
    """Settings add renames; a file under the own name comes first; an alias never leaves the venue."""
    assert _match(tmp_path, "OLD", "NYSE", aliases={"OLD.US": "CAR.US"}) == ("CAR.US", "alias", "medium")
    assert _match(tmp_path, "AAPL", "NSQ", aliases={"AAPL.US": "CAR.US"}) == ("AAPL.US", "venue_suffix", "high")
    assert _match(tmp_path, "OLD", "NYSE", aliases={"OLD.US": "BP.UK"}) == "not_in_tree"


def test_canonical_copy_wins(tmp_path):
    """A copy elsewhere in the tree, though it sorts first, does not replace the bundle's file."""
    found = build_match(tmp_path, [*TREE, "a_copy/daily/us/nasdaq stocks/1/aapl.us.txt"], [instrument("AAPL", "NSQ")])
    assert found.matches[0]["stooq_path"] == f"{US}/nasdaq stocks/1/aapl.us.txt"


def test_candidates(tmp_path):
    """An unmatched row names the same symbol elsewhere in the tree, five at most."""
    paths = [f"d_{cc}_txt/data/daily/{cc}/x stocks/abc.{cc}.txt" for cc in ("us", "jp", "hk", "hu", "de", "fr", "nl")]
    found = build_match(tmp_path, [*paths, f"{UK}/lse stocks/x.uk.txt"], [instrument("ABC", "LSE"), instrument("ZZZ", "LSE")])
    assert found.unmatched[0]["candidates"] == "ABC.DE;ABC.FR;ABC.HK;ABC.HU;ABC.JP"
    assert found.unmatched[1]["candidates"] == ""


def test_one_row_per_instrument(tmp_path):
    """Every row is matched or unmatched, in input order, duplicates kept; a ticker is one symbol."""
    rows = [instrument(s, "NSQ", isin=str(i)) for i, s in enumerate(["AAPL", "ZZZ", "META", "AAPL", "ZZZ"])]
    found = build_match(tmp_path, TREE, rows)
    assert [row["isin"] for row in found.matches] == ["0", "2", "3"]
    assert [row["isin"] for row in found.unmatched] == ["1", "4"]
    assert found.symbols == [
        {"symbol": "AAPL.US", "relative_path": f"{US}/nasdaq stocks/1/aapl.us.txt"},
        {"symbol": "META.US", "relative_path": f"{US}/nasdaq stocks/2/meta.us.txt"},
    ]


def test_columns(tmp_path):
    """The match row carries the instrument, the file, and how it was found."""
    row = instrument("BP.", "LSE", isin="GB0007980591", name="BP PLC", currency="GBP", quote_unit="GBX", venue="XLON")
    assert build_match(tmp_path, TREE, [row]).matches == [
        {
            "symbol": "BP.", "isin": "GB0007980591", "market": "LSE", "name": "BP PLC", "currency": "GBP", "quote_unit": "GBX",
            "venue": "XLON", "matched_ticker": "BP.UK", "stooq_path": f"{UK}/lse stocks/bp.uk.txt", "region": "uk",
            "category": "lse stocks", "strategy": "venue_suffix", "confidence": "high", "source_file": "list.csv",
        }
    ]  # fmt: skip


def test_two_files_under_one_ticker(tmp_path):
    """Where two venues keep different files under one ticker, one is the symbol and the other is named ambiguous."""
    paths = [f"{PL}/nc stocks/exm.txt", f"{PL}/wse stocks/exm.txt"]
    found = build_match(tmp_path, paths, [instrument("EXM", "GPW"), instrument("EXM", "NEWCONNECT")])
    assert [row["venue"] for row in found.matches] == ["XNCO"]
    assert [row["reason"] for row in found.unmatched] == ["ambiguous_ticker"]
    assert _match(tmp_path, "EXM", "GPW", paths) == ("EXM", "bare", "high")


def test_no_instruments_and_no_files(tmp_path):
    """No lists give header-only tables, and an empty tree covers no venue."""
    built = build_index(plant(tmp_path / "tree", []), tmp_path)
    assert match_lists(tmp_path, built.parquet, []) == ([], [], [])
    assert _match(tmp_path, "AAPL", "NSQ", []) == "venue_not_covered(XNAS)"


_INSTRUMENTS = [
    instrument(symbol, market)
    for symbol, market in [
        ("AAPL", "NSQ"), ("BRK.B", "NYSE"), ("PKN:PW", "GPW-WWA"), ("PKN:PW", ""), ("EXM", "NEWCONNECT"), ("BP.", "LSE"),
        ("ABR$D", "N"), ("FB", "NSQ"), ("ETFBTBSP:PW", "GPW"), ("AAPL.US", ""), ("0005", "HKEX"),
    ]
]  # fmt: skip
_MATCHED_STEMS = {"aapl", "brk-b", "pkn", "bp", "abr_d", "meta", "fb", "etfbtbsp", "exm", "5", "0005", "abr-d", "brk_b"}
_FOLDERS = [
    f"{US}/nasdaq stocks/1", f"{US}/nyse stocks/9", f"{UK}/lse stocks", f"{PL}/wse stocks", f"{PL}/nc stocks", f"{HK}/hkex drs",
    f"{WORLD}/indices", "d_jp_txt/data/daily/jp/tse stocks", "d_de_txt/data/daily/de/xetra stocks", "other/daily/fr/par stocks",
]  # fmt: skip
_STEMS = sorted(_MATCHED_STEMS | {"laapl", "qaapl", "aaplx", "aap", "brk", "pk", "zzz"})


@settings(max_examples=60, deadline=None)
@given(
    extra=st.lists(
        st.tuples(st.sampled_from(_FOLDERS), st.sampled_from(_STEMS), st.sampled_from(["own", "", ".x"])), max_size=12
    )
)
def test_unrelated_files_change_nothing(tmp_path_factory, extra):
    """Files of other venues, or of other symbols in the same venue, leave every match as it is."""
    folder = tmp_path_factory.mktemp("match")
    before = build_match(folder / "before", TREE, _INSTRUMENTS).matches
    assert len(before) == len(_INSTRUMENTS)
    venue_tickers = {stem + suffix for stem in _MATCHED_STEMS for suffix in (".us", ".uk", ".hk", "", ".pl")}
    paths = []
    for place, stem, suffix in extra:
        name = stem + ("." + place.split("/")[3] if suffix == "own" else suffix)
        own = name in venue_tickers and not place.startswith((WORLD, "d_jp", "d_de", "other"))
        paths += [] if own else [f"{place}/{name}.txt"]
    assert build_match(folder / "after", [*TREE, *paths], _INSTRUMENTS).matches == before


def test_same_ticker_of_the_other_warsaw_board(tmp_path):
    """A NewConnect file does not take over a main-market share of the same ticker, nor the other way round."""
    for i, (own, other, market) in enumerate([("wse", "nc", "GPW"), ("nc", "wse", "NEWCONNECT")]):
        paths = [f"{PL}/{own} stocks/abc.txt", f"{PL}/{other} stocks/abc.txt"]
        found = build_match(tmp_path / str(i), paths, [instrument("ABC", market)])
        assert found.matches[0]["stooq_path"] == paths[0]


def test_order_of_the_tree_does_not_matter(tmp_path):
    """Files made in another order give the same bytes."""
    shuffled = random.Random(7).sample(TREE, len(TREE))
    build_match(tmp_path / "a", TREE, _INSTRUMENTS)
    build_match(tmp_path / "b", shuffled, _INSTRUMENTS)
    for name in ("matches.csv", "unmatched.csv", "symbols.csv", "index/index.parquet", "index/index.csv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_large_lists_grow_with_the_instruments(tmp_path):
    """Each further instrument costs the same steps, however many there are, and however many files the tree has."""

    def cost(files, listed):
        folder = tmp_path / f"{files}-{listed}"
        built = build_index(plant(folder / "tree", [f"{US}/nyse stocks/1/t{i}.us.txt" for i in range(files)]), folder)
        accepted = folder / "list.accepted.csv"
        write_rows(accepted, instruments.ACCEPTED, (instrument(f"T{i}.B", "NYSE") for i in range(listed)))
        found = []
        count = steps(lambda: found.append(match_lists(folder, built.parquet, [accepted])))
        assert len(found[0].unmatched) == listed
        return count

    few, more, most = (cost(100, listed) for listed in (100, 200, 400))
    assert most - more == pytest.approx(2 * (more - few), rel=0.02)
    assert cost(400, 200) - cost(400, 100) == pytest.approx(more - few, rel=0.02)


def test_targets(tmp_path):
    """One target reads the index and every list's accepted table."""
    for name in ("b.csv", "a=1.csv"):
        (tmp_path / name).touch()
    (target,) = match.targets(Plan(Settings(instruments=tmp_path, artifacts=tmp_path / "out", aliases={"A.US": "B.US"})))
    assert target.name == "tradeable"
    assert target.inputs["instruments"] == [tmp_path / f"out/instruments/{name}.accepted.csv" for name in ("a=1.csv", "b.csv")]
    assert target.params == {"frequency": "daily", "aliases": {"A.US": "B.US"}}


def _real(tmp_path, tree, lists):
    accepted = []
    for source in lists:
        build_list(tmp_path, source.read_bytes(), source.name)
        accepted.append(tmp_path / f"{source.name}.accepted.csv")
    return match_lists(tmp_path, build_index(tree, tmp_path).parquet, accepted)


@pytest.mark.real
@pytest.mark.parametrize(
    ("tree", "lists", "matched", "reasons"),
    [
        (
            "stooq-uk-pl-us", "jc1122", {"XLON": 220, "XNAS": 34, "XWAR": 2},
            {
                "not_in_tree": 5355, "venue_not_covered(XTSE)": 434, "venue_not_covered(XETR)": 284,
                "venue_not_covered(XPAR)": 235, "venue_not_covered(XAMS)": 135, "venue_not_covered(XSWX)": 79,
                "venue_not_covered(XBRU)": 43,
            },
        ),
        ("stooq-us-etf", "nasdaqtrader", {"ARCX": 22, "BATS": 13, "XNYS": 1}, {"not_in_tree": 11308}),
    ],
)  # fmt: skip
def test_real_data(tmp_path, tree, lists, matched, reasons):
    """On real trees and lists no match leaves the region of its venue, and each unmatched row has its reason."""
    found = _real(tmp_path, real_data(tree), sorted(real_data("instrument-lists", lists).iterdir()))
    for row in found.matches:
        venue = venues.by_mic(row["venue"])
        assert venue is not None
        assert venue.admits(row["region"], row["category"])
        assert row["matched_ticker"].endswith(venue.suffixes)
    assert Counter(row["venue"] for row in found.matches) == matched
    assert Counter(row["reason"] for row in found.unmatched) == reasons


@pytest.mark.real
def test_real_world_tree_has_no_venue(tmp_path):
    """Indices, rates, bonds and coins are nobody's shares: nothing in the world tree matches an instrument."""
    found = _real(tmp_path, real_data("stooq-world"), sorted(real_data("instrument-lists", "jc1122").iterdir()))
    assert found.matches == []
    assert all(row["reason"].startswith("venue_not_covered") for row in found.unmatched)


class TestContract(StageContract):
    """What every stage promises."""

    stage = "match"
