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
