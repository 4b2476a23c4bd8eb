"""The peak memory of research, in one process: few and many bars, labels and strategies."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.research import NAME, project, walk
from tests.bench.timing import BUILT, DOIT, Options, finish, fresh_artifacts, process

_FEW_LABELS = {"BARMILL_LABEL_TARGETS": "10", "BARMILL_LABEL_STOPS": "10"}
_FEW_STRATEGIES = {"BARMILL_STRATEGIES": "ma_cross"}


@dataclass
class Peaks:
    """A row per piece of work: what there was of it, and the peak of the process in MB."""

    rows: list[str] = field(default_factory=list)

    def add(self, what: str, count: str, peak: float) -> None:
        """A row."""
        self.rows.append(f"| {what} | {count} | {peak:.0f} |")

    def text(self) -> str:
        """The table in Markdown."""
        return "\n".join(("| `doit`, one process | of | its peak, MB |\n|---|---|---:|", *self.rows))


def run(options: Options) -> Peaks:
    """Each is built once from its chunks."""
    peaks = Peaks()
    for bars in map(options.scaled, (100_000, 1_000_000)):
        root, environ = project(walk(bars))
        for few, count in ((_FEW_LABELS, "7 labels"), ({}, "210 labels")):
            peaks.add("labels, each a file", f"{count}, {bars:,} bars", _peak(root, environ | few, "labels"))
        peaks.add("universes", f"25, {bars:,} bars", _peak(root, environ, "universes"))
    root, environ = project(walk(options.scaled(100_000)))
    for few in (_FEW_STRATEGIES, {}):
        peak = _peak(root, environ | few, "batches")
        peaks.add("batches", f"{_batches(root)} batches, {options.scaled(100_000):,} bars", peak)
    return peaks


def _peak(root: Path, environ: Mapping[str, str], stage: str) -> float:
    afresh = {**environ, **fresh_artifacts(root)}
    process((*DOIT, "chunks"), root, afresh)
    return finish((*DOIT, stage), root, afresh, says=BUILT).peak


def _batches(root: Path) -> int:
    newest = max(root.glob("artifacts-*"), key=lambda folder: folder.stat().st_mtime_ns)
    return len(list((newest / "batches" / NAME).glob("results_batch_*.parquet")))
