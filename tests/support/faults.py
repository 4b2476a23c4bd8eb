"""A proxy in front of an HTTP server that fails by a plan: the same requests meet the same faults."""

import contextlib
import http.client
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KINDS = ("late", "status", "reset", "torn", "cut", "flipped", "spoilt", "lost", "silent", "drip", "crash")
_PASSED_ON = frozenset({"connection", "transfer-encoding", "content-length", "keep-alive", "date", "server"})
_NOW = struct.pack("ii", 1, 0)  # a socket closed like this sends a reset


@dataclass
class Fault:
    """What becomes of some requests.

    Attributes:
        kind: `late` (answered after `seconds`), `status` (an error instead of an answer), `reset` (the connection, before the
            server hears of it), `lost` (the same, after the server did what was asked), `torn` (half the body, then the end
            of the connection), `cut` (half the body, as if it were all), `flipped` (one bit of the answer's body), `spoilt`
            (one bit of what is sent), `silent` (no answer, ever), `drip` (a byte of the body every `seconds`), `crash` (`does`
            is called, and the connection is reset).
        where: regular expression that is searched for in `VERB /path`.
        first: how many that fit are served before.
        count: how many meet the fault.
        code: the error of `status`.
        seconds: see `late`, `drip`.
        does: see `crash`.
    """

    kind: str
    where: str = ""
    first: int = 0
    count: int = 1 << 62
    code: int = 500
    seconds: float = 1.0
    does: Callable[[], object] = lambda: None
    seen: int = 0

    def meets(self, request: str) -> bool:
        """Whether this request, one more, meets it."""
        if not re.search(self.where, request):
            return False
        self.seen += 1
        return self.first < self.seen <= self.first + self.count


@dataclass
class Proxy:
    """A server's faulty front.

    Attributes:
        behind: the server's port.
        faults: the plan; the first fault that a request meets is the one.
        asked: every request, in their order: `VERB /path`, and the kind of its fault or "".
    """

    behind: int
    faults: Sequence[Fault] = ()
    port: int = 0
    asked: list[tuple[str, str]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def verbs(self, where: str = "") -> list[str]:
        """The verbs of the requests in which this is found."""
        return [request.partition(" ")[0] for request, _ in self.asked if re.search(where, request)]

    def fault(self, request: str) -> Fault | None:
        """Note a request, and tell what becomes of it."""
        with self._lock:
            found = next((fault for fault in self.faults if fault.meets(request)), None)
            self.asked.append((request, found.kind if found else ""))
            return found


class _Front(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "_Http"

    def _serve(self) -> None:
        proxy, request = self.server.proxy, f"{self.command} {self.path}"
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = proxy.fault(request) or Fault("")
        if fault.kind == "silent":
            proxy.over.wait()
        if fault.kind == "late":
            proxy.over.wait(fault.seconds)
        if fault.kind == "crash":
            fault.does()
        if fault.kind in {"reset", "silent", "crash"} or proxy.over.is_set():
            self._reset()
        elif fault.kind == "status":
            self.send_error(fault.code)
        else:
            self._pass_on(fault, _flipped(sent) if fault.kind == "spoilt" else sent)

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = do_PROPFIND = do_MKCOL = _serve  # noqa: N815 (http.server's names)

    def _pass_on(self, fault: Fault, sent: bytes) -> None:
        server = http.client.HTTPConnection("127.0.0.1", self.server.proxy.behind, timeout=60)
        try:
            server.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                server.putheader(name, value)
            server.endheaders(sent)
            answer = server.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):  # no server, no answer
            self._reset()
            return
        finally:
            server.close()
        if fault.kind == "lost":
            self._reset()
            return
        body = {"cut": body[: len(body) // 2], "flipped": _flipped(body)}.get(fault.kind, body)
        length = answer.getheader("Content-Length", "0") if self.command == "HEAD" else str(len(body))
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _PASSED_ON:
                self.send_header(name, value)
        self.send_header("Content-Length", length)
        self.end_headers()
        self._write(fault, b"" if self.command == "HEAD" else body)

    def _write(self, fault: Fault, body: bytes) -> None:
        if fault.kind == "torn":
            self.wfile.write(body[: len(body) // 2])
            self._end(abruptly=False)
        elif fault.kind == "drip":
            for each in body:
                self.wfile.write(bytes([each]))
                if self.server.proxy.over.wait(fault.seconds):
                    self.close_connection = True
                    break
        else:
            self.wfile.write(body)

    def _reset(self) -> None:
        self._end(abruptly=True)

    def _end(self, *, abruptly: bool) -> None:
        self.close_connection = True
        if abruptly:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NOW)
            self.connection.close()

    def handle(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # whoever asked has gone, or the test is over
            super().handle()

    def finish(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().finish()

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


class _Http(ThreadingHTTPServer):
    daemon_threads = False  # so that none outlives its test
    request_queue_size = 128

    def __init__(self, proxy: Proxy) -> None:
        super().__init__(("127.0.0.1", 0), _Front)
        self.proxy = proxy
        self.open: set[socket.socket] = set()

    def process_request_thread(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        self.open.add(request)
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.open.discard(request)

    def hang_up(self) -> None:
        """End what waits for another request."""
        for each in list(self.open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


def _flipped(data: bytes) -> bytes:
    """The same with one bit of its middle turned."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :] if data else data


@contextlib.contextmanager
def proxy(behind: int, *faults: Fault) -> Iterator[Proxy]:
    """A proxy in front of a port of this machine until the end of the block."""
    front = Proxy(behind, faults)
    with _Http(front) as server:
        front.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield front
        finally:
            front.over.set()
            server.shutdown()
            thread.join()
            server.hang_up()
