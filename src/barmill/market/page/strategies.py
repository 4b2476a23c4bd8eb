"""What a page says of strategies: counts, ranking, equity and drawdown, and what the families and exits came to."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from barmill.market.ranking import GUARD, WEIGHTS
from barmill.market.series import NO_RETURN
from barmill.market.silence import REASONS, Silence
from barmill.page import colors, svg
from barmill.page.document import Page
from barmill.page.heat import heat_map

Floats = NDArray[np.float64]
Table = Mapping[str, Sequence[Any]]


def counts(page: Page, summary: Mapping[str, Any]) -> None:
    """What was backtested, on what bars, at what costs; `summary` is what `stages.results` counts."""
    told = ", ".join(f"{name} {value:g}" for name, value in summary["costs"].items())
    page.text(
        f"{summary['bars']:,} bars from {summary['start']} to {summary['end']} UTC; out-of-sample from {summary['split']} on. "
        f"Costs in basis points of the price: {told}."
        if summary["bars"]
        else "The series has no bars: nothing was traded."
    )
    if summary["bars_without_return"]:
        page.text(f"Bars left out: {summary['bars_without_return']:,}; {NO_RETURN}.")
    if summary["bars"] and not summary["bars_with_volume"]:
        page.text("No bar has a volume: rules that ask for it go by true ranges in its place.")
    page.table(("strategies", "number"), [(name.replace("_", " "), summary[name]) for name in _COUNTS])
    _verdict(page, summary)


def silences(page: Page, quiet: Sequence[Silence]) -> None:
    """The strategies that never trade, by family and reason."""
    if not quiet:
        return
    found: dict[tuple[str, str], list[int]] = {}
    for each in quiet:
        found.setdefault((each.reason, each.strategy.partition(" ")[0]), []).append(each.needed)
    page.heading("Strategies that never trade")
    rows = [(family, len(needed), REASONS[reason], min(needed), max(needed)) for (reason, family), needed in found.items()]
    page.table(("family", "number", "why", "bars needed, least", "most"), sorted(rows), ("why",))
    page.text(f"The series has {quiet[0].bars:,} bars. Each of these strategies is in silent.csv.", "note")


def ranking(page: Page, top: Sequence[Mapping[str, Any]]) -> None:
    """The first rows of the ranking."""
    page.heading(f"The first {len(top)} of the ranking")
    page.text(
        "Score: " + ", ".join(f"{weight:.2f} {name}" for name, weight in WEIGHTS.items()) + "; of in-sample bars only.", "note"
    )
    page.table(_COLUMNS, ([*(row[name] for name in _SHOWN), (row["guard"] or "").replace(";", ", ")] for row in top), _WORDS)


_COLUMNS = (
    "rank", "strategy", "score", "in return", "in sharpe", "deflated", "by chance", "in drawdown", "trades", "out return",
    "out sharpe", "against it",
)  # fmt: skip
_WORDS = ("strategy", "against it")
_COUNTS = ("strategies", "distinct", "failed", "too_short", "silent", "too_few_trades", "ranked", "passed")
_SHOWN = (
    "rank", "strategy", "score", "in_total_return", "in_sharpe", "deflated_sharpe", "deflated_sharpe_chance", "in_max_drawdown",
    "n_trades", "out_total_return", "out_sharpe",
)  # fmt: skip


def _verdict(page: Page, summary: Mapping[str, Any]) -> None:
    best, chance = summary["expected_best_sharpe"], summary["expected_best_sharpe_chance"]
    expected = (
        ""
        if best is None
        else f" The best of as many strategies without skill would show an in-sample Sharpe ratio of {best:.1f}, going by how "
        f"much the ratios found vary (this counts), and of {chance:.1f} by chance alone."
    )
    if summary["failed"]:
        page.text(f"Partial: {summary['failed']} strategies failed and are in no figure below; see failed.csv.")
    page.text(f"{summary['passed']} of {summary['ranked']} ranked strategies have nothing against them.{expected}")


def curves(page: Page, summary: Mapping[str, Any], found: Mapping[str, Floats]) -> None:
    """Equity at each bar, and how far it is below its peak; `found` has them by strategy."""
    if not found:
        return
    ticks = [(position, name) for position, name in summary["ticks"]]
    peaks = {name: np.maximum.accumulate(np.maximum(curve, 1.0)) for name, curve in found.items()}
    falls = {name: curve / peaks[name] - 1 for name, curve in found.items()}
    for heading, what, lines in (("Equity", "equity, 1 at the start", found), ("Drawdown", "distance from the peak", falls)):
        page.heading(heading)
        low, high = min(float(line.min()) for line in lines.values()), max(float(line.max()) for line in lines.values())
        axes = svg.Axes((0, summary["bars"] - 1), (low, high), what, ticks)
        for k, (name, line) in enumerate(lines.items()):
            axes.line(list(enumerate(line.tolist())), colors.line(k)[0], name, colors.line(k)[1])
        axes.upright(summary["split_bar"], "out-of-sample")
        page.picture(axes.svg(heading))
    page.legend(list(found), [colors.line(k) for k in range(len(found))])


def comparisons(page: Page, table: Table) -> None:
    """What the families and exits came to, and in-sample beside out-of-sample; `table` has the columns of all results."""
    good = [i for i, error in enumerate(table["error"]) if not error and table["n_trades"][i]]
    if good:
        _families(page, table, good)
        _exits(page, table, good)
        _scatter(page, table, good)


def objections(page: Page) -> None:
    """What the words say that speak against a strategy."""
    page.heading("What speaks against a strategy")
    page.table(("word", "when"), GUARD.items(), ("when",))


def _families(page: Page, table: Table, good: Sequence[int]) -> None:
    page.heading("Families")
    rows = []
    for family in sorted({table["family"][i] for i in good}):
        mine = [i for i in good if table["family"][i] == family]
        gains = [sum(table[f"{part}_total_return"][i] > 0 for i in mine) / len(mine) for part in ("in", "out")]
        medians = [
            _median(table[name][i] for i in mine) for name in ("n_trades", "in_sharpe", "out_sharpe", "exposure", "cost")
        ]
        rows.append((family, len(mine), *gains, *medians))
    names = ("family", "trading", "gain in", "gain out", "trades", "in sharpe", "out sharpe", "exposure", "cost")
    page.table(names, rows)
    page.text("Gain: share of the strategies with a positive return; trades to cost: medians.", "note")


def _exits(page: Page, table: Table, good: Sequence[int]) -> None:
    cells: dict[tuple[str, tuple[float, float]], list[float | None]] = {}
    for i in good:
        cells.setdefault((table["family"][i], (table["stop"][i], table["target"][i])), []).append(table["in_sharpe"][i])
    families, exits = sorted({family for family, _ in cells}), sorted({exit_ for _, exit_ in cells})
    values = [[_median(cells.get((family, exit_), ())) for exit_ in exits] for family in families]
    names = [f"{stop:g} / {target:g}" for stop, target in exits]
    page.heading("In-sample Sharpe ratio by family and exit, medians")
    page.picture(heat_map(families, names, values, "medians by family and exit"))
    page.text("Columns: stop / target in average true ranges.", "note")


def _scatter(page: Page, table: Table, good: Sequence[int]) -> None:
    both = [(table["in_sharpe"][i], table["out_sharpe"][i]) for i in good]
    points = [(x, y) for x, y in both if x is not None and y is not None and math.isfinite(x) and math.isfinite(y)]
    if points:
        across, up = ([point[k] for point in points] for k in (0, 1))
        axes = svg.Axes((min(across), max(across)), (min(up), max(up)), "out-of-sample", _ticks(min(across), max(across)))
        if min(up) < 0 < max(up):
            axes.level(0.0)
        axes.dots(points, colors.LINES[0])
        page.heading("In-sample and out-of-sample Sharpe ratio")
        page.picture(axes.svg("in-sample and out-of-sample Sharpe ratio"))
        page.text("Across: in-sample; up: out-of-sample. A dot per strategy.", "note")


def _ticks(low: float, high: float) -> list[tuple[float, str]]:
    return [(value, f"{value:.6g}") for value in svg.steps(low, high)] if high > low else []


def _median(values: Iterable[float | None]) -> float:
    known = [value for value in values if value is not None and not math.isnan(value)]
    return statistics.median(known) if known else math.nan
