"""How a broker's spelling of a share class, preferred, unit or warrant is spelled in a Stooq ticker.

| paper | brokers write | Stooq |
|---|---|---|
| share class | `BRK.B` `BRK/B` `BRK B` `BRK-B` | `BRK-B` |
| preferred | `ABR$D` `ABRpD` `ABR-D` `ABR PRD` `ABR.PR.D` `ABR-PD` | `ABR_D` |
| unit | `AACT.U` `AACT=` `AACT/UN` | `AACT-U` |
| warrant | `AACT.W` `AACT.WS` `AACT+` | `AACT-WS` |
| any | `BP.` (London pads short symbols with a dot) | `BP` |
"""

import re

_SEPARATOR = r"[./\- ]"
_BASE = r"(?P<base>[A-Za-z0-9]+)"

_SPELLINGS = tuple(
    (re.compile(_BASE + pattern), stems)
    for pattern, stems in (
        (r"\$(?P<series>[A-Za-z]?)", ("{base}_{series}",)),
        (rf"{_SEPARATOR}PRF?{_SEPARATOR}?(?P<series>[A-Za-z]?)", ("{base}_{series}",)),
        (rf"{_SEPARATOR}P(?P<series>[A-Za-z])", ("{base}_{series}", "{base}-P{series}")),
        (rf"(?:=|{_SEPARATOR}U)", ("{base}-U",)),
        (rf"{_SEPARATOR}UN", ("{base}-UN", "{base}-U")),
        (rf"(?:\+|{_SEPARATOR}W[ST]?)", ("{base}-WS", "{base}-W")),
        (r"-(?P<series>[A-Za-z])", ("{base}-{series}", "{base}_{series}")),
        (rf"{_SEPARATOR}(?P<series>[A-Za-z])", ("{base}-{series}",)),
    )
)
_CONSOLIDATED_TAPE = re.compile(r"(?P<base>[A-Z]+)p(?P<series>[A-Z]?)")

_KINDS = (
    (re.compile(r".+_[A-Z]?"), "preferred"),
    (re.compile(r".+-UN?"), "unit"),
    (re.compile(r".+-W[ST]?"), "warrant"),
    (re.compile(r".+-[A-Z]"), "class_share"),
)


def stems(symbol: str) -> list[str]:
    """Spellings of `symbol` (without its venue suffix) as stems of Stooq tickers, likeliest first.

    The spelling as it stands comes first; `ABR-D` may be a class or a preferred, and the class comes first, while
    `AGM.A` is a class only: the preferred of that letter is another paper. A numeric
    symbol is tried without leading zeros and with four digits.
    """
    plain = symbol.upper().rstrip(". ")
    found = {plain: None}
    if match := _CONSOLIDATED_TAPE.fullmatch(symbol):
        found["{base}_{series}".format(**match.groupdict())] = None
    for pattern, forms in _SPELLINGS:
        if match := pattern.fullmatch(plain):
            found.update(dict.fromkeys(form.format(**match.groupdict("")) for form in forms))
            break
    if plain.isdecimal():
        found.update({plain.lstrip("0") or "0": None, plain.lstrip("0").zfill(4): None})
    return list(found)


def kind(stem: str) -> str:
    """What paper the spelling of a Stooq stem says: preferred, unit, warrant, class_share, or "" for a plain one."""
    return next((name for pattern, name in _KINDS if pattern.fullmatch(stem)), "")
