"""The faulty proxy does what it is told to, and nothing else: else no test behind it tells anything."""

import http.client
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.support.faults import KINDS, Fault, proxy
from tests.support.loopback import answers, free_port

BODY = bytes(range(256)) * 4


@pytest.fixture
def server():
    """A server that answers GET with the same bytes and keeps what it is sent."""
    kept = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.send_response(200)
            self.send_header("ETag", '"one"')
            self.send_header("Content-Length", str(len(BODY)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(BODY)

        do_HEAD = do_GET  # noqa: N815 (http.server's name)

        def do_PUT(self):
            kept[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(201)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http_server:
        http_server.kept = kept
        thread = threading.Thread(target=http_server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield http_server
        http_server.shutdown()
        thread.join()


def ask(port, verb="GET", path="/x", body=None, timeout=10.0):
    """Status and body of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(verb, path, body)
        answer = connection.getresponse()
        assert verb != "HEAD" or answer.getheader("Content-Length") == str(len(BODY))
        return answer.status, answer.read()
    finally:
        connection.close()


def differing(a, b):
    """How many bits differ."""
    assert len(a) == len(b)
    return sum((x ^ y).bit_count() for x, y in zip(a, b, strict=True))


def test_without_a_plan_everything_passes(server):
    """What is asked, sent and answered passes as it is, and is noted."""
    with proxy(server.server_port) as front:
        assert ask(front.port) == (200, BODY)
        assert ask(front.port, "HEAD") == (200, b"")
        assert ask(front.port, "PUT", "/y", BODY) == (201, b"")
        assert front.asked == [("GET /x", ""), ("HEAD /x", ""), ("PUT /y", "")]
        assert front.verbs("/x") == ["GET", "HEAD"]
    assert server.kept == {"/y": BODY}


def test_connections_are_kept(server):
    """Several requests pass over one connection."""
    with proxy(server.server_port) as front:
        connection = http.client.HTTPConnection("127.0.0.1", front.port, timeout=10)
        for _ in range(3):
            connection.request("GET", "/x")
            assert connection.getresponse().read() == BODY
        connection.close()


def test_the_plan_counts(server):
    """A fault meets the requests that fit its pattern, from the first to the last that it is told."""
    with proxy(server.server_port, Fault("status", "^GET /x", first=1, count=2, code=503)) as front:
        got = [ask(front.port, path=path)[0] for path in ("/x", "/y", "/x", "/y", "/x", "/x")]
    assert got == [200, 200, 503, 200, 503, 200]


def test_late(server):
    """A late answer is the right one, and later."""
    with proxy(server.server_port, Fault("late", seconds=0.2)) as front:
        start = time.monotonic()
        assert ask(front.port) == (200, BODY)
        assert time.monotonic() - start >= 0.2


@pytest.mark.parametrize("kind", ["reset", "lost"])
def test_resets(server, kind):
    """A connection is reset before the server hears of it, or after it did what was asked."""
    with proxy(server.server_port, Fault(kind)) as front, pytest.raises(ConnectionResetError):
        ask(front.port, "PUT", "/y", BODY)
    assert server.kept == ({"/y": BODY} if kind == "lost" else {})


def test_torn(server):
    """A torn body is shorter than was announced."""
    with proxy(server.server_port, Fault("torn")) as front, pytest.raises(http.client.IncompleteRead) as torn:
        ask(front.port)
    assert torn.value.partial == BODY[: len(BODY) // 2]


def test_cut(server):
    """A cut body is half of it, and the length that is announced is its own."""
    with proxy(server.server_port, Fault("cut")) as front:
        assert ask(front.port) == (200, BODY[: len(BODY) // 2])


def test_flipped_and_spoilt(server):
    """One bit of what comes, or of what is sent, is another; the length is the same."""
    with proxy(server.server_port, Fault("flipped", "GET"), Fault("spoilt", "PUT")) as front:
        assert differing(ask(front.port)[1], BODY) == 1
        assert ask(front.port, "PUT", "/y", BODY) == (201, b"")
    assert differing(server.kept["/y"], BODY) == 1


def test_silent(server):
    """Nothing is answered, and the proxy ends all the same."""
    with proxy(server.server_port, Fault("silent")) as front, pytest.raises(TimeoutError):
        ask(front.port, timeout=0.2)


def test_drip(server):
    """Bytes come one by one."""
    with proxy(server.server_port, Fault("drip", seconds=0)) as front:
        assert ask(front.port) == (200, BODY)
    with proxy(server.server_port, Fault("drip", seconds=60)) as front, pytest.raises(TimeoutError):
        ask(front.port, timeout=0.2)


def test_crash(server):
    """What is to happen happens, once, at its request."""
    done = []
    with proxy(server.server_port, Fault("crash", first=1, count=1, does=lambda: done.append("x"))) as front:
        assert ask(front.port) == (200, BODY)
        with pytest.raises(ConnectionResetError):
            ask(front.port)
        assert ask(front.port) == (200, BODY)
    assert done == ["x"]


def test_no_server(server):
    """Where there is no server a connection is reset; where there is no proxy any more, there is none."""
    with proxy(free_port()) as front:
        with pytest.raises(ConnectionResetError):
            ask(front.port)
        assert answers(front.port)
    assert not answers(front.port)


def test_every_kind_is_tested():
    """The kinds of faults are those of the tests above."""
    assert set(KINDS) == {"late", "status", "reset", "lost", "torn", "cut", "flipped", "spoilt", "silent", "drip", "crash"}
