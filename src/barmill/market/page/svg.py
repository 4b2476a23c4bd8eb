"""Static charts as SVG text: equal values give equal bytes, whatever fonts a machine has."""

import html
import math
from collections.abc import Sequence

WIDTH, HEIGHT = 880, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 22, 28
_POINTS = 440  # of a line: more than can be told apart
COLORS = ("#1f6feb", "#d1242f", "#1a7f37", "#9a6700", "#8250df", "#bf3989", "#0a7ea4", "#57606a", "#953800", "#116329")


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
        self._x, self._y = _wide(x), _wide(y)
        self._parts = [_text(4, 10, label, "start")]
        for value in steps(*self._y):
            height = self._down(value)
            self._parts.append(f'<path class="grid" d="M{_LEFT} {height:.1f}H{WIDTH - _RIGHT}"/>')
            self._parts.append(_text(_LEFT - 6, height + 4, f"{value:.6g}", "end"))
        for value, text in ticks:
            self._parts.append(_text(self._along(value), HEIGHT - 8, text, "middle"))

    def line(self, values: Sequence[tuple[float, float]], color: str, title: str) -> None:
        """A line through points, thinned out to what can be seen: of each stretch its lowest and its highest."""
        points = " ".join(f"{self._along(x):.1f},{self._down(y):.1f}" for x, y in thinned(values))
        self._parts.append(f'<polyline points="{points}" stroke="{color}"><title>{html.escape(title)}</title></polyline>')

    def dots(self, values: Sequence[tuple[float, float]], color: str) -> None:
        """A dot at each point."""
        path = "".join(f"M{self._along(x):.1f} {self._down(y):.1f}h0" for x, y in values)
        self._parts.append(f'<path class="dots" stroke="{color}" d="{path}"/>')

    def upright(self, x: float, text: str) -> None:
        """A vertical line with a name."""
        self._parts.append(f'<path class="mark" d="M{self._along(x):.1f} {_TOP}V{HEIGHT - _BOTTOM}"/>')
        self._parts.append(_text(self._along(x), _TOP - 6, text, "middle"))

    def level(self, y: float) -> None:
        """A horizontal line."""
        self._parts.append(f'<path class="mark" d="M{_LEFT} {self._down(y):.1f}H{WIDTH - _RIGHT}"/>')

    def svg(self, title: str) -> str:
        """The chart."""
        return _svg(HEIGHT, title, self._parts)

    def _along(self, x: float) -> float:
        low, high = self._x
        return _LEFT + (x - low) / (high - low) * (WIDTH - _LEFT - _RIGHT)

    def _down(self, y: float) -> float:
        low, high = self._y
        return HEIGHT - _BOTTOM - (y - low) / (high - low) * (HEIGHT - _TOP - _BOTTOM)


def heat_map(rows: Sequence[str], columns: Sequence[str], values: Sequence[Sequence[float]], title: str) -> str:
    """A table of cells, red below zero and blue above, by the largest of all; NaN stays white. Each cell says its value."""
    side, height = 130, 22
    width = (WIDTH - side) / max(len(columns), 1)
    most = max((abs(value) for row in values for value in row if math.isfinite(value)), default=1.0) or 1.0
    parts = [_text(side + (k + 0.5) * width, 14, name, "middle") for k, name in enumerate(columns)]
    for i, name in enumerate(rows):
        top = 20 + i * height
        parts.append(_text(side - 6, top + 15, name, "end"))
        for k, value in enumerate(values[i]):
            told = "" if math.isnan(value) else f"{value:.2f}"
            tip = f"<title>{html.escape(name)}, {html.escape(columns[k])}: {told}</title>"
            left = f"{side + k * width:.1f}"
            parts.append(
                f'<rect x="{left}" y="{top}" width="{width:.1f}" height="{height}" fill="{shade(value / most)}">{tip}</rect>'
            )
            parts.append(_text(side + (k + 0.5) * width, top + 15, told, "middle"))
    return _svg(24 + len(rows) * height, title, parts)


def shade(share: float) -> str:
    """A colour for -1 (red) to 1 (blue), white at 0 and for NaN."""
    if math.isnan(share):
        return "#ffffff"
    fade = round(255 - 150 * min(abs(share), 1.0))
    return f"#{fade:02x}{fade:02x}ff" if share > 0 else f"#ff{fade:02x}{fade:02x}"


def thinned(values: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most `_POINTS` points and the last: of each stretch the lowest and the highest, in their order."""
    size = max(1, math.ceil(len(values) / (_POINTS / 2)))
    if size <= 2:  # noqa: PLR2004 two of a stretch are kept
        return list(values)
    found = []
    for start in range(0, len(values), size):
        part = values[start : start + size]
        found += sorted({min(part, key=lambda point: point[1]), max(part, key=lambda point: point[1])})
    return [*found, values[-1]] if found[-1] != values[-1] else found


def steps(low: float, high: float) -> list[float]:
    """Round numbers between two values, some four to eight of them."""
    rough = 10 ** math.floor(math.log10(high - low))
    step = next(rough * share for share in (1, 0.5, 0.2, 0.1) if (high - low) / (rough * share) >= 4)  # noqa: PLR2004
    return [step * k for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _svg(height: int, title: str, parts: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{html.escape(title)}">{"".join(parts)}</svg>'


def _wide(bounds: tuple[float, float]) -> tuple[float, float]:
    """Bounds that are apart."""
    low, high = bounds
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(text)}</text>'
