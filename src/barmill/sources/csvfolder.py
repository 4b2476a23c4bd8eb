"""Files of prices, in any form that `market.dialects` reads: a folder with one or more a symbol, or single files."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from barmill.errors import SourceError, UnknownSymbol
from barmill.files import read
from barmill.market.dialects import Reading, Said
from barmill.market.packed import name_of, texts
from barmill.sources.provider import Request, near
from barmill.sources.texts import read_texts


class CsvFolder:
    """Files named after their symbol, in any letter case; they may be compressed (`market.packed`).

    Args:
        name: of the provider.
        places: folders and files. A single file is of whatever symbol is asked for.
        pattern: a file's name with `{symbol}` in it, and `*` for any text: `{symbol}-1m-*.zip`, all files of a symbol make its
            series. Without one `<symbol>.csv` and what else `packed.SUFFIXES` says, the first of these.
        said: what is known about the files.

    Raises:
        SourceError: a place does not exist.
    """

    def __init__(self, name: str, places: Sequence[Path], pattern: str = "", said: Said | None = None) -> None:
        self.name = name
        self._said = said or Said()
        self._where = ", ".join(str(place.absolute()) for place in places)
        self._single = places[0] if len(places) == 1 and places[0].is_file() else None
        self._files: dict[str, list[Path]] = {}
        for path in (path for place in places for path in _listed(place)):
            if pattern:
                found = _shape(pattern).fullmatch(path.name)
                symbol = found[1].upper() if found else ""
            else:
                symbol = name_of(path)
            if symbol and not path.name.startswith("."):
                self._files.setdefault(symbol, []).append(path)
        if self._single and not self._files:
            self._files[self._single.name.partition(".")[0].upper()] = [self._single]
        self._others = {} if pattern else {symbol: [path.name for path in paths[1:]] for symbol, paths in self._files.items()}
        if not pattern:
            self._files = {symbol: paths[:1] for symbol, paths in self._files.items()}

    def symbols(self) -> Sequence[str]:
        """The symbols that have a file."""
        return sorted(self._files)

    def fetch(self, request: Request) -> Reading:
        """Everything in the symbol's files."""
        paths = self._files.get(request.symbol) or ([self._single] if self._single else [])
        if not paths:
            raise UnknownSymbol(f"{self._where} has no file for {request.symbol}", near(request.symbol, self._files))
        found: list[tuple[str, bytes]] = []
        for path in paths:
            try:
                found += texts(read(path), str(path.absolute()))
            except OSError as error:
                raise SourceError(f"{path.absolute()} can't be read: {error}", "make it readable") from None
        reading = read_texts(found, request.symbol, request.frequency, self._said.at_home(request.home))
        if others := self._others.get(request.symbol):
            reading.notes.append(f"{paths[0].name} is read; {', '.join(others)} means the same symbol and is left out")
        return reading


def _listed(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
    elif place.is_dir():
        yield from sorted(path for path in place.iterdir() if path.is_file())
    else:
        fault = "is neither a file nor a folder" if os.path.lexists(place) else "does not exist"
        raise SourceError(f"{place.absolute()} {fault}", "name a folder or a file with --source or in [tool.barmill]")


def _shape(pattern: str) -> re.Pattern[str]:
    """A pattern of names as an expression with the symbol as its group."""
    words = {"{symbol}": "(.+)", "*": ".*"}
    parts = re.split(r"(\{symbol\}|\*)", pattern)
    return re.compile("".join(words.get(part, re.escape(part)) for part in parts), re.IGNORECASE | re.DOTALL)
