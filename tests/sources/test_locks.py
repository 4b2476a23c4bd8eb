"""One at a time in a dataset: the second waits, is told for whom, and gets it as soon as the first is gone."""

import errno
import fcntl
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from barmill.errors import Busy, StoreError
from barmill.sources import locks
from tests.support.prices import Shelf, history, run, weekdays
from tests.support.project import until

NAME = "equities/daily/ACME"
HOLDER = """
import pathlib, sys, time
from barmill.sources import locks
with locks.held(pathlib.Path(sys.argv[1]), sys.argv[2], 5):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """A process that holds the lock."""
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path), NAME], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_timeout_names_the_holder(tmp_path, holder):
    """After the time-out the message says who holds the lock since when; nothing was fetched."""
    with (
        pytest.raises(
            Busy, match=rf"{NAME} has been locked for 0.2 s by `doit .*` \(process {holder.pid} on .*, since 20"
        ) as caught,
        locks.held(tmp_path, NAME, 0.2),
    ):
        pass
    assert "lock_timeout" in caught.value.hint
    shelf = Shelf(dict.fromkeys(weekdays("2024-01-01", 5), 1.0))
    outcome = run(tmp_path, shelf, "load", timeout=0.1)
    assert (outcome.entry.status, shelf.asked, history(tmp_path).updates) == ("failed", [], [])
    assert str(holder.pid) in outcome.entry.errors[0]


def test_a_kill_frees_it(tmp_path, holder):
    """kill -9 of the holder frees the lock at once."""
    assert locks.is_held(tmp_path, NAME)
    holder.kill()
    with locks.held(tmp_path, NAME, 10):
        assert locks.is_held(tmp_path, NAME)


def test_whether_it_is_held(tmp_path, holder):
    """Asking does not take the lock, nor make one; datasets do not lock one another."""
    assert locks.is_held(tmp_path, NAME)
    assert not locks.is_held(tmp_path, "crypto/daily/ACME")
    assert not locks.path_of(tmp_path, "crypto/daily/ACME").exists()
    with locks.held(tmp_path, "crypto/daily/ACME", 0.1):
        pass
    holder.kill()
    until(lambda: not locks.is_held(tmp_path, NAME))


def test_many_look_at_once(tmp_path):
    """Who looks whether a lock is held does not hold it for others who look."""
    is_over = threading.Event()

    def look():
        found = set()
        while not is_over.is_set():
            found.add(locks.is_held(tmp_path, NAME))
        return found

    with locks.held(tmp_path, NAME, 0):
        pass
    with ThreadPoolExecutor(2) as pool:
        looks = [pool.submit(look) for _ in range(2)]
        found = {locks.is_held(tmp_path, NAME) for _ in range(2000)}
        is_over.set()
        assert [found, *(each.result() for each in looks)] == [{False}] * 3


def test_one_who_does_not_wait_waits_for_a_glance(tmp_path, monkeypatch):
    """Where somebody looks at the lock just as it is wanted, it is had nevertheless, with a time-out of 0, too."""
    flock, refused = fcntl.flock, []

    def looked_at(file, how):
        if how & fcntl.LOCK_EX and not refused:
            refused.append(file)
            raise BlockingIOError(errno.EAGAIN, "held")
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", looked_at)
    with locks.held(tmp_path, NAME, 0):
        assert locks.is_held(tmp_path, NAME)
    assert refused


def test_a_disk_without_locks_is_named(tmp_path, monkeypatch):
    """Where a dataset can't be locked, whoever wants or looks at its lock gets the path, the reason and the cure."""
    with locks.held(tmp_path, NAME, 0):
        pass

    def refused(file, how):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refused)
    fact = f"{locks.path_of(tmp_path, NAME)} can't be locked: No locks available"
    with pytest.raises(StoreError) as caught, locks.held(tmp_path, NAME, 0):
        pass
    assert caught.value.fact == fact
    with pytest.raises(StoreError) as caught:
        locks.is_held(tmp_path, NAME)
    assert caught.value.fact == fact
