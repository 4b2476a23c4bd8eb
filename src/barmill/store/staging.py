"""Staging: where outputs are made, or brought out of the store, before they are renamed into place."""

import contextlib
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from barmill import files
from barmill.store import places
from barmill.store.actions import Record
from barmill.store.objects import Objects
from barmill.store.stats import StatCache
from barmill.target import Target


class Staging:
    """The staging of one project.

    Args:
        folder: on the file system of the outputs; need not be there.
        objects: what outputs are restored from.
        stats: knows what lies in their places.
    """

    def __init__(self, folder: Path, objects: Objects, stats: StatCache) -> None:
        self._folder = folder
        self._objects = objects
        self._stats = stats
        self._mine = threading.local()

    @contextlib.contextmanager
    def empty(self) -> Iterator[Path]:
        """Give an empty folder that nobody else uses: one per process and thread, because making one for each build shows."""
        mine = self._mine
        if getattr(mine, "process", None) != os.getpid() or not mine.folder.is_dir():
            files.make_folder(self._folder)
            mine.folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=self._folder))
            mine.process = os.getpid()
        try:
            yield mine.folder
        except BaseException:  # else everything in it was placed
            for entry in os.scandir(mine.folder):
                files.remove(Path(entry.path))
            raise

    def restore(self, target: Target, record: Record) -> bool:
        """Put what is not in place there, and tell whether there was any; all of it is verified before any is placed.

        Raises:
            ObjectCorrupt, ObjectMissing: the store has it no more.
        """
        wanted = {role: record.outputs.get(role, {}) for role in target.outputs}
        found = {role: places.lacks(self._stats, path, wanted[role]) for role, path in target.outputs.items()}
        lacking = {role: lacks for role, lacks in found.items() if lacks is not None}
        if not lacking:
            return False
        with self.empty() as folder:
            made = {role: folder / role for role in lacking}
            for role, lacks in lacking.items():
                self.unpack(lacks, made[role])
            for role, lacks in lacking.items():
                self._place(made[role], target.outputs[role], wanted[role], lacks)
        return True

    def unpack(self, written: places.Written, made: Path) -> None:
        """Make an output, or what is lacking of it, from its objects: a file, a folder, or nothing."""
        for name, (digest, size) in written.items():
            if name.endswith("/"):
                (made / name).mkdir(parents=True, exist_ok=True)
            else:
                place = made / name if name else made
                if name:
                    files.make_folder(place.parent)
                self._objects.restore(digest, size, place)

    def place(self, made: Path, path: Path, written: places.Written) -> None:
        """Put an output that was made in its place; what is there as it should be stays untouched."""
        self._place(made, path, written, places.lacks(self._stats, path, written))

    def _place(self, made: Path, path: Path, written: places.Written, lacking: places.Written | None) -> None:
        if lacking is not None:
            places.place(made, path, written, lacking)
        if lacking is None or self._objects.link == "hardlink":  # a file renamed to another of its names stays under both
            files.remove(made)
