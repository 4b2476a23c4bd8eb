"""Text for people: what commands write, without what would control their terminal."""

import re
import unicodedata
from collections.abc import Iterable
from typing import TextIO

_ODD = re.compile(r"[^\n\t -~]")


class Shown:
    """A stream to which commands write names and texts out of anybody's files.

    Characters that control a terminal or change the direction of writing become `?`, bytes that are not UTF-8 are written in
    hexadecimal, odd spaces become plain ones. Data files keep them.

    Attributes:
        terminal: the stream itself, for what moves the cursor by intent.
    """

    def __init__(self, terminal: TextIO) -> None:
        self.terminal = terminal

    def write(self, text: str) -> int:
        """Write a text; returns how many characters it has."""
        self.terminal.write(shown(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write texts one after the other."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Write what waits to be written."""
        self.terminal.flush()

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self.terminal.isatty()

    @property
    def encoding(self) -> str:
        """How text becomes bytes."""
        return self.terminal.encoding


def shown(text: str) -> str:
    """The text as a `Shown` stream writes it."""
    return _ODD.sub(_shown, text)


def _shown(found: re.Match[str]) -> str:
    letter = found[0]
    if letter.isprintable():
        return letter
    if "\udc80" <= letter <= "\udcff":
        return f"\\x{ord(letter) & 0xFF:02x}"
    return " " if unicodedata.category(letter) == "Zs" else "?"
