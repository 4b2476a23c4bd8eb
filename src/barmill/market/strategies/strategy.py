"""A strategy's id, which says all that it is: `ma_cross fast=5 ratio=2 stop=2 target=3 hold=240`."""

import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from barmill.errors import ConfigError, choice_of
from barmill.market.strategies.families import EXITS, FAMILIES, HOLD, Rule

DEFAULT = "default"
"""What stands for all strategies of the table in the setting `strategies`."""

_EXIT = ("stop", "target", "hold")


@dataclass(frozen=True)
class Strategy:
    """What an id says.

    Attributes:
        family: a key of `families.FAMILIES`.
        params: what its rule is called with.
        exits: stop and target as multiples of the average true range, and bars to hold at most.
    """

    family: str
    params: Mapping[str, Any]
    exits: tuple[float, float, int]

    @classmethod
    def parse(cls, name: str) -> "Strategy":
        """What an id of `strategies` says."""
        family, *pairs = name.split()
        values = {key: value_of(text) for key, _, text in (pair.partition("=") for pair in pairs)}
        stop, target, hold = (values.pop(key) for key in _EXIT)
        return cls(family, values, (float(stop), float(target), int(hold)))

    def id(self) -> str:
        """The one spelling of it."""
        values = {**self.params, **dict(zip(_EXIT, self.exits, strict=True))}
        return " ".join([self.family, *(f"{key}={_text(value)}" for key, value in values.items())])


@functools.cache
def strategies(lines: Sequence[str]) -> tuple[str, ...]:
    """The ids of strategies, each once, in the order of the lines and of the table.

    Args:
        lines: `default`, or a family and its parameters, each one value or several with `|` between: a grid. Parameters
            that are left out have those of the table; so do `stop` and `target` together, and `hold`.

    Raises:
        ConfigError: a family or parameter is not in the table, or a value can't be one.
    """
    found = itertools.chain.from_iterable(FAMILIES if line == DEFAULT else (line,) for line in lines)
    return tuple(dict.fromkeys(itertools.chain.from_iterable(map(_expand, found))))


@functools.cache
def batches_of(lines: Sequence[str], size: int) -> list[dict[str, Rule]]:
    """The batches of the strategies of the setting's lines: strategy → rule. A batch is a set: its order is that of the ids.

    Raises:
        ConfigError: a line is wrong, or the size is not positive.
    """
    if size < 1:
        raise ConfigError(f"setting batch_size: {size} is not positive", "for example 200")
    names = strategies(lines)
    batches = (sorted(names[start : start + size]) for start in range(0, len(names), size))
    return [{name: FAMILIES[name.partition(" ")[0]].rule for name in batch} for batch in batches]


def _expand(line: str) -> Iterator[str]:
    family, *pairs = line.split() or [""]
    if family not in FAMILIES:
        raise _wrong(line, f"there is no family {family!r}", choice_of(family, (*FAMILIES, DEFAULT)))
    grid = FAMILIES[family].grid
    given = {key: text.split("|") for key, _, text in (pair.partition("=") for pair in pairs)}
    if unknown := [key for key in given if key not in grid and key not in _EXIT]:
        raise _wrong(line, f"{family} has no {unknown[0]!r}", f"it has {', '.join((*grid, *_EXIT))}")
    axes = [[f"{key}={text}" for text in _values(line, key, given, grid[key])] for key in grid]
    exits: Iterable[tuple[str, str]]
    if "stop" in given or "target" in given:
        exits = itertools.product(_values(line, "stop", given), _values(line, "target", given))
    else:
        exits = ((_text(stop), _text(target)) for stop, target in EXITS)
    holds = _values(line, "hold", given, (HOLD,))
    ends = [f"stop={s} target={t} hold={h}" for (s, t), h in itertools.product(exits, holds)]
    for parts in itertools.product([family], *axes, ends):
        yield " ".join(parts)


def _values(line: str, key: str, given: Mapping[str, list[str]], default: Sequence[Any] = ()) -> list[str]:
    """The values of a parameter, in their one spelling."""
    texts = given.get(key) or list(map(str, default))
    if not texts:
        raise _wrong(line, f"{key} is missing", "stop and target go together")
    values = list(map(value_of, texts))
    words = [each for each in default if isinstance(each, str)]
    for value in values:
        fits = value in words if words else not isinstance(value, str) and 0 <= value < float("inf")
        whole = key == "hold" or (default and all(isinstance(each, int) for each in default))
        if not fits or (whole and value != int(value)) or (value == 0 and (whole or key in _EXIT)):
            raise _wrong(
                line, f"{key} can't be {value!r}", f"it is one of {', '.join(words)}" if words else "give a positive number"
            )
    return list(map(_text, values))


def value_of(text: str) -> Any:
    """What a text says: a whole number, another one, or itself."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _text(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:.12g}"


def _wrong(line: str, fact: str, hint: str) -> ConfigError:
    return ConfigError(f"setting strategies: {line!r}: {fact}", hint)
