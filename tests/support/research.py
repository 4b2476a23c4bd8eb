"""Small research projects: made bars as raw text or as chunks, and a few strategies on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from barmill.market.arrays import arrow, utc
from barmill.market.series import Series
from barmill.market.tables import read_parquet, write_parquet
from tests.support.made_bars import made
from tests.support.market import FIRST_STAGES, HEADER, MarketProject

LINES = ("ma_cross fast=5|8 ratio=2|3", "band_reversion n=10 width=1|2")
"""Six rules with eleven exits each: 66 strategies."""

NAME = "forex/1min/EURUSD"

SMALL = {"label_targets": [5, 10], "label_stops": [5], "label_horizons": [15, 60], "regime_universes": [], "patterns": []}
"""Few labels, no regimes and no patterns."""


def write_chunk(path: Path, series: Series) -> Path:
    """Write bars as a chunk is written."""
    import pyarrow as pa

    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {name: arrow(getattr(series, name)) for name in ("open", "high", "low", "close", "volume")}
    write_parquet(path, pa.table({"time": utc(series.time), **columns}), ("time",))
    return path


GRID = {"targets": (5, 10, 20), "stops": (5, 15), "horizons": (15, 60, 240)}
"""A grid of labels that is no square."""


def sorted_files(folder: Path, chunk: Path, lookback: int = 5) -> dict[str, Path | list[Path]]:
    """Build the labels, regimes and patterns of a chunk; role of the page → what it reads."""
    from barmill.market import grids
    from barmill.stages import labels, patterns, regimes, universes

    bars = {"chunks": [chunk], "name": NAME, "pip": 0.0001, "compression": "zstd:1"}
    names = [each.name for each in grids.labels(*GRID.values(), 1)]
    touches = folder / "touches.parquet", folder / "touches.json"
    levels = sorted({*GRID["targets"], *GRID["stops"]})
    labels.build(touches=touches[0], metadata=touches[1], levels=levels, horizons=GRID["horizons"], touch="range", **bars)
    labels.build_summary(*touches, folder / "labels.csv", labels=names, tie="stop")
    universe, about = folder / "universe.parquet", folder / "universe.json"
    universes.build(out=universe, metadata=about, interval=5, lookback=lookback, own=1, **bars)
    ends = {"regimes": ".parquet", "profiles": "_profile.csv", "regimes_metadata": "_metadata.json"}
    files: dict[str, list[Path]] = {role: [] for role in ends}
    for method in grids.METHODS:
        made = {role: folder / f"5m_{lookback}lb_{method}{end}" for role, end in ends.items()}
        transitions = folder / f"5m_{lookback}lb_{method}_transitions.csv"
        written = (made["regimes"], made["profiles"], transitions, made["regimes_metadata"])
        regimes.build(universe, *written, method=method, out_of_sample=0.3, compression="zstd:1")
        for role, path in made.items():
            files[role].append(path)
    mined = [folder / f"5m_{lookback}lb_T5_S5_H15_{name}" for name in ("rules.csv", "importances.csv", "metadata.json")]
    patterns.build(universe, *touches, *mined, label="T5_S5_H15", interval=5, tie="stop", out_of_sample=0.3)
    files |= {"rules": [mined[0]], "rules_metadata": [mined[2]]}
    return {"labels": folder / "labels.csv", "touches": touches[1], **files}


def text_of(series: Series, symbol: str) -> str:
    """Bars of a minute as Stooq's text, in UTC."""
    lines = [HEADER]
    for row in zip(
        *(getattr(series, name).tolist() for name in ("time", "open", "high", "low", "close", "volume")), strict=True
    ):
        stamp = str(np.datetime64(row[0], "us")).replace("-", "").replace(":", "").replace("T", ",")[:15]
        lines.append(f"{symbol},1,{stamp},{','.join(f'{value:.6g}' for value in row[1:])},0")
    return "\n".join([*lines, ""])


@dataclass
class ResearchProject(MarketProject):
    """A project with single series, and no tree."""

    @classmethod
    def of(
        cls,
        root: Path,
        lines: Sequence[str] = LINES,
        size: int = 20,
        names: Sequence[str] = (NAME,),
        more: Sequence[str] = (),
        bars: int = 700,
        **settings: object,
    ) -> "ResearchProject":
        """A project of these strategies, on some made bars per name, with more stages and settings."""
        project = cls(super().make(root, [*FIRST_STAGES, "chunks", "labels", "batches", "results", *more]).root)
        project.listed("broker.csv", [])
        usual = {"strategies": list(lines), "batch_size": size, "research": ["forex/*"], "minimum_trades": 3}
        project.setting(**usual, **SMALL | settings)
        for number, name in enumerate(names):
            project.prices(name, made(700, number, step=0.0004)[:bars])
        return project

    def setting(self, **values: object) -> None:
        """Write the project's settings."""
        lines = [f"{key} = {str(value).lower() if isinstance(value, bool) else value!r}" for key, value in values.items()]
        (self.root / "pyproject.toml").write_text("\n".join(["[tool.barmill]", *lines, ""]))

    def prices(self, name: str, series: Series) -> Path:
        """Write a single series."""
        path = self.root / "data/series" / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text_of(series, path.stem))
        return path

    def results(self, name: str = NAME) -> dict[str, dict[str, object]]:
        """strategy → its row in the merged table."""
        rows = read_parquet(self.root / f"artifacts/results/{name}/backtest_results_merged.parquet").to_pylist()
        return {row["strategy"]: row for row in rows}

    def batches(self, name: str = NAME) -> dict[str, bytes]:
        """Every batch on disk: file name → bytes."""
        return {path.name: path.read_bytes() for path in sorted((self.root / f"artifacts/batches/{name}").glob("*"))}
