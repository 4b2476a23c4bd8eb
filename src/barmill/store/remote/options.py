"""What a project says of its remote, checked before anything is asked of it."""

import importlib.util
import os
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from barmill.config import Settings
from barmill.errors import ConfigError

_SCHEMES = ("s3", "gs", "az", "http", "https", "file")
_PARTS = {"", ".", ".."}  # servers and what is between take them away, or not
_LEAST = 0.01  # seconds: with none at all nothing could be asked


@dataclass(frozen=True)
class RemoteOptions:
    """A remote, and how it is used; what is secret in it is never shown.

    Attributes:
        url: where it is: `s3://bucket/prefix`, `gs://…`, `az://…`, `http(s)://host/path`, or `file:///…`.
        mode: `read-write`, `read` or `write`.
        patience: seconds that a run waits in vain for it, in all.
        key: what records are sealed with; "": they are not.
    """

    url: str
    mode: str = "read-write"
    patience: float = 1.0
    key: str = field(default="", repr=False)


def remote_options(settings: Settings) -> RemoteOptions | None:
    """The project's remote, or None if it has none, or is to be left alone.

    Raises:
        ConfigError: the setting `remote` is no place that can be used, or holds a secret.
    """
    if not settings.remote or settings.remote_mode == "offline":
        return None
    url = checked(settings.remote)
    if not url.startswith("file://") and importlib.util.find_spec("obstore") is None:
        raise ConfigError(
            f"remote is {url!r}, and obstore, which speaks to it, is not installed",
            "pip install 'barmill[remote]', or set BARMILL_REMOTE_MODE=offline",
        )
    return RemoteOptions(url, settings.remote_mode, max(_LEAST, settings.remote_patience), settings.remote_key)


def checked(remote: str) -> str:
    """The setting as a URL without a slash at its end; a path of a folder becomes an absolute `file://` URL.

    Raises:
        ConfigError: it has no scheme that we know, no host or bucket, or holds what may be a secret.
    """
    if not re.match(r"[a-z][a-z0-9+.-]*://", remote, re.IGNORECASE):
        return f"file://{os.path.abspath(os.path.expanduser(remote))}"
    scheme, _, rest = remote.partition("://")
    host, slash, path = rest.partition("/")
    if "@" in host or "?" in rest or "#" in rest:
        shown = f"{scheme}://{host.rpartition('@')[2]}{slash}{path}".partition("?")[0].partition("#")[0]
        raise ConfigError(
            f"remote is {shown!r} with a user, a password or a query in it, which may be secret",
            "leave them out: credentials come from the environment (AWS_…, GOOGLE_…, AZURE_…)",
        )
    if scheme not in _SCHEMES:
        raise ConfigError(f"remote is {remote!r}; {scheme} is none of {', '.join(_SCHEMES)}", "or give the path of a folder")
    if scheme == "file":
        if host or not path:
            raise ConfigError(f"remote is {remote!r}, which names no folder", "write file:///path/of/the/folder, or the path")
        return f"file://{os.path.abspath(slash + path)}"
    try:
        fits = bool(urlsplit(remote).hostname) and (urlsplit(remote).port or 1) > 0
    except ValueError:
        fits = False
    if not fits:
        raise ConfigError(f"remote is {remote!r}, which names no host or bucket", "for example s3://bucket/prefix")
    if not _PARTS.isdisjoint(path.rstrip("/").split("/") if path.strip("/") else ()):
        raise ConfigError(f"remote is {remote!r}, with a part of its path that is empty, . or ..", "write the path without it")
    return remote.rstrip("/")
