"""The store's lock: builders do not wait for one another, gc waits for them, they for it, and nobody for ever."""

import errno
import fcntl
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from barmill.errors import StoreError
from barmill.store.broom import Broom
from barmill.store.census import Lying
from barmill.store.guard import Guard
from tests.store.builds import Place
from tests.support.project import until


def queues() -> bool:
    """Whether a thread of this process waits for a lock of a file, as the kernel says."""
    lines = (line.split() for line in Path("/proc/locks").read_text().splitlines())
    return any(words[1:3] == ["->", "FLOCK"] and words[5] == str(os.getpid()) for words in lines)


def waits(action: Callable[[], object], release: Callable[[], object]) -> bool:
    """Whether an action waits for a lock, and ends after a release."""
    done = threading.Event()
    thread = threading.Thread(target=lambda: (action(), done.set()))
    thread.start()
    until(lambda: done.is_set() or queues())
    early = done.is_set()
    release()
    thread.join(60)
    assert done.is_set()
    return not early


def held(how: str, guard: Guard, action: Callable[[], object]) -> bool:
    """Whether an action waits while the lock is held."""
    lock = getattr(guard, how)()
    lock.__enter__()
    return waits(action, lambda: lock.__exit__(None, None, None))


def use(how: str, guard: Guard) -> Callable[[], None]:
    """An action that takes the lock and lets it go."""

    def action() -> None:
        with getattr(guard, how)():
            pass

    return action


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("shared", "shared", False),
        ("shared", "exclusive", True),
        ("exclusive", "shared", True),
        ("exclusive", "exclusive", True),
    ],
)
def test_who_waits_for_whom(tmp_path: Path, first: str, second: str, expected: bool) -> None:
    """Sharers do not wait for sharers; everything else waits, also within a process."""
    assert held(first, Guard(tmp_path), use(second, Guard(tmp_path))) is expected


FORK = """
import os, select, sys, time
from pathlib import Path
from barmill.store.guard import Guard
guard = Guard(Path(sys.argv[1]))
reader, writer = os.pipe()
with guard.shared():
    child = os.fork()
    if not child:
        select.select([reader], [], [], 8)  # not for ever, should it hold the lock
        os._exit(0)
with guard.exclusive():
    assert os.waitpid(child, os.WNOHANG) == (0, 0)
os.write(writer, b"x")
os.waitpid(child, 0)
"""


def test_a_forked_process_keeps_no_lock(tmp_path: Path) -> None:
    """A process that was forked under the lock and lives on does not hold it."""
    done = subprocess.run([sys.executable, "-c", FORK, str(tmp_path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_gc_is_not_starved(tmp_path: Path) -> None:
    """While builders hold the lock in turns without a gap, gc gets it long before they have all done their work."""
    stop, left = threading.Event(), [300] * 4

    def build(number: int, delay: float) -> None:
        time.sleep(delay)
        while left[number] and not stop.is_set():
            with Guard(tmp_path).shared():
                left[number] -= 1
                time.sleep(0.05)

    delays = (0.0, 0.013, 0.025, 0.037)
    builders = [threading.Thread(target=build, args=(number, delay)) for number, delay in enumerate(delays)]
    for builder in builders:
        builder.start()
    until(lambda: max(left) < 300)
    for _ in range(5):
        with Guard(tmp_path).exclusive():
            pass
    stop.set()
    for builder in builders:
        builder.join()
    assert min(left) > 0


def test_a_series_keeps_the_lock(tmp_path: Path) -> None:
    """Between two uses in a series nobody else gets in; after the series, also one that ends in an error, everybody does."""
    guard, others = Guard(tmp_path), Guard(tmp_path)
    series = guard.series()
    series.__enter__()
    use("shared", guard)()
    assert waits(use("exclusive", others), lambda: series.__exit__(None, None, None))
    assert not waits(use("exclusive", others), lambda: None)
    with pytest.raises(ValueError), guard.series(), guard.shared():
        raise ValueError
    assert not waits(use("exclusive", others), lambda: None)


def test_a_series_without_a_gap_lets_gc_in(tmp_path: Path) -> None:
    """While one use follows the other in a series, gc gets the lock again and again, and no use overlaps with it."""
    guard, stop, within, left = Guard(tmp_path), threading.Event(), [0], [20_000]

    def restore() -> None:
        with guard.series():
            while left[0] and not stop.is_set():
                with guard.shared():
                    within[0] += 1
                    time.sleep(0.001)
                    within[0] -= 1
                    left[0] -= 1

    restorer = threading.Thread(target=restore)
    restorer.start()
    for _ in range(5):
        with Guard(tmp_path).exclusive():
            assert within == [0]
    stop.set()
    restorer.join()
    assert left[0] > 0


def test_a_series_of_one_thread_is_no_other_s(tmp_path: Path) -> None:
    """While one thread is in a series, another takes and releases a lock of its own."""
    guard, others = Guard(tmp_path), Guard(tmp_path)
    with guard.series():
        thread = threading.Thread(target=lambda: held("shared", guard, use("shared", others)))
        thread.start()
        thread.join()
        assert not waits(use("exclusive", others), lambda: None)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A place where `upper` was built once."""
    place = Place(tmp_path / "place")
    place.ensure()
    return place


def test_a_publish_waits_for_gc(place: Place) -> None:
    """While gc deletes, no object and no record is written."""
    before = sorted(place.store.rglob("*"))
    seen: list[bool] = []
    target = place.target(params={"times": 2})
    lock = place.cache.guard.exclusive()
    lock.__enter__()

    def release() -> None:
        seen.append(sorted(place.store.rglob("*")) == before)
        lock.__exit__(None, None, None)

    assert waits(lambda: Place(place.root).cache.ensure(target), release)
    assert seen == [True]
    assert place.tree() == {"": "ONEONE"}


def test_a_restore_waits_for_gc(place: Place) -> None:
    """While gc deletes, nothing is restored; what it left is."""
    place.out.unlink()
    assert held("exclusive", place.cache.guard, lambda: Place(place.root).cache.ensure(place.target()))
    assert place.tree() == {"": "ONE"}


def test_objects_are_read_under_the_lock(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the question whether the objects are there until they are restored, gc can't get in."""
    objects = place.cache.objects
    place.out.unlink()
    waited: list[bool] = []
    restore = objects.restore

    def slow(*arguments: object) -> None:
        done = threading.Event()
        thread = threading.Thread(target=lambda: (use("exclusive", Guard(place.store))(), done.set()))
        thread.start()
        until(lambda: done.is_set() or queues())
        waited.append(not done.is_set())
        restore(*arguments)
        threads.append(thread)

    threads: list[threading.Thread] = []
    monkeypatch.setattr(objects, "restore", slow)
    assert place.ensure() == "restored"
    for thread in threads:
        thread.join(60)
    assert waited == [True]


def test_moment_is_before_what_comes_later(tmp_path: Path) -> None:
    """A file written right after the moment is never stamped before it, one written before never after it."""
    guard = Guard(tmp_path)
    for number in range(200):
        (tmp_path / f"old{number}").touch()
        moment = guard.moment()
        (tmp_path / f"new{number}").touch()
        assert (tmp_path / f"old{number}").stat().st_mtime_ns <= moment <= (tmp_path / f"new{number}").stat().st_mtime_ns
    assert sorted(path.name for path in tmp_path.glob(".*")) == [".gate", ".lock"]


def test_a_store_that_cannot_be_written_is_read(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that may only be read, and was never locked, still gives what it holds."""

    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(errno.EROFS, "read-only file system")

    place.out.unlink()
    monkeypatch.setattr(Guard, "_acquire", refuse)
    monkeypatch.setattr("barmill.store.actions.os.utime", refuse)
    assert place.ensure() == "restored"


def test_deleting_waits_for_builders(place: Place) -> None:
    """While something is published or restored, gc deletes no record, object or note."""
    file = Lying(str(place.store / "file"), 0, 0)
    broom = Broom(Guard(place.store))
    for action in (lambda: broom.sweep([file], time.time_ns()), lambda: broom.drop(file.path, condition=lambda: True)):
        Path(file.path).touch()
        os.utime(file.path, (0, 0))
        there: list[bool] = []
        lock = place.cache.guard.shared()
        lock.__enter__()
        assert waits(action, lambda: (there.append(Path(file.path).exists()), lock.__exit__(None, None, None)))  # noqa: B023
        assert there == [True]
        assert not Path(file.path).exists()


def test_a_use_waits_for_gc(place: Place) -> None:
    """A record is not marked as used between gc's look at it and its deletion: it would go all the same."""
    place.cache.ensure(place.target())
    assert held("exclusive", place.cache.guard, lambda: place.cache.restore(place.target()))


def test_a_series_that_rests_lets_gc_in(tmp_path):
    """What a series keeps can be let go before something that takes long; its next use takes it again."""
    guard = Guard(tmp_path)
    guard.rest()
    with guard.series():
        with guard.shared():
            pass
        guard.rest()
        with guard.exclusive():
            pass
        with guard.shared():
            pass


def test_what_is_done_first_by_two_threads_at_once(tmp_path: Path) -> None:
    """Where another thread has done it between this one's look and its call, nothing is wrong."""

    class Raced(Guard):
        looks = 0

        @property
        def _first(self) -> Callable[[], None] | None:
            self.looks += 1
            return None if self.looks > 1 else (lambda: done.append(self.looks))

        @_first.setter
        def _first(self, first: Callable[[], None] | None) -> None: ...

    done: list[int] = []
    guard = Raced(tmp_path)
    for _ in range(2):
        with guard.shared():
            pass
    assert done == [1]


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EIO])
@pytest.mark.parametrize("how", ["shared", "exclusive"])
def test_a_disk_without_locks_is_named(tmp_path, monkeypatch, how, number):
    """Where a file can't be locked, the error names its path, the reason and the cure."""

    def refused(file, how):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refused)
    with pytest.raises(StoreError) as caught, getattr(Guard(tmp_path), how)():
        pass
    assert caught.value.fact == f"{tmp_path / '.gate'} can't be locked: {os.strerror(number)}"
    assert caught.value.hint == "move its folder to a disk with locks"
