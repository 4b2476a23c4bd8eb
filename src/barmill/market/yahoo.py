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
_COIN = re.compile(r"[A-Z0-9]+-(USD|USDT|USDC|EUR|GBP|JPY|AUD|CAD|CHF|CNY|INR|KRW|BRL|RUB|BTC|ETH|BNB)")


def class_of(symbol: str) -> str:
    """The asset class, one of `datasets.ASSET_CLASSES`: `^` an index, `=X` a currency pair, `=F` a future, `BTC-USD` a coin."""
    symbol = symbol.upper()
    if symbol.startswith("^"):
        return "indices"
    if symbol.endswith("=X"):
        return "forex"
    if symbol.endswith("=F"):
        return "futures"
    return "crypto" if _COIN.fullmatch(symbol) else "equities"


def mic_of(symbol: str) -> str:
    """The exchange of a share or fund, by its MIC; "" of an unknown suffix."""
    _, dot, suffix = symbol.upper().rpartition(".")
    return _SUFFIXES.get(suffix, "") if dot else _NEW_YORK
