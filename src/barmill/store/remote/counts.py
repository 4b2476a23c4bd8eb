"""What a process asked of the remote, and what came of it."""

import contextlib
import sys
import threading
from dataclasses import dataclass, field
from typing import Any

from barmill.errors import BarmillError, RemoteError, printable

NAMES = ("hits", "misses", "refused", "received", "sent", "sent_records", "unsent", "failed")

_LONGEST = 500  # characters of a warning


@dataclass
class Counts:
    """Counts of one process, and what was told of them.

    Attributes:
        url: of the remote, for what is told.
        hits: records that were asked for and are whole here now.
        misses: records that the remote does not have, or that can't be had whole.
        refused: records and objects that can't be believed.
        received: bytes of objects that came.
        sent: bytes of objects that went.
        sent_records: records that went.
        unsent: records that could not be sent.
        failed: requests that failed.
        cause: of the first thing that failed, and its cure; "" if nothing did.
    """

    url: str
    hits: int = 0
    misses: int = 0
    refused: int = 0
    received: int = 0
    sent: int = 0
    sent_records: int = 0
    unsent: int = 0
    failed: int = 0
    cause: str = ""
    _told: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, cause: str = "", **more: int) -> None:
        """Count, from any thread."""
        with self._lock:
            self.cause = self.cause or cause
            for name, number in more.items():
                setattr(self, name, getattr(self, name) + number)

    def blame(self, fault: BarmillError, **more: int) -> None:
        """Count what failed, and keep why, if it is the first."""
        why = reason_of(fault) if isinstance(fault, RemoteError) else fault.fact
        self.add(f"{why}: {fault.hint}" if fault.hint else why, **more)

    def told(self) -> dict[str, int]:
        """The counts by name."""
        return {name: getattr(self, name) for name in NAMES}

    def taken(self) -> dict[str, Any]:
        """The counts by name, which are nought then, and the cause: for `add` of another process, which counts on."""
        with self._lock:
            told = {**self.told(), "cause": self.cause}
            for name in NAMES:
                setattr(self, name, 0)
        return told

    def warn(self, kind: str, text: str) -> None:
        """Print a warning, unless there was one of its kind; made harmless, because what it quotes may be anybody's."""
        with self._lock:
            if kind in self._told:
                return
            self._told.add(kind)
        with contextlib.suppress(OSError, ValueError):  # that nobody reads it must not end a thread that others wait for
            sys.stderr.write(f"warning: the remote {self.url}: {printable(text, _LONGEST)}\n")


def reason_of(fault: RemoteError) -> str:
    """What a remote answers, or why it does not, without what it was asked."""
    return fault.fact.rpartition(": ")[2]
