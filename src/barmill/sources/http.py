"""CSV over HTTP, one address a symbol: retried with growing waits, at a rate, and never taken for what it is not.

Asked again: no connection, a time-out, a body that ends before its end, 429, and 5xx, after the time that the server names in
Retry-After. Not asked again: every other 4xx, and an answer that is no prices (an error page with status 200).
"""

import datetime as dt
import email.utils
import http.client
import logging
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from barmill.errors import SourceError, UnknownSymbol
from barmill.market.datasets import PERIODS
from barmill.market.dialects import Reading, Said
from barmill.market.packed import texts
from barmill.sources.provider import Request
from barmill.sources.texts import read_texts

if TYPE_CHECKING:
    from stamina.instrumentation import RetryDetails

_FIRST = dt.date(1900, 1, 1)
_TOO_MANY, _SERVER_FAULT, _NOT_THERE = 429, 500, frozenset({404, 410})
_LONGEST_WAIT = 300.0  # seconds that a server may make us wait
_LOG = logging.getLogger("barmill.sources")


class _Passing(SourceError):
    """A fault that may be over in a moment.

    Attributes:
        wait: seconds that the server asks for, if it does.
    """

    wait: float | None = None


@dataclass
class HttpCsv:
    """A server of CSV.

    Args:
        name: of the provider.
        url: the address, with `{symbol}`, `{lower}` (the symbol in lower case), `{start}`, `{end}` (dates; `{start:%Y%m%d}`
            writes them as Stooq reads them), `{per}` (Stooq's letter or minutes in lower case) and `{frequency}` in it.
        said: what is known about its files.
        timeout: seconds for an answer.
        attempts: how often one address is asked.
        rate: requests a second, of all threads together; 0 for no limit.
        headers: sent with each request, but not to another host that the server redirects to.
    """

    name: str
    url: str
    said: Said = field(default_factory=Said)
    timeout: float = 30.0
    attempts: int = 4
    rate: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        import stamina

        stamina.instrumentation.set_on_retry_hooks([_tell])
        self._pace = _Pace(self.rate)
        self._opener = urllib.request.build_opener(_Redirects)
        self._retry = stamina.RetryingCaller(attempts=self.attempts, timeout=None, wait_initial=0.5, wait_max=30.0)

    def symbols(self) -> Sequence[str]:
        """Nothing: a server does not tell."""
        return ()

    def fetch(self, request: Request) -> Reading:
        """What the server answers for the symbol and the range."""
        values = {
            "symbol": urllib.parse.quote(request.symbol, safe=""),
            "lower": urllib.parse.quote(request.symbol.lower(), safe=""),
            "start": request.start or _FIRST,
            "end": request.end or dt.datetime.now(dt.UTC).date(),
            "per": PERIODS[request.frequency].lower(),
            "frequency": request.frequency,
        }
        body = self._retry(_wait, self._get, self.url.format(**values), request.symbol)
        found = texts(body, self.name)
        return read_texts(found, request.symbol, request.frequency, self.said.at_home(request.home))

    def _get(self, address: str, symbol: str) -> bytes:
        self._pace.wait()
        shown = without_secrets(address)
        # the scheme was checked when the provider was set up, and urllib follows only to http, https and ftp
        asked = urllib.request.Request(address, headers={"User-Agent": "barmill"})  # noqa: S310
        for name, value in self.headers.items():
            asked.add_unredirected_header(name, value)
        try:
            with self._opener.open(asked, timeout=self.timeout) as answer:
                body: bytes = answer.read()
                complete = answer.headers.get("Content-Length") is not None or answer.chunked
        except urllib.error.HTTPError as error:
            raise _of_status(error, shown, symbol) from None
        except http.client.IncompleteRead as error:
            raise _Passing(f"{shown} broke off after {len(error.partial)} bytes", _LATER) from None
        except http.client.InvalidURL:
            raise SourceError(f"{shown} is not a valid URL", "edit the provider's url in [tool.barmill] providers") from None
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            reason = getattr(error, "reason", None) or str(error) or type(error).__name__
            raise _Passing(f"{shown} gives no answer: {reason}", _LATER) from None
        if not complete and _is_torn(body):
            raise _Passing(f"{shown} broke off within a line, after {len(body)} bytes", _LATER)
        return body


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect with the headers of the settings only to the same scheme, host and port: they may be secret."""

    def redirect_request(self, req: urllib.request.Request, *rest: Any) -> urllib.request.Request | None:
        made = super().redirect_request(req, *rest)
        if made and _origin(made.full_url) == _origin(req.full_url):
            for name, value in req.unredirected_hdrs.items():
                if name != "Host":
                    made.add_unredirected_header(name, value)
        return made


def _origin(address: str) -> tuple[str, str | None, int | None]:
    parts = urllib.parse.urlsplit(address)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def without_secrets(address: str) -> str:
    """An address as it may be shown and stored: without user, password and the values of its query."""
    parts = urllib.parse.urlsplit(address)
    names = [name.partition("=")[0] for name in parts.query.split("&")] if parts.query else []
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}{'?' if names else ''}{'&'.join(f'{name}=…' for name in names)}"


_LATER = "ask again later"


def _wait(error: Exception) -> bool | float:
    """Whether to ask again, and how long the server wants us to wait first."""
    if not isinstance(error, _Passing):
        return False
    return True if error.wait is None else error.wait


def _tell(details: "RetryDetails") -> None:
    _LOG.warning("%s; asking again in %.1f s", getattr(details.caused_by, "fact", details.caused_by), details.wait_for)


def _of_status(error: urllib.error.HTTPError, address: str, symbol: str) -> SourceError:
    with error:
        fact = f"{address} answers {error.code} {http.client.responses.get(error.code, '')}".rstrip()
        if error.code in _NOT_THERE:
            return UnknownSymbol(fact, f"is {symbol} how the provider spells it?")
        if error.code != _TOO_MANY and error.code < _SERVER_FAULT:
            return SourceError(fact, "look at the address and its key in [tool.barmill] providers")
        passing = _Passing(fact, _LATER)
        passing.wait = _retry_after(error.headers.get("Retry-After", ""))
        return passing


def _retry_after(text: str) -> float | None:
    """Seconds of a Retry-After header (a number or a date), None if it says none."""
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(text).timestamp() - time.time()
        except (ValueError, TypeError):
            return None
    return min(max(seconds, 0.0), _LONGEST_WAIT)


def _is_torn(body: bytes) -> bool:
    """Whether the last line has fewer fields than the line before it: that is all that a body without a length shows.

    A line with its end may end before the volume, as Stooq's do.
    """
    lines = body.rstrip().rsplit(b"\n", 2)[-2:]
    mark = max(b",;\t|", key=lines[0].count)
    return len(lines) > 1 and lines[1].count(mark) < lines[0].count(mark) - body.endswith(b"\n")


class _Pace:
    """Lets threads pass one after another, a set time apart."""

    def __init__(self, rate: float) -> None:
        self._apart = 1 / rate if rate else 0.0
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._apart
        time.sleep(turn - now)
