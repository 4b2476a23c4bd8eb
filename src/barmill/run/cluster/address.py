"""Where a cluster is, as `--workers` says it."""

import importlib.util
from dataclasses import dataclass

from barmill.errors import ConfigError

_KNOWN = ("tcp", "tls", "ws", "wss", "ucx")


@dataclass(frozen=True)
class Address:
    """A Dask scheduler, or with an empty `url` a cluster of this run's own."""

    url: str

    def __str__(self) -> str:
        return self.url or "the run's own cluster"


def parse(text: str) -> Address:
    """The address that `--workers` gives: `dask`, `dask://host:port`, or `dask+tls://host:port` for another protocol.

    Raises:
        ConfigError: it is none, or Dask is not installed.
    """
    scheme, found, rest = text.partition("://")
    kind, _, protocol = scheme.partition("+")
    fits = kind == "dask" and (not found or rest.strip("/")) and (not protocol or (found and protocol in _KNOWN))
    if not fits or "@" in rest or "?" in rest:
        raise ConfigError(f"--workers is {_shown(text)!r}", "give dask://host:port, or dask for a cluster of this run's own")
    if importlib.util.find_spec("distributed") is None:
        raise ConfigError(f"--workers is {text!r}, and distributed is not installed", "pip install 'barmill[cluster]'")
    return Address(f"{protocol or 'tcp'}://{rest.strip('/')}" if found else "")


def _shown(text: str) -> str:
    """The text without what may be a password."""
    return text.partition("://")[0] + "://…" if "@" in text else text
