"""How time and memory of ours grow with targets, with the inputs of one target, and with what a target merges.

At `--scale 10` it goes to 100,000 targets and 700,000 files: some minutes, and 6 GB of disk.
"""

import statistics
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from tests.bench.timing import DOIT, Finished, Options, finish
from tests.bench.toy import Graph, made_files, project

_FILES, _EACH, _SIZE = 70_000, 7, 16
_HEAD = (
    "| ours alone | targets | files | first build, s (once) | its peak, MB | nothing changed, s (median of {}) | its peak, MB "
    "| µs a target | µs a file |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|"
)


class Row(NamedTuple):
    """A graph, what its first build took, and what a look at it takes."""

    kind: str
    graph: Graph
    first: Finished
    noop: Finished


@dataclass(frozen=True)
class Growth:
    """A row per graph; the first is start-up, and what the others take beyond it is told per target and per file."""

    repeat: int
    rows: list[Row]

    def text(self) -> str:
        """The table in Markdown."""
        start_up = self.rows[0].noop.seconds
        lines = [_HEAD.format(self.repeat)]
        for kind, graph, first, noop in self.rows:
            targets, files = graph.targets + graph.merge, graph.files + graph.merge * graph.targets
            each = (f"{1e6 * max(0.0, noop.seconds - start_up) / number:.1f}" for number in (targets, files))
            times = f"{first.seconds:.2f} | {first.peak:.0f} | {noop.seconds:.3f} | {noop.peak:.0f}"
            lines.append(f"| {kind} | {targets} | {files} | {times} | {' | '.join(each)} |")
        return "\n".join(lines)


def run(options: Options) -> Growth:
    """Each graph is built once and then looked at; all read the first files of one tree of files of 16 bytes."""
    sizes = [options.scaled(files) for files in (_FILES // 100, _FILES // 10, _FILES)]
    counts = [max(1, files // _EACH) for files in sizes]
    graphs = [("start-up", Graph(1, 1))]
    graphs += [(f"targets of {_EACH} inputs", Graph(count, _EACH)) for count in counts]
    graphs += [("one target of all inputs", Graph(1, files)) for files in sizes]
    graphs += [("targets of one input, and one over them", Graph(count, 1, merge=True)) for count in counts[:2]]
    tree = made_files(max(graph.files for _, graph in graphs), _SIZE)
    first, noops = [], []
    for number, (_, graph) in enumerate(graphs):
        root = project(f"growth-{number}", tree)
        graph.write_stages(root)
        count = graph.targets + graph.merge
        first.append(finish(DOIT, root, says=f"{count} built"))
        noops.append(partial(finish, DOIT, root, says=f"0 built, 0 restored, {count} fresh"))
        noops[-1]()  # what a first look remembers is not timed
    rounds = [[noop() for noop in noops] for _ in range(options.repeat)]
    medians = [Finished(*map(statistics.median, zip(*each, strict=True))) for each in zip(*rounds, strict=True)]
    rows = zip(graphs, first, medians, strict=True)
    return Growth(options.repeat, [Row(kind, graph, took, noop) for (kind, graph), took, noop in rows])
