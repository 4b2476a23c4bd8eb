"""How time and memory of ours grow with targets, with the inputs of one target, and with what a target merges."""

import statistics
from dataclasses import dataclass
from functools import partial

from tests.bench.timing import DOIT, Finished, Options, finish
from tests.bench.toy import Graph, made_files, project

_FILES, _EACH, _SIZE = 700_000, 7, 16
_HEAD = (
    "| {} | targets | files | first build, s (once) | its peak, MB | nothing changed, s (median of {}) | its peak, MB "
    "| µs a target | µs a file |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|"
)


@dataclass(frozen=True)
class Growth:
    """A row per graph; the first of them is start-up, and what the others take beyond it is told per target and file."""

    repeat: int
    rows: list[tuple[str, Graph, Finished, Finished]]

    def text(self) -> str:
        """The table in Markdown."""
        start_up = self.rows[0][3].seconds
        lines = [_HEAD.format("ours alone", self.repeat)]
        for name, graph, first, noop in self.rows:
            targets, files = graph.targets + graph.merge, graph.files + graph.merge * graph.targets
            each = [f"{1e6 * max(0.0, noop.seconds - start_up) / number:.1f}" for number in (targets, files)]
            times = f"{first.seconds:.2f} | {first.peak:.0f} | {noop.seconds:.3f} | {noop.peak:.0f}"
            lines.append(f"| {name} | {targets} | {files} | {times} | {' | '.join(each)} |")
        return "\n".join(lines)


def run(options: Options) -> Growth:
    """Each graph is built once and then looked at; all read the first files of one tree of 700,000 files of 16 bytes."""
    tenths = [options.scaled(count) for count in (_FILES // 100, _FILES // 10, _FILES)]
    graphs = {"start-up": Graph(1, 1)}
    graphs |= {f"{_EACH} inputs a target: {files // _EACH}": Graph(max(1, files // _EACH), _EACH) for files in tenths}
    graphs |= {f"one target: {files} inputs": Graph(1, files) for files in tenths}
    graphs |= {f"one target over {files // _EACH} others": Graph(max(1, files // _EACH), 1, merge=True) for files in tenths[:2]}
    tree = made_files(max(graph.files for graph in graphs.values()), _SIZE)
    first, noops = {}, {}
    for number, (name, graph) in enumerate(graphs.items()):
        root = project(f"growth-{number}", tree)
        graph.write_stages(root)
        count = graph.targets + graph.merge
        first[name] = finish(DOIT, root, says=f"{count} built")
        noops[name] = partial(finish, DOIT, root, says=f"0 built, 0 restored, {count} fresh")
        noops[name]()  # what a first look remembers is not timed
    times: dict[str, list[Finished]] = {name: [] for name in graphs}
    for _ in range(options.repeat):
        for name, noop in noops.items():
            times[name].append(noop())
    medians = {name: Finished(*map(statistics.median, zip(*each, strict=True))) for name, each in times.items()}
    return Growth(options.repeat, [(name, graph, first[name], medians[name]) for name, graph in graphs.items()])
