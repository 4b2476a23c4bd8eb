"""barmill: a build system for market data on top of doit, with content-addressed artifacts."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from barmill.reader.bars import iter_bars as iter_bars
    from barmill.reader.bars import read_bars as read_bars
    from barmill.reader.indicators import read_indicators as read_indicators
    from barmill.reader.indicators import read_sequences as read_sequences
    from barmill.reader.labels import read_labels as read_labels

__version__ = "0.1.0"

_READERS = {
    "iter_bars": "bars",
    "read_bars": "bars",
    "read_indicators": "indicators",
    "read_labels": "labels",
    "read_sequences": "indicators",
}


def __getattr__(name: str) -> Any:
    """The readers, imported when first asked for: doit imports this package, too, and reads nothing with them."""
    if name in _READERS:
        return getattr(importlib.import_module(f"barmill.reader.{_READERS[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
