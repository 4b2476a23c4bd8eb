"""A webhook and a mail server on this machine, which keep what they are sent."""

import contextlib
import http.server
import json
import socket
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy
from typing import Any


@contextlib.contextmanager
def webhook(status: int = 200) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """`host:port` of a server that answers POST with this status, and the JSON it was sent."""
    received: list[dict[str, Any]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}", received
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def mailbox() -> Iterator[tuple[str, list[Any]]]:
    """`host:port` of a mail server, and the messages it was given."""
    from aiosmtpd.controller import Controller

    received: list[Any] = []

    class Keeper:
        async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802 (aiosmtpd's name)
            received.append(message_from_bytes(envelope.content, policy=policy.default))
            return "250 kept"

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(Keeper(), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield f"127.0.0.1:{port}", received
    finally:
        controller.stop()
