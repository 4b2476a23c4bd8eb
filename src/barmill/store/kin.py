"""Kin: the records of builds that differ in their pieces only, found by what they have in common.

`kin/ab/cdef…/<key>` is an empty file; the folder is the digest of a manifest without its pieces, the key that of a record. A
file whose record is gone means nothing; gc removes it.
"""

import contextlib
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from barmill import files
from barmill.errors import ObjectCorrupt, ObjectMissing
from barmill.hashing import Digest, digest_record
from barmill.store.actions import Actions, Record
from barmill.store.census import Lying, lying
from barmill.store.code import Codes
from barmill.store.guard import Guard
from barmill.target import Target

Outputs = Mapping[str, tuple[Digest, int]]


def by_code(codes: Codes, target: Target) -> dict[str, list[str]]:
    """The target's pieces by what decides them beside their names: the name, digest and libraries of a function's code."""
    found: dict[str, list[str]] = {}
    for function in dict.fromkeys(target.pieces.values()):
        code = codes.of(function)
        libraries = (f"{library}={version}" for library, version in sorted(code.versions.items()))
        found[" ".join((code.name, code.digest, *libraries))] = [
            name for name, worked_out in target.pieces.items() if worked_out is function
        ]
    return found


class Kin:
    """The kin below a store's root."""

    def __init__(self, root: Path, actions: Actions, guard: Guard) -> None:
        self._folder = root / "kin"
        self._actions = actions
        self._guard = guard

    def note(self, record: Record) -> None:
        """Note a record that was just written, if it has pieces; call it under the shared lock."""
        if "pieces" in record.manifest:
            files.write_atomic(self._at(record.manifest) / record.key, b"", mode=0o444)

    def held(self, manifest: Mapping[str, Any]) -> set[tuple[str, str]]:
        """The pieces of `manifest` that records here hold."""
        lacking = pieces_of(manifest)
        held: set[tuple[str, str]] = set()
        for key in self._of(manifest):
            if lacking > held and (record := self._actions.get(key)):
                held |= lacking & held_by(record)
        return held

    def holders(self, manifest: Mapping[str, Any]) -> Iterator[Digest]:
        """Yield the keys of records that together hold what is known of the pieces of `manifest`, the newest first."""
        lacking = pieces_of(manifest)
        for key in self._of(manifest) if lacking else ():
            record = self._actions.get(key) if lacking else None
            held = lacking & held_by(record) if record else set()
            if held:
                lacking -= held
                yield key

    def known(self, manifest: Mapping[str, Any], folder: Path, unpack: Callable[[Outputs, Path], None]) -> dict[str, Path]:
        """Lay out what earlier builds have worked out of the pieces of `manifest`.

        Args:
            manifest: of what is to be built.
            folder: where to; it need not be there.
            unpack: writes an output of a record to a path, verified.

        Returns:
            Name of a piece → folder with the outputs, named by their roles, of a build that holds it.
        """
        lacking = pieces_of(manifest)
        known: dict[str, Path] = {}
        for number, key in enumerate(self._of(manifest) if lacking else ()):
            with self._guard.shared():
                record = self._actions.get(key) if lacking and self._actions.touch(key) else None
                held = lacking & held_by(record) if record else set()
                if record and held and _lay_out(record, place := folder / str(number), unpack):
                    known |= {name: place for _, name in held}
                    lacking -= held
        return known

    def _of(self, manifest: Mapping[str, Any]) -> list[Digest]:
        """Keys of the records that differ from this manifest in their pieces only, the newest first."""
        found = []
        for entry in _entries(self._at(manifest)):
            with contextlib.suppress(FileNotFoundError):  # gc has just removed it
                found.append((entry.stat().st_mtime_ns, entry.name))
        return [Digest(name) for _, name in sorted(found, reverse=True) if not name.startswith(".")]

    def _at(self, manifest: Mapping[str, Any]) -> Path:
        common = common_of(manifest)
        return self._folder / common[:2] / common[2:]


def common_of(manifest: Mapping[str, Any]) -> Digest:
    """What kin have in common: the digest of a manifest without its pieces."""
    return digest_record({name: value for name, value in manifest.items() if name != "pieces"})


def pieces_of(manifest: Mapping[str, Any]) -> set[tuple[str, str]]:
    """The pieces of a manifest, as (code, name)."""
    return {(code, name) for code, names in manifest.get("pieces", {}).items() for name in names}


def held_by(record: Record) -> set[tuple[str, str]]:
    """The pieces that a record holds, as (code, name)."""
    return {(code, name) for code, name in pieces_of(record.manifest) if name not in record.failed}


def _lay_out(record: Record, place: Path, unpack: Callable[[Outputs, Path], None]) -> bool:
    files.make_folder(place)
    try:
        for role, written in record.outputs.items():
            unpack(written, place / role)
    except (ObjectCorrupt, ObjectMissing):  # then it is worked out again
        return False
    return True


def orphaned(store: Path, keys: Collection[Digest]) -> Iterator[Lying]:
    """Yield the files whose record is none of `keys`."""
    for shard in _entries(store / "kin"):
        for folder in _entries(shard.path):
            for entry in _entries(folder.path):
                if entry.name not in keys and (file := lying(entry)) is not None:
                    yield file


def _entries(folder: Path | str) -> "list[os.DirEntry[str]]":
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []
