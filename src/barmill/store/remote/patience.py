"""Patience: how long a run still waits in vain for the remote, counted together by all processes of the run.

A batch of requests may take a tenth of the patience, 2 ms for each answer, and as long as what it brought took to build. What
it takes beyond that was waited in vain. When that comes to the patience, in all batches of all processes, the remote is left
alone.
"""

import contextlib
import os
import threading
import time
from pathlib import Path

GRANT = 0.002
"""Seconds that an answer may take when someone waits for it."""
AT_LEISURE = 0.1
"""Seconds that an answer may take in the background."""

_MS = 1000
_LOOK = 0.02  # seconds after which the file is looked at again


class Patience:
    """What is left of the seconds to be waited in vain.

    Args:
        seconds: for the whole run.
        tally: a file that has a byte for each millisecond spent, shared by the processes of a run; None: there is one process.
    """

    def __init__(self, seconds: float, tally: Path | None = None) -> None:
        self.seconds = seconds
        self._tally = tally
        self._spent = self._others = 0.0
        self._looked = -_LOOK
        self._lock = threading.Lock()

    @property
    def left(self) -> float:
        """Seconds that may still be waited in vain."""
        now = time.monotonic()
        if self._tally is not None and now > self._looked + _LOOK:
            self._looked = now
            with contextlib.suppress(OSError):
                self._others = os.stat(self._tally).st_size / _MS
        return self.seconds - max(self._spent, self._others)

    def spend(self, seconds: float) -> None:
        """Seconds were waited in vain."""
        with self._lock:
            self._spent += seconds
        if self._tally is not None and (marks := round(min(seconds, self.seconds) * _MS)):
            with contextlib.suppress(OSError):
                self._tally.parent.mkdir(parents=True, exist_ok=True)
                with open(self._tally, "ab", buffering=0) as file:
                    file.write(b"." * marks)

    def end(self) -> None:
        """There is none left."""
        self.spend(max(0.0, self.left) + 1.0)


class Waiting:
    """The wait for one batch.

    Args:
        patience: the run's.
        covered: seconds that a request may go without an answer beside those of the patience: its result took as long to build.
        grant: seconds for an answer.
    """

    def __init__(self, patience: Patience, covered: float = 0.0, grant: float = GRANT) -> None:
        self._patience = patience
        self._covered = covered
        self._grant = grant
        self._start = self._last = time.monotonic()
        self._granted = patience.seconds / 10

    def answered(self, worth: float = 0.0) -> None:
        """An answer came, with a result that took `worth` seconds to build."""
        self._granted += self._grant + worth
        self._last = time.monotonic()

    @property
    def in_vain(self) -> float:
        """Seconds waited in vain so far."""
        return max(0.0, time.monotonic() - self._start - self._granted)

    def left(self) -> float:
        """Seconds until the patience is at an end if no answer comes."""
        now = time.monotonic()
        left = self._patience.left
        total = left + self._granted + self._covered - (now - self._start)
        return min(total, left + self._patience.seconds / 10 + self._covered - (now - self._last))

    def end(self) -> None:
        """Count what was waited in vain."""
        self._patience.spend(self.in_vain)
