"""Writing whole files: nothing half-written, nothing left behind."""

import errno
import fcntl
import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from barmill import files
from barmill.errors import InputError


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(os.listdir(folder))


def mode(path: Path) -> int:
    """Permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("fsync", [False, True])
def test_write_atomic_replaces_and_leaves_nothing(tmp_path: Path, fsync: bool) -> None:
    """New content takes the place of the old, in a folder made on the way, without another file left there."""
    path = tmp_path / "a/b/file"
    files.write_atomic(path, b"old", fsync=fsync)
    files.write_atomic(path, b"new", fsync=fsync)
    assert path.read_bytes() == b"new"
    assert names(path.parent) == ["file"]


def test_write_atomic_sets_the_mode(tmp_path: Path) -> None:
    """The file has the mode asked for."""
    files.write_atomic(tmp_path / "file", b"", mode=0o444)
    assert mode(tmp_path / "file") == 0o444


def test_old_content_stays_until_the_rename(tmp_path: Path) -> None:
    """While the new content is written, a reader sees the old."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with files.replacing(path) as temporary:
        temporary.write_bytes(b"half")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"half"


@pytest.mark.parametrize("fault", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_failed_write_leaves_the_old_file_alone(tmp_path: Path, fault: type[BaseException]) -> None:
    """When the writer raises, even an interrupt, the old file stands and no temporary is left."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(fault), files.replacing(path) as temporary:
        temporary.write_bytes(b"half")
        raise fault
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_a_failed_write_of_a_folder_leaves_nothing(tmp_path: Path) -> None:
    """A temporary that became a folder goes, too."""
    with pytest.raises(ValueError), files.replacing(tmp_path / "out") as temporary:
        temporary.mkdir()
        (temporary / "part").write_text("x")
        raise ValueError
    assert names(tmp_path) == []


def test_nothing_written_is_an_error(tmp_path: Path) -> None:
    """A writer that wrote nothing at the name it was given raises, and what was there stays."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(FileNotFoundError), files.replacing(path):
        pass
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("link", ["reflink", "copy"])
@pytest.mark.parametrize("size", [0, 1, (1 << 20) + 5])
def test_copies_are_files_of_their_own(tmp_path: Path, link: str, size: int) -> None:
    """A copy has the same bytes under another inode, whether or not the file system can share blocks."""
    source, target = tmp_path / "source", tmp_path / "deep/target"
    source.write_bytes(b"x" * size)
    files.copy(source, target, link=link, mode=0o600, fsync=True)
    assert target.read_bytes() == source.read_bytes()
    assert target.stat().st_ino != source.stat().st_ino
    assert mode(target) == 0o600
    assert names(target.parent) == ["target"]


@pytest.mark.parametrize("code", [errno.EOPNOTSUPP, errno.EXDEV, errno.ENOTTY, errno.EINVAL, errno.ENOSYS])
def test_reflink_falls_back_to_copying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """Where blocks can't be shared, the bytes are copied."""

    def refuse(*_: object) -> None:
        raise OSError(code, "no")

    monkeypatch.setattr(fcntl, "ioctl", refuse)
    (tmp_path / "source").write_bytes(b"abc")
    files.copy(tmp_path / "source", tmp_path / "target", link="reflink")
    assert (tmp_path / "target").read_bytes() == b"abc"


def test_a_failed_reflink_is_an_error_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that copying would meet, too (a full disk), is raised, and no half file stays."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(fcntl, "ioctl", refuse)
    (tmp_path / "source").write_bytes(b"abc")
    with pytest.raises(OSError, match="full"):
        files.copy(tmp_path / "source", tmp_path / "target", link="reflink")
    assert names(tmp_path) == ["source"]


def test_hardlink_is_one_file_with_two_names(tmp_path: Path) -> None:
    """A hard link shares the inode, and takes the place of what was there."""
    (tmp_path / "source").write_bytes(b"abc")
    (tmp_path / "target").write_bytes(b"old")
    files.copy(tmp_path / "source", tmp_path / "target", link="hardlink")
    assert (tmp_path / "target").stat().st_ino == (tmp_path / "source").stat().st_ino
    assert names(tmp_path) == ["source", "target"]


def test_copy_of_a_missing_file_leaves_nothing(tmp_path: Path) -> None:
    """A source that is not there raises FileNotFoundError, and the target stays as it was."""
    (tmp_path / "target").write_bytes(b"old")
    with pytest.raises(FileNotFoundError):
        files.copy(tmp_path / "none", tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == b"old"
    assert names(tmp_path) == ["target"]


def test_temporary_names_are_hidden_and_never_the_same(tmp_path: Path) -> None:
    """Each call gives another name, beside the file, hidden, ending in .tmp, and short enough for a long name."""
    found = {files.temporary_name(tmp_path / ("n" * 250)) for _ in range(100)}
    assert len(found) == 100
    assert all(path.parent == tmp_path and path.name.startswith(".") and path.suffix == ".tmp" for path in found)
    assert max(len(path.name) for path in found) < 255


@pytest.mark.parametrize("there", ["nothing", "file", "folder", "link", "dangling"])
@pytest.mark.parametrize("new", ["file", "folder"])
def test_move_replaces_whatever_is_there(tmp_path: Path, new: str, there: str) -> None:
    """A file or a folder takes the place of a file, a folder, a link or nothing, and nothing else is touched or left."""

    def make(path: Path, kind: str, text: str) -> None:
        if kind == "file":
            path.write_text(text)
        elif kind == "folder":
            path.mkdir()
            (path / text).write_text(text)
        elif kind in {"link", "dangling"}:
            path.symlink_to(tmp_path / ("kept" if kind == "link" else "nowhere"))

    make(tmp_path / "kept", "folder", "kept")
    make(tmp_path / "target", there, "old")
    make(tmp_path / "source", new, "new")
    files.move(tmp_path / "source", tmp_path / "target")
    assert names(tmp_path) == ["kept", "target"]
    assert names(tmp_path / "kept") == ["kept"]
    assert not (tmp_path / "target").is_symlink()
    assert (tmp_path / "target" / ("" if new == "file" else "new")).read_text() == "new"


def test_moving_nothing_keeps_what_is_there(tmp_path: Path) -> None:
    """A source that is not there raises, and the target stays."""
    (tmp_path / "target").mkdir()
    with pytest.raises(FileNotFoundError):
        files.move(tmp_path / "none", tmp_path / "target")
    assert names(tmp_path) == ["target"]


def test_moving_into_a_folder_that_another_has_just_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no fault that the folder was not there at the first try and is at the next look: others move into it, too."""
    replace, folder = os.replace, tmp_path / "folder"

    def slow(source: Path, target: Path) -> None:
        try:
            replace(source, target)
        except FileNotFoundError:
            folder.mkdir()
            raise

    monkeypatch.setattr(os, "replace", slow)
    (tmp_path / "source").write_text("new")
    files.move(tmp_path / "source", folder / "target")
    assert (folder / "target").read_text() == "new"


def test_discard_takes_a_tree_a_link_and_nothing(tmp_path: Path) -> None:
    """A tree, a link (not what it points to) and nothing can be discarded, also below a file."""
    (tmp_path / "tree/deep").mkdir(parents=True)
    (tmp_path / "kept").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    for name in ("tree", "link", "none", "none/below", "kept/below"):
        files.discard(tmp_path / name)
    assert names(tmp_path) == ["kept"]


def test_remove_takes_files_folders_links_and_nothing(tmp_path: Path) -> None:
    """A file, a tree, a link (not what it points to) and nothing at all can be removed."""
    (tmp_path / "tree/deep").mkdir(parents=True)
    (tmp_path / "tree/deep/file").write_text("x")
    (tmp_path / "kept").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for name in ("tree", "link", "dangling", "none"):
        files.remove(tmp_path / name)
    assert names(tmp_path) == ["kept"]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is synced (with its size, if it is a file) and renamed, in order; names without what makes drafts differ."""
    found: list[str] = []
    fsync, replace = os.fsync, os.replace

    def short(path: str | Path) -> str:
        name = Path(path).name
        return "draft" if name.endswith(".tmp") else name

    def sync(file: int) -> None:
        path = os.readlink(f"/proc/self/fd/{file}")
        found.append(f"sync {short(path)}" + ("" if os.path.isdir(path) else f" {os.fstat(file).st_size}"))
        fsync(file)

    def rename(source: str | Path, target: str | Path) -> None:
        found.append(f"rename {short(source)} {short(target)}")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "replace", rename)
    return found


def test_a_durable_write_waits_for_bytes_then_renames_then_waits_for_the_folder(tmp_path: Path, calls: list[str]) -> None:
    """The bytes are on the disk before the rename, the name after it; nothing else is left in the folder."""
    (tmp_path / "folder").mkdir()
    files.write_durable(tmp_path / "folder/file", b"old")
    assert calls == ["sync draft 3", "rename draft file", "sync folder"]
    assert names(tmp_path / "folder") == ["file"]


def test_names_of_new_folders_are_on_the_disk_too(tmp_path: Path, calls: list[str]) -> None:
    """For a/b/file the folders that name a, b and the file are synced."""
    files.write_durable(tmp_path / "a/b/file", b"new")
    assert sorted(calls[:2]) == ["sync a", f"sync {tmp_path.name}"]
    assert calls[2:] == ["sync draft 3", "rename draft file", "sync b"]


def test_many_files_share_the_waiting(tmp_path: Path, calls: list[str]) -> None:
    """All bytes are synced before the first rename, and each folder once."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    contents = {tmp_path / name: name.encode() for name in ("one/a", "one/b", "two/c")}
    assert files.write_durable_all(contents, mode=0o444) == {}
    assert calls == [*["sync draft 5"] * 3, *(f"rename draft {name}" for name in "abc"), "sync one", "sync two"]
    assert {path: path.read_bytes() for path in contents} == contents
    assert {mode(path) for path in contents} == {0o444}


@pytest.mark.parametrize("broken", ["write", "sync", "rename"])
def test_one_file_that_fails_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    """A file that can't be written, synced or renamed is returned with its error; the others are in place without drafts."""
    good, bad = tmp_path / "good", tmp_path / "bad"
    bad.write_bytes(b"old")
    if broken == "write":
        bad = bad / "below"
    elif broken == "sync":
        monkeypatch.setattr(files, "sync", lambda path: _refuse(path, files.draft_of(bad)))
    else:
        bad.unlink()
        (bad / "full").mkdir(parents=True)
    assert list(files.write_durable_all({bad: b"2", good: b"1"})) == [bad]
    assert good.read_bytes() == b"1"
    assert names(tmp_path) == ["bad", "good"]


def _refuse(path: Path, refused: Path) -> None:
    if path == refused:
        raise OSError(errno.EIO, "disk")


def test_a_durable_write_that_is_interrupted_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while the disk is waited for: the old content stands, without a draft beside it."""
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        files.write_durable(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_the_draft_of_a_killed_writer_is_replaced_by_the_next(tmp_path: Path) -> None:
    """A draft, whole or not, writable or not, is no obstacle, and is gone when the file is in place; so for long names."""
    for name in ("file", "n" * 240, "ü" * 120):
        path = tmp_path / name
        files.draft_of(path).write_bytes(b"half")
        files.draft_of(path).chmod(0o444)
        files.write_durable(path, b"new")
        assert path.read_bytes() == b"new"
    assert names(tmp_path) == sorted(["file", "n" * 240, "ü" * 120])


def test_drafts_of_names_that_begin_alike_differ(tmp_path: Path) -> None:
    """Two long names with the same beginning have two drafts, so both can be written at once."""
    assert files.draft_of(tmp_path / ("n" * 240 + "a")) != files.draft_of(tmp_path / ("n" * 240 + "b"))


def test_a_folder_that_its_file_system_cannot_sync_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some file systems refuse to sync a folder: the file is written; any other error is raised."""
    number = errno.EINVAL

    def refuse(file: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{file}"):
            raise OSError(number, "refused")

    monkeypatch.setattr(os, "fsync", refuse)
    files.write_durable(tmp_path / "file", b"new")
    number = errno.EIO
    with pytest.raises(OSError, match="refused"):
        files.write_durable(tmp_path / "file", b"newer")


@pytest.mark.parametrize("link", ["reflink", "copy", "hardlink"])
def test_with_fsync_a_write_a_copy_and_a_move_wait_for_bytes_and_names(tmp_path: Path, calls: list[str], link: str) -> None:
    """Each syncs the bytes before the rename, and the folder after it; without fsync none waits."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "source").write_bytes(b"abc")
    files.write_atomic(folder / "file", b"abcd")
    files.copy(tmp_path / "source", folder / "file", link=link)
    assert not [call for call in calls if call.startswith("sync")]
    calls.clear()
    files.write_atomic(folder / "file", b"abcd", fsync=True)
    assert calls == ["sync draft 4", "rename draft file", "sync folder"]
    calls.clear()
    files.copy(tmp_path / "source", folder / "file", link=link, fsync=True)
    assert calls == ["sync draft 3", "rename draft file", "sync folder"]
    calls.clear()
    files.move(tmp_path / "source", folder / "file", fsync=True)
    assert calls == ["sync source 3", "rename source file", "sync folder"]
    calls.clear()
    files.write_atomic(tmp_path / "new/file", b"abcd", fsync=True)
    assert calls == [f"sync {tmp_path.name}", "sync draft 4", "rename draft file", "sync new"]


def failing(number: int, real: Callable[..., object], times: int = 1000) -> Callable[..., object]:
    """A function that raises an OSError of that number as often, and then does what `real` does."""
    left = [times]

    def call(*args: object, **options: object) -> object:
        left[0] -= 1
        if left[0] >= 0:
            raise OSError(number, "refused")
        return real(*args, **options)

    return call


@pytest.fixture
def _no_umask() -> Iterator[None]:
    """New files have all the permission bits that were asked for."""
    old = os.umask(0)
    yield
    os.umask(old)


@pytest.fixture
def descriptors() -> Iterator[None]:
    """The test leaves as many files open as there were before."""
    before = len(os.listdir("/proc/self/fd"))
    yield
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.usefixtures("_no_umask")
def test_new_files_are_for_all_to_read_and_for_the_owner_to_write(tmp_path: Path) -> None:
    """Without another word a file written or copied has the mode 0644, also where an old draft or no folder was."""
    source = tmp_path / "source"
    source.write_bytes(b"abc")
    files.write_new(tmp_path / "new", b"")
    files.write_atomic(tmp_path / "atomic", b"")
    files.write_durable(tmp_path / "durable", b"")
    files.draft_of(tmp_path / "again").write_bytes(b"half")
    files.write_durable_all({tmp_path / "again": b"", tmp_path / "folder/below": b""})
    files.copy(source, tmp_path / "copy")
    files.copy_new(source, tmp_path / "copied")
    found = {name: mode(tmp_path / name) for name in (*names(tmp_path), "folder/below") if name not in {"source", "folder"}}
    assert found == dict.fromkeys(["again", "atomic", "copied", "copy", "durable", "folder/below", "new"], 0o644)


@pytest.mark.usefixtures("_no_umask")
def test_a_durable_write_sets_the_mode(tmp_path: Path) -> None:
    """The mode asked for is that of the file, also where an old draft or no folder was."""
    files.write_durable(tmp_path / "file", b"", mode=0o400)
    files.draft_of(tmp_path / "again").write_bytes(b"half")
    files.write_durable(tmp_path / "again", b"", mode=0o400)
    files.write_durable(tmp_path / "folder/below", b"", mode=0o400)
    files.write_atomic(tmp_path / "other/below", b"", mode=0o400)
    found = [mode(tmp_path / name) for name in ("file", "again", "folder/below", "other/below")]
    assert found == [0o400] * 4


@pytest.mark.usefixtures("descriptors")
def test_a_new_file_is_written_whole_though_the_system_takes_it_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A system that takes three bytes at a time gets all of them; a file that is there already is an error, and stays."""
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:3]))
    files.write_new(tmp_path / "file", memoryview(b"0123456789"))
    assert (tmp_path / "file").read_bytes() == b"0123456789"
    with pytest.raises(FileExistsError):
        files.write_new(tmp_path / "file", b"other")
    assert (tmp_path / "file").read_bytes() == b"0123456789"


@pytest.mark.usefixtures("descriptors")
@pytest.mark.parametrize("call", ["fsync", "write", "replace"])
def test_an_atomic_write_that_fails_leaves_the_old_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """A full disk, at the write, at the sync or at the rename, is an error; the old file stands, and nothing is beside it."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, call, failing(errno.ENOSPC, getattr(os, call)))
    with pytest.raises(OSError, match="refused"):
        files.write_atomic(path, b"new", fsync=True)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


@pytest.mark.usefixtures("descriptors")
@pytest.mark.parametrize("size", [0, 1, (1 << 16) - 1, 1 << 16, (1 << 16) + 1, (1 << 20) + (1 << 16) + 1])
def test_read_gives_all_of_a_file_whatever_size_is_expected(tmp_path: Path, size: int) -> None:
    """The content comes whole, for every size of the file and every size that the caller expects."""
    path = tmp_path / "file"
    path.write_bytes(bytes(index % 251 for index in range(size)))
    assert files.read(path) == path.read_bytes()
    for expected in (0, 1, max(size - 1, 0), size, size + 1):
        assert files.read(path, expected) == path.read_bytes()


def test_a_file_of_the_size_that_is_expected_is_read_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One call reads a file whose size is known, and a small one of any size."""
    read, sizes = os.read, []
    monkeypatch.setattr(os, "read", lambda file, size: (sizes.append(size), read(file, size))[1])
    (tmp_path / "file").write_bytes(b"x" * 100_000)
    files.read(tmp_path / "file", 100_000)
    assert len(sizes) == 1
    (tmp_path / "file").write_bytes(b"x" * 1000)
    files.read(tmp_path / "file")
    assert len(sizes) == 2


@pytest.mark.usefixtures("descriptors")
def test_text_is_read_with_and_without_a_byte_order_mark(tmp_path: Path) -> None:
    """UTF-8 is read, a byte order mark is left out, and line ends stay as they are."""
    for data in (b"caf\xc3\xa9\r\n", b"\xef\xbb\xbfcaf\xc3\xa9\r\n"):
        (tmp_path / "file").write_bytes(data)
        assert files.read_text(tmp_path / "file") == "café\r\n"
    with pytest.raises(FileNotFoundError):
        files.read_text(tmp_path / "none")


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"\xe9", "line 1, byte 1: 0xe9"),
        (b"ab\xe9\n", "line 1, byte 3: 0xe9"),
        (b"one\n\xff", "line 2, byte 1: 0xff"),
        (b"one\ntwo\n\nfo\x05\xffr\nfive", "line 4, byte 4: 0xff"),
    ],
)
def test_a_byte_that_is_not_utf8_is_named_by_line_and_place(tmp_path: Path, data: bytes, where: str) -> None:
    """The error has the path, the line, the byte in it (both from 1) and its value."""
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        files.read_text(path)
    assert (caught.value.fact, caught.value.hint) == (f"{path}, {where} is not UTF-8", "save the file as UTF-8")


@pytest.mark.parametrize(
    ("number", "fact", "hint"),
    [
        (errno.EACCES, "can't be read: permission denied", "chmod u+r '{}'"),
        (errno.EISDIR, "is a folder, not a file", "move the folder away"),
        (errno.EIO, "can't be read: refused", "look at its disk, and restore it from a backup"),
    ],
)
def test_a_text_that_cannot_be_read_is_named_with_a_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, fact: str, hint: str
) -> None:
    """A lack of rights, a folder and a broken disk are one error each, with the path and what to do."""
    path = tmp_path / "a file"
    monkeypatch.setattr(os, "open", failing(number, os.open))
    with pytest.raises(InputError) as caught:
        files.read_text(path)
    assert (caught.value.fact, caught.value.hint) == (f"{path} {fact}", hint.format(path))


@pytest.mark.parametrize("name", ["file", "[a]*?", "no.end"])
def test_sweep_removes_what_killed_writers_of_one_path_left(tmp_path: Path, name: str) -> None:
    """Temporaries of the path go, files and folders; the path, other paths' temporaries and other files stay."""
    path = tmp_path / name
    others = [path, tmp_path / "a", files.temporary_name(tmp_path / "a"), files.temporary_name(tmp_path / f"{name}2")]
    others += [tmp_path / f".{name}.txt", tmp_path / f"{name}.1.tmp", files.temporary_name(tmp_path / f"x{name}")]
    for each in (*others, files.temporary_name(path)):
        each.write_bytes(b"")
    (files.temporary_name(path) / "deep").mkdir(parents=True)
    files.sweep(path)
    assert names(tmp_path) == sorted(each.name for each in others)


@pytest.mark.parametrize("number", [errno.EIO, errno.EBADMSG, errno.EUCLEAN, errno.EISDIR, errno.ELOOP])
def test_a_broken_disk_and_what_is_not_a_file_are_damage(number: int) -> None:
    """What the disk does not give, a folder and a loop of links are damage."""
    assert files.is_damage(OSError(number, "damaged"))


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.ENOMEM, errno.EMFILE, errno.ENOENT, errno.EINTR])
def test_what_may_be_read_later_is_not_damage(number: int) -> None:
    """Missing rights, memory, descriptors or files say nothing of the bytes."""
    assert not files.is_damage(OSError(number, "sound"))


def is_locked(folder: Path) -> bool:
    """Whether somebody holds the lock of a folder."""
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


@pytest.mark.usefixtures("descriptors")
def test_a_lock_is_held_until_its_block_ends(tmp_path: Path) -> None:
    """Another can't have the lock of a folder within the block, and can after it, also if it raised."""
    with files.locked(tmp_path):
        assert is_locked(tmp_path)
    assert not is_locked(tmp_path)
    with pytest.raises(ValueError), files.locked(tmp_path):
        raise ValueError
    assert not is_locked(tmp_path)
    with pytest.raises(FileNotFoundError), files.locked(tmp_path / "none"):
        pass


def test_a_lock_ends_though_a_process_that_was_forked_meanwhile_lives_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second descriptor of the lock, as a fork leaves one, does not hold it beyond the block."""
    copies, flock = [], fcntl.flock
    monkeypatch.setattr(fcntl, "flock", lambda lock, how: (copies.append(os.dup(lock)), flock(lock, how)))
    with files.locked(tmp_path):
        pass
    monkeypatch.undo()
    assert not is_locked(tmp_path)
    for each in copies:
        os.close(each)


@pytest.mark.parametrize("number", [errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP])
def test_hardlink_falls_back_to_copying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Where a file can't have a second name, its bytes are copied."""
    monkeypatch.setattr(os, "link", failing(number, os.link))
    (tmp_path / "source").write_bytes(b"abc")
    files.copy(tmp_path / "source", tmp_path / "target", link="hardlink")
    assert (tmp_path / "target").read_bytes() == b"abc"
    assert (tmp_path / "target").stat().st_ino != (tmp_path / "source").stat().st_ino


def test_a_failed_hardlink_is_an_error_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that copying would meet, too (a full disk), is raised."""
    monkeypatch.setattr(os, "link", failing(errno.ENOSPC, os.link))
    (tmp_path / "source").write_bytes(b"abc")
    with pytest.raises(OSError, match="refused"):
        files.copy(tmp_path / "source", tmp_path / "target", link="hardlink")
    assert names(tmp_path) == ["source"]


@pytest.mark.parametrize(("link", "asked"), [("reflink", True), ("copy", False), ("hardlink", False)])
def test_only_a_reflink_asks_to_share_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, link: str, asked: bool) -> None:
    """A reflink is one call of linux/fs.h, and no byte is written then; the other ways do not make that call."""
    made = []

    def share(target: int, call: int, source: int) -> None:
        made.append((call, Path(os.readlink(f"/proc/self/fd/{source}")), os.fstat(target).st_size))

    monkeypatch.setattr(fcntl, "ioctl", share)
    monkeypatch.setattr(os, "link", failing(errno.EXDEV, os.link))
    source = tmp_path / "source"
    source.write_bytes(b"abc")
    files.copy_new(source, tmp_path / "target", link=link)
    ficlone = 1 << 30 | 4 << 16 | 0x94 << 8 | 9  # _IOW(0x94, 9, int)
    assert made == [(ficlone, source, 0)] * asked
    assert (tmp_path / "target").read_bytes() == (b"" if asked else b"abc")
    made.clear()
    files.copy_new(source, tmp_path / "default")
    files.copy(source, tmp_path / "default")
    assert len(made) == 2


def test_a_copy_to_a_file_that_is_there_is_an_error(tmp_path: Path) -> None:
    """`copy_new` leaves a file alone that is there already."""
    (tmp_path / "source").write_bytes(b"new")
    (tmp_path / "target").write_bytes(b"old")
    for link in ("reflink", "copy", "hardlink"):
        with pytest.raises(FileExistsError):
            files.copy_new(tmp_path / "source", tmp_path / "target", link=link)
    assert (tmp_path / "target").read_bytes() == b"old"


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EBADF, errno.EOPNOTSUPP, errno.EACCES])
@pytest.mark.usefixtures("descriptors")
def test_a_folder_that_cannot_be_synced_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """A file system that can't sync a folder, and a folder that may not be read, are no error; for a file each is one."""
    monkeypatch.setattr(os, "fsync", failing(number, os.fsync))
    files.sync_folder(tmp_path)
    with pytest.raises(OSError, match="refused"):
        files.sync(tmp_path)


@pytest.mark.parametrize("number", [errno.EEXIST, errno.ENOTEMPTY, errno.EISDIR, errno.ENOTDIR])
def test_move_removes_what_is_in_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Whichever error the file system gives for what is in the way, it goes, and the file takes its place."""
    replace = os.replace
    (tmp_path / "source").write_text("new")
    (tmp_path / "target").write_text("old")

    def refuse(source: Path, target: Path) -> None:
        if target == tmp_path / "target" and target.exists():
            raise OSError(number, "in the way")
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    files.move(tmp_path / "source", tmp_path / "target")
    assert (tmp_path / "target").read_text() == "new"
    assert names(tmp_path) == ["target"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EXDEV, errno.EACCES])
def test_a_move_that_fails_is_tried_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """An error that trying again does not change is raised at once, and both stay."""
    (tmp_path / "source").write_text("new")
    (tmp_path / "target").write_text("old")
    monkeypatch.setattr(os, "replace", failing(number, os.replace, times=1))
    with pytest.raises(OSError, match="refused"):
        files.move(tmp_path / "source", tmp_path / "target")
    assert [(tmp_path / name).read_text() for name in ("source", "target")] == ["new", "old"]


def test_move_makes_the_folder_of_its_target(tmp_path: Path, calls: list[str]) -> None:
    """The folders above the target are made; with fsync the names of all new ones are on the disk."""
    (tmp_path / "source").write_text("new")
    files.move(tmp_path / "source", tmp_path / "a/b/target")
    assert [call for call in calls if call.startswith("sync")] == []
    calls.clear()
    files.move(tmp_path / "a/b/target", tmp_path / "c/d/target", fsync=True)
    assert calls[:2] == ["sync target 3", "rename target target"]
    assert sorted(calls[2:4]) == ["sync c", f"sync {tmp_path.name}"]
    assert calls[4:] == ["rename target target", "sync d"]
    assert (tmp_path / "c/d/target").read_text() == "new"


def test_a_missing_source_is_an_error_where_the_folder_is_missing_too(tmp_path: Path) -> None:
    """Moving nothing into no folder raises FileNotFoundError."""
    with pytest.raises(FileNotFoundError):
        files.move(tmp_path / "none", tmp_path / "a/target")


def test_a_link_that_points_nowhere_is_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a source like any other, also where the first try comes too early for the folder."""
    (tmp_path / "source").symlink_to(tmp_path / "nowhere")
    monkeypatch.setattr(os, "replace", failing(errno.ENOENT, os.replace, times=1))
    files.move(tmp_path / "source", tmp_path / "target")
    assert os.readlink(tmp_path / "target") == str(tmp_path / "nowhere")


def test_discard_raises_what_is_wrong_with_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error other than that nothing is there is raised, and the file stays."""
    (tmp_path / "file").write_text("old")
    monkeypatch.setattr(os, "replace", failing(errno.EACCES, os.replace))
    with pytest.raises(PermissionError):
        files.discard(tmp_path / "file")
    assert names(tmp_path) == ["file"]


def test_folders_are_made_and_synced_where_they_are_new(
    tmp_path: Path, calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All new folders are made; with fsync those that name them are synced, and none if nothing is new."""
    files.make_folder(tmp_path / "one/two")
    assert calls == []
    files.make_folder(tmp_path / "one/two", fsync=True)
    assert calls == []
    files.make_folder(tmp_path / "one/a/b", fsync=True)
    assert sorted(calls) == ["sync a", "sync one"]
    monkeypatch.setattr(os.path, "isdir", lambda _: False)
    files.make_folder(tmp_path / "one/two")
    assert (tmp_path / "one/two").exists()


def test_replacing_waits_for_the_folder_if_asked(tmp_path: Path, calls: list[str]) -> None:
    """With fsync the new folder's name is synced before the rename, and the folder after it; without, nothing is."""
    with files.replacing(tmp_path / "a/file") as temporary:
        temporary.write_bytes(b"x")
    assert calls == ["rename draft file"]
    calls.clear()
    with files.replacing(tmp_path / "b/file", fsync=True) as temporary:
        temporary.write_bytes(b"x")
    assert calls == [f"sync {tmp_path.name}", "rename draft file", "sync b"]


def test_copies_and_new_files_wait_for_the_disk_if_asked(tmp_path: Path, calls: list[str]) -> None:
    """`write_new` and `copy_new` sync the bytes with fsync, and not without."""
    files.write_new(tmp_path / "source", b"abc")
    for link in ("reflink", "copy", "hardlink"):
        files.copy_new(tmp_path / "source", tmp_path / f"1{link}", link=link)
    assert calls == []
    files.write_new(tmp_path / "2new", b"abcd", fsync=True)
    for link in ("reflink", "copy", "hardlink"):
        files.copy_new(tmp_path / "source", tmp_path / f"2{link}", link=link, fsync=True)
    assert calls == ["sync 2new 4", "sync 2reflink 3", "sync 2copy 3", "sync 2hardlink 3"]


def test_a_temporary_name_holds_the_name_and_fits_its_folder(tmp_path: Path) -> None:
    """It begins with the name, and can be made for every name that can; it lies beside a path without a folder, too."""
    assert re.fullmatch(r"\.file\.txt\.[0-9a-f]{12}\.tmp", files.temporary_name(Path("file.txt")).name)
    assert files.temporary_name(Path("file.txt")).parent == Path()
    assert files.temporary_name(Path("/file.txt")).parent == Path("/")
    for name in ("n" * 255, "ü" * 127, "x" + "ü" * 127):
        files.temporary_name(tmp_path / name).write_bytes(b"")
        assert files.temporary_name(tmp_path / name).name.startswith(f".{name[:80]}")
    assert len(names(tmp_path)) == 3


def test_a_draft_has_one_name_and_fits_its_folder(tmp_path: Path) -> None:
    """The draft of a short name is that name, hidden; that of a long one can be made, too."""
    assert files.draft_of(tmp_path / "file.txt") == tmp_path / ".file.txt.tmp"
    for name in ("n" * 199, "n" * 200, "n" * 201, "n" * 255, "ü" * 127):
        files.draft_of(tmp_path / name).write_bytes(b"")
        assert files.draft_of(tmp_path / name) == files.draft_of(tmp_path / name)
    assert len(names(tmp_path)) == 5


@pytest.mark.usefixtures("descriptors")
def test_a_file_that_failed_is_not_touched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is returned for a file is its first error; no later step is tried with it, and its old content stands."""
    good, bad = tmp_path / "good", tmp_path / "bad"
    bad.write_bytes(b"old")
    write = os.write

    def refuse(file: int, data: bytes) -> int:
        if bytes(data) == b"full":
            raise OSError(errno.ENOSPC, "full")
        return write(file, data)

    monkeypatch.setattr(os, "write", refuse)
    failed = files.write_durable_all({bad: b"full", good: b"new"})
    assert [(path, error.errno) for path, error in failed.items()] == [(bad, errno.ENOSPC)]
    assert (bad.read_bytes(), good.read_bytes()) == (b"old", b"new")
    assert names(tmp_path) == ["bad", "good"]
    with pytest.raises(OSError, match="full"):
        files.write_durable(bad, b"full")


def test_files_of_a_folder_that_is_not_on_the_disk_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a folder can't be synced, each file written to it is returned with that error, and no file of another folder."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    (tmp_path / "two/bad/full").mkdir(parents=True)
    fsync = os.fsync

    def refuse(file: int) -> None:
        if os.readlink(f"/proc/self/fd/{file}") == str(tmp_path / "two"):
            raise OSError(errno.EIO, "broken")
        fsync(file)

    monkeypatch.setattr(os, "fsync", refuse)
    failed = files.write_durable_all({tmp_path / name: b"new" for name in ("one/a", "two/b", "two/bad", "two/c")})
    assert {str(path.relative_to(tmp_path)): error.errno for path, error in failed.items()} == {
        "two/bad": errno.EISDIR,
        "two/b": errno.EIO,
        "two/c": errno.EIO,
    }


def test_drafts_that_cannot_be_removed_hide_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a disk that refuses the rename and then the removal the rename's error is returned; so is an interrupt."""
    monkeypatch.setattr(os, "replace", failing(errno.EROFS, os.replace))
    monkeypatch.setattr(files, "remove", failing(errno.EACCES, files.remove))
    assert [error.errno for error in files.write_durable_all({tmp_path / "file": b"new"}).values()] == [errno.EROFS]
    monkeypatch.setattr(os, "replace", _interrupt)
    monkeypatch.setattr(files, "remove", failing(errno.EACCES, lambda path: path.unlink(), times=1))
    files.draft_of(tmp_path / "file").unlink()
    with pytest.raises(KeyboardInterrupt):
        files.write_durable_all({tmp_path / "file": b"new", tmp_path / "second": b"new"})
    assert names(tmp_path) == [".file.tmp"]


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.usefixtures("descriptors")
def test_the_kernel_begins_to_write_all_files_before_one_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each draft is handed to the kernel, whole, when it is written; a system that can't do that waits longer, and no more."""
    calls: list[object] = []
    fsync = os.fsync
    monkeypatch.setattr(os, "posix_fadvise", lambda file, *rest: calls.append((os.fstat(file).st_size, *rest)))
    monkeypatch.setattr(os, "fsync", lambda file: (calls.append("sync"), fsync(file)))
    files.write_durable_all({tmp_path / "one": b"1", tmp_path / "two": b"22"})
    assert calls[:4] == [(1, 0, 0, os.POSIX_FADV_DONTNEED), (2, 0, 0, os.POSIX_FADV_DONTNEED), "sync", "sync"]
    monkeypatch.delattr(os, "posix_fadvise")
    files.write_durable(tmp_path / "one", b"3")
    assert (tmp_path / "one").read_bytes() == b"3"
