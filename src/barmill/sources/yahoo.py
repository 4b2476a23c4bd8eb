"""Yahoo's prices through `yfinance` (extra `yahoo`), adjusted for splits and dividends as `market.dialects` says."""

import datetime as dt
from collections.abc import Sequence

from barmill.errors import ConfigError, SourceError, UnknownSymbol
from barmill.market.dialects import Reading, read_prices
from barmill.sources.provider import Request

_INTERVALS = {
    "1min": "1m", "5min": "5m", "15min": "15m", "30min": "30m", "hourly": "60m",
    "daily": "1d", "weekly": "1wk", "monthly": "1mo",
}  # fmt: skip
_FIRST = dt.date(1900, 1, 1)


class Yahoo:
    """Yahoo, as far as the library reaches it.

    Raises:
        ConfigError: the library is not installed.
    """

    def __init__(self, name: str, timeout: float = 30.0) -> None:
        try:
            import yfinance
        except ImportError:
            raise ConfigError("the provider yahoo needs the package yfinance", "pip install 'barmill[yahoo]'") from None
        self.name = name
        self._library = yfinance
        self._timeout = timeout

    def symbols(self) -> Sequence[str]:
        """Nothing: Yahoo does not tell."""
        return ()

    def fetch(self, request: Request) -> Reading:
        """What Yahoo has of the symbol in the range."""
        if request.frequency not in _INTERVALS:
            raise SourceError(f"Yahoo has no {request.frequency} bars", f"it has {', '.join(_INTERVALS)}")
        try:
            frame = self._library.Ticker(request.symbol).history(
                interval=_INTERVALS[request.frequency],
                start=(request.start or _FIRST).isoformat(),
                end=(request.end + dt.timedelta(days=1)).isoformat() if request.end else None,  # theirs does not count
                auto_adjust=False,
                actions=False,
                timeout=self._timeout,
                raise_errors=True,
            )
        except Exception as error:  # noqa: BLE001 (the library raises what its parts raise)
            if "possibly delisted" in str(error) or "No data found" in str(error):
                raise UnknownSymbol(f"Yahoo has no {request.symbol}: {error}", "is it how Yahoo spells it?") from None
            raise SourceError(f"Yahoo gives no {request.symbol}: {type(error).__name__}: {error}", "ask again later") from None
        if frame.empty:
            raise UnknownSymbol(f"Yahoo has no bar of {request.symbol} in the range", "is it how Yahoo spells it?")
        return read_prices(frame.to_csv().encode(), request.symbol, request.frequency)
