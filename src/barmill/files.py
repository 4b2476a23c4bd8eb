"""Files put in place whole: written under another name, then renamed. The only module that renames."""

import contextlib
import errno
import fcntl
import glob
import os
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from barmill.errors import InputError

_FICLONE = 0x40049409  # ioctl of linux/fs.h: share the blocks of another file
_NO_HARDLINK = {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP}
_NO_REFLINK = {errno.EOPNOTSUPP, errno.EXDEV, errno.ENOTTY, errno.EINVAL, errno.ENOSYS}
_IN_THE_WAY = {errno.EEXIST, errno.ENOTEMPTY, errno.EISDIR, errno.ENOTDIR}
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


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name to write to; on success rename it to `path`, on any error remove it."""
    make_folder(path.parent)
    temporary = temporary_name(path)
    try:
        yield temporary
        os.replace(temporary, path)
    except BaseException:
        remove(temporary)
        raise


def write_atomic(path: Path | str, data: bytes | memoryview, *, mode: int = 0o644, fsync: bool = False) -> None:
    """Put `data` at `path` so that a reader sees the old content or the new, never a part."""
    temporary = _beside(str(path))
    try:
        try:
            write_new(temporary, data, mode=mode, fsync=fsync)
        except FileNotFoundError:  # not asked before: nearly always the folder is there
            make_folder(Path(path).parent)
            write_new(temporary, data, mode=mode, fsync=fsync)
        os.replace(temporary, path)
    except BaseException:
        remove(Path(temporary))
        raise


def write_new(path: Path | str, data: bytes | memoryview, *, mode: int = 0o644, fsync: bool = False) -> None:
    """Write `data` to a file that is not yet there, in a folder that is nobody else's."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
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
    """
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
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
        fsync: wait until the bytes are on the disk.
    """
    with replacing(target) as temporary:
        copy_new(source, temporary, link=link, mode=mode, fsync=fsync)


def copy_new(source: Path, target: Path, *, link: str = "reflink", mode: int = 0o644, fsync: bool = False) -> None:
    """As `copy`, to a file that is not yet there, in a folder that is nobody else's."""
    if link == "hardlink" and _hardlink(source, target):
        return
    with open(source, "rb") as reader, open(target, "wb", opener=_creator(mode)) as writer:
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


def make_folder(path: Path) -> None:
    """Make a folder and those above it, if it is not there; asking first is ten times cheaper than being refused."""
    if not os.path.isdir(path):
        path.mkdir(parents=True, exist_ok=True)


def move(source: Path, target: Path) -> None:
    """Rename a file or a tree to `target` on the same file system, replacing whatever is there, also if others do the same."""
    while True:
        try:
            os.replace(source, target)
        except OSError as error:
            if not os.path.isdir(target.parent):  # asked only now: nearly always it is there
                make_folder(target.parent)
            elif error.errno in _IN_THE_WAY:
                discard(target)
            elif error.errno != errno.ENOENT or not os.path.lexists(source):  # else another has just made the folder
                raise
        else:
            return


def discard(path: Path) -> None:
    """Remove a file or a tree that others may use or remove at the same time: it is renamed first, so it goes as a whole."""
    aside = temporary_name(path)
    try:
        os.replace(path, aside)
    except (FileNotFoundError, NotADirectoryError):
        return
    remove(aside)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder: one process at a time has it, and one thread; it goes with the process, however that ends."""
    lock = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
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


def _creator(mode: int) -> Callable[[str, int], int]:
    return lambda path, flags: os.open(path, flags | os.O_CREAT | os.O_EXCL, mode)


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
