"""Charts: lines are thinned and keep their extremes, colours tell what they should, also to those who see few."""

import itertools
import math

import pytest

from barmill.page import colors, svg
from barmill.page.heat import heat_map
from tests.support.pages import boxes, parsed


def test_lines():
    """Thinning keeps extremes and ends; round steps; a chart of one value is no division by zero."""
    points = [(float(k), math.sin(k / 50)) for k in range(10_000)]
    thin = svg.thinned(points)
    assert len(thin) <= 442
    assert thin[-1] == points[-1]
    assert max(y for _, y in thin) == max(y for _, y in points)
    assert svg.steps(0.0, 1.0) == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
    axes = svg.Axes((0, 0), (1.0, 1.0), "a < b")
    axes.line([(0, 1.0)], colors.LINES[0], "x & y")
    assert "nan" not in axes.svg("t")
    assert "x &amp; y" in axes.svg("t")


def test_shades():
    """White at 0 and where nothing is known; the ends, and what lies beyond, are the full colours."""
    assert [colors.diverging(value) for value in (0.0, math.nan, 1.0, -1.0, -7.0)] == [
        "#ffffff", "#ffffff", "#4393c3", "#e08214", "#e08214",
    ]  # fmt: skip
    assert [colors.sequential(value) for value in (0.0, math.nan, 1.0)] == ["#ffffff", "#ffffff", "#9a8fc4"]
    assert colors.ordered(1) == ["#00224e"]
    assert colors.ordered(2) == ["#00224e", "#fee838"]
    assert colors.ordered(0) == []


def test_ten_lines_differ():
    """No two of ten lines have colour and dashes in common."""
    assert len({colors.line(k) for k in range(10)}) == 10


# what a colour becomes for those without one of the three cones (Viénot, Brettel, Mollon 1999), on linear light
SEEN = {
    "none is lacking": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.11238, 0.88762, 0), (0.11238, 0.88762, 0), (0.00401, -0.00401, 1)),
    "deuteranopia": ((0.29275, 0.70725, 0), (0.29275, 0.70725, 0), (-0.02234, 0.02234, 1)),
}


def linear(color):
    """Its three channels, 0 to 1, by the light that they give."""
    shares = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    return [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]


def seen(color, matrix):
    """Its light for those eyes."""
    return [sum(weight * light for weight, light in zip(row, linear(color), strict=True)) for row in matrix]


def luminance(light):
    """As WCAG has it."""
    return sum(weight * share for weight, share in zip((0.2126, 0.7152, 0.0722), light, strict=True))


@pytest.mark.parametrize("eyes", SEEN)
def test_colors_for_everyone(eyes):
    """Above and below zero differ clearly, lines differ in pairs, and regimes get brighter in their order."""
    matrix = SEEN[eyes]

    def distance(one, other):
        return math.dist(*([max(share, 0) ** (1 / 2.2) for share in seen(each, matrix)] for each in (one, other)))

    assert distance(colors.diverging(1), colors.diverging(-1)) > 0.4
    assert min(distance(*pair) for pair in itertools.combinations(colors.LINES, 2)) > 0.25
    bright = [luminance(seen(color, matrix)) for color in colors.ordered(7)]
    assert bright == sorted(bright)


@pytest.mark.parametrize("share", [k / 10 for k in range(-10, 11)])
def test_text_on_cells_can_be_read(share):
    """Contrast of the text with every shade of a cell is at least 4.5."""
    ink = luminance(linear("#1f2328"))
    for color in (colors.diverging(share), colors.sequential(abs(share))):
        assert (luminance(linear(color)) + 0.05) / (ink + 0.05) >= 4.5


def test_a_heat_map():
    """A cell per value, coloured by the largest of all; one without a value is white and says nothing."""
    root = parsed(heat_map(["a", "b & c"], ["x", "y", "z"], [[1.0, -2.0, math.nan], [0.0, 2.0, 0.5]], "t"))
    found = boxes(root)
    assert [box.title for box in found] == [
        "a, x: 1.00", "a, y: -2.00", "a, z: ", "b & c, x: 0.00", "b & c, y: 2.00", "b & c, z: 0.50",
    ]  # fmt: skip
    assert [box.color for box in found][1:5] == ["#e08214", "#ffffff", "#ffffff", "#4393c3"]
    assert len({box.y for box in found}) == 2
    assert len({box.x for box in found}) == 3
