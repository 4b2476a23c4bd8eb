"""A server of prices on this machine: Stooq's CSV, and every way in which a server may fail."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.support.prices import csv_of

PAGE = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


@dataclass
class PriceServer:
    """What it has, how it behaves, and what it was asked.

    Attributes:
        closes: symbol in lower case → date → close.
        faults: symbol → faults of the next answers, used up one by one: an HTTP status, or one of `slow`, `truncated`,
            `torn` (no length, and broken off within a line), `dropped`, `page`, `limited` (429 with Retry-After), or an
            address, or a status and an address, to which the request is redirected.
        asked: each request: moment, symbol, parameters.
        headers: of each request.
    """

    closes: dict[str, dict[str, float]] = field(default_factory=dict)
    faults: dict[str, list[int | str | tuple[int, str]]] = field(default_factory=dict)
    asked: list[tuple[float, str, Mapping[str, list[str]]]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    port: int = 0

    def own(self, path: str) -> str:
        """The address of a path on this server."""
        return f"http://127.0.0.1:{self.port}{path}"

    @property
    def url(self) -> str:
        """Its address, with what a provider puts in."""
        return self.own("/q/d/l/?s={lower}&d1={start:%Y%m%d}&d2={end:%Y%m%d}&i={per}")

    def symbols_asked(self) -> list[str]:
        """Symbols in the order they were asked for."""
        return [symbol for _, symbol, _ in self.asked]


class _Handler(BaseHTTPRequestHandler):
    """Answers for the `prices` of its server."""

    protocol_version = "HTTP/1.1"
    server: "_Http"

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        symbol = query["s"][0]
        self.server.prices.asked.append((time.monotonic(), symbol, query))
        self.server.prices.headers.append(self.headers)
        faults = self.server.prices.faults.get(symbol, [])
        fault = faults.pop(0) if faults else ""
        if fault == "slow":
            time.sleep(1.0)
        if isinstance(fault, str) and fault.startswith("http"):
            fault = (302, fault)
        if isinstance(fault, tuple):
            self.send_response(fault[0])
            self.send_header("Location", fault[1])
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif isinstance(fault, int):
            self.send_error(fault)
        elif fault == "limited":
            self.send_response(429)
            self.send_header("Retry-After", "1")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif fault == "dropped":
            self.close_connection = True
        elif symbol not in self.server.prices.closes:
            self.send_error(404)
        else:
            self._send(fault, symbol, query)

    def _send(self, fault: str, symbol: str, query: Mapping[str, list[str]]) -> None:
        first, last = (f"{text[:4]}-{text[4:6]}-{text[6:]}" for text in (query["d1"][0], query["d2"][0]))
        found = {day: close for day, close in self.server.prices.closes[symbol].items() if first <= day <= last}
        body = (PAGE if fault == "page" else csv_of(found)).encode()
        self.send_response(200)
        if fault != "torn":
            self.send_header("Content-Length", str(len(body)))
        self.close_connection = fault in {"torn", "truncated"}
        self.end_headers()
        self.wfile.write({"truncated": body[: len(body) // 2], "torn": body[:-14]}.get(fault, body))

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


class _Http(ThreadingHTTPServer):
    def __init__(self, prices: PriceServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.prices = prices


@contextmanager
def serving(server: PriceServer) -> Iterator[PriceServer]:
    """Serve until the end of the block."""
    with _Http(server) as http:
        server.port = http.server_address[1]
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()
