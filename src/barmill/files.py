"""Files put in place whole: written under another name, then renamed. The only module that renames, or waits for the disk.

What waits for the disk does so in this order: the file's bytes, the rename, the folder that names the file; where folders are
new, the folders that name them come first.
"""

import contextlib
import errno
import fcntl
import functools
import glob
import hashlib
import os
import shlex
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from barmill.errors import InputError, StoreError

_FICLONE = 0x40049409  # ioctl of linux/fs.h: share the blocks of another file
_NO_HARDLINK = {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP}
_NO_REFLINK = {errno.EOPNOTSUPP, errno.EXDEV, errno.ENOTTY, errno.EINVAL, errno.ENOSYS}
_IN_THE_WAY = {errno.EEXIST, errno.ENOTEMPTY, errno.EISDIR, errno.ENOTDIR}
_NO_FOLDER_SYNC = {errno.EINVAL, errno.EBADF, errno.EOPNOTSUPP, errno.EACCES}  # the file system can't, or we may not look
_LONGEST = 200  # bytes of a name to which a few are added
_BLOCK = 1 << 16  # a larger buffer costs more to get and to give back than the reading of a small file
_PART = 1 << 20
_DAMAGE = {errno.EIO, errno.EBADMSG, errno.EUCLEAN, errno.EISDIR, errno.ELOOP}


def temporary_name(path: Path) -> Path:
    """A name beside `path` that no other process or call uses; hidden, and ending in `.tmp`."""
    return Path(_beside(str(path)))


def _beside(path: str) -> str:
    folder, slash, name = path.rpartition("/")
    start = os.fsencode(name)[:180].decode(errors="ignore")
    return f"{folder}{slash}.{start}.{os.urandom(6).hex()}.tmp"


def sweep(path: Path) -> None:
    """Remove what killed writers of `path` left beside it; only for one who knows that nobody is writing it now."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        remove(left)


def draft_of(path: Path) -> Path:
    """The name beside `path` to which `write_durable` writes: always the same, so the next writer replaces what a kill left."""
    name = os.fsencode(path.name)
    return path.with_name(f".{path.name if len(name) <= _LONGEST else hashlib.sha256(name).hexdigest()}.tmp")


def write_durable(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Put `data` at `path` so that it is on the disk before what it replaces is gone, whatever happens to the machine.

    Call it under a lock: two writers of one path use the same draft.

    Raises:
        OSError: it can't be written; what was there stays.
    """
    for error in write_durable_all({path: data}, mode=mode).values():
        raise error


def write_durable_all(contents: Mapping[Path, bytes], *, mode: int = 0o644) -> dict[Path, OSError]:
    """As `write_durable` for many files, which share the waiting: all are written, then all are synced, then all are renamed.

    Args:
        contents: path → the new content.
        mode: permission bits of the new files.

    Returns:
        Path → why it was not written. All other files are in place, and on the disk.
    """
    drafts = {path: draft_of(path) for path in contents}
    failed: dict[Path, OSError] = {}
    steps: tuple[Callable[[Path], None], ...] = (
        lambda path: _write_draft(drafts[path], contents[path], mode),
        lambda path: sync(drafts[path]),
        lambda path: os.replace(drafts[path], path),
    )
    try:
        for step in steps:
            failed |= _failures(step, [path for path in contents if path not in failed])
    except BaseException:
        _remove_if_possible(drafts.values())
        raise
    _remove_if_possible(drafts[path] for path in failed)
    lost = _failures(sync_folder, {path.parent: None for path in contents if path not in failed})
    return failed | {path: lost[path.parent] for path in contents if path.parent in lost and path not in failed}


def _failures(work: Callable[[Path], None], paths: Iterable[Path]) -> dict[Path, OSError]:
    failed = {}
    for path in paths:
        try:
            work(path)
        except OSError as error:
            failed[path] = error
    return failed


def _remove_if_possible(paths: Iterable[Path]) -> None:
    for path in paths:
        with contextlib.suppress(OSError):  # what can't be written often can't be removed either
            remove(path)


def _write_draft(draft: Path, data: bytes, mode: int) -> None:
    try:
        write_new(draft, data, mode=mode)
    except FileExistsError:
        remove(draft)
        write_new(draft, data, mode=mode)
    except FileNotFoundError:
        make_folder(draft.parent, fsync=True)
        write_new(draft, data, mode=mode)
    _begin_sync(draft)


def _begin_sync(path: Path) -> None:
    """Let the kernel begin to write a file to the disk, without waiting: many files are then on it in a third of the time."""
    if hasattr(os, "posix_fadvise"):
        file = os.open(path, os.O_RDONLY)
        try:
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(file)


def sync(path: Path | str) -> None:
    """Wait until a file's bytes, or a folder's names, are on the disk."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def sync_folder(path: Path | str) -> None:
    """Wait until the names in a folder are on the disk, as far as its file system lets one."""
    try:
        sync(path)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise


@contextlib.contextmanager
def replacing(path: Path, *, fsync: bool = False) -> Iterator[Path]:
    """Give a temporary name to write to; on success rename it to `path`, on any error remove it.

    Args:
        path: where the file goes; replaced if it exists.
        fsync: wait until the folder has the new name on the disk; the bytes are the writer's.
    """
    make_folder(path.parent, fsync=fsync)
    temporary = temporary_name(path)
    try:
        yield temporary
        os.replace(temporary, path)
        if fsync:
            sync_folder(path.parent)
    except BaseException:
        remove(temporary)
        raise


def write_atomic(path: Path | str, data: bytes | memoryview, *, mode: int = 0o644, fsync: bool = False) -> None:
    """Put `data` at `path` so that a reader sees the old content or the new, never a part.

    Args:
        path: where the file goes; replaced if it exists.
        data: its content.
        mode: permission bits of the new file.
        fsync: wait until the bytes and the name are on the disk.
    """
    temporary = _beside(str(path))
    try:
        try:
            write_new(temporary, data, mode=mode, fsync=fsync)
        except FileNotFoundError:  # not asked before: nearly always the folder is there
            make_folder(Path(path).parent, fsync=fsync)
            write_new(temporary, data, mode=mode, fsync=fsync)
        os.replace(temporary, path)
        if fsync:
            sync_folder(Path(path).parent)
    except BaseException:
        remove(Path(temporary))
        raise


def write_new(path: Path | str, data: bytes | memoryview, *, mode: int = 0o644, fsync: bool = False) -> None:
    """Write `data` to a file that is not yet there, in a folder that is nobody else's."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(file, rest) :]
        if fsync:
            os.fsync(file)
    finally:
        os.close(file)


def read(path: Path | str, size: int = _BLOCK - 1) -> bytes:
    """The content of a small file; a third of the system calls of `Path.read_bytes`.

    Args:
        path: the file.
        size: in bytes, if it is known: then it is read at once. Whatever it is, all of the file is read.

    Raises:
        OSError: it can't be read, or is a pipe, a socket or a device, from which nothing may ever come.
    """
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        if stat.S_ISFIFO(mode := os.fstat(file).st_mode) or stat.S_ISCHR(mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        part = os.read(file, size + 1)
        if len(part) <= size:
            return part
        parts = [part]
        while part := os.read(file, _PART):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(file)


def read_text(path: Path) -> str:
    """The text of a file that a person wrote: UTF-8, with or without a byte order mark.

    Raises:
        FileNotFoundError: the file does not exist.
        InputError: it can't be read, or it is not UTF-8; names the line and the byte in it.
    """
    try:
        data = read(path)
        return data.decode("utf-8-sig")
    except FileNotFoundError:
        raise
    except PermissionError:
        raise InputError(f"{path} can't be read: permission denied", f"chmod u+r {shlex.quote(str(path))}") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder, not a file", "move the folder away") from None
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}", "look at its disk, and restore it from a backup") from None
    except UnicodeDecodeError as error:
        line, byte = data.count(b"\n", 0, error.start) + 1, error.start - data.rfind(b"\n", 0, error.start)
        fact = f"{path}, line {line}, byte {byte}: 0x{data[error.start]:02x} is not UTF-8"
        raise InputError(fact, "save the file as UTF-8") from None


def copy(source: Path, target: Path, *, link: str = "reflink", mode: int = 0o644, fsync: bool = False) -> None:
    """Put the content of `source` at `target`, whole, sharing blocks where the file system can.

    Args:
        source: an existing file.
        target: where its content goes; replaced if it exists.
        link: `reflink` (else copy), `copy`, or `hardlink` (else copy; one file under two names: an edit of one is an edit of
            both).
        mode: permission bits of the new file; without meaning for a hard link.
        fsync: wait until the bytes and the name are on the disk.
    """
    with replacing(target, fsync=fsync) as temporary:
        copy_new(source, temporary, link=link, mode=mode, fsync=fsync)


def copy_new(source: Path, target: Path, *, link: str = "reflink", mode: int = 0o644, fsync: bool = False) -> None:
    """As `copy`, to a file that is not yet there, in a folder that is nobody else's."""
    if link == "hardlink" and _hardlink(source, target):
        if fsync:
            sync(target)
        return
    with open(source, "rb") as reader, open(target, "xb", opener=functools.partial(os.open, mode=mode)) as writer:
        if link != "reflink" or not _reflink(reader.fileno(), writer.fileno()):
            shutil.copyfileobj(reader, writer, 1 << 20)
        if fsync:
            writer.flush()
            os.fsync(writer.fileno())


def is_damage(error: OSError) -> bool:
    """Whether what can't be read is damaged: the disk gives its bytes no more, or it is no file.

    Where it is rights or memory that are missing, it may be sound.
    """
    return error.errno in _DAMAGE


def make_folder(path: Path, *, fsync: bool = False) -> None:
    """Make a folder and those above it, if it is not there; asking first is ten times cheaper than being refused.

    Args:
        path: the folder.
        fsync: wait until the names of all new folders are on the disk.
    """
    if os.path.isdir(path):
        return
    new = [each for each in (path, *path.parents) if not each.exists()] if fsync else []
    path.mkdir(parents=True, exist_ok=True)
    for each in new:
        sync_folder(each.parent)


def move(source: Path, target: Path, *, fsync: bool = False) -> None:
    """Rename a file or a tree to `target` on the same file system, replacing whatever is there, also if others do the same.

    Args:
        source: the file or the tree.
        target: its new name.
        fsync: wait until the bytes of a file and its name are on the disk.
    """
    if fsync:
        sync(source)
    while True:
        try:
            os.replace(source, target)
        except OSError as error:
            if not os.path.isdir(target.parent):  # asked only now: nearly always it is there
                make_folder(target.parent, fsync=fsync)
            elif error.errno in _IN_THE_WAY:
                discard(target)
            elif error.errno != errno.ENOENT or not os.path.lexists(source):  # else another has just made the folder
                raise
        else:
            if fsync:
                sync_folder(target.parent)
            return


def discard(path: Path) -> None:
    """Remove a file or a tree that others may use or remove at the same time: it is renamed first, so it goes as a whole."""
    aside = temporary_name(path)
    try:
        os.replace(path, aside)
    except (FileNotFoundError, NotADirectoryError):
        return
    remove(aside)


def flock(file: int, how: int, path: Path | str) -> None:
    """Take the lock of an open file.

    Args:
        file: its descriptor.
        how: flags of `fcntl.flock`.
        path: of the file, for the message.

    Raises:
        BlockingIOError: with `LOCK_NB`, another process holds it.
        StoreError: the file system gives no locks.
    """
    try:
        fcntl.flock(file, how)
    except BlockingIOError:
        raise
    except OSError as error:
        raise unlockable(path, error) from None


def unlockable(path: Path | str, error: Exception) -> StoreError:
    """What to raise where a file can't be locked."""
    reason = error.strerror if isinstance(error, OSError) else error
    return StoreError(f"{os.path.abspath(path)} can't be locked: {reason}", "move its folder to a disk with locks")


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder: one process at a time has it, and one thread; it goes with the process, however that ends."""
    lock = os.open(folder, os.O_RDONLY)
    try:
        flock(lock, fcntl.LOCK_EX, folder)
        try:
            yield
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)  # closing alone would leave it with a process that was forked meanwhile
    finally:
        os.close(lock)


def remove(path: Path) -> None:
    """Remove a file or a tree; nothing happens if there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _hardlink(source: Path, target: Path) -> bool:
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno in _NO_HARDLINK:
            return False
        raise
    return True


def _reflink(source: int, target: int) -> bool:
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError as error:
        if error.errno in _NO_REFLINK:
            return False
        raise
    return True
