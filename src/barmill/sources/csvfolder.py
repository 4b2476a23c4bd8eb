"""A folder of CSV files, one a symbol, in any form that `market.dialects` reads."""

import re
from collections.abc import Sequence
from pathlib import Path

from barmill.errors import SourceError, UnknownSymbol
from barmill.files import read
from barmill.market.dialects import Reading, read_prices
from barmill.sources.provider import Request, near

_SUFFIXES = (".csv", ".txt")


class CsvFolder:
    """Files named after their symbol, in any letter case.

    Args:
        name: of the provider.
        root: the folder.
        pattern: a file's name with `{symbol}` in it; without one `<symbol>.csv` and `<symbol>.txt`.
        zone: see `dialects.read_prices`.

    Raises:
        SourceError: there is no such folder.
    """

    def __init__(self, name: str, root: Path, pattern: str = "", zone: str = "UTC") -> None:
        if not root.is_dir():
            raise SourceError(f"there is no folder {root.absolute()}", "name the folder with --source or in [tool.barmill]")
        self.name = name
        self._root = root
        self._zone = zone
        self._files: dict[str, Path] = {}
        wanted = [pattern] if pattern else [f"{{symbol}}{suffix}" for suffix in _SUFFIXES]
        for shape in wanted:
            before, _, after = shape.partition("{symbol}")
            named = re.compile(f"{re.escape(before)}(.+){re.escape(after)}", re.IGNORECASE)
            for path in sorted(root.iterdir()):
                if (found := named.fullmatch(path.name)) and not path.name.startswith("."):
                    self._files.setdefault(found[1].upper(), path)

    def symbols(self) -> Sequence[str]:
        """The symbols that have a file."""
        return sorted(self._files)

    def fetch(self, request: Request) -> Reading:
        """Everything in the symbol's file."""
        path = self._files.get(request.symbol)
        if path is None:
            raise UnknownSymbol(f"{self._root.absolute()} has no file for {request.symbol}", near(request.symbol, self._files))
        try:
            data = read(path)
        except OSError as error:
            raise SourceError(f"{path.absolute()} can't be read: {error}", "mend it") from None
        return read_prices(data, request.symbol, request.frequency, self._zone)
