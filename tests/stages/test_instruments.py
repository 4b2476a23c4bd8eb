"""Brokers' lists in all their dialects."""

import csv
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barmill.config import Settings
from barmill.errors import ConfigError
from barmill.market import venues
from barmill.plan import Plan
from barmill.stages import instruments
from tests.stages.contract import StageContract
from tests.support.lists import accepted_bytes, build_list
from tests.support.market import FIRST_STAGES, NASDAQ, MarketProject
from tests.support.real import real_data

BOSSA = "market,isin,symbol,name\n"
MBANK = "Market,ISIN,Symbol,Name,Currency,AUM,Replication,Fee,Dividend\n"
OTHER_LISTED = "ACT Symbol|Security Name|Exchange|CQS Symbol|ETF|Round Lot Size|Test Issue|NASDAQ Symbol\n"
NASDAQ_LISTED = "Symbol|Security Name|Market Category|Test Issue|Financial Status|Round Lot Size|ETF|NextShares\n"


def _one(folder, content, name="list.csv"):
    accepted, rejected = build_list(folder, content, name)
    assert rejected == []
    return accepted[0]


def test_bossa_currency_is_the_last_word_of_the_name(tmp_path):
    """Pence are GBP quoted in GBX, and the word leaves the name, also when it is all of it."""
    accepted, rejected = build_list(
        tmp_path, BOSSA + "LSE,GB0007980591,BP.,BP PLC  GBX\nLSE,CY0109692117,FRG,GBX\nNSQ,,AAPL,Apple Inc. USD\nTSX,,X,Plc\n"
    )
    assert rejected == []
    assert accepted[0] == {
        "source_file": "list.csv", "symbol": "BP.", "isin": "GB0007980591", "market": "LSE", "name": "BP PLC",
        "currency": "GBP", "quote_unit": "GBX", "venue": "XLON",
    }  # fmt: skip
    assert [(row["name"], row["currency"], row["quote_unit"]) for row in accepted[1:]] == [
        ("", "GBP", "GBX"),
        ("Apple Inc.", "USD", "USD"),
        ("Plc", "", ""),
    ]


@pytest.mark.parametrize(
    ("market", "name", "expected"),
    [
        ("LONDON STOCK EXCHANGE (GBP) GBR-LSE GLENCORE PLC", "PLC", ("GBR-LSE", "GLENCORE PLC", "XLON")),
        ("NEW YORK STOCK EXCHANGE (USD) USA-NYSE 3M CO", "CO", ("USA-NYSE", "3M CO", "XNYS")),
        ("NEW YORK STOCK EXCHANGE (USD) USA-NYSE  GARRETT MOTION INC", "MOTI", ("USA-NYSE", "GARRETT MOTION INC", "XNYS")),
        ("NEW YORK STOCK EXCHANGE (USD) USA-NYSE", "& FITCH CO", ("USA-NYSE", "& FITCH CO", "XNYS")),
        ("NEW YORK STOCK EXCHANGE (USD) USA-NYSE UNITED", "UNITEDRENTAL", ("USA-NYSE", "UNITEDRENTAL", "XNYS")),
        ("NASDAQ (USD) USA-NASDAQ ADVANCED MICRO DEVICES", "AMD", ("USA-NASDAQ", "ADVANCED MICRO DEVICES AMD", "XNAS")),
        ("NEW YORK STOCK EXCHANGE (USD)", "AT&T INC", ("NEW YORK STOCK EXCHANGE (USD)", "AT&T INC", "XNYS")),
        ("GPW-WWA", "BETA ETF TBSP", ("GPW-WWA", "BETA ETF TBSP", "XWAR")),
    ],
)
def test_mbank_market_that_swallowed_the_name(tmp_path, market, name, expected):
    """The market is cut at its code, and the name put together without losing a part of it."""
    row = _one(tmp_path, MBANK + f"{market},US0000000000,ABC:US,{name},USD,,,,\n")
    assert (row["market"], row["name"], row["venue"]) == expected


def test_currency_in_the_market_text(tmp_path):
    """Without a currency column the one in the market's parentheses counts."""
    row = _one(tmp_path, "symbol,market\nGLEN:LN,LONDON STOCK EXCHANGE (GBP) GBR-LSE GLENCORE\n")
    assert (row["currency"], row["quote_unit"], row["name"]) == ("GBP", "GBP", "GLENCORE")


def test_decimal_comma_and_polish_letters(tmp_path):
    """mBank's quoted decimal comma does not split the row, in UTF-8 or cp1250."""
    content = MBANK + 'DEU-XETRA,DE000A0S9GB0,4GLD:GR,"Złoto, fizyczne",EUR,13810,Fizyczna,"0,36",Nie wypłaca\n'
    for data in (content.encode(), content.encode("cp1250"), content.encode("utf-8-sig")):
        row = _one(tmp_path, data)
        assert (row["symbol"], row["name"], row["currency"], row["venue"]) == ("4GLD:GR", "Złoto, fizyczne", "EUR", "XETR")


def test_nasdaq_listed_has_no_exchange_column(tmp_path):
    """Nasdaq's own list is on NASDAQ; its market category is no market; a test issue is rejected."""
    content = NASDAQ_LISTED + "AAL|American Airlines|Q|N|N|100|N|N\nZAZZT|Tick Pilot|G|Y|N|100||N\n"
    accepted, rejected = build_list(tmp_path, content, "nasdaqlisted.txt")
    assert [(row["symbol"], row["market"], row["venue"]) for row in accepted] == [("AAL", "NASDAQ", "XNAS")]
    assert [(row["line"], row["reason"]) for row in rejected] == [("3", "test_issue")]


def test_other_listed(tmp_path):
    """The single letters name the exchange, the footer is named as such, `$` and `NA` stay as they are."""
    content = OTHER_LISTED + "".join(
        f"{symbol}|Some Name|{letter}|x|N|100|N|x\n"
        for symbol, letter in [("ABR$D", "N"), ("NA", "P"), ("AAAU", "Z"), ("BRK.B", "A"), ("X", "V")]
    )
    accepted, rejected = build_list(tmp_path, content + "File Creation Time: 0530202521:31||||||\n", "otherlisted.txt")
    assert [(row["symbol"], row["venue"]) for row in accepted] == [
        ("ABR$D", "XNYS"), ("NA", "ARCX"), ("AAAU", "BATS"), ("BRK.B", "XASE"), ("X", "IEXG"),
    ]  # fmt: skip
    assert [(row["line"], row["reason"]) for row in rejected] == [("7", "footer")]


@pytest.mark.parametrize(
    "header",
    [
        "Ticker,Exchange,Company,Ccy",
        "TICKER , Listing Exchange, Security Name ,currency",
        "act_symbol,venue,name,Trading Currency",
    ],
)
def test_header_aliases(tmp_path, header):
    """Columns are known by any of their names, in any case, with blanks around."""
    row = _one(tmp_path, header + "\nVOD,LSE,Vodafone,GBp\n")
    assert (row["symbol"], row["venue"], row["name"], row["currency"], row["quote_unit"]) == (
        "VOD",
        "XLON",
        "Vodafone",
        "GBP",
        "GBX",
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("Symbol,Description,Currency,Exchange\nSXR8,ISHARES CORE,EUR,IBIS2\n", ("SXR8", "XETR", "EUR", "ISHARES CORE")),
        ("IB Symbol,Product Description,Symbol,Currency,Exchange\nA,AGILENT,A,USD,NYSE\n", ("A", "XNYS", "USD", "AGILENT")),
        ("Symbol,Exchange,Currency\nAAPL,NASDAQ.NMS,USD\n", ("AAPL", "XNAS", "USD", "")),
        ("Symbol,Security ID,Listing Exch,Description\nMC,FR0000121014,SBF,LVMH\n", ("MC", "XPAR", "", "LVMH")),
        ("Symbol,Exchange,Currency\nASML,AEB,EUR\n", ("ASML", "XAMS", "EUR", "")),
        ("Symbol,Exchange,Currency\nNESN,EBS,CHF\n", ("NESN", "XSWX", "CHF", "")),
        ("Symbol,Exchange,Currency\nENI,BVME.ETF,EUR\n", ("ENI", "XMIL", "EUR", "")),
        ("Symbol,Exchange,Currency\nABI,ENEXT.BE,EUR\n", ("ABI", "XBRU", "EUR", "")),
        ("Product,Symbol,ISIN,Reference exchange\nApple Inc,AAPL,US0378331005,NDQ\n", ("AAPL", "XNAS", "", "Apple Inc")),
        ("Ticker,Name,Currency\nAAPL.US_9,Apple,USD\n", ("AAPL.US_9", "", "USD", "Apple")),
        ("ticker,type,isin,currencyCode,name\nSAPd_EQ,STOCK,DE0007164600,EUR,SAP\n", ("SAPd_EQ", "XETR", "EUR", "SAP")),
        ("ticker,currencyCode,name\nVODl_EQ,GBX,Vodafone\n", ("VODl_EQ", "XLON", "GBP", "Vodafone")),
        ("Symbol,Description,Currency\nAAPL:xnas,Apple Inc.,USD\n", ("AAPL:xnas", "XNAS", "USD", "Apple Inc.")),
        ("Symbol,Exchange,Description\nSAP,Deutsche Börse (XETRA),SAP SE\n", ("SAP", "XETR", "", "SAP SE")),
        ("Instr. code|Full description|Trading venue|Ccy\nAAPL|Apple Inc.|NASDAQ|USD\n", ("AAPL", "XNAS", "USD", "Apple Inc.")),
    ],
)  # fmt: skip
def test_brokers_spell_headings_and_venues_in_their_own_ways(tmp_path, content, expected):
    """Lists of Interactive Brokers, Degiro, XTB, Trading 212 and Saxo are read, with their codes of exchanges."""
    row = _one(tmp_path, content)
    found = (row["symbol"], row["venue"], row["currency"], row["name"])
    assert (found[0], found[1] or "", *found[2:]) == expected


def test_own_venues_and_headings_come_before_the_built_in_ones(tmp_path):
    """The settings say what a code means, and which column has the symbol; letter case and punctuation do not count."""
    content = "Papier;Symbol;Platz\nAAPL;4711;t-gate\nSAP;4712;XETRA\n"
    own = {
        "venue_names": venues.checked({"T GATE": "XETR"}),
        "headings": instruments.checked_columns({"papier": "symbol", "Platz": "market"}),
    }
    accepted, rejected = build_list(tmp_path, content, **own)
    assert (rejected, [(row["symbol"], row["venue"]) for row in accepted]) == ([], [("AAPL", "XETR"), ("SAP", "XETR")])


@pytest.mark.parametrize(
    ("setting", "words"), [("venues", "'XETRA' is not a known MIC"), ("columns", "'ticker' is not a role")]
)
def test_own_venue_or_heading_that_means_nothing_is_refused(tmp_path, setting, words):
    """An unknown MIC and an unknown role are errors that name the setting, its key and the nearest known."""
    own = {"venues": {"TGATE": "XETRA"}, "columns": {"Papier": "ticker"}}[setting]
    (tmp_path / "list.csv").touch()
    with pytest.raises(ConfigError, match=f"setting {setting}: .* = {words}\nhint: "):
        list(instruments.targets(Plan(Settings(instruments=tmp_path, artifacts=tmp_path / "out", **{setting: own}))))


@pytest.mark.parametrize("header", ["Symbol,Name,Market", "\ufeffSymbol,Name,Market", " SYMBOL , name,market "])
def test_header_of_a_list_put_together_of_several_is_not_an_instrument(tmp_path, header):
    """Two lists in one file: the second header is rejected by its line, the rows below it are read."""
    accepted, rejected = build_list(tmp_path, f"Symbol,Name,Market\nAAA,Alpha,NASDAQ\n{header}\nCCC,Gamma,NASDAQ\n")
    assert [row["symbol"] for row in accepted] == ["AAA", "CCC"]
    assert [(row["line"], row["reason"]) for row in rejected] == [("3", "repeated_header")]


@pytest.mark.parametrize("nothing", ["N/A", "-", "--", "nan", "NaN", "null", "None", "n/a", "#N/A", ""])
def test_placeholder_is_an_empty_value(tmp_path, nothing):
    """What programs write for "nothing" is nothing, in every column; a row without a symbol is rejected."""
    content = f"symbol,isin,market,name,currency\nAAPL,{nothing},NASDAQ,{nothing},{nothing}\n{nothing},X,NASDAQ,Apple,USD\n"
    accepted, rejected = build_list(tmp_path, content)
    assert [(row["isin"], row["name"], row["currency"]) for row in accepted] == [("", "", "")]
    assert [row["reason"] for row in rejected] == ["missing_symbol"]


def test_tickers_that_look_like_placeholders_stay(tmp_path):
    """NA and NAN are tickers; as a currency or an ISIN they are nothing."""
    accepted, _ = build_list(tmp_path, "symbol,isin,market,currency\nNA,NA,NYSE,NAN\nNAN,,NYSE,USD\n")
    assert [(row["symbol"], row["isin"], row["currency"]) for row in accepted] == [("NA", "", ""), ("NAN", "", "USD")]


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_other_delimiters(tmp_path, mark):
    """A list with semicolons, tabs or bars has the same rows as with commas."""
    content = BOSSA + "LSE,GB00,VOD,Vodafone GBX\n\nNYSE,US00,IBM,IBM Corp USD\n"
    assert accepted_bytes(tmp_path, content.replace(",", mark)) == accepted_bytes(tmp_path, content)


def test_rejected_rows_are_named(tmp_path):
    """Each row that is left out has its line, reason, and text, cut to 200 characters."""
    rows = [
        "LSE,GB00,,Nameless GBX",
        "NYSE,US00,FOO,Foo, Inc USD",
        "NYSE",
        "NYSE US74767V1098 QS,QUANTUMSCAPE,CORP,USD",
        "x" * 300,
    ]
    accepted, rejected = build_list(tmp_path, BOSSA + "\n".join(rows) + "\nNYSE,US00,IBM,IBM USD\n")
    assert [row["symbol"] for row in accepted] == ["IBM"]
    assert [(row["line"], row["reason"], row["text"]) for row in rejected] == [
        ("2", "missing_symbol", rows[0]),
        ("3", "field_count", rows[1]),
        ("4", "field_count", rows[2]),
        ("5", "shifted_columns", rows[3]),
        ("6", "field_count", "x" * 200),
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty_file"),
        (b"  \n\n", "empty_file"),
        (b"<html><title>404</title></html>", "not_a_table"),
        (b"date,close\n20200101,1\n", "no_symbol_column"),
        (bytes(range(256)), "not_a_table"),
    ],
)
def test_bad_list_is_built(tmp_path, content, reason):
    """A list that is no list gives a header-only table and one rejected row with the reason."""
    accepted, rejected = build_list(tmp_path, content)
    assert accepted == []
    assert [row["reason"] for row in rejected] == [reason]
    assert (tmp_path / "list.csv.accepted.csv").read_text() == ",".join(instruments.ACCEPTED) + "\n"


def test_header_only_list(tmp_path):
    """A list with a header and no rows has nothing to reject."""
    assert build_list(tmp_path, BOSSA) == ([], [])


def test_stray_quote_costs_no_other_row(tmp_path):
    """A stray quote leaves all other rows as they are, and its own row readable."""
    accepted, rejected = build_list(
        tmp_path, BOSSA + 'LSE,GB00,VOD,Vodafone GBX\nLSE,GB00,"BA,BAE GBX\nNYSE,US00,IBM,IBM "USD\n'
    )
    assert [row["symbol"] for row in accepted] == ["VOD", "BA", "IBM"]
    assert rejected == []


def test_duplicates_and_order_are_kept(tmp_path):
    """The same row twice stays twice, and order is the list's."""
    accepted, _ = build_list(tmp_path, BOSSA + "LSE,,B,b GBX\nLSE,,A,a GBX\nLSE,,B,b GBX\n")
    assert [row["symbol"] for row in accepted] == ["B", "A", "B"]


def test_venue_from_the_symbol(tmp_path):
    """Without a market the symbol's suffix names the venue; a country alone, or nothing, leaves it empty."""
    accepted, _ = build_list(tmp_path, "symbol\nVOD:LN\nAAPL.US\nCAR.UN\nBRK.B\nSAP.DE\n")
    assert [row["venue"] for row in accepted] == ["XLON", "", "", "", "XETR"]


_CELL = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters='",;|\t'), max_size=6)


@settings(deadline=None)
@given(rows=st.lists(st.tuples(_CELL, _CELL, _CELL, _CELL), max_size=6), blanks=st.integers(0, 3), data=st.data())
def test_whitespace_edits_change_nothing(tmp_path_factory, rows, blanks, data):
    """Blank lines, blanks around values and other line ends leave the accepted table byte for byte the same."""
    folder = tmp_path_factory.mktemp("list")
    pad = st.sampled_from(["", " ", "  ", "\t"])
    edited = [BOSSA.strip()]
    for row in rows:
        edited += [""] * blanks + [",".join(f"{data.draw(pad)}{cell}{data.draw(pad)}" for cell in row)]
    plain = BOSSA + "".join(",".join(row) + "\n" for row in rows)
    assert accepted_bytes(folder, "\r\n".join(edited)) == accepted_bytes(folder, plain)


@settings(deadline=None)
@given(content=st.binary(max_size=300))
def test_any_bytes_are_built(tmp_path_factory, content):
    """No content raises, below a header or alone, and every row has a symbol or a reason."""
    folder = tmp_path_factory.mktemp("list")
    for data in (content, b"symbol,name\n" + content):
        accepted, rejected = build_list(folder, data)
        assert all(row["symbol"] for row in accepted)
        assert all(row["reason"] for row in rejected)


def test_targets(tmp_path):
    """Each list is a target under its file's name, so that `b=1.csv` and `b_1.csv` are two."""
    for name in ("b=1.csv", "b_1.csv", "a.TXT", ".hidden.csv", "notes.md"):
        (tmp_path / name).touch()
    plan = Plan(Settings(instruments=tmp_path, artifacts=tmp_path / "out"))
    targets = list(instruments.targets(plan))
    assert [target.name for target in targets] == ["a.TXT", "b=1.csv", "b_1.csv"]
    assert targets[1].params == {"source_file": "b=1.csv", "venue_names": {}, "headings": {}}
    assert targets[1].outputs["accepted"] == tmp_path / "out/instruments/b=1.csv.accepted.csv"


@pytest.mark.real
@pytest.mark.parametrize(
    ("parts", "accepted_count", "rejected_count"),
    [
        (("jc1122", "bossa_instruments_2025-08-26_structured.csv"), 4966, 1),
        (("jc1122", "mbank_etf_structured_2023-10-24_harmonized.csv"), 605, 0),
        (("jc1122", "mbank_stocks_structured_2025-05-21_harmonized.csv"), 1250, 0),
        (("nasdaqtrader", "nasdaqlisted.txt"), 4865, 8),
        (("nasdaqtrader", "otherlisted.txt"), 6479, 26),
        (("yahoo-meta", "symbols_valid_meta.csv"), 262, 0),
    ],
)
def test_real_lists(tmp_path, parts, accepted_count, rejected_count):
    """Every row of the real lists is accepted with a known venue, or rejected with a reason."""
    source = real_data("instrument-lists", *parts)
    accepted, rejected = build_list(tmp_path, source.read_bytes(), source.name)
    assert (len(accepted), len(rejected)) == (accepted_count, rejected_count)
    assert all(row["venue"] for row in accepted)


@pytest.mark.real
def test_real_pence(tmp_path):
    """The bossa list has 405 lines in pence, and no name keeps its currency."""
    source = real_data("instrument-lists", "jc1122", "bossa_instruments_2025-08-26_structured.csv")
    accepted, _ = build_list(tmp_path, source.read_bytes())
    with open(source, encoding="utf-8-sig", newline="") as file:
        words = [(row["name"].split() or [""])[-1] for row in csv.DictReader(file)]
    assert sum(row["quote_unit"] == "GBX" for row in accepted) == words.count("GBX") == 405
    assert all(row["currency"] for row in accepted)


class TestContract(StageContract):
    """What every stage promises."""

    stage = "instruments"


def test_list_that_is_rejected_whole_is_named_at_the_end_of_a_run(tmp_path):
    """The last lines of a run, and of a second one that builds nothing, name the file, its report and the cure."""
    project = MarketProject.make(tmp_path / "p", FIRST_STAGES)
    project.raw(NASDAQ, "AAPL.US")
    project.listed("good.csv", [("AAPL", "", "NASDAQ", "Apple", "USD")])
    project.listed("bad.csv", [("AAPL", "NASDAQ")], "Papier,Platz")
    for _ in range(2):
        out = project.good().out
        assert (
            "warning: data/instruments/bad.csv: the whole list is rejected (no_symbol_column), see "
            "artifacts/reports/instruments_rejected.csv; name the heading of its symbols in the setting columns\n"
        ) in out
        assert "good.csv: the whole" not in out
    (project.root / "pyproject.toml").write_text('[tool.barmill]\ncolumns = {Papier = "symbol", Platz = "market"}\n')
    assert "is rejected" not in project.good().out


def test_list_whose_name_is_not_utf_8_is_read_and_named(tmp_path):
    """A list named in Latin-1 is matched as any other; tasks and tables name it with the byte in hexadecimal."""
    project = MarketProject.make(tmp_path, FIRST_STAGES)
    project.raw(NASDAQ, "AAPL.US")
    path = project.listed("broker.csv", [("AAPL", "US0378331005", "NASDAQ", "Apple", "USD")])
    os.rename(path, os.fsencode(path.parent) + b"/caf\xe9.csv")
    result = project.doit()
    assert result.code == 0, result.out + result.err
    assert "instruments:caf%E9.csv" in result.out
    assert project.matches() == {"AAPL": "AAPL.US"}
    assert project.table("reports/tradeable_matches.csv")[0]["source_file"] == r"caf\xe9.csv"
    again = project.doit()
    assert (again.code, again.counts["built"], again.counts["failed"]) == (0, 0, 0)
    assert project.doit("explain", "instruments:caf%E9.csv").code == 0


def test_a_folder_in_place_of_a_list(tmp_path):
    """It is named with its cure, without a traceback; the other lists are built."""
    project = MarketProject.make(tmp_path, FIRST_STAGES)
    project.listed("good.csv", [["AAPL", "", "NASDAQ", "Apple", "USD"]])
    (project.root / "data/instruments/bad.csv").mkdir()
    result = project.doit("instruments")
    assert (result.code, result.counts["built"], result.counts["failed"]) == (1, 1, 1)
    assert "data/instruments/bad.csv is a folder, not a list" in result.out
    assert "hint: move the folder away" in result.out
    assert "Traceback" not in result.out + result.err
