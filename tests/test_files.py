"""Writing whole files: nothing half-written, nothing left behind."""

import errno
import fcntl
import os
import stat
from pathlib import Path

import pytest

from barmill import files


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
