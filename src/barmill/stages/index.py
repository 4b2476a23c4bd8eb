"""The price files of the Stooq tree, by name alone: ticker, region, category, frequency; duplicates and strays named."""

import os
import re
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from barmill.market import stooq
from barmill.market.tables import write_parquet, write_rows
from barmill.plan import Plan
from barmill.target import Target

if TYPE_CHECKING:
    import pyarrow as pa

INDEX = ("ticker", "stem", "relative_path", "region", "category", "shard", "frequency", "suffix")
DUPLICATES = ("ticker", "frequency", "kept", "other")
REJECTED = ("relative_path", "reason")

HIDDEN = "hidden"
NOT_UTF8 = "not_utf8"
CONTROL_CHARACTER = "control_character"

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def build(tree: Path, index: Path, table: Path, duplicates: Path, rejected: Path) -> None:
    """List the tree's price files; no file is opened.

    Args:
        tree: root of the Stooq tree.
        index: ticker (upper case), stem (as the file is spelled), relative_path, region, category (without its shard),
            shard, frequency, suffix (`.US`, or ""), one row per price file, in order of relative_path; all text.
        table: the same rows as CSV.
        duplicates: ticker, frequency, kept, other: files of one ticker, frequency and region. The one where Stooq's bundle
            puts it is kept, then the first in path order; matching takes no other where both are open to an instrument.
        rejected: relative_path, reason of each other file: hidden, not_utf8, control_character, not_txt, not_in_layout,
            not_a_ticker. A hidden folder is one row.
    """
    files, strays = _scan(tree)
    write_rows(table, INDEX, files)
    write_parquet(index, _arrow(table), order=["relative_path"])
    write_rows(duplicates, DUPLICATES, _duplicates(files))
    write_rows(rejected, REJECTED, strays)


def targets(plan: Plan) -> Iterator[Target]:
    """One target for the tree."""
    if not plan.matches():
        return
    names = {"index": "index.parquet", "table": "index.csv", "duplicates": "duplicates.csv", "rejected": "rejected.csv"}
    yield Target(
        name="stooq",
        build=build,
        inputs={"tree": plan.stooq},
        outputs={role: plan.path("index", name) for role, name in names.items()},
    )


def _scan(tree: Path) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Rows of price files and of strays, each in order of relative_path."""
    files: list[dict[str, str]] = []
    strays: list[dict[str, str]] = []
    for folder, names in _folders(str(tree), "", ()):
        said = stooq.parse_folder(folder)
        place = said._asdict() if said else {}
        for name in names:
            path = f"{folder}/{name}" if folder else name
            found = _stray(path, name) or stooq.parse_name(name, said)
            if isinstance(found, str):
                strays.append({"relative_path": _printable(path), "reason": found})
            else:
                files.append(
                    {"ticker": found.ticker, "stem": found.stem, "relative_path": path, "suffix": found.suffix, **place}
                )
    return sorted(files, key=itemgetter("relative_path")), sorted(strays, key=itemgetter("relative_path"))


def _folders(root: str, below: str, above: tuple[str, ...]) -> Iterator[tuple[str, list[str]]]:
    """Yield (relative path, names of files and hidden folders) of each folder; a link to a folder above is a file."""
    names: list[str] = []
    folders: list[str] = []
    here = os.path.join(root, below)
    with os.scandir(here) as entries:
        for entry in entries:
            is_open = not entry.name.startswith(".") and entry.is_dir()
            if is_open and entry.is_symlink():
                is_open = os.path.realpath(entry.path) not in (*above, os.path.realpath(here))
            (folders if is_open else names).append(entry.name)
    yield below, names
    for name in folders:
        yield from _folders(root, f"{below}/{name}" if below else name, (*above, os.path.realpath(here)))


def _stray(path: str, name: str) -> str:
    if name.startswith("."):
        return HIDDEN
    if path == _printable(path):
        return ""
    return CONTROL_CHARACTER if _CONTROL.search(path) else NOT_UTF8


def _printable(path: str) -> str:
    """The path, with control characters and bytes that are no UTF-8 in hexadecimal."""
    if path.isascii() and path.isprintable():
        return path
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def _duplicates(files: list[dict[str, str]]) -> Iterator[dict[str, str]]:
    places: dict[tuple[str, str, str], list[str]] = {}
    for row in files:
        places.setdefault((row["ticker"], row["frequency"], row["region"]), []).append(row["relative_path"])
    for (ticker, frequency, _), paths in sorted(item for item in places.items() if len(item[1]) > 1):
        kept, *others = sorted(paths, key=stooq.copy_rank)
        for other in others:
            yield {"ticker": ticker, "frequency": frequency, "kept": kept, "other": other}


def _arrow(table: Path) -> "pa.Table":
    """The CSV as an Arrow table of text: this way in does not import pandas, which a table made of lists would."""
    import pyarrow as pa
    from pyarrow import csv

    return csv.read_csv(
        table,
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(column_types=dict.fromkeys(INDEX, pa.string()), strings_can_be_null=False),
    )
