"""The sample: some 130 raw files with every quirk, three brokers' lists, and a series of minutes."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from barmill.market.calendars import calendar_of
from barmill.market.datasets import of_tree
from barmill.sample import quirks
from barmill.sample.instruments import COMMA, SEMICOLON, TABS
from barmill.sample.lists import DIALECTS
from barmill.sample.prices import Shape, bars, daily, generator, intraday, text, traded
from barmill.sample.quirks import Quirk

_FEWEST, _MOST = 250, 460


class _Folder(NamedTuple):
    """Files of one folder: names, each perhaps with the price to start from, and what they look like."""

    path: str
    names: str
    shape: Shape
    end: str = "\r\n"


_SHARE = Shape(price=100, volume=2e6)
_ADJUSTED = Shape(price=60, volume=3e6, shares="%.9f")
_PENCE = Shape(price=900, volume=4e6, quiet=0.005)
_FUND = Shape(price=60, volume=9e4, quiet=0.002)
_THIN = Shape(price=20, volume=900, quiet=0.2)
_RATE = Shape(price=1, step=0.006, volume=0)
_INDEX = Shape(price=1000, step=0.01, digits="%.2f", volume=0)

_US, _UK, _PL = (f"d_{region}_txt/data/daily/{region}/" for region in ("us", "uk", "pl"))
_WORLD = "d_world_txt/data/daily/world/"

_DAILY = (
    _Folder(_US + "nasdaq stocks/1", "aapl.us=250 abnb.us adbe.us amd.us amgn.us amzn.us=210 avgo.us cost.us csco.us", _SHARE),
    _Folder(_US + "nasdaq stocks/1", "goog.us googl.us intc.us meta.us msft.us=480 nflx.us nvda.us atvi.us", _ADJUSTED),
    _Folder(_US + "nyse stocks/1", "aact.us=10 aact-u.us=11 aact-ws.us=1 abr.us=12 abr_d.us=18 agm.us agm_d.us", _SHARE),
    _Folder(_US + "nyse stocks/1", "ba.us bac.us bf-b.us brk-a.us=700000 brk-b.us=470 car.us cat.us dis.us ge.us", _SHARE),
    _Folder(_US + "nyse stocks/2", "jnj.us jpm.us ko.us mcd.us pfe.us t.us v.us wmt.us xom.us hrb.us na.us", _ADJUSTED),
    _Folder(_US + "nasdaq etfs", "ief.us qqq.us tlt.us vxus.us", _SHARE),
    _Folder(_US + "nyse etfs", "eem.us gld.us iwm.us spy.us voo.us eza.us", _ADJUSTED),
    _Folder(_US + "nysemkt stocks", "imo.us ng.us", _SHARE),
    _Folder(_UK + "lse stocks", "aal.uk azn.uk barc.uk bp.uk bt-a.uk glen.uk hsba.uk lloy.uk=70 rio.uk", _PENCE),
    _Folder(_UK + "lse stocks", "shel.uk ulvr.uk", _PENCE),
    _Folder(_UK + "lse stocks", "smds.uk dlg.uk aura.uk", _THIN),
    _Folder(_UK + "lse etfs/1", "cspx.uk=550 igln.uk=60 isf.uk=850 iusa.uk iwda.uk=100 vuke.uk vusa.uk=90 aged.uk=9", _FUND),
    _Folder(_UK + "lse stocks intl", "0r2v.uk 0qz1.uk", _THIN),
    _Folder(_PL + "wse stocks", "ale cdr dnp jsw kgh lpp=15000 mbk peo pkn pko pzu abs", _SHARE._replace(volume=8e5)),
    _Folder(_PL + "nc stocks", "exm na brg abs", _THIN._replace(price=5)),
    _Folder(_PL + "wse etfs", "etfbw20tr.pl etfbtbsp.pl", _FUND),
    _Folder(_PL + "wse stocks intl", "prx.pl std.pl", _FUND),
    _Folder("d_jp_txt/data/daily/jp/tse stocks/1", "6758.jp=3500 7203.jp=2600", _SHARE),
    _Folder("d_hk_txt/data/daily/hk/hkex stocks", "5.hk=80 700.hk=500 9988.hk=130", _SHARE),
    _Folder("d_hu_txt/data/daily/hu/bse stocks", "mol.hu=2800 otp.hu=25000 richter.hu=10000", _SHARE),
    _Folder(_WORLD + "indices", "^dax=19000 ^ndx=20000 ^spx=5800 ^ukx=8200", _INDEX, "\n"),
    _Folder(_WORLD + "currencies\\major", "eurgbp=0.84 eurusd=1.08 usdjpy=150", _RATE._replace(digits="%.14f")),
    _Folder(_WORLD + "currencies/major", "eurpln=4.3 gbpusd=1.29 usdpln=3.95", _RATE, "\n"),
    _Folder(_WORLD + "bonds", "10dey.b=-0.41 10ply.b=5.6 10usy.b=4.2", _RATE._replace(digits="%.3f"), "\n"),
    _Folder(_WORLD + "cryptocurrencies", "btc.v=68000 eth.v=2500", _SHARE._replace(digits="%.8g", shares="%.9f")),
)
_SHORT = Shape(price=100, step=0.004, volume=3e4)
_FIVE_MINUTES = _Folder("d_us_txt/data/5 min/us/nasdaq stocks/1", "aapl.us=250 coin.us=300 msft.us=480 zvzzt.us", _SHORT)
_WALL_CLOCK = range(15 * 60 + 30, 22 * 60, 5)  # New York's session in Warsaw's time, as Stooq writes it

_QUIRKS: Mapping[str, Sequence[Quirk]] = {
    "intc.us": [quirks.decimal_shift],
    "amgn.us": [quirks.duplicate_date],
    "csco.us": [quirks.unordered],
    "cost.us": [quirks.not_a_number],
    "ge.us": [quirks.latin_1],
    "cat.us": [quirks.no_header],
    "dis.us": [quirks.bad_date],
    "pfe.us": [quirks.stray_quote],
    "hrb.us": [quirks.extra_field],
    "car.us": [quirks.gap],
    "atvi.us": [quirks.ended],
    "ng.us": [quirks.negative_close],
    "eza.us": [quirks.empty],
    "smds.uk": [quirks.empty],
    "dlg.uk": [quirks.header_only],
    "brg": [quirks.one_row],
    "exm": [quirks.thin],
    "aura.uk": [quirks.thin, quirks.duplicate_date, quirks.unordered],
    "zvzzt.us": [quirks.empty],
}
_SAVED_AGAIN = frozenset({"aal.uk", "kgh", "ko.us", "mol.hu"})  # with LF, in folders where Stooq writes CRLF
_COPY = "backup/us/nasdaq stocks/1/aapl.us.txt"
_README = "Daily and five-minute bars in Stooq's layout. Every price is invented.\r\n"


def files(seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield (relative path, content) of every file of the sample."""
    yield "stooq/readme.txt", _README.encode()
    for folder in _DAILY:
        yield from _series(seed, folder, "D", None)
    yield from _series(seed, _FIVE_MINUTES, "5", intraday(3, _WALL_CLOCK))
    yield f"stooq/{_COPY}", text(bars("aapl.us", "D", daily(60, "XNYS"), _SHARE, generator(seed, _COPY)))
    for (name, write), some in zip(DIALECTS.items(), (COMMA, SEMICOLON, TABS), strict=True):
        yield f"instruments/{name}", write(some)
    minutes = Shape(price=1.16, step=0.0002, volume=0)
    rates = bars("eurusd", "1", traded("24/5", 10), minutes, generator(seed, "eurusd"))
    yield "series/forex/1min/EURUSD.txt", text(rates)


def _series(seed: int, folder: _Folder, per: str, stamps: Sequence[str] | None) -> Iterator[tuple[str, bytes]]:
    for word in folder.names.split():
        stem, _, price = word.partition("=")
        path = f"{folder.path}/{stem}.txt"
        rng = generator(seed, path)
        scale = 0.5 + rng.random()
        shape = folder.shape._replace(price=float(price) if price else folder.shape.price * scale)
        count = _FEWEST + int((_MOST - _FEWEST) * rng.random())
        calendar = calendar_of(of_tree(stem.upper(), Path(path), path), {})
        lines = bars(stem, per, stamps or daily(count, calendar), shape, rng)
        for quirk in _QUIRKS.get(stem, ()):
            lines = quirk(lines)
        yield f"stooq/{path}", text(lines, "\n" if stem in _SAVED_AGAIN else folder.end)
