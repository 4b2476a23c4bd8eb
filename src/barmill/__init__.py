"""barmill: a build system for market data on top of doit, with content-addressed artifacts."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from barmill.reader.bars import iter_bars as iter_bars
    from barmill.reader.bars import read_bars as read_bars

__version__ = "0.1.0"

_READERS = ("iter_bars", "read_bars")


def __getattr__(name: str) -> Any:
    """The readers, imported when first asked for: doit imports this package, too, and reads no bar."""
    if name in _READERS:
        from barmill.reader import bars

        return getattr(bars, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
