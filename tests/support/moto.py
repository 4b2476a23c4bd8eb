"""moto: an S3 server in memory."""

import http.client

from tests.support.loopback import program
from tests.support.remotes import BUCKET, RemoteServer


class Moto(RemoteServer):
    """An S3 server that keeps everything in memory and looks at no signature."""

    name = "moto"
    lasting = False

    def command(self) -> list[str]:
        """The program and its arguments."""
        return [program("moto_server", "pip install -r .ci/servers.txt"), "-H", self.host.address, "-p", str(self.port)]

    def start(self) -> None:
        """Start it, and make the bucket."""
        super().start()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("PUT", f"/{BUCKET}")
        assert connection.getresponse().status == 200
        connection.close()

    def contents(self, prefix: str) -> dict[str, bytes]:
        """Everything below a place: name → bytes."""
        client = self.client(prefix)
        names = sorted(entry["path"] for page in client.list() for entry in page)
        return {name: bytes(client.get(name).bytes()) for name in names}
