"""The page of a research, from its parts."""

from collections.abc import Mapping, Sequence
from typing import Any

from barmill.market.page import labels, patterns, regimes, strategies
from barmill.market.page.labelgrid import LabelGrid
from barmill.market.page.patterns import Mined
from barmill.market.page.regimes import Prices, Sorting
from barmill.market.silence import Silence
from barmill.page.document import Page


def research_page(
    summary: Mapping[str, Any],
    top: Sequence[Mapping[str, Any]],
    curves: Mapping[str, strategies.Floats],
    table: strategies.Table,
    quiet: Sequence[Silence],
    grid: LabelGrid,
    prices: Prices,
    sortings: Sequence[Sorting],
    mined: Sequence[Mined],
) -> str:
    """The page.

    Args:
        summary: what `stages.results` counts.
        top: the first rows of the ranking.
        curves: strategy → equity at each bar, of the first few.
        table: columns of the results table.
        quiet: the strategies that never trade.
        grid: what became of positions by label.
        prices: of the series.
        sortings: of its windows into regimes.
        mined: rules from its windows to outcomes.
    """
    page = Page(f"{summary['dataset']}: strategies, labels, regimes")
    strategies.counts(page, summary)
    strategies.silences(page, quiet)
    strategies.ranking(page, top)
    strategies.curves(page, summary, curves)
    strategies.comparisons(page, table)
    strategies.objections(page)
    labels.show(page, grid)
    regimes.show(page, prices, sortings, summary["ticks"])
    patterns.show(page, mined)
    return page.html()
