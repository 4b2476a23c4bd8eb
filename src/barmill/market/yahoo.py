"""What Yahoo's spelling of a ticker says: the asset class, and the exchange.

Source of the suffixes: Yahoo's help page "Exchanges and data providers".
"""

import re

_EXCHANGES = {
    "XLON": "L IL", "XPAR": "PA", "XAMS": "AS", "XBRU": "BR", "XLIS": "LS", "XDUB": "IR", "XFRA": "F",
    "XETR": "DE BE BM DU HA HM MU SG", "XMIL": "MI", "XMAD": "MC", "XSWX": "SW", "XWBO": "VI", "XWAR": "WA", "XPRA": "PR",
    "XBUD": "BD", "ASEX": "AT", "XBSE": "RO", "XSTO": "ST", "XCSE": "CO", "XHEL": "HE", "XOSL": "OL", "XICE": "IC",
    "XTAL": "TL", "XRIS": "RG", "XLIT": "VS", "XIST": "IS", "XMOS": "ME", "XTAE": "TA", "XSAU": "SR", "XJSE": "JO",
    "XTSE": "TO", "XTSX": "V", "XCNQ": "CN", "NEOE": "NE", "XMEX": "MX", "BVMF": "SA", "XBUE": "BA", "XSGO": "SN", "XBOG": "CL",
    "XLIM": "LM", "XTKS": "T", "XHKG": "HK", "XSHG": "SS", "XSHE": "SZ", "XTAI": "TW", "ROCO": "TWO", "XKRX": "KS",
    "XKOS": "KQ", "XNSE": "NS", "XBOM": "BO", "XSES": "SI", "XKLS": "KL", "XIDX": "JK", "XBKK": "BK", "XASX": "AX XA",
    "XNZE": "NZ",
}  # fmt: skip
"""MIC of an exchange → what stands behind the last dot of its tickers, and of those that share its sessions."""

_SUFFIXES = {suffix: mic for mic, suffixes in _EXCHANGES.items() for suffix in suffixes.split()}

_NEW_YORK = "XNYS"  # whose sessions the exchanges of the United States share; their tickers have no suffix
_SHARE = re.compile(r"[A-Z0-9]+(-[A-Z0-9]+)?")
_COIN = re.compile(r"[A-Z0-9]+-(USD|USDT|USDC|EUR|GBP|JPY|AUD|CAD|CHF|CNY|INR|KRW|BRL|RUB|BTC|ETH|BNB)")
_YIELDS = frozenset({"^FVX", "^IRX", "^TNX", "^TYX"})  # of treasury papers, in percent: they may be zero or negative
_FUTURES = {"CBT": "XCBT", "CME": "XCME", "CMX": "XCEC", "NYB": "IFUS", "NYM": "XNYM"}  # a delivery month: ESZ24.CME
_CHICAGO, _ICE = "GLBX", "IFUS"
_ON_ICE = frozenset({"CC", "CT", "DX", "KC", "OJ", "SB"})  # not traded in Chicago, as all others with =F are


def class_of(symbol: str) -> str:
    """The asset class, one of `datasets.ASSET_CLASSES`: `^` an index, `=X` a currency pair, `=F` a future, `BTC-USD` a coin."""
    symbol = symbol.upper()
    if symbol.startswith("^"):
        return "rates" if symbol in _YIELDS else "indices"
    if symbol.endswith("=X"):
        return "forex"
    if future_mic(symbol):
        return "futures"
    return "crypto" if _COIN.fullmatch(symbol) else "equities"


def mic_of(symbol: str) -> str:
    """The exchange that a ticker's suffix names, by its MIC; that of New York for a share or fund without one; else ""."""
    symbol = symbol.upper()
    _, dot, suffix = symbol.rpartition(".")
    if dot:
        return _SUFFIXES.get(suffix, "") or future_mic(symbol)
    is_share = class_of(symbol) == "equities" and _SHARE.fullmatch(symbol)
    return _NEW_YORK if is_share else future_mic(symbol)


def future_mic(symbol: str) -> str:
    """The exchange of a future, by its MIC; "" of any other ticker."""
    symbol = symbol.upper()
    if symbol.endswith("=F"):
        root = symbol.removesuffix("=F")
        return (_ICE if root in _ON_ICE else _CHICAGO) if root else ""
    _, dot, suffix = symbol.rpartition(".")
    return _FUTURES.get(suffix, "") if dot else ""


def pair_of(symbol: str) -> str:
    """The currency pair that a ticker means: EURUSD of EURUSD and of EURUSD=X, USDJPY of JPY=X."""
    pair = symbol.removesuffix("=X")
    return f"USD{pair}" if pair != symbol and len(pair) == len("JPY") else pair
