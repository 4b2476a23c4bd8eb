"""Batches over connections, with a database that only notes what it is asked: bounds, tries, isolation, interruption."""

import threading
from pathlib import Path

import pytest

from barmill.errors import DatabaseError, DatabaseLost
from barmill.publish import publication
from barmill.publish.database import Written
from barmill.publish.parts import Part
from barmill.publish.publication import Publication


class Noting:
    """A database of `writers` connections; `write` is what a session does with a batch."""

    row_bytes = 1

    def __init__(self, writers, write):
        self.writers = writers
        self.act = write
        self.opened = self.closed = 0
        self.batches = []
        self.lock = threading.Lock()

    def connect(self):
        with self.lock:
            self.opened += 1
        return Session(self)


class Session:
    """One connection to it."""

    def __init__(self, database):
        self.database = database

    def write(self, parts, *, force=False):
        with self.database.lock:
            self.database.batches.append([part.symbol for part in parts])
        self.database.act(parts)
        return Written(len(parts), frozenset())

    def close(self):
        with self.database.lock:
            self.database.closed += 1


def batches_of(number, size=1):
    """As many batches of as many symbols."""
    return [[Part(f"S{n}.{k}", Path("x"), "d", 1, None) for k in range(size)] for n in range(number)]


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    """No pause between tries."""
    monkeypatch.setattr(publication, "_PAUSE", 0.0)


def test_connections_are_bounded():
    """Of 40 batches over 3 connections each is written once; no more connections are made, and all are closed."""
    together = threading.Barrier(3, timeout=10)
    database = Noting(3, lambda parts: together.wait() if parts[0].symbol in {"S0.0", "S1.0", "S2.0"} else None)
    report = Publication(database).run(batches_of(40), database.connect())
    assert (len(report.done), report.rows, database.opened, database.closed) == (40, 40, 3, 3)
    assert sorted(database.batches) == sorted([part.symbol] for batch in batches_of(40) for part in batch)


def test_newest_come_first():
    """Batches start in their order."""
    database = Noting(1, lambda parts: None)
    Publication(database).run(batches_of(5))
    assert database.batches == [[f"S{n}.0"] for n in range(5)]


def test_a_failed_batch_is_tried_symbol_by_symbol():
    """One symbol that the database refuses fails alone."""

    def write(parts):
        if any(part.symbol == "S1.2" for part in parts):
            raise DatabaseError("no such value")

    report = Publication(Noting(2, write)).run(batches_of(3, 4))
    assert report.failed == {"S1.2": "no such value"}
    assert len(report.done) == 11


def test_a_lost_connection_is_made_anew():
    """A connection that goes away twice: it is opened again, and nothing fails."""
    lost = iter([True, True])

    def write(parts):
        if next(lost, False):
            raise DatabaseLost("gone")

    database = Noting(1, write)
    report = Publication(database).run(batches_of(3))
    assert (len(report.done), report.lost, database.opened) == (3, "", 3)


def test_a_lost_database_ends_it():
    """A database that stays away: after four tries the rest is not tried, and told as such."""

    def write(parts):
        if parts[0].symbol != "S0.0":
            raise DatabaseLost("gone")

    database = Noting(1, write)
    report = Publication(database).run(batches_of(50))
    assert (list(report.done), report.failed, report.lost) == (["S0.0"], {}, "gone")
    assert database.batches == [["S0.0"]] + [["S1.0"]] * 4


def test_interruption_ends_after_the_present_batches():
    """Ctrl-C: batches at work are finished, those that wait are not begun, connections are closed."""
    seen = []

    def progress(done):
        seen.append(done)
        raise KeyboardInterrupt

    database = Noting(2, lambda parts: None)
    with pytest.raises(KeyboardInterrupt):
        Publication(database, progress=progress).run(batches_of(200))
    assert len(database.batches) < 200
    assert database.opened == database.closed
