"""SQLite files of the store and its projects, read also where nothing can be written beside them."""

import contextlib
import errno
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path

_VERSIONS = slice(18, 20)  # of a database file: how it is written and read
_LEAST_ROOM = 1 << 17  # bytes that SQLite needs beside the file


def open_to_read(path: Path, timeout: float) -> sqlite3.Connection:
    """A connection to a database that is only read; on a full or read-only disk it is to a copy in memory.

    Args:
        path: of the file, which exists.
        timeout: seconds to wait for a writer.

    Raises:
        sqlite3.DatabaseError: it is damaged, or can't be read.
    """
    database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=timeout)
    try:
        database.execute("PRAGMA user_version").fetchone()
    except sqlite3.DatabaseError as error:
        database.close()
        if not disk_fault(path, error):
            raise
        with contextlib.suppress(OSError):
            return copied(path)
        raise
    return database


def disk_fault(path: Path, error: Exception) -> str:
    """What the disk that a file lies on has to do with an error: that it is full or read-only; "" if nothing."""
    if isinstance(error, sqlite3.ProgrammingError):
        return ""
    disk = os.statvfs(path.parent)
    if disk.f_flag & os.ST_RDONLY:
        return os.strerror(errno.EROFS)
    return os.strerror(errno.ENOSPC) if disk.f_bavail * disk.f_frsize < _LEAST_ROOM else ""


def copied(path: Path) -> sqlite3.Connection:
    """The content of a database, in memory.

    Raises:
        OSError: it has a log, as after a kill, that can't be copied anywhere.
        sqlite3.DatabaseError: it is damaged.
    """
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:  # only SQLite can bring it into the file
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(shutil.copy(path, folder))
            shutil.copy(log, folder)
            with contextlib.closing(sqlite3.connect(copy, isolation_level=None)) as whole:
                whole.execute("PRAGMA journal_mode=DELETE")
            data = bytearray(copy.read_bytes())
    else:
        data = bytearray(path.read_bytes())
    data[_VERSIONS] = b"\1\1"  # a database in memory keeps no log
    database = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    database.deserialize(bytes(data))
    return database
