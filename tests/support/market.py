"""A small market project: the repository's own dodo.py over a made Stooq tree and made instrument lists."""

import ast
import csv
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.project import Project

REPOSITORY = Path(__file__).parents[2]
HEADER = "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>"
FIRST_STAGES = ("instruments", "index", "match", "export", "reports")
NASDAQ = "d_us_txt/data/daily/us/nasdaq stocks/1"
NYSE = "d_us_txt/data/daily/us/nyse stocks/1"
LONDON = "d_uk_txt/data/daily/uk/lse stocks"
LONDON_ETFS = "d_uk_txt/data/daily/uk/lse etfs/1"
WARSAW = "d_pl_txt/data/daily/pl/wse stocks"
NEWCONNECT = "d_pl_txt/data/daily/pl/nc stocks"
WARSAW_ETFS = "d_pl_txt/data/daily/pl/wse etfs"


def price_lines(ticker: str, dates: Sequence[str], close: float = 10.0) -> list[str]:
    """Stooq text of daily bars, one a date, without the header."""
    return [f"{ticker},D,{date},000000,{close},{close + 1},{close - 1},{close},1000,0" for date in dates]


def creators(dodo: Path) -> list[str]:
    """The stages of a dodo.py, in the order of their creators."""
    return list(filter(None, map(_creates, ast.parse(dodo.read_text()).body)))


def _creates(part: ast.stmt) -> str:
    """The stage whose tasks a part of dodo.py creates."""
    return part.name.removeprefix("task_") if isinstance(part, ast.FunctionDef) else ""


@dataclass
class MarketProject(Project):
    """A project with raw prices in `data/stooq` and lists in `data/instruments`."""

    @classmethod
    def make(cls, root: Path, stages: Collection[str] = ()) -> "MarketProject":
        """An empty project with the repository's dodo.py, or its creators of these stages only."""
        project = cls(root)
        (root / "data/stooq").mkdir(parents=True)
        (root / "data/instruments").mkdir()
        tree = ast.parse((REPOSITORY / "dodo.py").read_text())
        tree.body = [part for part in tree.body if not (stages and _creates(part) not in {"", *stages})]
        (root / "dodo.py").write_text(ast.unparse(tree))
        # sixty years of sessions take seconds to compute
        (root / "pyproject.toml").write_text('[tool.barmill]\nsessions_from = "2010-01-01"\nsessions_until = "2027-12-31"\n')
        return project

    def raw(self, folder: str, ticker: str, dates: Sequence[str] = ("20240102", "20240103", "20240104")) -> Path:
        """Write a raw price file; returns its path."""
        path = self.root / "data/stooq" / folder / f"{ticker.lower()}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\r\n".join([HEADER, *price_lines(ticker.upper(), dates)]) + "\r\n", newline="")
        return path

    def daily(self, folder: str, ticker: str, bars: Sequence[Mapping[str, Any]]) -> Path:
        """Write a raw file of these bars; returns its path."""
        path = self.root / "data/stooq" / folder / f"{ticker.lower()}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        names = ("open", "high", "low", "close", "volume")
        lines = [f"{ticker},D,{bar['date']:%Y%m%d},000000,{','.join(str(bar[name]) for name in names)},0" for bar in bars]
        path.write_text("\n".join([HEADER, *lines]) + "\n")
        return path

    def series(self, name: str, dates: Sequence[str]) -> Path:
        """Write a single series, `<class>/<frequency>/<SYMBOL>`, of a bar a date; returns its path."""
        path = self.root / "data/series" / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([HEADER, *price_lines(path.stem, dates)]) + "\n")
        return path

    def listed(self, name: str, rows: Sequence[Sequence[str]], header: str = "symbol,isin,market,name,currency") -> Path:
        """Write an instrument list; returns its path."""
        path = self.root / "data/instruments" / name
        path.write_text("\n".join([header, *(",".join(row) for row in rows)]) + "\n")
        return path

    def table(self, path: str) -> list[Mapping[str, str]]:
        """The rows of a CSV below `artifacts/`."""
        with open(self.root / "artifacts" / path, encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def matches(self) -> dict[str, str]:
        """symbol → matched_ticker, from the report."""
        return {row["symbol"]: row["matched_ticker"] for row in self.table("reports/tradeable_matches.csv")}

    def unmatched(self) -> dict[str, str]:
        """symbol → reason, from the report."""
        return {row["symbol"]: row["reason"] for row in self.table("reports/tradeable_unmatched.csv")}

    def ran(self, result: object) -> list[str]:
        """Names of the tasks that were built in a run, sorted."""
        lines = result.out.splitlines()  # type: ignore[attr-defined]
        return sorted(line.split()[1] for line in lines if line.startswith("built "))
