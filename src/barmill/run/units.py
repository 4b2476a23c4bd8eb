"""Sizes and ages as people write them: 500M, 10G; 12h, 30d."""

import re

from doit.exceptions import InvalidCommand

_SIZES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_STEP = 1 << 10
_AGES = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_NUMBER = r"(\d{1,15}(?:\.\d{1,9})?)"


def size(option: str, text: str) -> int:
    """Bytes, from a number and one of K, M, G, T (powers of 1024) or nothing."""
    found = re.fullmatch(rf"{_NUMBER} ?([KMGT]?)", text.strip(), re.ASCII)
    if not found:
        raise _error(option, text, "a size: bytes, or a number and K, M, G or T, such as 500M or 10G")
    return int(float(found[1]) * _SIZES[found[2]])


def age(option: str, text: str) -> float:
    """Seconds, from a number and one of s, m, h, d, w."""
    found = re.fullmatch(rf"{_NUMBER} ?([smhdw])", text.strip(), re.ASCII)
    if not found:
        raise _error(option, text, "an age: a number and s, m, h, d or w, such as 12h or 30d")
    return float(found[1]) * _AGES[found[2]]


def number(option: str, text: str) -> int:
    """A whole number that is not negative."""
    if not re.fullmatch(r"\d{1,15}", text, re.ASCII):
        raise _error(option, text, "a whole number, such as 3")
    return int(text)


def spelled(size: float) -> str:
    """A size for people, such as `12.3 MiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < _STEP:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= _STEP
    return f"{size:.1f} TiB"


def _error(option: str, text: str, form: str) -> InvalidCommand:
    return InvalidCommand(f"{option} is {text!r}\nhint: give {form}")
