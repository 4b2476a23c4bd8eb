"""A plain HTTP server with GET, HEAD and PUT over bytes in memory, and faults on demand."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Web(ThreadingHTTPServer):
    """Bytes under paths.

    Attributes:
        held: path → bytes.
        asked: (method, path) of every request.
        status: if not 0, the answer to every request.
        words: body of such an answer.
        short: bytes that each answer to GET ends early.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.held: dict[str, bytes] = {}
        self.asked: list[tuple[str, str]] = []
        self.status = 0
        self.words = b""
        self.short = 0

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}/cache"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no error."""


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Web

    def do_GET(self) -> None:
        self._answer(200, self.server.held.get(self.path))

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not self.server.status:
            self.server.held[self.path] = data
        self._answer(201, b"")

    def do_PROPFIND(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(405, b"")

    def _answer(self, status: int, data: bytes | None) -> None:
        self.server.asked.append((self.command, self.path))
        if self.server.status:
            status, data = self.server.status, self.server.words
        self.send_response(404 if data is None else status)
        data = data or b""
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Last-Modified", "Tue, 01 Jan 2030 00:00:00 GMT")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data[: len(data) - self.server.short])
            self.close_connection = bool(self.server.short)

    def log_message(self, *_: object) -> None:
        """Not on the terminal."""


@contextmanager
def serving() -> Iterator[Web]:
    """A server while the context lasts."""
    with Web() as web:
        thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield web
        finally:
            web.shutdown()
            thread.join()
