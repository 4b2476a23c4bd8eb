"""The page of a research: counts, ranking, equity and drawdown, and what the families and exits came to, in one HTML file."""

import datetime as dt
import html
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from barmill.market import svg
from barmill.market.ranking import GUARD, WEIGHTS

Floats = NDArray[np.float64]

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:1000px;margin:2em auto;padding:0 1em;color:#1f2328}
h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}
table{border-collapse:collapse;font-size:13px;width:100%}
td,th{padding:3px 7px;border-bottom:1px solid #d8dee4;text-align:right;vertical-align:top}
td:first-child,th:first-child,.l{text-align:left}th{font-weight:600}
svg{width:100%;height:auto}svg text{font:11px system-ui,sans-serif;fill:#57606a}
polyline{fill:none;stroke-width:1.4}.grid{stroke:#eaeef2}.mark{stroke:#8c959f;stroke-dasharray:4 3}
.dots{stroke-width:2.4;stroke-linecap:round;opacity:.45}
.key{display:inline-block;width:.8em;height:.8em;border-radius:2px;margin-right:.4em}
.wide{overflow-x:auto}p.note{color:#57606a}
"""


class Page:
    """An HTML page that is put together part by part; it needs nothing but itself."""

    def __init__(self, title: str) -> None:
        self._title = html.escape(title)
        self._parts = [f"<h1>{self._title}</h1>"]

    def heading(self, text: str) -> None:
        """A heading."""
        self._parts.append(f"<h2>{html.escape(text)}</h2>")

    def text(self, text: str, kind: str = "") -> None:
        """A paragraph; `note` is a quiet one."""
        self._parts.append(f'<p class="{kind}">{html.escape(text)}</p>' if kind else f"<p>{html.escape(text)}</p>")

    def picture(self, picture: str) -> None:
        """A chart of `svg`."""
        self._parts.append(picture)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[Any]], words: Sequence[str] = ()) -> None:
        """A table; numbers have four digits that count. Columns of `words` are set to the left."""
        place = [' class="l"' if name in words else "" for name in columns]
        head = "".join(f"<th{kind}>{html.escape(name)}</th>" for name, kind in zip(columns, place, strict=True))
        body = "".join(
            "<tr>" + "".join(f"<td{kind}>{_told(value)}</td>" for value, kind in zip(row, place, strict=True)) + "</tr>"
            for row in rows
        )
        self._parts.append(f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>')

    def legend(self, names: Sequence[str]) -> None:
        """Names of the lines of a chart, by colour."""
        keys = (
            f'<span class="key" style="background:{color}"></span>{html.escape(name)}<br>'
            for name, color in zip(names, svg.COLORS, strict=False)
        )
        self._parts.append(f"<p>{''.join(keys)}</p>")

    def html(self) -> str:
        """The whole page."""
        head = f'<meta charset="utf-8"><title>{self._title}</title><style>{_STYLE}</style>'
        return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(self._parts)}</body></html>\n'


def research_page(
    summary: Mapping[str, Any],
    top: Sequence[Mapping[str, Any]],
    curves: Mapping[str, Floats],
    table: Mapping[str, Sequence[Any]],
) -> str:
    """The page.

    Args:
        summary: what `stages.results` counts.
        top: the first rows of the ranking.
        curves: strategy → equity at each bar, of the first few.
        table: columns of the results table.
    """
    page = Page(f"{summary['dataset']}: strategies")
    costs = ", ".join(f"{name} {value:g}" for name, value in summary["costs"].items())
    page.text(
        f"{summary['bars']:,} bars from {summary['start']} to {summary['end']} UTC; out-of-sample from {summary['split']} on. "
        f"Costs in basis points of the price: {costs}."
    )
    page.table(("strategies", "number"), [(name.replace("_", " "), summary[name]) for name in _COUNTS])
    _verdict(page, summary)
    page.heading(f"The first {len(top)} of the ranking")
    page.text(
        "Score: " + ", ".join(f"{weight:.2f} {name}" for name, weight in WEIGHTS.items()) + "; of in-sample bars only.", "note"
    )
    columns = (
        "rank",
        "strategy",
        "score",
        "in return",
        "in sharpe",
        "in drawdown",
        "trades",
        "out return",
        "out sharpe",
        "against it",
    )
    page.table(
        columns,
        ([*(row[name] for name in _SHOWN), (row["guard"] or "").replace(";", ", ")] for row in top),
        ("strategy", "against it"),
    )
    _curves(page, summary, curves)
    good = [i for i, error in enumerate(table["error"]) if not error and table["n_trades"][i]]
    for part in (_families, _heat, _scatter):
        part(page, table, good)
    page.heading("What speaks against a strategy")
    page.table(("word", "when"), GUARD.items(), ("when",))
    return page.html()


_COUNTS = ("strategies", "distinct", "silent", "failed", "too_few_trades", "ranked", "passed")
_SHOWN = (
    "rank", "strategy", "score", "in_total_return", "in_sharpe", "in_max_drawdown", "n_trades", "out_total_return",
    "out_sharpe",
)  # fmt: skip


def _verdict(page: Page, summary: Mapping[str, Any]) -> None:
    best = summary["expected_best_sharpe"]
    expected = (
        ""
        if best is None
        else f" The best of as many strategies without skill would show an in-sample Sharpe ratio of {best:.1f}."
    )
    if summary["failed"]:
        page.text(f"Partial: {summary['failed']} strategies failed and are in no figure below; see failed.csv.")
    page.text(f"{summary['passed']} of {summary['ranked']} ranked strategies have nothing against them.{expected}")


def _curves(page: Page, summary: Mapping[str, Any], curves: Mapping[str, Floats]) -> None:
    if not curves:
        return
    bars, split = summary["bars"], summary["split_bar"]
    marks = [(summary["ticks"][k][0], summary["ticks"][k][1]) for k in range(len(summary["ticks"]))]
    peaks = {name: np.maximum.accumulate(np.maximum(curve, 1.0)) for name, curve in curves.items()}
    falls = {name: curve / peaks[name] - 1 for name, curve in curves.items()}
    for heading, what, lines in (("Equity", "equity, 1 at the start", curves), ("Drawdown", "distance from the peak", falls)):
        page.heading(heading)
        low, high = min(float(line.min()) for line in lines.values()), max(float(line.max()) for line in lines.values())
        axes = svg.Axes((0, bars - 1), (low, high), what, marks)
        for (name, line), color in zip(lines.items(), svg.COLORS, strict=False):
            axes.line(list(enumerate(line.tolist())), color, name)
        axes.upright(split, "out-of-sample")
        page.picture(axes.svg(heading))
    page.legend(list(curves))


def _families(page: Page, table: Mapping[str, Sequence[Any]], good: Sequence[int]) -> None:
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


def _heat(page: Page, table: Mapping[str, Sequence[Any]], good: Sequence[int]) -> None:
    cells: dict[tuple[str, tuple[float, float]], list[float | None]] = {}
    for i in good:
        cells.setdefault((table["family"][i], (table["stop"][i], table["target"][i])), []).append(table["in_sharpe"][i])
    families, exits = sorted({family for family, _ in cells}), sorted({exit_ for _, exit_ in cells})
    values = [[_median(cells.get((family, exit_), ())) for exit_ in exits] for family in families]
    names = [f"{stop:g} / {target:g}" for stop, target in exits]
    page.heading("In-sample Sharpe ratio by family and exit, medians")
    page.picture(svg.heat_map(families, names, values, "medians by family and exit"))
    page.text("Columns: stop / target in average true ranges.", "note")


def _scatter(page: Page, table: Mapping[str, Sequence[Any]], good: Sequence[int]) -> None:
    both = [(table["in_sharpe"][i], table["out_sharpe"][i]) for i in good]
    points = [(x, y) for x, y in both if x is not None and y is not None and math.isfinite(x) and math.isfinite(y)]
    if points:
        across, up = ([point[k] for point in points] for k in (0, 1))
        axes = svg.Axes((min(across), max(across)), (min(up), max(up)), "out-of-sample", _ticks(min(across), max(across)))
        if min(up) < 0 < max(up):
            axes.level(0.0)
        axes.dots(points, svg.COLORS[0])
        page.heading("In-sample and out-of-sample Sharpe ratio")
        page.picture(axes.svg("in-sample and out-of-sample Sharpe ratio"))
        page.text("Across: in-sample; up: out-of-sample. A dot per strategy.", "note")


def _ticks(low: float, high: float) -> list[tuple[float, str]]:
    return [(value, f"{value:.6g}") for value in svg.steps(low, high)] if high > low else []


def _median(values: Iterable[float | None]) -> float:
    known = [value for value in values if value is not None and not math.isnan(value)]
    return statistics.median(known) if known else math.nan


def _told(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return html.escape(f"{value:.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value))


def stamp(microseconds: int) -> str:
    """A stamp as people read it, UTC."""
    return dt.datetime.fromtimestamp(microseconds / 1e6, dt.UTC).strftime("%Y-%m-%d %H:%M")
