"""The projects that use a store: each leaves a note in `projects/`, and what its tasks came to last is kept for it."""

import contextlib
import json
import os
import re
import sqlite3
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from barmill import files
from barmill.errors import StoreError
from barmill.hashing import Digest, canonical, digest_bytes
from barmill.store.database import open_to_read

_FINISHED = re.compile(r'"finished": ?"([0-9a-f]{32})\b')  # the line of `Cache.finished` in a task's entry
_PATIENCE = 5  # seconds to wait for a state file that is in use


@dataclass(frozen=True)
class Project:
    """A project that registered itself.

    Attributes:
        note: the file in the store that says so.
        state: absolute path of the project's state file.
    """

    note: Path
    state: Path

    @property
    def is_gone(self) -> bool:
        """Whether its state file is not there (or can't be seen from here)."""
        return not self.state.exists()

    def is_below(self, folders: Collection[Path]) -> bool:
        """Whether its state file is one of these paths, or lies below one."""
        return any(self.state == folder or folder in self.state.parents for folder in folders)

    def finished(self) -> dict[str, Digest]:
        """Task name → key of the record that its last run came to.

        Raises:
            StoreError: the state file can't be read.
        """
        try:
            entries = self._entries()
        except (sqlite3.DatabaseError, UnicodeError) as error:
            if self.is_gone:
                return {}
            raise StoreError(
                f"{self.state}, of a project that shares the store, can't be read: {error}; nothing was deleted",
                f"run doit there, or leave its results unprotected with --ignore-project {self.state}",
            ) from None
        return {name: Digest(match[1]) for name, entry in entries if (match := _FINISHED.search(entry))}

    def _entries(self) -> list[tuple[str, str]]:
        with contextlib.closing(open_to_read(self.state, _PATIENCE)) as state:
            if state.execute("PRAGMA user_version").fetchone() == (0,):  # it is being made
                return []
            return state.execute(
                "SELECT name, entry FROM tasks WHERE typeof(name) = 'text' AND typeof(entry) = 'text'"
            ).fetchall()


def register(store: Path, state: Path) -> None:
    """Leave a note that the project with this state file (an absolute path) uses the store; to be called under the lock.

    In a store that can't be written there is none: nothing in it is the project's.
    """
    note = _note(store, state)
    if not note.exists():
        with contextlib.suppress(OSError):
            files.write_atomic(note, canonical({"state": str(state)}), mode=0o444)


def registered(store: Path) -> Iterator[Project]:
    """Yield each registered project, also one that is gone.

    Raises:
        StoreError: a note is damaged, so that it can't be told whose it was.
    """
    for note in sorted((store / "projects").glob("*.json")):
        try:
            yield Project(note, Path(json.loads(note.read_bytes())["state"]))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f"{note}, which names a project that uses the store, can't be read: {error!r}",
                "remove it; the project writes it again at its next build",
            ) from None


def _note(store: Path, state: Path) -> Path:
    return store / "projects" / f"{digest_bytes(os.fsencode(state))}.json"
