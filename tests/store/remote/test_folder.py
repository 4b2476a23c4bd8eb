"""A folder as a remote: plain files, whole or not there; what is wrong with it is said as it is."""

import os
from pathlib import Path

import pytest

from barmill.errors import RemoteError
from barmill.hashing import digest_bytes
from barmill.store.remote.folder import Folder
from barmill.store.remote.place import Unfit
from tests.store.remote.places import cache_at, contents, put

LARGE = bytes(range(256)) * 10_000


@pytest.fixture
def folder(tmp_path):
    return Folder(f"file://{tmp_path}/not yet/there %20 ü")


def test_what_is_written_is_read(folder, tmp_path):
    """Bytes and files come back as they went, at once and in parts, and lie there as plain files."""
    (tmp_path / "source").write_bytes(LARGE)
    folder.write("a/b", b"one")
    folder.write("a/c", tmp_path / "source")
    assert folder.read("a/b", 3, 3) == b"one"
    assert b"".join(folder.stream("a/c", len(LARGE))) == LARGE
    assert (folder.size("a/b"), folder.size("a/c")) == (3, len(LARGE))
    assert contents(tmp_path / "not yet/there %20 ü") == {"a/b": b"one", "a/c": LARGE}


def test_what_is_replaced_is_whole_for_those_who_read_it(folder):
    """Who has opened a file reads it to its end as it was, whatever is written under its name meanwhile."""
    folder.write("a", LARGE)
    parts = folder.stream("a", len(LARGE))
    first = next(parts)
    folder.write("a", b"x" * len(LARGE))
    assert b"".join([first, *parts]) == LARGE


def test_what_is_not_there_is_none(folder):
    """A file, or a folder above it, that is not there is no error, and nothing is made to look for it."""
    assert (folder.read("a/b", 9), folder.stream("a/b", 9), folder.size("a/b"), folder.names("a")) == (None, None, None, [])
    assert not Path(folder.url.removeprefix("file://")).exists()


@pytest.mark.parametrize("size", [2, 4])
def test_another_length_is_refused(folder, size):
    """What is longer or shorter than it should be is not read, nor what is longer than may be."""
    folder.write("a", b"abc")
    for ask in (lambda: folder.read("a", size, size), lambda: folder.stream("a", size), lambda: folder.read("a", 2)):
        with pytest.raises(Unfit, match="has 3 bytes"):
            ask()


@pytest.mark.parametrize("cut", [1, 1 << 20, (1 << 20) + 1])
def test_a_file_that_changes_its_length_while_it_is_read(folder, cut):
    """A file that is cut or grows in the middle of reading is refused at its end."""
    folder.write("a", LARGE)
    path = Path(folder.url.removeprefix("file://")) / "a"
    for length in (cut, len(LARGE) + cut):
        parts = folder.stream("a", len(LARGE))
        os.truncate(path, length)
        with pytest.raises(Unfit, match=r"ends|longer"):
            list(parts)
        path.write_bytes(LARGE)


def test_names_come_the_newest_first(folder):
    """The names in a folder, by their age, without what is just being written."""
    for age, name in enumerate(("b", "c", "a")):
        folder.write(f"f/{name}", b"")
        os.utime(Path(folder.url.removeprefix("file://")) / "f" / name, (1000 - age, 1000 - age))
    folder.write("f/.hidden", b"")
    assert folder.names("f") == ["b", "c", "a"]


def test_a_file_where_the_folder_should_be(tmp_path):
    """It is an error that says so with its cure, not a remote that has nothing."""
    (tmp_path / "file").touch()
    folder = Folder(f"file://{tmp_path}/file")
    asks = (
        lambda: folder.read("a/b", 9),
        lambda: folder.stream("a/b", 9),
        lambda: folder.size("a/b"),
        lambda: folder.names("a"),
        lambda: folder.write("a/b", b""),
    )
    for ask in asks:
        with pytest.raises(RemoteError, match=r"(Not a directory|File exists)[^$]*hint: look at the folder"):
            ask()


def test_a_failed_write_leaves_nothing(folder, monkeypatch):
    """A disk that is full leaves what was there, no part of a file, and an error that says it."""

    def full(*_):
        raise OSError(28, "No space left on device")

    folder.write("a", b"old")
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(RemoteError, match=r"writing a of file:.*: No space left on device"):
        folder.write("a", b"new")
    monkeypatch.undo()
    assert contents(Path(folder.url.removeprefix("file://"))) == {"a": b"old"}


def test_nothing_is_visible_before_it_is_verified(tmp_path, monkeypatch):
    """Small and large objects whose bytes differ in one bit never have a name in the store."""
    ours, theirs = cache_at(tmp_path / "ours", tmp_path / "remote"), cache_at(tmp_path / "theirs", tmp_path / "remote")
    record = put(ours, {"small": b"small", "large": LARGE})
    ours.remote.send([record.key])
    for data in (b"small", LARGE):
        digest = digest_bytes(data)
        (path,) = (tmp_path / "remote").glob(f"*/objects/{digest[:2]}/{digest[2:]}")
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    seen = []
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda source, target: seen.append(Path(target)) or replace(source, target))
    assert theirs.remote.fetch([record.key]) == set()
    assert not [path for path in seen if path.is_relative_to(theirs.objects.root / "objects")]
    assert contents(theirs.objects.root / "objects") == {}
    assert theirs.remote.counts.refused == 2


def test_a_pipe_is_not_waited_for(folder):
    """A pipe that nobody writes to is no object and no record, and is left at once."""
    folder.write("a/b", b"")
    path = Path(folder.url.removeprefix("file://")) / "a/pipe"
    os.mkfifo(path)
    with pytest.raises(Unfit, match="has 0 bytes"):
        folder.read("a/pipe", 9, 9)
    assert folder.read("a/pipe", 9) == b""


def test_a_file_that_is_not_read_to_its_end_is_closed(folder):
    """No descriptor stays open of what was refused, or left after some of it or none."""
    folder.write("a", LARGE)
    before = os.listdir("/proc/self/fd")
    with pytest.raises(Unfit):
        folder.stream("a", 1)
    with pytest.raises(Unfit):
        folder.read("a", 1)
    next(folder.stream("a", len(LARGE)))
    folder.stream("a", len(LARGE))
    assert os.listdir("/proc/self/fd") == before
