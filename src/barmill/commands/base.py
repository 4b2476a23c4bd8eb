"""What a command about the market's data stands on: the settings, as a plan."""

import contextlib
import datetime as dt
import getopt
import zoneinfo
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from barmill.config import load_settings
from barmill.errors import ConfigError, InputError, nearest
from barmill.market.clock import ORDERS
from barmill.market.datasets import ASSET_CLASSES, Dataset
from barmill.market.dialects import Said
from barmill.plan import Plan
from barmill.run.plain import Plain, option

NOW_OPTION = option("now", "judge as of this moment, YYYY-MM-DDTHH:MM (UTC, unless it has an offset)")
DIALECT_OPTIONS = (
    option("zone", "IANA zone of stamps without an offset, such as Europe/Warsaw"),
    option("decimal", "the decimal mark of the files' numbers: . or ,"),
    option("dates", "the order of the files' dates: dmy, mdy or ymd"),
)
CLASS_OPTION = option("asset_class", "of this asset class only: equities, etfs, forex, …", short="a")


class Command(Plain):
    """A command that reads `data/` and `artifacts/` itself, or writes into `data/`; doit runs it in the project's root."""

    def arranged(self, arguments: list[str]) -> list[str]:
        """The arguments with options in front, which may also stand behind names."""
        parser = self.cmdparser
        with contextlib.suppress(getopt.GetoptError):  # doit's own parser, which comes next, tells of it
            options, names = getopt.gnu_getopt(arguments, parser.get_short(), parser.get_long())
            return [*(word for name, value in options for word in ((name, value) if value else (name,))), "--", *names]
        return arguments

    @property
    def plan(self) -> Plan:
        """Where everything lies, and which datasets there are.

        Raises:
            ConfigError: a setting is wrong.
        """
        return Plan(load_settings(Path()))


def said_of(zone: str, decimal: str, dates: str) -> Said:
    """What the options of `DIALECT_OPTIONS` say about files of prices.

    Raises:
        ConfigError: a value is unknown.
    """
    for word, value, known in (
        ("zone", zone, zoneinfo.available_timezones()),
        ("decimal", decimal, {".", ","}),
        ("dates", dates, set(ORDERS)),
    ):
        if value and value not in known:
            near = nearest(value, known) or ("Europe/Warsaw" if word == "zone" else " or ".join(sorted(known)))
            raise ConfigError(f"--{word}: unknown value {value!r}", f"give --{word} {near}")
    return Said(zone, decimal, dates)


def moment(text: str) -> dt.datetime:
    """The moment that the option `--now` names, else the clock's.

    Raises:
        ConfigError: it is none.
    """
    if not text:
        return dt.datetime.now(dt.UTC)
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"--now: {text!r} is no moment", "for example 2025-10-03T22:00") from None
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def day(text: str, what: str) -> dt.date | None:
    """The day that the option `what` names; None if it is not given.

    Raises:
        ConfigError: it is none.
    """
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        raise ConfigError(f"{what} {text!r} is no date", "write it as 2024-01-31") from None


def chosen(plan: Plan, asset_class: str, patterns: Sequence[str]) -> list[Dataset]:
    """The datasets of an asset class, or all, whose name or ticker is one of these or fits one of these globs, or all.

    Raises:
        ConfigError: there is no such asset class.
        InputError: a pattern fits none.
    """
    if asset_class and asset_class not in ASSET_CLASSES:
        raise ConfigError(f"--asset-class: there is no {asset_class!r}", f"there are {', '.join(ASSET_CLASSES)}")
    found = [each for each in plan.datasets() if asset_class in {"", each.asset_class}]
    for pattern in patterns:
        if not any(_fits(each, pattern) for each in found):
            raise InputError(f"no dataset is called {pattern}", '"doit datasets" lists them')
    return [each for each in found if not patterns or any(_fits(each, pattern) for pattern in patterns)]


def _fits(dataset: Dataset, pattern: str) -> bool:
    return fnmatchcase(dataset.name, pattern) or fnmatchcase(dataset.symbol, pattern.upper())
