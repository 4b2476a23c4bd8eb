"""Settings by dataset: which datasets their patterns stand for, and what to say of a pattern that matches none."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from barmill.errors import nearest
from barmill.market.datasets import Dataset

SETTINGS = ("calendars", "chunk_schemes", "costs", "pips", "research")
"""The settings whose keys, or items, are patterns of dataset names."""

_WILD = frozenset("*?[")


def is_short(pattern: str) -> bool:
    """Whether a pattern can be the symbol of a dataset rather than its name: without a folder and without wildcards."""
    return "/" not in pattern and _WILD.isdisjoint(pattern)


def spelled_out(table: Mapping[str, str], those: Iterable[Dataset]) -> dict[str, str]:
    """The table with the name of a dataset in the place of its symbol, where no other dataset has the symbol."""
    named = _by_symbol(those)
    found: dict[str, str] = {}
    for pattern, value in table.items():
        names = named.get(pattern.upper(), []) if is_short(pattern) else []
        found.setdefault(names[0] if len(names) == 1 else pattern, value)
    return found


def unmatched(setting: str, patterns: Iterable[str], those: Sequence[Dataset]) -> Iterator[str]:
    """Yield a line for each pattern of a setting that matches no dataset: the fact and the cure."""
    named = _by_symbol(those)
    for pattern in patterns:
        names = named.get(pattern.upper(), []) if is_short(pattern) else []
        if len(names) == 1 or any(fnmatchcase(each.name, pattern) for each in those):
            continue
        if names:
            yield f"setting {setting}: {pattern!r} is the symbol of {len(names)} datasets; write one of {', '.join(names[:5])}"
            continue
        near = _near(pattern, those)
        cure = f"the nearest are {near}" if near else '"doit datasets" lists their names'
        yield f"setting {setting}: {pattern!r} matches no dataset; {cure}"


def _by_symbol(those: Iterable[Dataset]) -> dict[str, list[str]]:
    named: dict[str, list[str]] = {}
    for each in those:
        named.setdefault(each.symbol, []).append(each.name)
    return named


def _near(pattern: str, those: Sequence[Dataset]) -> str:
    """What may be meant: folders for a pattern with wildcards, else names, by the whole name or by the symbol alone."""
    if not _WILD.isdisjoint(pattern):
        return nearest(pattern, dict.fromkeys(f"{each.name.rpartition('/')[0]}/*" for each in those if "/" in each.name))
    first = pattern.rpartition("/")[2][:1].upper()
    alike = [each for each in those if each.symbol.startswith(first)]  # to compare ten thousand names takes 0.1 s
    near = nearest(pattern, [each.name for each in alike])
    symbols = {each.symbol: each.name for each in alike}
    return near or ", ".join(symbols[symbol] for symbol in filter(None, nearest(pattern.upper(), symbols).split(", ")))
