"""The stat cache for files: a remembered digest is used only where nothing can have changed."""

import errno
import functools
import mmap
import os
import time
from pathlib import Path

import pytest

from barmill.errors import InputError, InputMoved
from barmill.hashing import digest_bytes
from barmill.store import stats as module
from barmill.store.stats import ABSENT, UNREADABLE, Seen, StatCache, stamps

SECOND = 1_000_000_000


def settle(*paths: Path) -> None:
    """Wait until what was just written is old enough to be remembered."""
    assert all(path.exists() for path in paths)
    time.sleep(module.GRAIN_NS / SECOND + 0.02)


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Paths that were read, in order."""
    read: list[str] = []
    real = module.digest_file

    def spy(path: str) -> str:
        read.append(str(path))
        return real(path)

    monkeypatch.setattr(module, "digest_file", spy)
    return read


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A settled file with the content b"one"."""
    path = tmp_path / "file"
    path.write_bytes(b"one")
    settle(path)
    return path


@pytest.mark.parametrize("field", ["size", "mtime_ns", "inode", "ctime_ns"])
def test_each_part_of_the_stamp_counts(path: Path, field: str) -> None:
    """A remembered digest is not used if any one part of the stamp is another."""
    stats = StatCache()
    stats.digest(path)
    seen = stats.seen[str(path)]
    stats.seen[str(path)] = seen._replace(digest=digest_bytes(b"wrong"))
    assert stats.digest(path) == digest_bytes(b"wrong")
    stats.seen[str(path)] = seen._replace(digest=digest_bytes(b"wrong"), **{field: getattr(seen, field) + 1})
    assert stats.digest(path) == digest_bytes(b"one")


def restore_mtime(path: Path, before: os.stat_result) -> None:
    """Put the times of a file back to what they were."""
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_mtime_ns == before.st_mtime_ns


def test_an_untouched_file_is_read_once(path: Path, hashed: list[str]) -> None:
    """A settled file is read the first time only, also by a cache that starts from what another remembered."""
    stats = StatCache()
    digests = {stats.digest(path), stats.digest(path), StatCache(functools.partial(dict, stats.seen)).digest(path)}
    assert digests == {digest_bytes(b"one")}
    assert hashed == [str(path)]
    assert stats.changed == {str(path)}


def test_a_file_just_written_is_not_remembered(tmp_path: Path, hashed: list[str]) -> None:
    """A file written within the clock's grain of its hashing is read again, until it has settled."""
    path = tmp_path / "file"
    stats = StatCache()
    path.write_bytes(b"one")
    stats.digest(path)
    stats.digest(path)
    assert len(hashed) == 2
    settle(path)
    stats.digest(path)
    stats.digest(path)
    assert len(hashed) == 3


def test_a_write_right_after_hashing_is_seen(tmp_path: Path) -> None:
    """A same-size write right after the hashing, its mtime put back, is seen, every time."""
    path, stats = tmp_path / "file", StatCache()
    for number in range(200):
        path.write_bytes(b"a%03d" % number)
        before = path.stat()
        assert stats.digest(path) == digest_bytes(b"a%03d" % number)
        with open(path, "r+b") as file:
            file.write(b"b%03d" % number)
        restore_mtime(path, before)
        assert stats.digest(path) == digest_bytes(b"b%03d" % number)


@pytest.mark.parametrize("content", [b"two", b"three"])
def test_an_edit_with_its_mtime_put_back_is_seen(path: Path, content: bytes) -> None:
    """A settled file edited in place, at equal or another size, with its mtime put back, is read again."""
    stats, before = StatCache(), path.stat()
    stats.digest(path)
    path.write_bytes(content)
    restore_mtime(path, before)
    settle(path)
    assert stats.digest(path) == digest_bytes(content)


def test_a_file_put_in_its_place_is_seen(path: Path) -> None:
    """Another file of equal size and mtime, renamed over it, is read."""
    stats, before = StatCache(), path.stat()
    stats.digest(path)
    other = path.with_name("other")
    other.write_bytes(b"two")
    restore_mtime(other, before)
    os.replace(other, path)
    assert stats.digest(path) == digest_bytes(b"two")


def test_an_inode_used_again_is_seen(path: Path) -> None:
    """A file deleted and made anew, with the same inode (as ext4 gives it out again), size and mtime, is read."""
    stats, before = StatCache(), path.stat()
    stats.digest(path)
    path.unlink()
    path.write_bytes(b"two")
    restore_mtime(path, before)
    settle(path)
    assert stats.digest(path) == digest_bytes(b"two")


def test_a_write_through_a_memory_map(path: Path) -> None:
    """The write that may leave no stamp: seen if the kernel stamps it, and always by a cache that remembers nothing."""
    stats = StatCache()
    stats.digest(path)
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        mapped[:] = b"two"
        mapped.flush()
        first = path.stat()
        settle(path)
        stats.digest(path)
        mapped[:] = b"six"
        mapped.flush()
    stamped = (path.stat().st_mtime_ns, path.stat().st_ctime_ns) != (first.st_mtime_ns, first.st_ctime_ns)
    assert (stats.digest(path) == digest_bytes(b"six")) == stamped
    assert StatCache().digest(path) == digest_bytes(b"six")


def test_a_link_stands_for_its_target(path: Path) -> None:
    """An edit of a link's target, and a link pointed elsewhere, are seen."""
    stats, link, other = StatCache(), path.with_name("link"), path.with_name("other")
    link.symlink_to(path)
    other.write_bytes(b"six")
    settle(other)
    assert stats.digest(link) == digest_bytes(b"one")
    path.write_bytes(b"two")
    assert stats.digest(link) == digest_bytes(b"two")
    link.unlink()
    link.symlink_to(other)
    assert stats.digest(link) == digest_bytes(b"six")


def test_touch_and_chmod_change_no_digest(path: Path) -> None:
    """Other stamps on the same bytes give the same digest."""
    stats = StatCache()
    digest = stats.digest(path)
    os.utime(path)
    assert stats.digest(path) == digest
    path.chmod(0o600)
    assert stats.digest(path) == digest
    os.link(path, path.with_name("second"))
    assert stats.digest(path) == digest


@pytest.mark.parametrize("ahead", [3600 * SECOND, 10 * 365 * 86400 * SECOND])
def test_a_future_mtime_is_never_trusted(path: Path, hashed: list[str], ahead: int) -> None:
    """A file from the future is read each time: a later write could leave the same stamp."""
    stats, later = StatCache(), time.time_ns() + ahead
    os.utime(path, ns=(later, later))
    settle(path)
    stats.digest(path)
    stats.digest(path)
    assert len(hashed) == 2
    assert stats.seen == {}


def test_a_clock_set_back_trusts_nothing_new(path: Path, hashed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """With a clock that was set back, files that seem to be from the future are read each time."""
    monkeypatch.setattr(module.time, "time_ns", lambda: path.stat().st_mtime_ns - SECOND)
    stats = StatCache()
    stats.digest(path)
    stats.digest(path)
    assert len(hashed) == 2


def test_whole_second_stamps_need_more_time(path: Path, hashed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """On a file system with whole seconds a file must be two seconds old before its digest is remembered."""
    now = path.stat().st_ctime_ns // SECOND * SECOND
    whole = Seen(str(path), 3, now - SECOND, 1, now - SECOND, digest_bytes(b"one"))
    stats = StatCache()
    stats._remember(whole, now)
    assert stats.seen == {}
    stats._remember(whole, now + 2 * SECOND)
    assert stats.seen == {str(path): whole}


def test_what_is_no_longer_sure_is_forgotten(path: Path) -> None:
    """A remembered file that was just rewritten loses its entry, and the loss is written back."""
    stats = StatCache()
    stats.digest(path)
    stats.changed.clear()
    path.write_bytes(b"two")
    stats.digest(path)
    assert (stats.seen, stats.changed) == ({}, {str(path)})


def test_a_file_that_changes_while_it_is_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that never keeps still is an error; one that changes once is read again."""
    real, writes = module.digest_file, iter(range(100))

    def busy(name: str) -> str:
        digest = real(name)
        path.write_bytes(b"%d" % next(writes) * 3)
        return digest

    monkeypatch.setattr(module, "digest_file", busy)
    with pytest.raises(InputMoved, match="changes while it is read"):
        StatCache().digest(path)
    writes = iter([7])
    real_busy = busy

    def once(name: str) -> str:
        monkeypatch.setattr(module, "digest_file", real)
        return real_busy(name)

    monkeypatch.setattr(module, "digest_file", once)
    assert StatCache().digest(path) == digest_bytes(b"777")


def test_once_means_once_a_run(path: Path) -> None:
    """`digest_once` keeps to what it first saw until it is told to look again."""
    stats = StatCache()
    digest = stats.digest_once(path)
    path.write_bytes(b"other")
    assert stats.digest_once(path) == digest
    stats.forget(path)
    assert stats.digest_once(path) == digest_bytes(b"other")


@pytest.mark.parametrize("name", ["none", "file/below"])
def test_nothing_there(path: Path, name: str) -> None:
    """A missing path, and one below a file, raise FileNotFoundError; as an output they are absent."""
    with pytest.raises(FileNotFoundError):
        StatCache().digest(path.parent / name)
    assert StatCache().output_once(path.parent / name) == ABSENT


def test_neither_file_nor_folder(tmp_path: Path) -> None:
    """A pipe, and a link to itself, are errors that name the path, not a wait without end."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name in ("pipe", "loop"):
        with pytest.raises(InputError, match=name):
            StatCache().digest(tmp_path / name)


def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    """A file whose name is not UTF-8 has a digest like any other."""
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.txt"))
    path.write_bytes(b"one")
    assert StatCache().digest(path) == digest_bytes(b"one")


@pytest.mark.parametrize(("whole", "grain"), [(False, 50_000_000), (True, 2 * SECOND)])
@pytest.mark.parametrize("newest", ["mtime_ns", "ctime_ns"])
def test_a_digest_is_remembered_only_if_it_is_younger_by_more_than_a_grain(whole: bool, grain: int, newest: str) -> None:
    """The later of the two times decides, and the grain of its clock: a nanosecond more than it is enough, and no less."""
    time_ns = 1_700_000_000 * SECOND + (0 if whole else 1)
    seen = Seen("file", 3, time_ns - SECOND, 1, time_ns - SECOND, digest_bytes(b"one"))._replace(**{newest: time_ns})
    stats = StatCache()
    stats._remember(seen, time_ns + grain)
    assert (stats.seen, stats.changed) == ({}, set())
    stats._remember(seen, time_ns + grain + 1)
    assert (stats.seen, stats.changed) == ({"file": seen}, {"file"})


def test_the_clock_is_read_before_the_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is hashed for longer than a grain is as young as it was when that began."""
    path.write_bytes(b"new")
    monkeypatch.setattr(module, "digest_file", lambda name: (settle(path), digest_bytes(b"new"))[1])
    stats = StatCache()
    stats.digest(path)
    assert stats.seen == {}


@pytest.mark.parametrize(("changes", "is_error"), [(2, False), (3, True)])
def test_a_file_is_read_three_times_at_most(path: Path, monkeypatch: pytest.MonkeyPatch, changes: int, is_error: bool) -> None:
    """A file that changes during two readings has the digest of the third; one that changes during three is an error."""
    real, left = module.digest_file, iter(range(changes))

    def busy(name: str) -> str:
        digest = real(name)
        for number in left:
            path.write_bytes(b"%d" % number * 5)
            break
        return digest

    monkeypatch.setattr(module, "digest_file", busy)
    if is_error:
        with pytest.raises(InputMoved, match="file changes while it is read"):
            StatCache().digest(path)
    else:
        assert StatCache().digest(path) == digest_bytes(b"11111")


@pytest.mark.parametrize("name", ["none", "file/below"])
def test_error_of_a_missing_path_names_it(path: Path, name: str) -> None:
    """`filename` is the path that was asked for, so that a caller with many paths knows which is missing."""
    with pytest.raises(FileNotFoundError) as caught:
        StatCache().digest(path.parent / name)
    assert (caught.value.errno, caught.value.filename) == (errno.ENOENT, str(path.parent / name))


def test_output_that_cannot_be_read_is_not_absent(path: Path) -> None:
    """A pipe, a loop of links and a name that is too long are unreadable as outputs; a file and a folder have digests."""
    os.mkfifo(path.with_name("pipe"))
    path.with_name("loop").symlink_to("loop")
    for name in ("pipe", "loop", "n" * 300):
        assert StatCache().output(path.with_name(name)) == UNREADABLE
        assert StatCache().output_once(path.with_name(name)) == UNREADABLE
    assert StatCache().output(path) == digest_bytes(b"one")
    assert StatCache().output(path.parent).startswith("tree:")


def test_output_is_looked_at_once_a_run(tmp_path: Path, hashed: list[str]) -> None:
    """What an output was first found to be stays until it is forgotten, and is also its digest as an input: it is read once."""
    path, stats = tmp_path / "file", StatCache()
    path.write_bytes(b"one")
    assert stats.output_once(path) == stats.digest_once(path) == digest_bytes(b"one")
    path.write_bytes(b"three")
    assert stats.output_once(path) == stats.digest_once(path) == digest_bytes(b"one")
    assert hashed == [str(path)]
    stats.forget(path)
    assert stats.output_once(path) == stats.digest_once(path) == digest_bytes(b"three")


def test_output_that_is_missing_is_a_missing_input(path: Path) -> None:
    """A path without a digest, as an output, is an error as an input; a folder has another digest as either."""
    stats, pipe = StatCache(), path.with_name("pipe")
    os.mkfifo(pipe)
    assert [stats.output_once(each) for each in (path.with_name("none"), pipe)] == [ABSENT, UNREADABLE]
    with pytest.raises(FileNotFoundError):
        stats.digest_once(path.with_name("none"))
    with pytest.raises(InputError, match="pipe is neither a file nor a folder"):
        stats.digest_once(pipe)
    assert stats.output_once(path.parent) != stats.digest_once(path.parent)
    assert stats.digest_once(path.parent) == stats.digest(path.parent)


def test_a_stamp_is_safe_if_it_is_that_of_the_remembered_digest(path: Path) -> None:
    """A file is safe if it was hashed when it had settled and is untouched since; what is missing, and a folder, always is."""
    stats = StatCache()
    assert not stats.vouches(str(path))
    stats.digest(path)
    assert stats.vouches(str(path))
    os.utime(path)
    assert not stats.vouches(str(path))
    stats.digest(path)
    assert not stats.vouches(str(path))  # too young
    assert stats.vouches(str(path.parent))
    assert stats.vouches(str(path.with_name("none")))


@pytest.mark.parametrize("field", ["size", "mtime_ns", "inode", "ctime_ns"])
def test_a_stamp_is_not_safe_if_any_part_of_it_differs(path: Path, field: str) -> None:
    """Size, both times and inode: each must be the remembered one."""
    stats = StatCache()
    stats.digest(path)
    seen = stats.seen[str(path)]
    stats.seen[str(path)] = seen._replace(**{field: getattr(seen, field) + 1})
    assert not stats.vouches(str(path))


def test_a_mark_is_another_once_a_path_was_written_to(path: Path) -> None:
    """A file's mark is its stamp, a folder's the digest of its names, a missing path's that it is absent."""
    stats, status = StatCache(), path.stat()
    assert stats.mark(str(path)) == (status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns)
    assert stats.mark(str(path.parent)) == stats.digest(path.parent)
    assert stats.mark(str(path.with_name("none"))) == ABSENT
    path.write_bytes(b"one")
    assert stats.mark(str(path)) != (status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns)


def test_stamps_show_each_file_as_it_is(path: Path) -> None:
    """Size, mtime, inode and ctime of a file, what is given for a folder, a word for what is missing or can't be looked at."""
    status = path.stat()
    path.with_name("loop").symlink_to("loop")
    names = [path.with_name("none"), path, path.parent, path / "below", path.with_name("loop")]
    shown = stamps(map(str, names), lambda name: f"folder {name}")
    stamp = [status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns]
    assert shown == [ABSENT, *stamp, f"folder {path.parent}", ABSENT, UNREADABLE]


def test_a_file_that_cannot_be_read_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the disk becomes an input error with the path and what the system says."""

    def broken(name: str) -> str:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(module, "digest_file", broken)
    with pytest.raises(InputError) as caught:
        StatCache().digest(path)
    assert caught.value.fact == f"{path} can't be read: Input/output error"
