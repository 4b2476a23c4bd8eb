"""Charts, read back from their SVG."""

import xml.etree.ElementTree as ET
from dataclasses import dataclass

NAME = "{http://www.w3.org/2000/svg}"


@dataclass
class Box:
    """A cell of a heat map: where it is, its colour, and what it says to those who point at it."""

    x: float
    y: float
    color: str
    title: str


def parsed(picture):
    """The root of a picture, which must be XML."""
    return ET.fromstring(picture)


def boxes(part):
    """The cells below an element, in their order."""
    return [
        Box(float(each.get("x")), float(each.get("y")), each.get("fill"), each.findtext("title"))
        for each in part.iter("rect")
        if each.find("title") is not None
    ]


def maps(root):
    """Name of a heat map → (cells, what is written in them)."""
    groups = [each for each in root.iter("g") if each.get("aria-label")]
    written = {each.get("aria-label"): [text.text for text in each.find("g").iter("text")] for each in groups}
    return {each.get("aria-label"): (boxes(each), written[each.get("aria-label")]) for each in groups}
