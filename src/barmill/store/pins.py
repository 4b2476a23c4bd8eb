"""Pins: records that are kept under a name, in `pins/NAME.json`, until they are let go."""

import datetime
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from barmill import files
from barmill.errors import StoreError
from barmill.hashing import Digest, canonical
from barmill.store.actions import Actions
from barmill.store.guard import Guard

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Pin:
    """Records kept under a name.

    Attributes:
        name: unique in the store.
        created: when, UTC, ISO 8601.
        keys: task name → key of its record.
    """

    name: str
    created: str
    keys: Mapping[str, Digest]


def pin(store: Path, name: str, keys: Mapping[str, Digest]) -> Pin:
    """Keep the records of these tasks under a name.

    Raises:
        StoreError: the name is no name, or in use; or a record is not in the store.
    """
    if not _NAME.fullmatch(name):
        raise StoreError(f"{name!r} can't name a pin", "use letters, digits, dots, dashes and underscores")
    path, actions = _path(store, name), Actions(store)
    new = Pin(name, datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"), keys)
    body = {"created": new.created, "keys": [[task, key] for task, key in sorted(keys.items())]}
    with Guard(store).exclusive():  # of two that take one name at once one is refused
        if path.exists():
            raise StoreError(f"there is a pin {name} already: {path}", f'"doit unpin {name}" lets it go')
        missing = [task for task, key in keys.items() if not actions.touch(key)]  # a gc that has begun leaves it alone
        if missing:
            raise StoreError(
                f"{len(missing)} of {len(keys)} results are not in the store, the first is that of {missing[0]}",
                f"build them again: doit forget {missing[0]}, then doit",
            )
        files.write_atomic(path, canonical(body), mode=0o444, fsync=True)
    return new


def unpin(store: Path, name: str) -> None:
    """Let a pin go.

    Raises:
        FileNotFoundError: there is none of this name.
    """
    if name not in names(store):
        raise FileNotFoundError(name)
    _path(store, name).unlink()


def names(store: Path) -> list[str]:
    """The names of all pins, also of damaged ones."""
    return sorted(path.stem for path in (store / "pins").glob("*.json"))


def pinned(store: Path) -> Iterator[Pin]:
    """Yield each pin, by name.

    Raises:
        StoreError: one is damaged, so that it can't be told what it keeps.
    """
    for name in names(store):
        path = _path(store, name)
        try:
            body = json.loads(path.read_bytes())
            yield Pin(name, str(body["created"]), {str(task): Digest(key) for task, key in body["keys"]})
        except FileNotFoundError:
            continue
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(f"the pin {path} can't be read: {error!r}", f'"doit unpin {name}" lets it go') from None


def _path(store: Path, name: str) -> Path:
    return store / "pins" / f"{name}.json"
