"""Publishing: batches of symbols over a bounded number of connections; one symbol that fails does not stop the others."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from barmill.errors import BarmillError, DatabaseLost
from barmill.publish.database import Database, Session
from barmill.publish.parts import Part

_TRIES = 4
_PAUSE = 0.5  # seconds before the second try; each later one waits twice as long


@dataclass
class Report:
    """What came of it.

    Attributes:
        done: symbol → rows in its part, of those that are now as they should be.
        rows: rows that were changed, added or removed.
        failed: symbol → why.
        lost: why the database could not be reached any more, or "".
    """

    done: dict[str, int] = field(default_factory=dict)
    rows: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    lost: str = ""


class Publication:
    """One run over the batches.

    Args:
        database: where to.
        force: see `Session.write`.
        progress: called with the number of symbols dealt with so far.
    """

    def __init__(self, database: Database, *, force: bool = False, progress: Callable[[int], None] = lambda _: None) -> None:
        self._database = database
        self._force = force
        self._progress = progress
        self._lock = threading.Lock()
        self._mine = threading.local()
        self._sessions: list[Session] = []
        self._idle: list[Session] = []
        self.report = Report()

    def run(self, work: Sequence[Sequence[Part]], first: Session | None = None) -> Report:
        """Publish the batches, in their order as far as connections allow.

        Args:
            work: batches of parts.
            first: a session that is open already; it is used, and closed in the end.
        """
        self._idle = [first] if first else []
        try:
            if self._database.writers == 1 or len(work) <= 1:
                for batch in work:
                    self._attempt(batch)
            else:
                self._spread(work)
        finally:
            for session in [*self._idle, *self._sessions]:
                session.close()
        return self.report

    def _spread(self, work: Sequence[Sequence[Part]]) -> None:
        with ThreadPoolExecutor(self._database.writers) as threads:
            try:
                list(threads.map(self._attempt, work))
            except BaseException:
                self.report.lost = "interrupted"  # the threads end after the batches that they are at
                raise

    def _attempt(self, batch: Sequence[Part]) -> None:
        """Publish a batch as one transaction; if it fails, its symbols one by one."""
        if self.report.lost:
            return
        try:
            rows = self._write(batch)
        except DatabaseLost as error:
            self.report.lost = str(error)
            return
        except BarmillError as error:
            if len(batch) > 1:
                for part in batch:
                    self._attempt([part])
                return
            with self._lock:
                self.report.failed[batch[0].symbol] = str(error)
        else:
            with self._lock:
                self.report.rows += rows
                self.report.done |= {part.symbol: part.rows for part in batch}
        with self._lock:
            self._progress(len(self.report.done) + len(self.report.failed))

    def _write(self, batch: Sequence[Part]) -> int:
        """Write a batch; a connection that went away is made anew a few times, as a server needs time to start again."""
        for attempt in range(_TRIES):
            try:
                return self._session().write(batch, force=self._force).rows
            except DatabaseLost:
                self._drop_session()
                if attempt == _TRIES - 1 or self.report.lost:
                    raise
                time.sleep(_PAUSE * 2**attempt)
        raise AssertionError  # not reached: the last try returns or raises

    def _session(self) -> Session:
        session: Session | None = getattr(self._mine, "session", None)
        if session is None:
            with self._lock:
                session = self._idle.pop() if self._idle else None
            session = self._mine.session = session or self._database.connect()
            with self._lock:
                self._sessions.append(session)
        return session

    def _drop_session(self) -> None:
        session: Session | None = getattr(self._mine, "session", None)
        if session:
            session.close()
        self._mine.session = None
