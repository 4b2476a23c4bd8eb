"""Files of prices that may be compressed: the texts in a plain file, a gzip file or a zip file."""

import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from barmill.errors import InputError

SUFFIXES = (".csv", ".txt", ".csv.gz", ".txt.gz", ".csv.zip", ".txt.zip", ".zip")
"""How the names of such files end; where two fit, the longer counts."""

_GZIP, _ZIP = b"\x1f\x8b", (b"PK\x03\x04", b"PK\x05\x06")  # the latter of an empty one
_BROKEN = (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError)


def name_of(path: Path) -> str:
    """The symbol that a file's name says: `eurusd.csv.gz` is EURUSD; "" if the name ends in none of `SUFFIXES`."""
    lowered = path.name.lower()
    found = [suffix for suffix in SUFFIXES if lowered.endswith(suffix) and len(suffix) < len(lowered)]
    return path.name[: -len(max(found, key=len))].upper() if found else ""


def texts(data: bytes, name: str) -> list[tuple[str, bytes]]:
    """Name and content of each text in a file, by name.

    Args:
        data: content of the file.
        name: of the file, for errors.

    Raises:
        InputError: it is damaged, encrypted, holds nothing, or holds files whose names differ in more than their digits: they
            may be of several series.
    """
    try:
        if data.startswith(_GZIP):
            return texts(gzip.decompress(data), name)
        if not data.startswith(_ZIP):
            return [(name, data)]
        found = sorted(_members(data))
    except _BROKEN as error:
        raise InputError(f"{name} can't be unpacked: {error}", "download it again") from None
    if not found:
        raise InputError(f"{name} holds no file", "download it again")
    if len({re.sub(r"\d+", "", inner) for inner, _ in found}) > 1:
        raise InputError(
            f"{name} holds files of several names, such as {found[0][0]} and {found[-1][0]}",
            "unpack it, and name the folder with --source and the files with --pattern",
        )
    return [(f"{name}/{inner}", text) for inner, text in found]


def _members(data: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        for info in file.infolist():
            path = PurePosixPath(info.filename)
            if not info.is_dir() and not path.name.startswith(".") and "__MACOSX" not in path.parts:
                yield path.name, file.read(info)
