"""What the servers of remote stores have in common, and the places in them that tests give to projects."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from tests.support.host import Host
from tests.support.loopback import Served, free_port

ACCESS_KEY, SECRET_KEY = "AKIABARMILLTESTS0000", "s3cret+key/of+no+account+whatsoever00000"
BUCKET = "barmill-tests"


def aws(endpoint: str) -> dict[str, str]:
    """The environment of those who use the S3 server at an address."""
    return {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ALLOW_HTTP": "true",
    }


class RemoteServer:
    """A server; `start` it.

    Args:
        folder: where it keeps everything.
        host: the machine on which it runs, this one if none is given.

    Attributes:
        name: what tests call it.
        lists: whether it can tell what it has.
        lasting: whether it still has, when started again, what it had when it was killed.
    """

    name: ClassVar[str]
    lists: ClassVar[bool] = True
    lasting: ClassVar[bool] = True

    def __init__(self, folder: Path, host: Host | None = None) -> None:
        self.folder = folder
        self.host = host or Host.here(folder)
        self.data = folder / "data"
        (self.data / BUCKET).mkdir(parents=True)
        self.port = free_port()
        self.served = Served(self.command(), folder, self.port, self.host.behind)

    def command(self) -> list[str]:
        """The program and its arguments."""
        raise NotImplementedError

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.served.start()

    def kill(self) -> None:
        """End it as a crash does."""
        self.served.kill()

    def at(self, port: int) -> str:
        """The address under which it answers on `port`."""
        return f"http://{self.host.address}:{port}"

    def url(self, prefix: str, port: int) -> str:
        """What the setting `remote` says of a place in it, if it answers on `port`."""
        return f"s3://{BUCKET}/{prefix}"

    def environ(self, port: int) -> Mapping[str, str]:
        """What the environment has to say, if it answers on `port`."""
        return aws(self.at(port))

    def contents(self, prefix: str) -> dict[str, bytes]:
        """Everything below a place: name → bytes."""
        below = self.data / BUCKET / prefix
        return {str(path.relative_to(below)): path.read_bytes() for path in sorted(below.rglob("*")) if path.is_file()}

    def client(self, prefix: str) -> Any:
        """A client beside barmill: rclone would not see what is changed in its folder."""
        import obstore

        return obstore.store.S3Store(
            BUCKET,
            prefix=prefix,
            endpoint=self.at(self.port),
            access_key_id=ACCESS_KEY,
            secret_access_key=SECRET_KEY,
            region="us-east-1",
            client_options={"allow_http": True},
        )


@dataclass
class Place:
    """A place of its own in a server, as a test gives it to projects.

    Attributes:
        server: where it is.
        prefix: its name there.
        port: where projects are to find the server: there, or at a proxy in front of it.
    """

    server: RemoteServer
    prefix: str = field(default_factory=lambda: secrets.token_hex(6))
    port: int = 0

    @property
    def url(self) -> str:
        """The setting `remote`."""
        return self.server.url(self.prefix, self.port or self.server.port)

    @property
    def environ(self) -> dict[str, str]:
        """The environment of a project that uses it."""
        own = {"BARMILL_REMOTE": self.url, "BARMILL_REMOTE_PATIENCE": "20", "NO_PROXY": self.server.host.address}
        return {**self.server.environ(self.port or self.server.port), **own}

    @property
    def hurried(self) -> dict[str, str]:
        """The same, of a project with the patience that is usual: 20 s are for machines that are busy with other tests."""
        return {**self.environ, "BARMILL_REMOTE_PATIENCE": "1"}

    def behind(self, port: int) -> "Place":
        """The same place, by way of a proxy."""
        return Place(self.server, self.prefix, port)

    def contents(self, kind: str = "") -> dict[str, bytes]:
        """Everything in it, or only its `objects`, `actions` or `kin`: name → bytes."""
        everything = self.server.contents(self.prefix)
        return {name: data for name, data in everything.items() if not kind or f"/{kind}/" in name}

    def put(self, name: str, data: bytes) -> None:
        """Put an object there, past all that barmill does."""
        self.client().put(name, data)

    def remove(self, name: str) -> None:
        """Remove an object, past all that barmill does."""
        self.client().delete(name)

    def client(self) -> Any:
        """A client beside barmill."""
        return self.server.client(self.prefix)
