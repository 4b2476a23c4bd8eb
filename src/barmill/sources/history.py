"""What was done to a dataset: its last 100 loads, updates and syncs, the failed and the interrupted ones, too.

An entry is written before anything is fetched (`started`), again with the digest of the new content before the data file is
renamed into place, and a last time when all is done. So whoever finds one that is not done can tell what became of it: the data
file has that digest, then it was done; it has not, then it was interrupted; the lock is held, then it is still at work.
"""

import contextlib
import datetime as dt
import json
import logging
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from barmill import files
from barmill.errors import InputError
from barmill.hashing import digest_file
from barmill.market.datasets import HISTORIES
from barmill.sources import locks

TREE = "stooq"
"""The name of the raw tree's history and lock, beside those of datasets; its entries count files where others count bars."""

OK, FAILED, INTERRUPTED, RUNNING = "ok", "failed", "interrupted", "running"
_STARTED = "started"
_FORMAT = 1
_MOST = 100
_LOG = logging.getLogger("barmill.sources")


@dataclass
class Entry:
    """One load, update or sync.

    Attributes:
        at: when it began, UTC, ISO with seconds.
        kind: `load`, `update`, `sync`, `archive`, `restore`.
        provider: name of the provider.
        status: `ok`, `failed`, `interrupted`, `running`.
        rows_before, rows_after: bars stored before and after it.
        rows_added, rows_changed: bars that are new, and that are other than before.
        start, end: dates of the first and last bar stored after it; "" if there is none.
        seconds: how long it took.
        refreshed: whether the whole history was fetched again, because the overlap was other than what was stored.
        missing: sessions of its calendar without a bar, between the first bar and the last; 0 if no calendar is known.
        findings: what was conspicuous about the bars; counted here, listed where they were found.
        errors: why it failed.
    """

    at: str
    kind: str
    provider: str
    status: str = _STARTED
    rows_before: int = 0
    rows_after: int = 0
    rows_added: int = 0
    rows_changed: int = 0
    start: str = ""
    end: str = ""
    seconds: float = 0.0
    refreshed: bool = False
    missing: int = 0
    findings: int = 0
    errors: list[str] = field(default_factory=list)

    @classmethod
    def begun(cls, kind: str, provider: str) -> "Entry":
        """An entry that begins now."""
        return cls(dt.datetime.now(dt.UTC).isoformat(timespec="seconds"), kind, provider)


@dataclass
class History:
    """The history of a dataset.

    Attributes:
        name: of the dataset.
        provider: which its updates come from unless told otherwise; that of the last one that ended well.
        source: that provider's source, where it came from the command line.
        said: what the command line said about that provider's files (`catalogue.SAID`).
        updates: oldest first.
        absent: provider → stretches of days that it was asked for and has nothing of.
    """

    name: str
    provider: str = ""
    source: list[str] = field(default_factory=list)
    said: dict[str, str] = field(default_factory=dict)
    updates: list[Entry] = field(default_factory=list)
    absent: dict[str, list[list[str]]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "History":
        """The history in a file that `path_of` names; without one an empty one.

        Raises:
            InputError: the file is damaged.
        """
        return cls.of(*_parts(path))

    @classmethod
    def of(cls, series: Path, name: str, *, holding: bool = False) -> "History":
        """As `read`, of the dataset `name` of the series' folder; `holding` its lock nobody else can be at work."""
        path = path_of(series, name)
        try:
            content = files.read(path)
            while True:
                history = _understood(json.loads(content), series, holding)
                before, content = content, files.read(path)
                if before == content:  # else an update has gone on between the look at it and the look at its lock
                    return history
        except FileNotFoundError:
            return cls(name)
        except OSError as error:
            fault = f"{path.absolute()} can't be read: {error.strerror}"
            raise InputError(fault, "make it a file that can be read, or remove it") from None
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise InputError(
                f"{path.absolute()} is damaged: {error}",
                "an update that names its --provider sets it aside",
            ) from None


def path_of(series: Path, name: str) -> Path:
    """Where the history of a dataset lies; `series` is the folder of single series."""
    return series / HISTORIES / f"{name}.json"


def names(series: Path) -> list[str]:
    """The datasets that have a history."""
    root = series / HISTORIES
    return sorted(
        path.relative_to(root).as_posix().removesuffix(".json") for path in root.rglob("*.json") if path.name[0] != "."
    )


class Writing:
    """The history of a dataset whose lock is held, and the entry that is being written.

    Args:
        series: the folder of single series.
        name: of the dataset.
        data: its file.
        lock: whose lock is held.
        entry: what is going on.
        source: of the provider, where it came from the command line; None where nothing is fetched: it stays what it is.
        said: what the command line said about the provider's files.

    Attributes:
        path: of the history.
        data: its file.
        entry: what is going on.
        history: the history with that entry.
    """

    def __init__(
        self,
        series: Path,
        name: str,
        data: Path,
        lock: str,
        entry: Entry,
        source: Sequence[str] | None,
        said: Mapping[str, str] | None = None,
    ) -> None:
        self.path = path_of(series, name)
        self.data = data
        self._lock = lock
        self._series = series
        self.entry = entry
        self.history = self._known(series, name)
        if source is None:
            entry.provider = self.history.provider
        self._source = self.history.source if source is None else list(source)
        self._said = self.history.said if source is None else dict(said or {})
        self.history.updates = [*self.history.updates, entry][-_MOST:]
        self._began = time.monotonic()

    def _known(self, series: Path, name: str) -> History:
        try:
            return History.of(series, name, holding=True)
        except InputError as error:
            aside = self.path.with_name(f".{self.path.name}.{time.time_ns()}.damaged")
            _LOG.warning("%s; set aside as %s", error.fact, aside)
            files.move(self.path, aside)
            return History(name)

    def start(self) -> None:
        """Note that it has begun; what one that was killed left behind is removed."""
        files.remove(files.draft_of(self.data))  # that of the history is replaced
        if self.follows_interrupted:
            for path in (self.path, self.data):
                files.sweep(path)  # drafts had names of their own each before they had one
        files.write_durable(self.path, self._encoded({}))

    @property
    def follows_interrupted(self) -> bool:
        """Whether the entry before this one was interrupted."""
        return any(each.status == INTERRUPTED for each in self.history.updates[-2:-1])

    def publish(self, content: bytes, digest: str) -> None:
        """Put the new content of the data file in place, so that it and this entry are there together or not at all."""
        files.write_durable(self.path, self.announced(digest))
        files.write_durable(self.data, content)

    def announced(self, digest: str) -> bytes:
        """The history to write before the data file: this entry will be done once the file has this digest."""
        self._measure()
        return self._encoded({"after": digest})

    def end(self, status: str) -> None:
        """Note how it ended."""
        files.write_durable(self.path, self.ended(status))

    def ended(self, status: str) -> bytes:
        """The history to write once the data file is on the disk, or is not to be."""
        self.entry.status = status
        self._measure()
        if status == OK:
            self.history.provider, self.history.source, self.history.said = self.entry.provider, self._source, self._said
        return self._encoded({})

    def _measure(self) -> None:
        self.entry.seconds = round(time.monotonic() - self._began, 3)

    def _encoded(self, more: dict[str, str]) -> bytes:
        updates = [asdict(each) for each in self.history.updates]
        if self.entry.status == _STARTED:
            updates[-1] |= {"file": os.path.relpath(self.data, self._series), "lock": self._lock, **more}
        told = {
            "format": _FORMAT,
            "name": self.history.name,
            "provider": self.history.provider,
            "source": self.history.source,
            **({"said": self.history.said} if self.history.said else {}),
            "absent": self.history.absent,
            "updates": updates,
        }
        return json.dumps(told, indent=1).encode() + b"\n"


def _understood(told: dict[str, Any], series: Path, holding: bool) -> History:
    if told["format"] != _FORMAT:
        raise ValueError(f"its format is {told['format']!r}, not {_FORMAT}")
    history = History(told["name"], told["provider"], told["source"], told.get("said", {}), absent=told["absent"])
    for each in told["updates"]:
        pending = {key: each.pop(key) for key in ("file", "lock", "after") if key in each}
        entry = Entry(**each)
        if entry.status == _STARTED:
            _settle(entry, pending, series, holding)
            if entry.status == OK:
                history.provider = entry.provider
        history.updates.append(entry)
    return history


def _settle(entry: Entry, pending: dict[str, str], series: Path, holding: bool) -> None:
    """What became of an entry that was not ended."""
    with contextlib.suppress(FileNotFoundError):
        if "after" in pending and pending["after"] == digest_file(series / pending["file"]):
            entry.status = OK
            return
    at_work = not holding and locks.is_held(series, pending["lock"])
    entry.status = RUNNING if at_work else INTERRUPTED
    entry.rows_after, entry.rows_added, entry.rows_changed, entry.refreshed = entry.rows_before, 0, 0, False


def _parts(path: Path) -> tuple[Path, str]:
    at = len(path.parts) - 1 - path.parts[::-1].index(HISTORIES)
    return Path(*path.parts[:at]), "/".join(path.parts[at + 1 :]).removesuffix(".json")
