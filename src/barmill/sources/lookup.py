"""Which datasets a command is about, by what the user calls them."""

from collections.abc import Iterable, Sequence
from pathlib import PurePath

from barmill.errors import ConfigError, UnknownSymbol, nearest
from barmill.market import datasets, yahoo
from barmill.market.datasets import ASSET_CLASSES, PERIODS, Dataset
from barmill.plan import Plan

_LONGEST = 100


def new_series(plan: Plan, symbol: str, asset_class: str, frequency: str, kind: str) -> Dataset:
    """The single series of a symbol, whether its file is there yet or not.

    Args:
        plan: of the project.
        symbol: as the provider spells it.
        asset_class: one of `datasets.ASSET_CLASSES`; "" for that of the only single series with this symbol and frequency, or
            else what the spelling says.
        frequency: a key of `datasets.PERIODS`.
        kind: of the provider.

    Raises:
        ConfigError: the symbol can't name a file, or there is no such asset class or frequency.
    """
    asset_class = asset_class or _class_of(plan, symbol.upper(), frequency)
    checked(asset_class, ASSET_CLASSES, "asset class")
    checked(frequency, PERIODS, "frequency")
    if not symbol or len(symbol) > _LONGEST or symbol[0] == "." or not symbol.isprintable() or set(symbol) & set('/\\, "'):
        raise ConfigError(f"{symbol!r} is no symbol", "a symbol is a ticker such as AAPL.US, BRK-B, ^SPX or EURUSD")
    found = datasets.of_series(plan.settings.series, PurePath(datasets.place(asset_class, frequency, symbol)), kind)
    assert found is not None, "place and of_series agree"
    return found


def _class_of(plan: Plan, symbol: str, frequency: str) -> str:
    alike = {
        each.asset_class
        for each in plan.datasets()
        if each.symbol == symbol and each.frequency == frequency and each.name != symbol
    }
    return alike.pop() if len(alike) == 1 else yahoo.class_of(symbol)


def existing(plan: Plan, symbol: str, asset_class: str = "", frequency: str = "") -> Dataset:
    """The dataset that a name or a ticker means.

    Args:
        plan: of the project.
        symbol: a dataset's name (`forex/1min/EURUSD`) or its ticker, in any letter case.
        asset_class: narrows it down; "" for any.
        frequency: likewise.

    Raises:
        UnknownSymbol: none is meant, or several are; they, or the nearest, are named.
        ConfigError: there is no such asset class or frequency.
    """
    if asset_class:
        checked(asset_class, ASSET_CLASSES, "asset class")
    if frequency:
        checked(frequency, PERIODS, "frequency")
    known = [each for each in plan.datasets() if asset_class in {"", each.asset_class} and frequency in {"", each.frequency}]
    found = [each for each in known if each.name == symbol] or [each for each in known if each.symbol == symbol.upper()]
    if len(found) == 1:
        return found[0]
    if found:
        raise UnknownSymbol(
            f"{symbol} may be {', '.join(each.name for each in found)}", "give the name, or --asset-class and --frequency"
        )
    near = nearest(symbol.upper(), _spellings(known))
    raise UnknownSymbol(
        f"there is no existing data of {symbol}", f"run doit load first{f'; the nearest are {near}' if near else ''}"
    )


def checked(word: str, words: Iterable[str], kind: str) -> str:
    """A word that must be one of some.

    Raises:
        ConfigError: it is not.
    """
    known = tuple(words)
    if word not in known:
        near = nearest(word, known)
        hint = f"the nearest are {near}" if near else f"there are {', '.join(known)}"
        raise ConfigError(f"there is no {kind} {word!r}", hint)
    return word


def _spellings(known: Sequence[Dataset]) -> list[str]:
    return list(dict.fromkeys(spelling for each in known for spelling in (each.symbol, each.name)))
