"""Which worker holds which bytes, as far as this run has seen: an action best goes where its inputs are."""

from collections import defaultdict
from collections.abc import Collection, Iterable

from barmill.hashing import Digest
from barmill.run.cluster.spec import Action


class Whereabouts:
    """Digest → the workers that have the object, by their addresses."""

    def __init__(self) -> None:
        self._holders: defaultdict[Digest, set[str]] = defaultdict(set)
        self._sizes: dict[Digest, int] = {}

    def note(self, worker: str, objects: Iterable[tuple[Digest, int]]) -> None:
        """A worker has these objects (digest, size in bytes)."""
        for digest, size in objects:
            self._holders[digest].add(worker)
            self._sizes[digest] = size

    def forget(self, workers: Collection[str]) -> None:
        """These workers are gone, with all that they had."""
        for holders in self._holders.values():
            holders.difference_update(workers)

    def gain(self, action: Action, worker: str) -> int:
        """Bytes of the action's inputs that the worker has, less those of the other worker that has most; may be negative."""
        held: defaultdict[str, int] = defaultdict(int)
        for digest in {digest for _, _, digest in action.read}:
            for holder in self._holders.get(digest, ()):
                held[holder] += self._sizes[digest]
        own = held.pop(worker, 0)
        return own - max(held.values(), default=0)

    def order(self, actions: Collection[Action], worker: str) -> list[Action]:
        """The actions, those first that the worker is best for; equal ones in the order in which they came."""
        return sorted(actions, key=lambda action: -self.gain(action, worker))
