"""Stooq's bulk data: its zip files, or the folder of an unpacked one, as a tree of raw files."""

import os
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from barmill.errors import SourceError
from barmill.files import read
from barmill.market.stooq import Name, parse_folder, parse_name
from barmill.sources.provider import Member


class _Found(NamedTuple):
    path: str
    place: tuple[Path, str]
    size: int
    crc: int | None


class _Tree:
    """What both have in common: of what is found, the price files by path, and the rest with its reason."""

    def __init__(self, name: str, found: Iterable[_Found]) -> None:
        self.name = name
        self._members: dict[str, Member] = {}
        self._strays: list[str] = []
        for each in found:
            folder, _, file = each.path.rpartition("/")
            place = parse_folder(folder)
            named = parse_name(file, place)
            if _leads_out(each.path):
                self._strays.append(f"{each.path}: leads out of the tree")
            elif isinstance(named, Name) and place:
                length = place.frequency.replace(" ", "")
                self._members[each.path] = Member(each.path, named.ticker, length, each.place, each.size, each.crc)
            else:
                self._strays.append(f"{each.path}: {named}")

    def members(self) -> Sequence[Member]:
        """Every price file, by path."""
        return [self._members[path] for path in sorted(self._members)]

    def strays(self) -> Sequence[str]:
        """What is no price file, or leads out of the tree."""
        return self._strays


class ZipTree(_Tree):
    """Bulk zips as Stooq offers them: `d_us_txt.zip` holds `data/daily/us/…` and becomes `d_us_txt/data/daily/us/…`.

    Raises:
        SourceError: one of them can't be read as a zip.
    """

    def __init__(self, name: str, files: Sequence[Path]) -> None:
        self._open: dict[Path, zipfile.ZipFile] = {}
        super().__init__(name, (found for file in files for found in self._listed(file)))

    def _listed(self, file: Path) -> Iterable[_Found]:
        try:
            opened = self._open[file] = zipfile.ZipFile(file)
        except (OSError, zipfile.BadZipFile) as error:
            raise SourceError(f"{file.absolute()} can't be read as a zip: {error}", "download it again") from None
        for info in opened.infolist():
            if not info.is_dir():
                inner = info.filename
                path = inner if inner.startswith(f"{file.stem}/") else f"{file.stem}/{inner}"
                yield _Found(path, (file, inner), info.file_size, info.CRC)

    def read(self, member: Member) -> bytes:
        """The content of a member, its CRC checked."""
        file, inner = member.place
        try:
            return self._open[file].read(inner)
        except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError) as error:
            raise SourceError(f"{inner} in {file.absolute()} can't be read: {error}", "download the zip again") from None


class FolderTree(_Tree):
    """An unpacked tree.

    Raises:
        SourceError: there is no such folder.
    """

    def __init__(self, name: str, root: Path) -> None:
        if not root.is_dir():
            raise SourceError(f"there is no folder {root.absolute()}", "name the folder of an unpacked tree")
        self._root = root
        super().__init__(name, self._listed())

    def _listed(self) -> Iterable[_Found]:
        for above, folders, names in os.walk(self._root):
            folders.sort()
            for name in sorted(names):
                full = Path(above, name)
                path = full.relative_to(self._root).as_posix()
                yield _Found(path, (full, path), full.stat().st_size, None)

    def read(self, member: Member) -> bytes:
        """The content of a member."""
        try:
            return read(member.place[0])
        except OSError as error:
            raise SourceError(f"{member.place[0].absolute()} can't be read: {error}", "mend it; the others go on") from None


def _leads_out(path: str) -> bool:
    return path.startswith(("/", "\\")) or ".." in PurePosixPath(path.replace("\\", "/")).parts
