"""The rows of the sample's three lists, spelled as three brokers would; companies are real, their ISINs are not."""

from collections.abc import Iterator

from barmill.sample.lists import Instrument


def _rows(table: str) -> Iterator[Instrument]:
    """Lines of `market | symbol | name | currency | country`."""
    for line in table.strip().splitlines():
        yield Instrument(*(field.strip(" ") for field in line.split("|")))


# Bare symbols. Classes, London's padding dot and a Canadian unit are behind a dot. FB is the old name of META.
COMMA = tuple(_rows("""
NSQ      | AAPL   | Apple Inc                  | USD | US
NSQ      | ABNB   | Airbnb Inc                 | USD | US
NSQ      | ADBE   | Adobe Inc                  | USD | US
NSQ      | AMD    | Advanced Micro Devices     | USD | US
NSQ      | AMGN   | Amgen Inc                  | USD | US
NSQ      | AMZN   | Amazon.com Inc             | USD | US
NSQ      | ATVI   | Activision Blizzard        | USD | US
NSQ      | COIN   | Coinbase Global            | USD | US
NSQ      | COST   | Costco Wholesale           | USD | US
NSQ      | CSCO   | Cisco Systems              | USD | US
NSQ      | FB     | Meta Platforms             | USD | US
NSQ      | GOOG   | Alphabet Class C           | USD | US
NSQ      | INTC   | Intel Corp                 | USD | US
NSQ      | QQQ    | Invesco QQQ Trust          | USD | US
NYSE     | AACT.U | Ares Acquisition Unit      | USD | KY
NYSE     | AACT.W | Ares Acquisition Warrant   | USD | KY
NYSE     | ABR    | Arbor Realty Trust         | USD | US
NYSE     | ABR$D  | Arbor Realty Preferred D   | USD | US
NYSE     | AGM.A  | Federal Agricultural A     | USD | US
NYSE     | BA     | Boeing Co                  | USD | US
NYSE     | BF.B   | Brown-Forman Class B       | USD | US
NYSE     | BRK.A  | Berkshire Hathaway A       | USD | US
NYSE     | BRK.B  | Berkshire Hathaway B       | USD | US
NYSE     | CAR    | Avis Budget Group          | USD | US
NYSE     | CAT    | Caterpillar Inc            | USD | US
NYSE     | DIS    | Walt Disney                | USD | US
NYSE     | EZA    | iShares MSCI South Africa  | USD | US
NYSE     | HRB    | H&R Block                  | USD | US
NYSE     | JPM    | JPMorgan Chase             | USD | US
NYSE     | NA     | Nano Labs                  | USD | US
NYSE     | PFE    | Pfizer Inc                 | USD | US
NYSE     | SPY    | SPDR S&P 500               | USD | US
NYSE     | T      | AT&T Inc                   | USD | US
NYSE     | TWTR   | Twitter Inc                | USD | US
NYSE-MKT | IMO    | Imperial Oil               | USD | CA
NYSE-MKT | NG     | Novagold Resources         | USD | CA
LSE      | AAL    | Anglo American             | GBX | GB
LSE      | AURA   | Aura Energy Ltd            | GBX | AU
LSE      | AZN    | AstraZeneca                | GBX | GB
LSE      | BARC   | Barclays                   | GBX | GB
LSE      | BP.    | BP                         | GBX | GB
LSE      | BT.A   | BT Group                   | GBX | GB
LSE      | CSPX   | iShares Core S&P 500       | USD | IE
LSE      | DLG    | Direct Line                | GBX | GB
LSE      | HSBA   | HSBC Holdings              | GBX | GB
LSE      | IGLN   | iShares Physical Gold      | USD | IE
LSE      | RIO    | Rio Tinto                  | GBX | GB
LSE      | SMDS   | DS Smith                   | GBX | GB
LSE      | VUSA   | Vanguard S&P 500           | GBP | IE
AMS      | CSPX   | iShares Core S&P 500       | EUR | IE
AMS      | IWDA   | iShares Core MSCI World    | EUR | IE
PAR      | MC     | LVMH                       | EUR | FR
BRU      | EXM    | Exmar                      | EUR | BE
TSX      | CAR.UN | Canadian Apartment Trust   | CAD | CA
TSX      | HOM.U  | BSR Trust                  | USD | CA
SWX      | NESN   | Nestle                     | CHF | CH
OTHER    | XYZW   | Nowhere Listed             | USD | US
NSQ      | AAPL   | Apple Inc                  | USD | US
"""))  # fmt: skip

# Bloomberg's codes behind a colon, Polish names. AAL is in the tree for London and not for the United States.
SEMICOLON = tuple(_rows("""
GPW-WWA    | ALE:PW       | Allegro.eu                  | PLN | LU
GPW-WWA    | CDR:PW       | CD Projekt                  | PLN | PL
GPW-WWA    | DNP:PW       | Dino Polska                 | PLN | PL
GPW-WWA    | JSW:PW       | Jastrzębska Spółka Węglowa  | PLN | PL
GPW-WWA    | KGH:PW       | KGHM Polska Miedź           | PLN | PL
GPW-WWA    | LPP:PW       | LPP                         | PLN | PL
GPW-WWA    | MBK:PW       | mBank                       | PLN | PL
GPW-WWA    | PEO:PW       | Bank Pekao                  | PLN | PL
GPW-WWA    | PKN:PW       | Orlen                       | PLN | PL
GPW-WWA    | PKO:PW       | PKO Bank Polski             | PLN | PL
GPW-WWA    | PZU:PW       | Powszechny Zakład Ubezpieczeń | PLN | PL
GPW-WWA    | ABS:PW       | Asseco Business Solutions   | PLN | PL
GPW-WWA    | PRX:PW       | Prosus                      | PLN | NL
GPW-WWA    | STD:PW       | Banco Santander             | PLN | ES
GPW-WWA    | ETFBW20TR:PW | Beta ETF WIG20TR            | PLN | PL
GPW-WWA    | ETFBTBSP:PW  | Beta ETF TBSP               | PLN | PL
GPW-WWA    | ŻABKA:PW     | Żabka Group                 | PLN | LU
NewConnect | EXM          | Excellence                  | PLN | PL
NewConnect | NA           | Nowa Arka                   | PLN | PL
NewConnect | BRG          | Berg Holding                | PLN | PL
NewConnect | ABS          | Abstra                      | PLN | PL
GBR-LSE    | IUSA:LN      | iShares S&P 500             | GBP | IE
GBR-LSE    | ISF:LN       | iShares Core FTSE 100       | GBX | IE
GBR-LSE    | IWDA:LN      | iShares Core MSCI World     | USD | IE
GBR-LSE    | VUKE:LN      | Vanguard FTSE 100           | GBP | IE
GBR-LSE    | AGED:LN      | iShares Ageing Population   | USD | IE
GBR-LSE    | XMWO:LN      | Xtrackers MSCI World        | USD | LU
DEU-XETRA  | 4GLD:GR      | Xetra Gold                  | EUR | DE
DEU-XETRA  | EXS1:GR      | iShares Core DAX            | EUR | DE
DEU-XETRA  | VUSA:GR      | Vanguard S&P 500            | EUR | IE
USA-NASDAQ | AAL:US       | American Airlines           | USD | US
USA-NASDAQ | TLT:US       | iShares 20+ Year Treasury   | USD | US
USA-NYSE   | VOO:US       | Vanguard 500                | USD | US
USA-NYSE   | GLD:US       | SPDR Gold Shares            | USD | US
"""))  # fmt: skip

# The market has swallowed the company's name, of which the name column keeps a word; a row lacks its symbol, another has
# one field too many.
TABS = tuple(_rows("""
NASDAQ (USD) USA-NASDAQ MICROSOFT CORP                  | MSFT:US   | CORP                 | USD | US
NASDAQ (USD) USA-NASDAQ NVIDIA CORP                     | NVDA:US   | NVIDIA               | USD | US
NASDAQ (USD) USA-NASDAQ NETFLIX INC                     | NFLX:US   | INC                  | USD | US
NEW YORK STOCK EXCHANGE (USD) USA-NYSE COCA-COLA CO     | KO:US     | CO                   | USD | US
NEW YORK STOCK EXCHANGE (USD) USA-NYSE EXXON MOBIL CORP | XOM:US    | MOBI                 | USD | US
NEW YORK STOCK EXCHANGE (USD) USA-NYSE GENERAL ELECTRIC | GE:US     | ELEC                 | USD | US
LONDON STOCK EXCHANGE (GBP) GBR-LSE GLENCORE PLC        | GLEN:LN   | PLC                  | GBP | JE
LONDON STOCK EXCHANGE (GBP) GBR-LSE LLOYDS BANKING      | LLOY:LN   | BANK                 | GBP | GB
LONDON STOCK EXCHANGE (GBP) GBR-LSE UNILEVER PLC        | ULVR:LN   | PLC                  | GBP | GB
LONDON STOCK EXCHANGE                                   | SHEL      | Shell                | GBX | GB
LONDON STOCK EXCHANGE                                   | ZZZQ      | Unlisted Ventures    | GBX | GB
NYSE                                                    | BRK/B     | Berkshire Hathaway B | USD | US
NYSE                                                    | AACT=     | Ares Acquisition Unit | USD | KY
NYSE                                                    | JNJ       | Johnson & Johnson    | USD | US
NYSE                                                    | WMT       | Walmart              | USD | US
NYSE                                                    |           | No Symbol Corp       | USD | US
NYSE                                                    | MCD       | McDonald's	Corp        | USD | US
Tokyo Stock Exchange                                    | 7203      | Toyota Motor         | JPY | JP
Tokyo Stock Exchange                                    | 6758      | Sony Group           | JPY | JP
Hong Kong Stock Exchange                                | 0700      | Tencent              | HKD | KY
Hong Kong Stock Exchange                                | 00005     | HSBC Holdings        | HKD | GB
Hong Kong Stock Exchange                                | 9988      | Alibaba Group        | HKD | KY
Budapest Stock Exchange                                 | OTP       | OTP Bank             | HUF | HU
Budapest Stock Exchange                                 | MOL       | MOL                  | HUF | HU
Budapest Stock Exchange                                 | RICHTER   | Gedeon Richter       | HUF | HU
Nasdaq Stockholm                                        | VOLV.B    | Volvo B              | SEK | SE
 | GOOGL.US  | Alphabet Class A     | USD | US
|                                                         IEF.US    | iShares 7-10 Year Treasury | USD | US
"""))  # fmt: skip
