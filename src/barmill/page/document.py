"""A page of HTML that needs nothing but itself: no other file, no script, no network."""

import datetime as dt
import html
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:1000px;margin:2em auto;padding:0 1em;color:#1f2328}
h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}
table{border-collapse:collapse;font-size:13px;width:100%}
td,th{padding:3px 7px;border-bottom:1px solid #d8dee4;text-align:right;vertical-align:top}
td:first-child,th:first-child,.l{text-align:left}th{font-weight:600}
svg{width:100%;height:auto;display:block}svg text{font:11px system-ui,sans-serif;fill:#57606a}
svg .v text{fill:#1f2328}svg .h{font-weight:600;fill:#1f2328}
polyline{fill:none;stroke-width:1.4}.grid{stroke:#eaeef2}.mark{stroke:#57606a;stroke-dasharray:4 3;fill:none}
.dots{stroke-width:2.4;stroke-linecap:round;opacity:.45}.band{opacity:.38}
.key{display:inline-block;width:2em;height:.7em;margin-right:.5em}
.areas span{display:inline-block;margin-right:1.5em;font-size:13px}
.wide{overflow-x:auto}p.note{color:#57606a}
.choice>input{position:absolute;opacity:0}.choice>b{font-weight:400;color:#57606a;margin:0 .4em 0 .8em;font-size:13px}
.choice>label{display:inline-block;padding:0 .7em;margin:0 .2em .5em 0;font-size:13px;cursor:pointer}
.choice>label{border:1px solid #8c959f;border-radius:1em}.choice>input:checked+label{background:#1f2328;color:#fff}
.choice>input:focus-visible+label{outline:2px solid #0072b2;outline-offset:2px}
@media screen{.choice>.panel{display:none}}
"""


@dataclass(frozen=True)
class Axis:
    """One thing that a reader chooses.

    Attributes:
        name: what it is.
        options: value (letters and digits) → what the reader sees.
        first: the value that is chosen at first.
    """

    name: str
    options: Mapping[str, str]
    first: str


class Page:
    """A page that is put together part by part."""

    def __init__(self, title: str) -> None:
        self._title = html.escape(title)
        self._parts = [f"<h1>{self._title}</h1>"]

    def heading(self, text: str) -> None:
        """A heading."""
        self._parts.append(f"<h2>{html.escape(text)}</h2>")

    def text(self, text: str, kind: str = "") -> None:
        """A paragraph; `note` is a quiet one."""
        self._parts.append(paragraph(text, kind))

    def picture(self, picture: str) -> None:
        """A chart of `svg`, or other parts that are made already."""
        self._parts.append(picture)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[Any]], words: Sequence[str] = ()) -> None:
        """A table; numbers have four digits that count. Columns of `words` are set to the left."""
        self._parts.append(table(columns, rows, words))

    def choice(self, name: str, axes: Sequence[Axis], panels: Mapping[tuple[str, ...], str]) -> None:
        """Parts of which one is shown, as the reader chooses; all of them in print.

        Args:
            name: letters; no other choice of the page has it.
            axes: what is chosen.
            panels: a value of each axis → the part that is shown for them.
        """
        self._parts.append(f'<div class="choice">{_style_of(name, axes, panels)}')
        for k, axis in enumerate(axes):
            self._parts.append(f"<b>{html.escape(axis.name)}</b>")
            for value, says in axis.options.items():
                mark, checked = f"{name}-{k}-{value}", " checked" if value == axis.first else ""
                self._parts.append(f'<input type="radio" name="{name}-{k}" id="{mark}"{checked}>')
                self._parts.append(f'<label for="{mark}">{html.escape(says)}</label>')
        for values, part in panels.items():
            self._parts.append(f'<div class="panel {"-".join((name, *values))}">{part}</div>')
        self._parts.append("</div>")

    def legend(self, names: Sequence[str], colors: Sequence[tuple[str, str]]) -> None:
        """Names of the lines of a chart, by (colour, dashes), one below the other."""
        keys = (_swatch(name, color, 3, dashes) for name, (color, dashes) in zip(names, colors, strict=True))
        self._parts.append(f"<p>{'<br>'.join(keys)}</p>")

    def html(self) -> str:
        """The whole page."""
        head = f'<meta charset="utf-8"><title>{self._title}</title><style>{_STYLE}</style>'
        return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(self._parts)}</body></html>\n'


def _style_of(name: str, axes: Sequence[Axis], panels: Mapping[tuple[str, ...], str]) -> str:
    """What shows the one part of a choice: a rule for each, and no script."""
    rules = []
    for values in itertools.product(*(axis.options for axis in axes)):
        if values in panels:
            chosen = "~".join(f"#{name}-{k}-{value}:checked" for k, value in enumerate(values))
            rules.append(f"{chosen}~.{'-'.join((name, *values))}")
    return f"<style>{','.join(rules)}{{display:block}}</style>"


def areas(names: Sequence[str], colors: Sequence[str]) -> str:
    """Names of the areas of a chart, by colour, beside one another."""
    keys = (f"<span>{_swatch(name, color, 10)}</span>" for name, color in zip(names, colors, strict=True))
    return f'<p class="areas">{"".join(keys)}</p>'


def _swatch(name: str, color: str, width: int, dashes: str = "") -> str:
    stroke = f'stroke="{color}" stroke-width="{width}" stroke-dasharray="{dashes}"'
    return f'<svg class="key" viewBox="0 0 28 10"><path d="M0 5H28" {stroke}/></svg>{html.escape(name)}'


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph; `note` is a quiet one."""
    return f'<p class="{kind}">{html.escape(text)}</p>' if kind else f"<p>{html.escape(text)}</p>"


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], words: Sequence[str] = ()) -> str:
    """A table; numbers have four digits that count. Columns of `words` are set to the left."""
    place = [' class="l"' if name in words else "" for name in columns]
    head = "".join(f"<th{kind}>{html.escape(name)}</th>" for name, kind in zip(columns, place, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{kind}>{_told(value)}</td>" for value, kind in zip(row, place, strict=True)) + "</tr>"
        for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _told(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return html.escape(f"{value:.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value))


def stamp(microseconds: int) -> str:
    """A stamp as people read it, UTC."""
    return dt.datetime.fromtimestamp(microseconds / 1e6, dt.UTC).strftime("%Y-%m-%d %H:%M")
