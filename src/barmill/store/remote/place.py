"""The place of a remote: bytes under names, through obstore. Nothing of what obstore says in an error is passed on as it is."""

import datetime
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from barmill.errors import RemoteError, RemoteLost

_PART = 1 << 20  # bytes that are taken from a download at once
_CHUNK = 5 << 20  # of a large upload: the least that S3 takes
_UPLOAD = 60.0  # seconds that a request with a body may take
_LONG = datetime.timedelta(days=1)


class Place:
    """Bytes under names below a URL.

    Args:
        url: as `options.checked` gives it.
        patience: seconds that may pass without an answer, or the next bytes of one.
    """

    def __init__(self, url: str, patience: float) -> None:
        self.url = url
        self.is_plain_http = url.startswith(("http://", "https://"))
        self._patience = patience
        self._lock = threading.Lock()
        self._opened: tuple[Any, Any] | None = None

    def read(self, name: str, most: int, size: int | None = None) -> memoryview | None:
        """The bytes under a name, None if nothing is there.

        Args:
            name: below the URL.
            most: bytes of which more are not read.
            size: in bytes, if it is known.

        Raises:
            Unfit: there are more, or not as many as there should be.
            RemoteError: the remote does not answer, or refuses.
        """
        got = self._get(name)
        if got is None:
            return None
        _check(got.meta["size"], most, size)
        data = memoryview(_asked(f"reading {name} of {self.url}", got.bytes))
        _check(len(data), most, size)
        return data

    def stream(self, name: str, size: int) -> Iterator[memoryview] | None:
        """As `read`, part by part; never more than `size` bytes."""
        got = self._get(name)
        if got is None:
            return None
        _check(got.meta["size"], size, size)
        return self._parts(name, got, size)

    def _parts(self, name: str, got: Any, size: int) -> Iterator[memoryview]:
        what = f"reading {name} of {self.url}"
        parts = iter(got.stream(min_chunk_size=_PART))
        left = size
        while (part := _asked(what, lambda: next(parts, None))) is not None:
            left -= len(part)
            if left < 0:
                raise Unfit(f"is longer than the {size} bytes recorded")
            yield memoryview(part)
        if left:
            raise Unfit(f"ends {left} bytes before the {size} recorded")

    def _get(self, name: str) -> Any:
        import obstore

        return _asked(f"reading {name} of {self.url}", lambda: obstore.get(self._reader, name), absent=True)

    def write(self, name: str, data: bytes | memoryview | Path) -> None:
        """Put bytes, or the content of a file, under a name, whole; what was there is replaced.

        Raises:
            RemoteError: the remote does not answer, or refuses.
        """
        import obstore

        multipart = False if self.is_plain_http else None
        _asked(
            f"writing {name} to {self.url}",
            lambda: obstore.put(
                self._writer, name, data, mode=None, use_multipart=multipart, chunk_size=_CHUNK, max_concurrency=2
            ),
        )

    def size(self, name: str) -> int | None:
        """Bytes under a name, None if nothing is there.

        Raises:
            RemoteError: the remote does not answer, or refuses.
        """
        import obstore

        found = _asked(f"looking for {name} in {self.url}", lambda: obstore.head(self._reader, name), absent=True)
        return None if found is None else int(found["size"])

    def names(self, folder: str) -> list[str]:
        """The last parts of the names right below a folder, the newest first.

        Raises:
            RemoteError: the remote does not answer, or can't list.
        """
        import obstore

        found = _asked(
            f"listing {folder} of {self.url}",
            lambda: [each for part in obstore.list(self._reader, prefix=folder) for each in part],
            absent=True,
        )
        newest = sorted(((each["last_modified"], each["path"]) for each in found or ()), reverse=True)
        return [path.rpartition("/")[2] for _, path in newest]

    @property
    def _reader(self) -> Any:
        return self._stores()[0]

    @property
    def _writer(self) -> Any:
        return self._stores()[1]

    def _stores(self) -> tuple[Any, Any]:
        """What reads and what writes; opened once, by the first of the threads that need it."""
        with self._lock:
            if self._opened is None:
                seconds = datetime.timedelta(seconds=self._patience)
                longer = datetime.timedelta(seconds=max(self._patience, _UPLOAD))
                reader = self._open({"connect_timeout": seconds, "read_timeout": seconds, "timeout": _LONG}, self._patience)
                self._opened = reader, self._open({"connect_timeout": seconds, "timeout": longer}, self._patience)
        return self._opened

    def _open(self, client: dict[str, Any], patience: float) -> Any:
        from obstore.store import LocalStore, from_url

        if self.url.startswith("file://"):
            return LocalStore(self.url.removeprefix("file://"), mkdir=True)
        client["allow_http"] = not self.url.startswith("https://")  # of s3://… the endpoint says which
        backoff = {"init_backoff": datetime.timedelta(seconds=0.02), "max_backoff": datetime.timedelta(seconds=1), "base": 2}
        retries: Any = {"max_retries": 3, "retry_timeout": datetime.timedelta(seconds=patience), "backoff": backoff}
        return from_url(self.url, client_options=client, retry_config=retries)  # type: ignore[call-overload]


class Unfit(ValueError):
    """What a remote gives is not what it should be: `args[0]` says what is wrong."""


def _check(found: int, most: int, size: int | None) -> None:
    if size is not None and found != size:
        raise Unfit(f"has {found} bytes, and {size} are recorded")
    if found > most:
        raise Unfit(f"has {found} bytes, more than {most}")


def _asked(what: str, ask: Any, *, absent: bool = False) -> Any:
    """What the remote answers; with `absent`, None if it has no such thing."""
    from obstore.exceptions import BaseError

    try:
        return ask()
    except FileNotFoundError:
        if absent:
            return None
        raise RemoteError(f"{what}: there is no such place", "look at the setting `remote`") from None
    except (BaseError, OSError, ValueError) as error:
        if isinstance(error, Unfit):
            raise
        hint = "look at the remote, and at the credentials in the environment"
        if lost := next((words for sign, words in _LOST if sign in str(error)), None):
            raise RemoteLost(f"{what}: {lost}", hint) from None
        raise RemoteError(f"{what}: {_cause(error)}", hint) from None


_STATUS = re.compile(r"\b([45]\d\d) [A-Z][a-z]+")
_SYSTEM = re.compile(r"\(?\bos error (\d{1,4})\b|\bcode: (\d{1,4}),\s+kind")
_LOST = (("kind: Timeout", "it does not answer in time"), ("kind: Connect", "it can't be connected to"))
_WORDS = (
    ("Account must be specified", "its account is not set"),
    ("not implemented", "it can't do that"),
)
_KINDS = {
    "PermissionDeniedError": "it denies the permission",
    "UnauthenticatedError": "it wants other credentials",
    "NotSupportedError": "it can't do that",
    "NotImplementedError": "it can't do that",
}


def _cause(error: Exception) -> str:
    """What is wrong, in words of ours: the text of the error may hold a credential, a signed URL, or a page of a server."""
    text, kind = str(error), type(error).__name__
    for sign, words in _WORDS:
        if sign in text:
            return words
    if kind in _KINDS:
        return _KINDS[kind]
    if found := _STATUS.search(text):
        return f"it answers with HTTP status {found[1]}"
    if found := _SYSTEM.search(text):
        return os.strerror(int(found[1] or found[2]))
    return f"it fails ({kind})"
