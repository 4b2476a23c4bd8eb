"""A project of single series, built as far as its panels without doit, and its bars in plain Python."""

import datetime as dt
import importlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from barmill.config import load_settings
from barmill.plan import Plan
from barmill.reader.catalogue import Catalogue
from barmill.store.cache import Cache
from tests.support.market import HEADER

_STEPS = (2, 4, 1, 3, 5, 6)  # of open, high, low, close, volume, openint
Bar = tuple[dt.date, float, float, float, float, float, float]


@dataclass
class BarStore:
    """Series below `root/data/series`, and what was made of them in `root/artifacts`.

    Attributes:
        root: the project's folder.
        bars: dataset name → its bars: a date, or a datetime in UTC, then open to openint.
    """

    root: Path
    bars: dict[str, list[Bar]] = field(default_factory=dict)

    @property
    def plan(self) -> Plan:
        """Its plan, whose paths are absolute."""
        return Catalogue(self.root).plan

    def series(self, name: str, stamps: Sequence[dt.date], first: float = 1.0) -> None:
        """Write a series; the values of its bars, all different within a bar, count up from above `first`."""
        rows = [(stamp, *(first + at + 1 + step / 8 for step in _STEPS)) for at, stamp in enumerate(stamps)]
        self.bars[name] = rows
        path = self.root / "data/series" / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([HEADER, *(_line(path.stem, row) for row in rows), ""]))

    def build(self, *stages: str) -> list[str]:
        """Bring stages up to date; returns the targets that were built."""
        plan = self.plan
        cache = Cache(plan.store, plan.state)
        built = []
        for stage in stages or ("export", "chunks", "panel"):
            targets = importlib.import_module(f"barmill.stages.{stage}").targets(plan)
            built += [f"{stage}:{each.name}" for each in targets if cache.ensure(each).origin == "built"]
        return built

    def set(self, **settings: str) -> None:
        """Set the project's text settings."""
        lines = [f'{name} = "{value}"' for name, value in settings.items()]
        (self.root / "pyproject.toml").write_text("\n".join(["[tool.barmill]", *lines, ""]))
        load_settings(self.root, {})

    def expected(self, names: Sequence[str], start: dt.date | None = None, end: dt.date | None = None) -> list[tuple]:
        """The bars of some series from `start` up to, not including, `end`, in order of name, then of time."""
        return [
            (name, *bar)
            for name in sorted(names)
            for bar in self.bars[name]
            if (start is None or bar[0] >= start) and (end is None or bar[0] < end)
        ]


def _line(symbol: str, row: Bar) -> str:
    stamp = row[0]
    per = "1" if isinstance(stamp, dt.datetime) else "D"
    return f"{symbol},{per},{stamp:%Y%m%d},{stamp:%H%M%S},{','.join(map(str, row[1:]))}"


def rows(table: object) -> list[tuple]:
    """The rows of an Arrow table."""
    return [tuple(row.values()) for row in table.to_pylist()]  # type: ignore[attr-defined]
