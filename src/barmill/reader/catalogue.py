"""What can be read: the datasets of a project, found by name, ticker or glob."""

import dataclasses
import difflib
import os
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from barmill.config import load_settings
from barmill.errors import BarsError
from barmill.market.datasets import Dataset
from barmill.market.manifest import Manifest
from barmill.plan import Plan


class Catalogue:
    """The datasets of a project, as its settings, its last match and its folder of single series say."""

    def __init__(self, root: Path) -> None:
        settings = load_settings(root)
        folders = {name: root / getattr(settings, name) for name in ("stooq", "series", "artifacts")}
        self.plan = Plan(dataclasses.replace(settings, **folders))
        self._listed: tuple[object, list[Dataset]] = (None, [])

    @staticmethod
    def at(root: Path) -> "Catalogue":
        """The catalogue of the project whose dodo.py lies at `root`; what was read of it before is not read again.

        Raises:
            ConfigError: a setting is wrong.
        """
        root = Path(os.path.abspath(root))
        ours = sorted(item for item in os.environ.items() if item[0].startswith("BARMILL_"))
        stamp = (_stamp(root / "pyproject.toml"), ours)
        known = _OPENED.get(root)
        if known is None or known[0] != stamp:
            known = _OPENED[root] = (stamp, Catalogue(root))
        return known[1]

    def datasets(self) -> list[Dataset]:
        """All of them, as of now."""
        stamp = (_stamp(self.plan.path("match", "symbols.csv")), list(os.walk(self.plan.settings.series)))
        if self._listed[0] != stamp:
            self._listed = (stamp, self.plan.datasets())
        return self._listed[1]

    def find(self, symbols: str | Iterable[str] | None, frequency: str | None) -> list[Dataset]:
        """The datasets that are meant, in order of name, each once; bars of all have one frequency.

        Args:
            symbols: names (`AAPL.US`, `forex/1min/EURUSD`), tickers (`EURUSD`) or globs of either; None for all.
            frequency: that of the bars; None where what is meant has but one.

        Raises:
            BarsError: one of them means nothing, or together they mean bars of several frequencies.
        """
        words = ["*"] if symbols is None else [symbols] if isinstance(symbols, str) else list(symbols)
        those = [each for each in self.datasets() if frequency in {None, each.frequency}]
        found = {each.name: each for word in words for each in _meant(word, those, frequency)}
        frequencies = sorted({each.frequency for each in found.values()})
        if len(frequencies) != 1:
            what = f"bars of several frequencies: {', '.join(frequencies)}" if found else "no bars at all"
            hint = f"read one at a time: frequency={frequencies[0]!r}" if found else "name a symbol, or None for all"
            raise BarsError(f"{', '.join(words) or 'no symbol'} means {what}", hint)
        return [found[name] for name in sorted(found)]

    def manifest(self, dataset: Dataset) -> Manifest:
        """The chunks of a dataset.

        Raises:
            ChunkMissing: it has not been built.
            ChunkCorrupt: its manifest is damaged.
        """
        return self.plan.manifest(dataset.name) or Manifest.read(self.plan.manifest_path(dataset.name))


_OPENED: dict[Path, tuple[object, Catalogue]] = {}


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        status = os.stat(path)
    except OSError:
        return ()
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _meant(word: str, those: list[Dataset], frequency: str | None) -> list[Dataset]:
    found = (
        [each for each in those if each.name == word]
        or [each for each in those if each.symbol == word.upper()]
        or [each for each in those if fnmatchcase(each.name, word) or fnmatchcase(each.symbol, word)]
    )
    if not found:
        near = difflib.get_close_matches(word.upper(), {each.symbol: None for each in those}, 3)
        hint = f"the nearest are {', '.join(near)}" if near else '"doit datasets" lists them all'
        raise BarsError(f"no dataset with {f'{frequency} ' if frequency else ''}bars is called {word!r}", hint)
    return found
