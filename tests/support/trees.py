"""Stooq trees of empty files for tests, their index, and what instruments match in them."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from barmill.market.tables import read_rows, write_rows
from barmill.stages import index, instruments, match

Rows = list[dict[str, str]]


class Index(NamedTuple):
    """What the index stage wrote."""

    files: Rows
    duplicates: Rows
    rejected: Rows
    parquet: Path


class Outcome(NamedTuple):
    """What the match stage wrote."""

    matches: Rows
    unmatched: Rows
    symbols: Rows


def plant(root: Path, paths: Iterable[str | bytes]) -> Path:
    """Make an empty file at each relative path below `root`."""
    root.mkdir(parents=True, exist_ok=True)
    for path in paths:
        full = os.path.join(os.fsencode(root), os.fsencode(path))
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb"):
            pass
    return root


def build_index(tree: Path, out: Path) -> Index:
    """Build the index of `tree` into the folder `out`."""
    out.mkdir(parents=True, exist_ok=True)
    paths = {
        "index": out / "index.parquet",
        "table": out / "index.csv",
        "duplicates": out / "duplicates.csv",
        "rejected": out / "rejected.csv",
    }
    index.build(tree=tree, **paths)
    tables = (read_rows(paths[role]) for role in ("table", "duplicates", "rejected"))
    return Index(*tables, paths["index"])


def instrument(symbol: str, market: str = "", **values: str) -> dict[str, str]:
    """An accepted instrument; the venue is left for matching to find, unless it is given."""
    return {**dict.fromkeys(instruments.ACCEPTED, ""), "source_file": "list.csv", "symbol": symbol, "market": market, **values}


def build_match(
    folder: Path,
    paths: Iterable[str],
    rows: Iterable[Mapping[str, str]],
    frequency: str = "daily",
    aliases: Mapping[str, str] | None = None,
) -> Outcome:
    """Match instruments with a tree of empty files at `paths`; `folder` must not hold another tree."""
    built = build_index(plant(folder / "tree", paths), folder / "index")
    accepted = folder / "list.accepted.csv"
    write_rows(accepted, instruments.ACCEPTED, rows)
    return match_lists(folder, built.parquet, [accepted], frequency, aliases)


def match_lists(
    folder: Path, parquet: Path, lists: list[Path], frequency: str = "daily", aliases: Mapping[str, str] | None = None
) -> Outcome:
    """Match accepted lists with an index."""
    outputs = {role: folder / f"{role}.csv" for role in ("matches", "unmatched", "symbols")}
    match.build(index=parquet, instruments=lists, **outputs, frequency=frequency, aliases=aliases or {})
    return Outcome(*(read_rows(path) for path in outputs.values()))
