"""A bucket or a web server as the place of a remote, through obstore. What an error of it says is not passed on as it is."""

import datetime
import os
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from barmill.errors import RemoteError, RemoteLost
from barmill.store.remote.place import Unfit, check, parts_of

_PART = 1 << 20  # bytes that are taken from a download at once
_CHUNK = 5 << 20  # of a large upload: the least that S3 takes
_WHOLE = 60.0  # seconds that a request may take that reads at once, or writes: a byte a second is an answer, too
_LONG = datetime.timedelta(days=1)


class Bucket:
    """Bytes under names below a URL; see `place.Place`.

    Args:
        url: as `options.checked` gives it.
        patience: seconds that may pass without an answer, or the next bytes of one.
    """

    def __init__(self, url: str, patience: float) -> None:
        self.url = url
        self._is_plain_http = url.startswith(("http://", "https://"))
        self._patience = patience
        self._lock = threading.Lock()
        self._opened: tuple[Any, Any, Any] | None = None

    def read(self, name: str, most: int, size: int | None = None) -> memoryview | None:
        """The bytes under a name, None if nothing is there."""
        got = self._get(self._reader, name)
        if got is None:
            return None
        check(got.meta["size"], most, size)
        data = memoryview(self._asked("reading", name, got.bytes))
        check(len(data), most, size)
        return data

    def stream(self, name: str, size: int) -> Iterator[memoryview] | None:
        """As `read`, part by part."""
        got = self._get(self._streamer, name)
        if got is None:
            return None
        check(got.meta["size"], size, size)
        return parts_of(self._parts(name, got), size)

    def _parts(self, name: str, got: Any) -> Iterator[memoryview]:
        parts = iter(got.stream(min_chunk_size=_PART))
        while (part := self._asked("reading", name, lambda: next(parts, None))) is not None:
            yield memoryview(part)

    def _get(self, store: Any, name: str) -> Any:
        import obstore

        return self._asked("reading", name, lambda: obstore.get(store, name), absent=True)

    def write(self, name: str, data: bytes | memoryview | Path) -> None:
        """Put bytes, or the content of a file, under a name."""
        import obstore

        options: Any = {"use_multipart": False if self._is_plain_http else None, "chunk_size": _CHUNK, "max_concurrency": 2}
        self._asked("writing", name, lambda: obstore.put(self._writer, name, data, mode=None, **options))

    def size(self, name: str) -> int | None:
        """Bytes under a name, None if nothing is there."""
        import obstore

        found = self._asked("looking for", name, lambda: obstore.head(self._reader, name), absent=True)
        return None if found is None else int(found["size"])

    def names(self, folder: str) -> list[str]:
        """The last parts of the names right below a folder, the newest first."""
        import obstore

        found = self._asked(
            "listing", folder, lambda: [e for part in obstore.list(self._reader, prefix=folder) for e in part], absent=True
        )
        newest = sorted(((each["last_modified"], each["path"]) for each in found or ()), reverse=True)
        return [path.rpartition("/")[2] for _, path in newest]

    @property
    def _reader(self) -> Any:
        return self._stores()[0]

    @property
    def _streamer(self) -> Any:
        return self._stores()[1]

    @property
    def _writer(self) -> Any:
        return self._stores()[2]

    def _stores(self) -> tuple[Any, Any, Any]:
        """What reads at once, what reads in parts, and what writes; opened once, by the first of the threads that need one."""
        with self._lock:
            if self._opened is None:
                seconds = datetime.timedelta(seconds=self._patience)
                whole = datetime.timedelta(seconds=max(self._patience, _WHOLE))
                self._opened = (
                    self._open({"connect_timeout": seconds, "read_timeout": seconds, "timeout": whole}, self._patience),
                    self._open({"connect_timeout": seconds, "read_timeout": seconds, "timeout": _LONG}, self._patience),
                    self._open({"connect_timeout": seconds, "timeout": whole}, self._patience),
                )
        return self._opened

    def _open(self, client: dict[str, Any], patience: float) -> Any:
        from obstore.store import from_url

        client["allow_http"] = not self.url.startswith("https://")  # of s3://… the endpoint says which
        backoff = {"init_backoff": datetime.timedelta(seconds=0.02), "max_backoff": datetime.timedelta(seconds=1), "base": 2}
        retries = {"max_retries": 3, "retry_timeout": datetime.timedelta(seconds=patience), "backoff": backoff}
        options: dict[str, Any] = {"client_options": client, "retry_config": retries}
        return from_url(self.url, **options)

    def _asked(self, verb: str, name: str, ask: Callable[[], Any], *, absent: bool = False) -> Any:
        """What the remote answers; with `absent`, None if it has no such thing."""
        from obstore.exceptions import BaseError

        try:
            return ask()
        except FileNotFoundError:
            if absent:
                return None
            fact, cure = "there is no such place", "look at the setting `remote`"
        except Unfit:
            raise
        except (BaseError, OSError, ValueError) as error:
            fact, cure = _cause(error)
        kind = RemoteLost if fact in _LOST else RemoteError
        raise kind(f"{verb} {name} of {self.url}: {fact}", cure)


_STATUS = re.compile(r"\b([345]\d\d) [A-Z][a-z]+")
_SYSTEM = re.compile(r"\(?\bos error (\d{1,4})\b|\bcode: (\d{1,4}),\s+kind")
_RIGHTS = "look at the credentials in the environment (AWS_…, GOOGLE_…, AZURE_…), and at what they may do there"
_WAY = "look at the address, at the server, and at a proxy in the environment (HTTPS_PROXY, NO_PROXY)"
_LOST = ("it does not answer in time", "it can't be connected to")
_WORDS = (
    ("169.254.169.254", "there are no credentials for it", _RIGHTS),  # they are asked for there where nothing else gives any
    ("RequestTimeTooSkewed", "its clock and that of this machine differ", "set the clock"),
    ("ExpiredToken", "the credentials have expired", _RIGHTS),
    ("redirect without LOCATION", "it sends elsewhere", "look at the address, and at the region (AWS_REGION)"),
    ("kind: Timeout", _LOST[0], _WAY),
    ("kind: Connect", _LOST[1], _WAY),
    ("Account must be specified", "its account is not set", "set AZURE_STORAGE_ACCOUNT_NAME"),
    ("not implemented", "it can't do that", "look at what the server can do"),
)
_KINDS = {
    "PermissionDeniedError": ("it denies the permission", _RIGHTS),
    "UnauthenticatedError": ("it wants other credentials", _RIGHTS),
    "NotSupportedError": ("it can't do that", "look at what the server can do"),
    "NotImplementedError": ("it can't do that", "look at what the server can do"),
}


def _cause(error: Exception) -> tuple[str, str]:
    """What is wrong, and the cure, in words of ours: the error's text may hold a credential, a signed URL, or any page."""
    text, kind = str(error), type(error).__name__
    for sign, words, cure in _WORDS:
        if sign in text:
            return words, cure
    if kind in _KINDS:
        return _KINDS[kind]
    if found := _STATUS.search(text):
        return f"it answers with HTTP status {found[1]}", "look at the remote, and at its log"
    if found := _SYSTEM.search(text):
        return os.strerror(int(found[1] or found[2])), _WAY
    return f"it fails ({kind})", f"look at the remote; {_RIGHTS}"
