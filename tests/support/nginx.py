"""nginx with WebDAV's PUT over a folder: the plainest HTTP store there is."""

from collections.abc import Mapping
from typing import Any

from tests.support.loopback import program
from tests.support.remotes import BUCKET, RemoteServer

_SETTINGS = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/errors;
events {{ }}
http {{
    access_log off;
    client_max_body_size 0;
    client_body_temp_path {data}/.temp;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen {address}:{port};
        root {data};
        dav_methods PUT DELETE;
        create_full_put_path on;
    }}
}}
"""


class Nginx(RemoteServer):
    """PUT and GET of files in a folder; nobody is asked who they are, and nothing is listed."""

    name = "nginx"
    lists = False

    def command(self) -> list[str]:
        """The program and its arguments."""
        settings = self.folder / "nginx.conf"
        settings.write_text(_SETTINGS.format(folder=self.folder, data=self.data, address=self.host.address, port=self.port))
        found = program("nginx", "Debian: nginx-light")
        return [found, "-p", str(self.folder), "-e", str(self.folder / "errors"), "-c", str(settings)]

    def url(self, prefix: str, port: int) -> str:
        """What the setting `remote` says of a place in it, if it answers on `port`."""
        return f"{self.at(port)}/{BUCKET}/{prefix}"

    def environ(self, port: int) -> Mapping[str, str]:
        """Nothing has to be said."""
        return {}

    def client(self, prefix: str) -> Any:
        """A client beside barmill."""
        import obstore

        return obstore.store.HTTPStore.from_url(self.url(prefix, self.port), client_options={"allow_http": True})
