"""Static charts as SVG text: equal values give equal bytes, whatever fonts a machine has."""

import html
import math
from collections.abc import Sequence

WIDTH, HEIGHT = 880, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 22, 28
_POINTS = 440  # of a line: more than can be told apart
_KEPT = 2  # points of a stretch
_FEWEST = 4  # steps of an axis
_LANE = 15


class Across:
    """The scale of x, the same in every chart of a width, so that charts below one another fit.

    Args:
        low: least value.
        high: greatest value.
    """

    def __init__(self, low: float, high: float) -> None:
        self._low, self._high = _wide((low, high))

    def __call__(self, x: float) -> float:
        """Where x is."""
        return _LEFT + (x - self._low) / (self._high - self._low) * (WIDTH - _LEFT - _RIGHT)


class Axes:
    """The frame of a chart: scales, ticks, and what is drawn in it.

    Args:
        x: least and greatest value.
        y: the same, upwards.
        label: what y is.
        ticks: (x, text) below the frame.
    """

    def __init__(
        self, x: tuple[float, float], y: tuple[float, float], label: str, ticks: Sequence[tuple[float, str]] = ()
    ) -> None:
        self._along, self._y = Across(*x), _wide(y)
        self._behind: list[str] = []
        self._parts = [text(4, 10, label, "start")]
        for value in steps(*self._y):
            height = self._down(value)
            self._parts.append(f'<path class="grid" d="M{_LEFT} {height:.1f}H{WIDTH - _RIGHT}"/>')
            self._parts.append(text(_LEFT - 6, height + 4, f"{value:.6g}", "end"))
        for value, name in ticks:
            self._parts.append(text(self._along(value), HEIGHT - 8, name, "middle"))

    def line(self, values: Sequence[tuple[float, float]], color: str, title: str, dashes: str = "") -> None:
        """A line through points, thinned out to what can be seen: of each stretch its lowest and its highest."""
        points = " ".join(f"{self._along(x):.1f},{self._down(y):.1f}" for x, y in thinned(values))
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        self._parts.append(f'<polyline points="{points}" stroke="{color}"{dashed}>{tip(title)}</polyline>')

    def dots(self, values: Sequence[tuple[float, float]], color: str) -> None:
        """A dot at each point."""
        path = "".join(f"M{self._along(x):.1f} {self._down(y):.1f}h0" for x, y in values)
        self._parts.append(f'<path class="dots" stroke="{color}" d="{path}"/>')

    def band(self, start: float, end: float, color: str, title: str) -> None:
        """A coloured stretch of x from top to bottom, behind everything else."""
        left, height = self._along(start), HEIGHT - _TOP - _BOTTOM
        outline = f"M{left:.1f} {_TOP}H{self._along(end):.1f}v{height}H{left:.1f}z"
        self._behind.append(f'<path class="band" fill="{color}" d="{outline}">{tip(title)}</path>')

    def stack(self, start: float, end: float, parts: Sequence[tuple[float, str, str]]) -> None:
        """A column over a stretch of x: from 0 on, one part (height, colour, what it says) upon the other."""
        foot, left, width = 0.0, self._along(start), self._along(end) - self._along(start)
        for height, color, title in parts:
            top = self._down(foot + height)
            self._parts.append(box(left, top, width, self._down(foot) - top, color, title))
            foot += height

    def upright(self, x: float, name: str) -> None:
        """A vertical line with a name."""
        self._parts.append(f'<path class="mark" d="M{self._along(x):.1f} {_TOP}V{HEIGHT - _BOTTOM}"/>')
        self._parts.append(text(self._along(x), _TOP - 6, name, "middle"))

    def level(self, y: float) -> None:
        """A horizontal line."""
        self._parts.append(f'<path class="mark" d="M{_LEFT} {self._down(y):.1f}H{WIDTH - _RIGHT}"/>')

    def svg(self, title: str) -> str:
        """The chart."""
        return picture(HEIGHT, title, [*self._behind, *self._parts])

    def _down(self, y: float) -> float:
        low, high = self._y
        return HEIGHT - _BOTTOM - (y - low) / (high - low) * (HEIGHT - _TOP - _BOTTOM)


class Lanes:
    """Shares over x, a lane each, one below the other.

    Args:
        x: least and greatest value.
    """

    def __init__(self, x: tuple[float, float]) -> None:
        self._along = Across(*x)
        self._parts: list[str] = []
        self._count = 0

    def lane(self, name: str, edges: Sequence[float], shares: Sequence[float], color: str, title: str) -> None:
        """Shares (0 to 1) of stretches of x, each from its edge to the next: as high as they are great."""
        foot = (self._count + 1) * (_LANE + 3)
        self._count += 1
        steps_ = "".join(
            f"V{foot - _LANE * share:.1f}H{self._along(end):.1f}" for share, end in zip(shares, edges[1:], strict=True)
        )
        self._parts.append(f'<path class="grid" d="M{_LEFT} {foot}H{WIDTH - _RIGHT}"/>')
        area = f"M{self._along(edges[0]):.1f} {foot}{steps_}V{foot}z"
        self._parts.append(f'<path class="lane" fill="{color}" d="{area}">{tip(title)}</path>')
        self._parts.append(text(_LEFT - 6, foot - 3, name, "end"))

    def upright(self, x: float) -> None:
        """A vertical line through all lanes."""
        self._parts.append(f'<path class="mark" d="M{self._along(x):.1f} 0V{self._height()}"/>')

    def svg(self, title: str) -> str:
        """The chart."""
        return picture(self._height() + 4, title, self._parts)

    def _height(self) -> int:
        return self._count * (_LANE + 3)


def thinned(values: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most `_POINTS` points and the last: of each stretch the lowest and the highest, in their order."""
    size = max(1, math.ceil(len(values) / (_POINTS / _KEPT)))
    if size <= _KEPT:
        return list(values)
    found = []
    for start in range(0, len(values), size):
        part = values[start : start + size]
        found += sorted({min(part, key=lambda point: point[1]), max(part, key=lambda point: point[1])})
    return [*found, values[-1]] if found[-1] != values[-1] else found


def steps(low: float, high: float) -> list[float]:
    """Round numbers between two values, some four to eight of them."""
    rough = 10 ** math.floor(math.log10(high - low))
    step = next(rough * share for share in (1, 0.5, 0.2, 0.1) if (high - low) / (rough * share) >= _FEWEST)
    return [step * k for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def picture(height: float, title: str, parts: Sequence[str]) -> str:
    """Parts as one picture of the common width."""
    return f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{html.escape(title)}">{"".join(parts)}</svg>'


def text(x: float, y: float, words: str, anchor: str = "", kind: str = "") -> str:
    """Words at a place; they start there, end there, or have it in the middle. Those of kind `up` are written upwards."""
    anchored = f' text-anchor="{anchor}"' if anchor else ""
    named = f' class="{kind}"' if kind else ""
    turned = f' transform="rotate(-90 {place(x)} {place(y)})"' if kind == "up" else ""
    return f'<text x="{place(x)}" y="{place(y)}"{anchored}{named}{turned}>{html.escape(words)}</text>'


def box(x: float, y: float, width: float, height: float, color: str, title: str = "") -> str:
    """A coloured rectangle, with words for those who point at it."""
    drawn = f'x="{place(x)}" y="{place(y)}" width="{place(width)}" height="{place(height)}" fill="{color}"'
    return f"<rect {drawn}>{tip(title)}</rect>" if title else f"<rect {drawn}/>"


def place(value: float) -> str:
    """A coordinate: a tenth of a pixel is enough."""
    return f"{value:.1f}".removesuffix(".0")


def tip(words: str) -> str:
    """What is said to those who point at an element."""
    return f"<title>{html.escape(words)}</title>"


def _wide(bounds: tuple[float, float]) -> tuple[float, float]:
    """Bounds that are apart."""
    low, high = bounds
    return (low, high) if high > low else (low - 0.5, high + 0.5)
