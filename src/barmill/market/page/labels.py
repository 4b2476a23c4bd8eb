"""What a page says of labels: heat maps of targets and stops, by horizon and direction."""

import math
from collections.abc import Callable, Sequence
from functools import partial

from barmill.market.grids import Label
from barmill.market.page.labelgrid import LabelGrid, Outcomes
from barmill.page import svg
from barmill.page.colors import diverging, sequential
from barmill.page.document import Axis, Page, paragraph
from barmill.page.heat import Cell, cells, key

SIDES = {"up": "long", "down": "short"}
FEWEST = 30
"""Positions that a level ended, below which a win rate has no colour."""

_SIDE, _ROW, _TALL = 64, 22, 96  # left of a panel's cells; height of a cell; of a panel without its cells


def show(page: Page, grid: LabelGrid) -> None:
    """Expectancy of the whole grid, then a direction and horizon at a time."""
    page.heading("Labels: what became of positions, by target, stop and horizon")
    if not grid.rows:
        page.text("There is no picture: the series has no bars, so no position was opened.")
        return
    page.text(
        f"A position is opened at the close of each of {grid.rows:,} bars, long and short, and ends at its target, its stop or "
        f"its horizon. Distances in pips of {grid.pip:g}; no costs. Successive positions overlap and are not independent: "
        "a horizon of h minutes has about as many that are as the series has stretches of h minutes.",
        "note",
    )
    page.picture(_overview(grid))
    panels: dict[tuple[str, ...], str] = {
        (side, str(horizon)): _panels(grid, side, horizon) for side in SIDES for horizon in grid.horizons
    }
    horizons = {str(each): f"{each:,}" for each in grid.horizons}
    axes = (Axis("direction", SIDES, "up"), Axis("horizon, minutes", horizons, str(grid.telling())))
    page.choice("labels", axes, panels)
    page.text(
        "Win rate: targets among positions that target or stop ended; its colour is the distance from the break-even rate, "
        f"stop / (target + stop); there is none where fewer than {FEWEST} were ended so. Within a short horizon chance alone "
        "reaches the nearer level more often than that. Expectancy: mean result in multiples of the stop, positions that ended "
        "at the horizon included, censored ones not; its colours are by the greatest of the horizon, above by the greatest of "
        "all. Censored: the data end within the horizon, and nothing that happened until then is counted.",
        "note",
    )


def _where(label: Label) -> str:
    return f"target {label.target}, stop {label.stop}"


def _win_rate(label: Label, found: Outcomes) -> Cell:
    enough = found.decided >= FEWEST
    color = diverging((found.win_rate - found.break_even) / 0.2 if enough else 0.0)
    says = f"{_where(label)}: {found.win_rate:.2%} of {found.decided:,}, break-even {found.break_even:.2%}"
    return Cell(f"{found.win_rate:.1%}", color, says) if found.decided else Cell("", color, f"{_where(label)}: none decided")


def _expectancy(label: Label, found: Outcomes, most: float) -> Cell:
    says = f"{_where(label)}: {found.expectancy:+.6f} R, {found.pips:+.6f} pips"
    known = not math.isnan(found.expectancy)
    return Cell(
        f"{found.expectancy:+.3f}" if known else "", diverging(found.expectancy / most), says if known else _where(label)
    )


def _decided(label: Label, found: Outcomes) -> Cell:
    share = found.share(found.decided)
    says = f"{_where(label)}: {found.target:,} at the target, {found.stop:,} at the stop, of {found.rows:,}"
    return Cell(f"{share:.1%}", sequential(share), says)


def _censored(label: Label, found: Outcomes) -> Cell:
    share = found.share(found.censored)
    return Cell(f"{share:.1%}", sequential(share), f"{_where(label)}: {found.censored:,} of {found.rows:,}")


def _panels(grid: LabelGrid, side: str, horizon: int) -> str:
    """The four maps of a direction and horizon."""
    most = grid.most([horizon])
    tall = _TALL + _ROW * len(grid.targets)
    maps: tuple[tuple[str, Callable[[Label, Outcomes], Cell], Callable[[float], str], tuple[float, float], str], ...] = (
        ("win rate", _win_rate, diverging, (-1, 1), "20 points below|break-even|20 above"),
        ("expectancy, R", partial(_expectancy, most=most), diverging, (-1, 1), f"{-most:.3f}|0|+{most:.3f}"),
        ("ended by target or stop", _decided, sequential, (0, 1), "0 %|100 %"),
        ("censored", _censored, sequential, (0, 1), "0 %|100 %"),
    )
    parts = []
    for k, (title, told, color, ends, says) in enumerate(maps):
        x, y = k % 2 * svg.WIDTH / 2, k // 2 * tall
        parts.append(f'<g aria-label="{title}">{"".join(_map(grid, (x, y), title, grid.matrix(side, horizon, told)))}</g>')
        parts.append(key((x + _SIDE, y + tall - 34), svg.WIDTH / 2 - _SIDE - 20, color, ends, says))
    name = f"{SIDES[side]}, {horizon:,} minutes"
    return paragraph(f"{name}:") + svg.picture(2 * tall, f"labels, {name}", parts)


def _map(grid: LabelGrid, place: tuple[float, float], title: str, rows: Sequence[Sequence[Cell]]) -> list[str]:
    x, y = place[0] + _SIDE, place[1] + 20
    width = (svg.WIDTH / 2 - _SIDE - 20) / len(grid.stops)
    foot = y + _ROW * len(rows)
    parts = [svg.text(x, y - 7, title, "start", "h")]
    parts.append(svg.text(place[0] + 24, y + _ROW * len(rows) / 2, "target, pips", "middle", "up"))
    parts += [svg.text(x - 6, y + _ROW * k + 15, str(target), "end") for k, target in enumerate(grid.targets)]
    parts += [svg.text(x + (k + 0.5) * width, foot + 13, str(stop), "middle") for k, stop in enumerate(grid.stops)]
    parts.append(svg.text(x + width * len(grid.stops) / 2, foot + 27, "stop, pips", "middle"))
    return parts + cells((x, y), (width, _ROW), rows)


def _overview(grid: LabelGrid) -> str:
    """Expectancy of every label, a small map per direction and horizon."""
    most = grid.most(grid.horizons)
    gap, row = 12, 11
    wide = (svg.WIDTH - _SIDE) / len(grid.horizons)
    size = (wide - gap) / len(grid.stops), row
    tall = row * len(grid.targets) + gap
    foot = 36 + 2 * tall
    parts = [svg.text(_SIDE, 12, "expectancy, R", "start", "h"), svg.text(0, 28, "target, pips", "start")]
    parts += [
        svg.text(_SIDE + k * wide + (wide - gap) / 2, 28, f"{horizon:,} min", "middle")
        for k, horizon in enumerate(grid.horizons)
    ]
    for i, (side, name) in enumerate(SIDES.items()):
        top = 36 + i * tall
        parts.append(svg.text(0, top + (tall - gap) / 2 + 4, name, "start", "h"))
        parts += [svg.text(_SIDE - 6, top + 9 + k * (tall - gap - row), str(grid.targets[-k]), "end") for k in (0, 1)]
        for k, horizon in enumerate(grid.horizons):
            made = grid.matrix(side, horizon, partial(_expectancy, most=most))
            place = (_SIDE + k * wide, top)
            parts.append(f'<g aria-label="{name}, {horizon} min">{"".join(cells(place, size, made, words=False))}</g>')
    parts += [
        svg.text(_SIDE, foot + 2, str(grid.stops[0]), "start"),
        svg.text(_SIDE + wide - gap, foot + 2, str(grid.stops[-1]), "end"),
        svg.text(_SIDE + (wide - gap) / 2, foot + 15, "stop, pips", "middle"),
        key((svg.WIDTH / 2 - 100, foot), 200, diverging, (-1, 1), f"{-most:.3f} R|0|+{most:.3f} R"),
    ]
    return svg.picture(foot + 30, "expectancy of every label", parts)
