"""The local store, as the remote sees it."""

from collections.abc import Mapping
from typing import Any

from barmill.hashing import Digest
from barmill.store.actions import Actions, Record
from barmill.store.guard import Guard
from barmill.store.kin import Kin
from barmill.store.objects import Objects


class Local:
    """The parts of a local store."""

    def __init__(self, objects: Objects, actions: Actions, guard: Guard, kin: Kin) -> None:
        self.objects = objects
        self.actions = actions
        self._guard = guard
        self._kin = kin

    def is_whole(self, key: Digest) -> bool:
        """Whether there is a record of this key in which no piece failed, and every object that it names."""
        record = self.actions.get(key)
        return (
            record is not None
            and not record.failed
            and all(self.objects.has(digest, size) for digest, size in record.objects())
        )

    def pieces(self, manifest: Mapping[str, Any]) -> set[tuple[str, str]]:
        """The pieces of `manifest` that earlier builds here have worked out."""
        return self._kin.held(manifest)

    def store(self, record: Record) -> bool:
        """Store a record whose objects are here; False if they are not."""
        with self._guard.shared():
            if not all(self.objects.touch(digest, size) for digest, size in record.objects()):
                return False
            if record.failed and (before := self.actions.get(record.key)) is not None and not before.failed:
                return True
            self.actions.put(record)
            self._kin.note(record)
        return True
