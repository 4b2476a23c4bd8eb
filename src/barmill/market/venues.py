"""Venues: what a broker calls a market, the exchange's MIC, and where Stooq keeps that exchange's files.

A venue's files lie in one region of the tree, in categories whose first words are listed (none listed: all of the region
that no other venue lists), under tickers with one of its suffixes ("" for a Warsaw share). A country whose Stooq region
holds several exchanges has a composite venue without a MIC, which `:US` or `.US` alone means. A venue whose region the
tree lacks is still a venue: its instruments are unmatched, never matched elsewhere.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from barmill.errors import ConfigError, nearest


@dataclass(frozen=True)
class Venue:
    """An exchange.

    Attributes:
        mic: ISO 10383 code; "" for the composite of a country.
        region: region of the Stooq tree, the country's code where Stooq has none.
        suffixes: ticker suffixes, likeliest first.
        currencies: what its shares are quoted in, main one first.
        codes: symbol suffixes, after a colon or a blank (Bloomberg) or a dot (Stooq, Yahoo).
        home: first words of the categories where its own listings are kept; empty for all it admits.
        categories: leading words of the categories it admits; empty for all that no other venue of the region lists.
    """

    mic: str
    region: str
    suffixes: tuple[str, ...]
    currencies: tuple[str, ...]
    codes: tuple[str, ...]
    home: tuple[str, ...]
    categories: tuple[str, ...]

    @property
    def label(self) -> str:
        """The MIC, or the country of a composite."""
        return self.mic or self.region.upper()

    def admits(self, region: str, category: str) -> bool:
        """Whether files of the venue lie in this category of this region."""
        if region != self.region:
            return False
        if self.categories:
            return category.startswith(self.categories)
        return not category.startswith(_LISTED.get(region, ()))

    def is_home(self, category: str) -> bool:
        """Whether the venue's own listings lie in this category, not those of another exchange of the country."""
        return not self.home or category.partition(" ")[0] in self.home


# bare: a ticker without suffix. XTSX is not `.V` at Stooq, where that suffix is a cryptocurrency's, in another region.
_TABLE = """
label  region  suffixes  currencies           codes                  home     categories
US     us      .US       USD                  US                     -        -
XNYS   us      .US       USD                  UN,NYSE                nyse     -
XNAS   us      .US       USD                  UW,UQ,UR,NASDAQ,NSQ    nasdaq   -
XASE   us      .US       USD                  UA,AMEX                nysemkt  -
ARCX   us      .US       USD                  UP                     nyse     -
BATS   us      .US       USD                  UF                     nyse     -
IEXG   us      .US       USD                  VF                     nyse     -
XCHI   us      .US       USD                  -                      nyse     -
XLON   uk      .UK       GBP,USD,EUR,CHF      LN,L,UK,GB,LSE         -        -
PL     pl      bare,.PL  PLN,EUR              PW,PL,WA               -        WARSAW,nc
XWAR   pl      bare,.PL  PLN,EUR              GPW                    -        WARSAW
XNCO   pl      bare,.PL  PLN,EUR              NC                     -        nc
XETR   de      .DE       EUR,USD,GBP          GR,GY,DE               -        -
XFRA   de      .DE,.F    EUR,USD              GF,F                   -        frankfurt
XTKS   jp      .JP       JPY                  JP,JT,T                -        -
XHKG   hk      .HK       HKD,USD,CNY,CNH      HK,H                   -        -
XBUD   hu      .HU       HUF,EUR              HU,HB,BD               -        -
XTSE   ca      .TO       CAD,USD              TO,TSX,CN,CT           -        -
XTSX   ca      .V        CAD                  V,TSXV,CV              -        tsxv,tsx venture
XCNQ   ca      .CN       CAD                  CF                     -        cse,cnsx
XPAR   fr      .FR,.PA   EUR,USD              FP,PA,PAR,FR           -        -
XAMS   nl      .NL,.AS   EUR,USD,GBP          NA,AS,AMS,NL           -        -
XBRU   be      .BE,.BR   EUR                  BB,BR,BRU,BE           -        -
XLIS   pt      .PT,.LS   EUR                  LS,PT                  -        -
XDUB   ie      .IE,.IR   EUR                  ID,IR                  -        -
XSWX   ch      .CH,.SW   CHF,USD,EUR,GBP      SW,SE,VX,SWX,CH        -        -
XMIL   it      .IT,.MI   EUR                  IM,MI                  -        -
XMAD   es      .ES,.MC   EUR                  SM,MC                  -        -
XWBO   at      .AT,.VI   EUR                  AV,VI                  -        -
XPRA   cz      .CZ,.PR   CZK                  CP                     -        -
XSTO   se      .SE,.ST   SEK,EUR              SS,ST                  -        -
XHEL   fi      .FI,.HE   EUR                  FH,HE                  -        -
XCSE   dk      .DK,.CO   DKK                  DC,CO                  -        -
XOSL   no      .NO,.OL   NOK                  NO,OL                  -        -
XASX   au      .AU,.AX   AUD                  AU,AX                  -        -
"""
_WARSAW = "wse stocks,wse etfs,wse certificates,wse bonds,wse futures,wse options"

# Broker texts by venue, in capitals, words joined by one blank. TSE (Tokyo, Toronto) and BSE (Budapest, Bombay) are
# left out: they name two venues. The single letters are those of the consolidated tape in Nasdaq Trader's lists.
_NAMES = {
    "US": "US, USA, UNITED STATES",
    "XNYS": "NYSE, N, NYQ, NYS, NEW YORK, NEW YORK STOCK EXCHANGE, USA NYSE, NYSE USA, NSY",
    "XNAS": "NASDAQ, NSQ, NAS, Q, NMS, NGM, NCM, USA NASDAQ, NASDAQ USA, NASDAQ GS, NASDAQ GM, NASDAQ CM, NASDAQGS, NASDAQGM, "
    "NASDAQCM, NASDAQ GLOBAL SELECT, NASDAQ GLOBAL SELECT MARKET, NASDAQ GLOBAL MARKET, NASDAQ CAPITAL MARKET, "
    "NASDAQ STOCK MARKET, NDQ, NASDAQ NMS, NASDAQ SCM, ISLAND",
    "XASE": "NYSE MKT, NYSEMKT, AMEX, ASE, A, NYSE AMERICAN, NYSEAMERICAN, USA AMEX, AMERICAN STOCK EXCHANGE",
    "ARCX": "NYSE ARCA, NYSEARCA, ARCA, P, PCX, USA ARCA, USA NYSEARCA, NYSE ARCA ETF",
    "BATS": "BATS, Z, BTS, CBOE, CBOE BZX, BZX, CBOE US, USA BATS",
    "IEXG": "IEX, V, INVESTORS EXCHANGE",
    "XCHI": "NYSE CHICAGO, CHX, M, CHICAGO STOCK EXCHANGE",
    "XLON": "LSE, LON, LONDON, LONDON STOCK EXCHANGE, GBR LSE, UK, GB, UK LSE, AIM, LSE AIM, LSEETF, LSE ETF",
    "PL": "PL, POL, POLAND, POLSKA",
    "XWAR": "GPW, WSE, WWA, GPW WWA, WARSAW, WARSZAWA, WARSAW STOCK EXCHANGE, POL GPW, POL WSE, GPW WARSZAWA, "
    "GPW GŁÓWNY RYNEK, GIEŁDA PAPIERÓW WARTOŚCIOWYCH",
    "XNCO": "NEWCONNECT, NEW CONNECT, NC, GPW NC, POL NC, GPW NEWCONNECT, NEWCONNECT WARSAW",
    "XETR": "XETRA, ETR, GER, IBIS, XET, GERMANY, DEU XETRA, GERMANY XETRA, DEUTSCHE BOERSE XETRA, IBIS2, XETRA2, "
    "DEUTSCHE BÖRSE XETRA, DEUTSCHE BOERSE AG XETRA",
    "XFRA": "FRANKFURT, FRA, FWB, DEU FWB, DEU FRA, FRANKFURT STOCK EXCHANGE, BOERSE FRANKFURT, FWB2, "
    "DEUTSCHE BÖRSE FRANKFURT, FSE",
    "XTKS": "JPX, TYO, TOKYO, TOKYO STOCK EXCHANGE, JPN TSE, JPN TYO, JAPAN, TSEJ",
    "XHKG": "HKG, HKEX, SEHK, HK, HONG KONG, HONG KONG STOCK EXCHANGE, HKG HKEX, HKG SEHK",
    "XBUD": "BUD, BUDAPEST, BUDAPEST STOCK EXCHANGE, HUN BSE, HUN BUD, HUNGARY, BUX",
    "XTSE": "TSX, TOR, TORONTO, TORONTO STOCK EXCHANGE, CAN TSX, CAN TOR, CANADA",
    "XTSX": "TSXV, TSX V, TSX VENTURE, TSX VENTURE EXCHANGE, VAN, CVE, CDNX, VENTURE",
    "XCNQ": "CSE, CNSX, CNQ, CANADIAN SECURITIES EXCHANGE",
    "XPAR": "PAR, EPA, PARIS, EURONEXT PARIS, FRA PAR, FRA EURONEXT, FRANCE, SBF",
    "XAMS": "AMS, AEX, AMSTERDAM, EURONEXT AMSTERDAM, NLD AMS, NLD EURONEXT, NETHERLANDS, AEB, EAM",
    "XBRU": "BRU, EBR, BRUSSELS, EURONEXT BRUSSELS, BEL BRU, BEL EURONEXT, BELGIUM, ENEXT BE",
    "XLIS": "LIS, ELI, LISBON, EURONEXT LISBON, PRT LIS, PORTUGAL, BVL, ENEXT PT",
    "XDUB": "DUB, DUBLIN, EURONEXT DUBLIN, IRL DUB, IRELAND, ISED, ISE",
    "XSWX": "SWX, SIX, EBS, VTX, ZURICH, SIX SWISS EXCHANGE, SWISS EXCHANGE, CHE SIX, CHE SWX, SWITZERLAND, VIRTX, VRTX",
    "XMIL": "MIL, BIT, MILAN, BORSA ITALIANA, EURONEXT MILAN, ITA MIL, ITA BIT, ITALY, BVME, BVME ETF",
    "XMAD": "MAD, MCE, BME, MADRID, BOLSA DE MADRID, ESP BME, ESP MAD, SPAIN, BM",
    "XWBO": "VIE, WBAG, VIENNA, WIENER BOERSE, AUT VIE, AUSTRIA, VSE",
    "XPRA": "PRA, PRAGUE, PRAGUE STOCK EXCHANGE, CZE PSE",
    "XSTO": "STO, STOCKHOLM, NASDAQ STOCKHOLM, NASDAQ OMX STOCKHOLM, SWE STO, SWEDEN, SFB",
    "XHEL": "HEL, HELSINKI, NASDAQ HELSINKI, NASDAQ OMX HELSINKI, FIN HEL, FINLAND, HEX, HSE",
    "XCSE": "CPH, COPENHAGEN, NASDAQ COPENHAGEN, NASDAQ OMX COPENHAGEN, DNK CPH, DENMARK",
    "XOSL": "OSL, OSLO, OSLO BORS, EURONEXT OSLO, NOR OSL, NORWAY, OSE",
    "XASX": "ASX, SYDNEY, AUSTRALIAN SECURITIES EXCHANGE, AUS ASX, AUSTRALIA",
}


def _venue(line: str) -> Venue:
    label, region, *lists = line.replace("WARSAW", _WARSAW).split(None, 6)
    parts = (tuple("" if word == "bare" else word for word in text.split(",") if word != "-") for text in lists)
    return Venue(label if label not in _COMPOSITES else "", region, *parts)


_COMPOSITES = frozenset({"US", "PL"})
VENUES = tuple(_venue(line) for line in _TABLE.strip().splitlines()[1:])
_LISTED = {
    region: tuple(word for venue in VENUES if venue.region == region for word in venue.categories)
    for region in {venue.region for venue in VENUES}
}
_BY_MIC = {venue.mic: venue for venue in VENUES if venue.mic}
_BY_NAME = {name: venue for venue in VENUES for name in (venue.label, *_NAMES[venue.label].split(", "))}
_BY_CODE = {code: venue for venue in VENUES for code in venue.codes}

# After a dot these are a class, a unit or a series more often than a venue: CAR.UN is a Canadian unit.
_NOT_AFTER_DOT = frozenset(
    {"UN", "UA", "UP", "UQ", "UR", "UW", "UF", "VF", "H", "NC", "CV", "CT", "CF", "CP", "SE", "ID", "AV"}
)
# Trading 212 writes AAPL_US_EQ and, for these exchanges, SAPd_EQ.
_TRADING_212 = re.compile(r"([A-Z0-9.]+)(?:_([A-Z]{2})|([a-z]))_EQ")
_TRADING_212_EXCHANGES = {"l": "XLON", "d": "XETR", "p": "XPAR", "a": "XAMS", "e": "XMAD", "m": "XMIL", "s": "XSWX"}
_XTB_ACCOUNT = re.compile(r"(?<=\.[A-Z]{2})_\d$")  # XTB writes AAPL.US_9

_BLOOMBERG = 2  # letters of a venue code after a blank; a single letter there is a class: BRK B

_CURRENCY = re.compile(r"\(([A-Z]{3})\)")
_COUNTRY_CODE = re.compile(r"(?:^|\s)([A-Z]{3}-[A-Z]{2,})(?=\s|$)")


def by_mic(mic: str) -> Venue | None:
    """The venue with this MIC."""
    return _BY_MIC.get(mic)


def by_name(text: str) -> Venue | None:
    """The venue that a broker's market text names exactly, letter case, punctuation and a `(USD)` aside.

    A text that merely contains a venue's name names none: "NASDAQ STOCKHOLM" is not NASDAQ.
    """
    return _BY_NAME.get(_spelled(text))


def _spelled(text: str) -> str:
    return " ".join(re.sub(r"[\W_]+", " ", _CURRENCY.sub(" ", text.upper())).split())


def checked(own: Mapping[str, str]) -> dict[str, str]:
    """A project's own names of venues, spelled as `by_name` compares them: name → MIC.

    Raises:
        ConfigError: a MIC is not in the table.
    """
    for name, mic in own.items():
        if mic not in _BY_MIC:
            near = nearest(mic, _BY_MIC)
            hint = f"the nearest are {near}" if near else f"known are {', '.join(_BY_MIC)}"
            raise ConfigError(f"setting venues: {name} = {mic!r} is not a known MIC", hint)
    return {_spelled(name): mic for name, mic in own.items()}


def keeper(region: str, category: str) -> Venue | None:
    """The exchange whose own listings lie in this category: XNAS for `nasdaq etfs` of `us`."""
    venues = (venue for venue in VENUES if venue.mic and venue.admits(region, category))
    return next((venue for venue in venues if venue.is_home(category)), None)


class MarketText(NamedTuple):
    """A broker's market column: the market, the currency in parentheses, and the company name it swallowed."""

    market: str
    currency: str = ""
    company: str = ""


def split_market(text: str) -> MarketText:
    """Take apart a market column such as `NASDAQ (USD) USA-NASDAQ ZOOM VIDEO`: `USA-NASDAQ`, `USD`, `ZOOM VIDEO`."""
    currency = _CURRENCY.search(text)
    code = _COUNTRY_CODE.search(text)
    if code is None:
        return MarketText(text, currency.group(1) if currency else "")
    return MarketText(code.group(1), currency.group(1) if currency else "", text[code.end() :].strip())


@dataclass(frozen=True)
class Listing:
    """Where an instrument is listed, and its symbol without a venue suffix.

    Attributes:
        venue: `None` when neither the market nor the symbol names one.
        base: the symbol without its venue suffix.
        source: what named the venue: `market`, `symbol`, or `conflict` (both did and differ: the market won).
    """

    venue: Venue | None
    base: str
    source: str


def listing(symbol: str, market: str, mic: str = "", own: Mapping[str, str] | None = None) -> Listing:
    """The listing that a symbol and a market mean together; the market wins over the suffix of the symbol.

    Args:
        symbol: broker's symbol: `AAPL`, `AAPL.US`, `GLEN:LN`, `VOD LN Equity`, `NYSE:BRK.B`, `CAR.UN`, `AAPL:xnas`,
            `AAPL.US_9`, `AAPL_US_EQ`, `SAPd_EQ`.
        market: broker's market text; may be empty.
        mic: MIC when it is known already; wins over the market text.
        own: the project's own names of venues, from `checked`; they win over the built-in ones.
    """
    named = by_mic((own or {}).get(_spelled(market), "")) or by_name(market)
    given = by_mic(mic) or named
    base, mark, suffix = _split_suffix(symbol)
    if given is None or suffix is None:
        return Listing(given or suffix, base if suffix else symbol, "market" if given else "symbol")
    if given.region == suffix.region:
        return Listing(given if given.mic else suffix, base, "market" if named or given is not suffix else "symbol")
    if mark == ":":
        return Listing(given, base, "conflict")
    return Listing(given, symbol, "market")


def _split_suffix(symbol: str) -> tuple[str, str, Venue | None]:
    """The symbol without its venue suffix, the mark between them, and the suffix's venue."""
    if traded := _TRADING_212.fullmatch(symbol):
        base, country, letter = traded.groups()
        return base, "_", _BY_CODE.get(country) if country else _BY_MIC.get(_TRADING_212_EXCHANGES.get(letter, ""))
    text = _XTB_ACCOUNT.sub("", re.sub(r"(?i)\s+equity$", "", symbol))
    for mark in (":", " ", "."):
        base, found, suffix = text.rpartition(mark)
        code = suffix.upper()
        if not found or not base or (mark == "." and code in _NOT_AFTER_DOT) or (mark == " " and len(code) != _BLOOMBERG):
            continue
        if code in _BY_CODE:
            return base, mark, _BY_CODE[code]
        if mark == ":" and code in _BY_MIC:  # Saxo writes AAPL:xnas
            return base, mark, _BY_MIC[code]
        if mark == ":" and (venue := by_name(base)):
            return suffix, mark, venue
    return symbol, "", None
