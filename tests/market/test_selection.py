"""Patterns of dataset names in settings: what a short name stands for, and what is said of a pattern that matches nothing."""

from pathlib import Path, PurePath

import pytest

from barmill.market.datasets import Dataset, of_series
from barmill.market.selection import is_short, spelled_out, unmatched


def dataset(name: str) -> Dataset:
    """A single series of this name."""
    found = of_series(Path("data/series"), PurePath(f"{name}.txt"))
    assert found is not None
    return found


THOSE = [dataset(name) for name in ("forex/1min/EURUSD", "forex/1min/USDJPY", "forex/daily/USDJPY", "crypto/1min/BTCUSDT")]


@pytest.mark.parametrize(("pattern", "short"), [("EURUSD", True), ("AAPL.US", True), ("EUR*", False), ("a/EUR", False)])
def test_a_pattern_is_short_without_folder_and_wildcards(pattern: str, *, short: bool) -> None:
    """Only a plain symbol can be spelled out."""
    assert is_short(pattern) is short


def test_a_symbol_that_one_dataset_has_stands_for_it() -> None:
    """A symbol in any letter case becomes the name; one that two datasets have, a glob and a name stay; the first one wins."""
    table = {"eurusd": "1", "USDJPY": "2", "forex/*": "3", "forex/1min/EURUSD": "4", "crypto/1min/BTCUSDT": "5"}
    assert list(spelled_out(table, THOSE).items()) == [
        ("forex/1min/EURUSD", "1"),
        ("USDJPY", "2"),
        ("forex/*", "3"),
        ("crypto/1min/BTCUSDT", "5"),
    ]


@pytest.mark.parametrize("pattern", ["EURUSD", "forex/*", "*", "crypto/1min/BTCUSDT", "forex/1min/[EF]*", "btcusdt"])
def test_a_pattern_that_matches_is_not_named(pattern: str) -> None:
    """Globs, names and unique symbols match."""
    assert list(unmatched("costs", [pattern], THOSE)) == []


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("forex/1m/*", "'forex/1m/*' matches no dataset; the nearest are forex/1min/*"),
        ("forex/1min/EURUSX", "'forex/1min/EURUSX' matches no dataset; the nearest are forex/1min/EURUSD"),
        ("EURUSX", "'EURUSX' matches no dataset; the nearest are forex/1min/EURUSD"),
        ("USDJPY", "'USDJPY' is the symbol of 2 datasets; write one of forex/1min/USDJPY, forex/daily/USDJPY"),
        ("AAPL.US", "'AAPL.US' matches no dataset; \"doit datasets\" lists their names"),
        ("bonds/*", "'bonds/*' matches no dataset; \"doit datasets\" lists their names"),
    ],
)
def test_a_pattern_that_matches_nothing_is_named_with_the_nearest(pattern: str, says: str) -> None:
    """The line holds the setting, the pattern, and the dataset or folder that is near, or where the names are listed."""
    found = list(unmatched("costs", [pattern], THOSE))
    assert len(found) == 1
    assert found[0].startswith(f"setting costs: {says}")
