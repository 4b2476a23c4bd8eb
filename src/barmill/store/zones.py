"""The time zone database that Python reads: which rules a build that uses a zone gets.

A release of the database moves clock changes, future and past, so results that depend on a zone depend on it. Distributions
name its version in different places, and some leave it out, so the files themselves are digested: once, and again when one of
them has another stamp.
"""

import functools
import importlib.metadata
import json
import os
import zoneinfo
from collections.abc import Iterator

from barmill.hashing import digest_file, digest_record
from barmill.store.state import State

LIBRARIES = frozenset({"zoneinfo", "exchange_calendars", "pandas", "dateutil", "pytz"})
"""Modules with which code computes in zones."""

_ENTRY = ":zones"  # no build function has such a name
_COPIES = {"posix", "right"}  # folders with the same zones, by other clocks, that zoneinfo does not read


def version(state: State) -> str:
    """The digest of all zone files, with the version of the package tzdata, which zoneinfo falls back on, if it is there.

    Args:
        state: remembers the digest.
    """
    return _version(state, zoneinfo.TZPATH)


@functools.cache
def _version(state: State, folders: tuple[str, ...]) -> str:
    files = {path: os.stat(path) for folder in folders for path in _files(folder)}
    stamps = [[path, each.st_size, each.st_mtime_ns, each.st_ino, each.st_ctime_ns] for path, each in files.items()]
    stamp = digest_record(stamps)
    known = _known(state)
    if known.get("stamp") != stamp:
        names = [[os.path.relpath(path, folder), digest_file(path)] for folder in folders for path in _files(folder)]
        known = {"stamp": stamp, "digest": digest_record(names)}
        state.put("codes", _ENTRY, known)
    return f"{known['digest'][:16]}{_package()}"


def _known(state: State) -> dict[str, str]:
    try:
        found = json.loads(state.codes.get(_ENTRY, ""))
    except ValueError:
        return {}
    return found if isinstance(found, dict) and {"stamp", "digest"} <= found.keys() else {}


def _files(folder: str) -> Iterator[str]:
    for above, folders, names in os.walk(folder):
        folders[:] = sorted(set(folders) - _COPIES)
        yield from (f"{above}/{name}" for name in sorted(names) if os.path.isfile(f"{above}/{name}"))


def _package() -> str:
    try:
        return f" tzdata {importlib.metadata.version('tzdata')}"
    except importlib.metadata.PackageNotFoundError:
        return ""
