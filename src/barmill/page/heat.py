"""Heat maps: cells of two names each, coloured by a value and saying it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from barmill.page import svg
from barmill.page.colors import diverging

_ROW = 22


@dataclass(frozen=True)
class Cell:
    """A cell.

    Attributes:
        text: what it says; "" where there is no value.
        color: of SVG.
        title: what it says to those who point at it.
    """

    text: str
    color: str
    title: str


def cells(
    place: tuple[float, float], size: tuple[float, float], rows: Sequence[Sequence[Cell]], *, words: bool = True
) -> list[str]:
    """Rows of cells from a corner on.

    Args:
        place: x and y of the upper left corner.
        size: width and height of a cell.
        rows: the uppermost first.
        words: whether cells say their text, or only show their colour.
    """
    parts = ['<g class="v" text-anchor="middle">']
    for i, row in enumerate(rows):
        for k, cell in enumerate(row):
            x, y = place[0] + k * size[0], place[1] + i * size[1]
            parts.append(svg.box(x, y, size[0] - 1, size[1] - 1, cell.color, cell.title))
            if words and cell.text:
                parts.append(svg.text(x + size[0] / 2, y + size[1] / 2 + 4, cell.text))
    return [*parts, "</g>"]


def heat_map(rows: Sequence[str], columns: Sequence[str], values: Sequence[Sequence[float]], title: str) -> str:
    """A table of cells, orange below zero and blue above, by the largest of all; NaN stays white. Each cell says its value."""
    side = 130
    width = (svg.WIDTH - side) / max(len(columns), 1)
    most = max((abs(value) for row in values for value in row if math.isfinite(value)), default=1.0) or 1.0
    parts = [svg.text(side + (k + 0.5) * width, 14, name, "middle") for k, name in enumerate(columns)]
    parts += [svg.text(side - 6, 35 + i * _ROW, name, "end") for i, name in enumerate(rows)]
    told = [["" if math.isnan(value) else f"{value:.2f}" for value in row] for row in values]
    made = [
        [
            Cell(told[i][k], diverging(value / most), f"{rows[i]}, {columns[k]}: {told[i][k]}")
            for k, value in enumerate(row)
        ]
        for i, row in enumerate(values)
    ]  # fmt: skip
    parts += cells((side, 20), (width, _ROW), made)
    return svg.picture(24 + len(rows) * _ROW, title, parts)


def key(place: tuple[float, float], width: float, color: Callable[[float], str], ends: tuple[float, float], says: str) -> str:
    """A strip of the colours of a scale between two shares, and what its ends and its middle are.

    Args:
        place: x and y of its upper left corner.
        width: of the strip.
        color: share → colour.
        ends: the shares at its ends.
        says: words for its two ends, or for its ends and its middle, with `|` between.
    """
    x, y = place
    parts, count = [], 20
    for k in range(count):
        share = ends[0] + (ends[1] - ends[0]) * k / (count - 1)
        parts.append(svg.box(x + k * width / count, y, width / count + 0.5, 8, color(share)))
    words = says.split("|")
    for k, each in enumerate(words):
        at = k / (len(words) - 1)
        parts.append(svg.text(x + at * width, y + 20, each, ("start", "middle", "end")[round(2 * at)]))
    return "".join(parts)
