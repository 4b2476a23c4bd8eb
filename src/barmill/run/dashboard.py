"""A page of what runs found, built and saved, and of what the store holds."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from barmill.page import colors, svg
from barmill.page.document import Page, areas
from barmill.page.heat import Cell, cells, key
from barmill.run.sums import Run, hit_rate, remote_line, stages_of, total_of
from barmill.run.tally import ORIGINS
from barmill.run.units import spelled
from barmill.store.figures import Figures

_DONE = {"built": colors.LINES[1], "restored": colors.LINES[0], "fetched": colors.LINES[3], "failed": colors.LINES[4]}
_TIMES = {"spent": ("seconds", colors.LINES[1]), "saved": ("saved", colors.LINES[0])}
_SIDE, _ROW, _SLOT = 110, 22, 40  # left of a map; height of its cells; their greatest width
_SHOWN = 24  # runs of the map, and of the table
_FEW = 8  # runs that fill a chart; ticks of a chart


def dashboard(runs: Sequence[Run], store: Figures) -> str:
    """The page.

    Args:
        runs: as `store.runs` has them, the newest first.
        store: figures of the store.
    """
    page = Page("barmill: what runs found, built and saved")
    if runs:
        _sums(page, runs)
        _over_time(page, runs[::-1])
        _hits(page, runs[:_SHOWN][::-1])
        _last(page, runs[:_SHOWN])
    else:
        page.text("No run is remembered: none has built or restored anything yet.")
    _store(page, store)
    return page.html()


def _sums(page: Page, runs: Sequence[Run]) -> None:
    stages = stages_of(runs)
    total = sum(stages.values(), Counter())
    page.text(
        f"{len(runs)} runs from {_when(runs[-1])} to {_when(runs[0])} UTC. Hits are targets that were fresh, restored from the "
        "store or fetched from the remote; misses were built, or failed. Runs that found everything fresh are not remembered, "
        "so the rates are lower than those of all runs. Saved is by how much building once took longer than restoring did."
    )
    rows = [(stage, *_row(counts)) for stage, counts in stages.items()]
    page.table(("stage", *ORIGINS, "hits", "spent, s", "saved, s"), [*rows, ("all", *_row(total))])
    if told := remote_line(runs):
        page.text(told)


def _row(counts: Mapping[str, float]) -> Iterator[Any]:
    yield from (int(counts[name]) for name in ORIGINS)
    rate = hit_rate(counts)
    yield "" if rate is None else f"{rate:.1%}"
    yield from (f"{counts[name]:,.1f}" for name in ("seconds", "saved"))


def _over_time(page: Page, runs: Sequence[Run]) -> None:
    """Targets and seconds of each run, the oldest first."""
    totals = [total_of(run) for run in runs]
    page.heading("Targets that were not fresh, by run")
    page.picture(areas(list(_DONE), list(_DONE.values())))
    page.picture(_columns(runs, [[[(name, total[name], _DONE[name]) for name in _DONE]] for total in totals], "targets"))
    page.heading("Seconds spent and saved, by run")
    page.picture(areas(list(_TIMES), [color for _, color in _TIMES.values()]))
    made = [[[(name, total[field], color)] for name, (field, color) in _TIMES.items()] for total in totals]
    page.picture(_columns(runs, made, "seconds"))


def _columns(runs: Sequence[Run], values: Sequence[Sequence[Sequence[tuple[str, float, str]]]], unit: str) -> str:
    """For each run columns beside one another, each a stack of (name, height, colour)."""
    most = max(sum(height for _, height, _ in stack) for stacks in values for stack in stacks)
    ticks = [(number + 0.5, name) for number, name in _ticks(runs)]
    axes = svg.Axes((0, max(len(runs), _FEW)), (0, most), unit, ticks)
    for number, (run, stacks) in enumerate(zip(runs, values, strict=True)):
        width = 0.8 / len(stacks)
        for k, stack in enumerate(stacks):
            parts = [(height, color, f"{_when(run)}: {height:,.6g} {name}") for name, height, color in stack if height]
            axes.stack(number + 0.1 + k * width, number + 0.1 + (k + 1) * width, parts)
    return axes.svg(f"{unit} by run")


def _hits(page: Page, runs: Sequence[Run]) -> None:
    """A map of stages and runs: where the misses were."""
    page.heading(f"Misses, by stage and run: the last {len(runs)}" if len(runs) > 1 else "Misses, by stage")
    stages = list(stages_of(runs[::-1]))
    width = min(_SLOT, (svg.WIDTH - _SIDE) / len(runs))
    parts = [svg.text(_SIDE - 6, _ROW * k + 15, stage, "end") for k, stage in enumerate(stages)]
    parts += cells((_SIDE, 0), (width, _ROW), [[_miss(stage, run) for run in runs] for stage in stages])
    foot = _ROW * len(stages)
    parts += [svg.text(_SIDE + (number + 0.5) * width, foot + 14, name, "middle") for number, name in _ticks(runs)]
    parts.append(key((_SIDE, foot + 24), 200, colors.sequential, (0, 1), "no miss|all missed"))
    page.picture(svg.picture(foot + 50, "misses by stage and run", parts))
    page.text(
        "A cell has the number of targets that were built or failed; it is grey where the stage was not asked for.", "note"
    )


def _miss(stage: str, run: Run) -> Cell:
    counts = Counter(run["stages"].get(stage, {}))
    rate = hit_rate(counts)
    if rate is None:
        return Cell("", colors.NOTHING, f"{stage}, {_when(run)}: not asked for")
    misses = counts["built"] + counts["failed"]
    says = ", ".join(f"{counts[name]} {name}" for name in ORIGINS if counts[name])
    return Cell(str(misses), colors.sequential(1 - rate), f"{stage}, {_when(run)}: {says}")


def _last(page: Page, runs: Sequence[Run]) -> None:
    page.heading("The last runs")
    rows = []
    for run in runs:
        counts = total_of(run)
        rows.append((_when(run), run.get("command"), *(int(counts[name]) for name in ORIGINS), f"{run.get('seconds', 0):,.1f}"))
    page.table(("started, UTC", "command", *ORIGINS, "took, s"), rows, ("command",))


def _store(page: Page, store: Figures) -> None:
    page.heading("The store")
    page.text(
        f"{spelled(store.record_bytes + store.object_bytes)} in {store.records:,} records and {store.objects:,} objects; "
        f"{spelled(store.shared_bytes)} more if what is shared were there as often as it is named. "
        + (f"{store.quarantine} damaged files, {spelled(store.quarantine_bytes)}, are set aside. " if store.quarantine else "")
        + f"Projects that use it: {len(store.projects)}. Seconds are those that the builds took whose results it has."
    )
    rows = [(name, stage.records, spelled(stage.bytes), f"{stage.seconds:,.1f}") for name, stage in store.stages.items()]
    page.table(("stage", "records", "size", "builds, s"), rows)


def _ticks(runs: Sequence[Run]) -> Iterator[tuple[int, str]]:
    """Number of a run, and its day; its time, if all are of one day."""
    part = slice(11, 16) if _when(runs[0])[:10] == _when(runs[-1])[:10] else slice(5, 10)
    for number in range(0, len(runs), -(-len(runs) // _FEW)):
        yield number, _when(runs[number])[part]


def _when(run: Run) -> str:
    """When a run started, as people read it."""
    return str(run.get("started") or "")[:16].replace("T", " ")
