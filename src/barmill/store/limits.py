"""Which records go: the limits, each by itself, over records that nothing holds."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from barmill.hashing import Digest
from barmill.store.census import Known


@dataclass(frozen=True)
class Limits:
    """What a store may keep; a record that breaks any of them goes.

    Attributes:
        older_than: seconds since a record was last used.
        max_size: bytes of all records and objects; those that were not used for longest go first.
        keep_last: records of each task, the newest by the time of their build.
    """

    older_than: float | None = None
    max_size: int | None = None
    keep_last: int | None = None


def doomed(records: Mapping[Digest, Known], held: Collection[Digest], limits: Limits, now: int, other: int = 0) -> list[Known]:
    """The records that go, in the order in which they go.

    Args:
        records: all that there are.
        held: keys of those that stay, whatever the limits say.
        limits: what the store may keep.
        now: the time in ns.
        other: bytes that stay in the store beside these records and what they name.
    """
    free = sorted(
        (known for known in records.values() if known.key not in held), key=lambda known: (known.file.used, known.key)
    )
    going: dict[Digest, Known] = {}
    if limits.older_than is not None:
        going |= {known.key: known for known in free if now - known.file.used > limits.older_than * 1e9}
    if limits.keep_last is not None:
        going |= {known.key: known for known in _beyond_last(records, limits.keep_last) if known.key not in held}
    if limits.max_size is not None:
        weight = _Weight(records, other)
        for known in going.values():
            weight.drop(known)
        for known in free:
            if weight.total <= limits.max_size:
                break
            if known.key not in going:
                weight.drop(known)
                going[known.key] = known
    return list(going.values())


def _beyond_last(records: Mapping[Digest, Known], number: int) -> list[Known]:
    """The records of each task but its newest."""
    counted: Counter[str] = Counter()
    beyond = []
    for known in sorted(records.values(), key=lambda known: (known.started, known.key), reverse=True):
        counted[known.task] += 1
        if counted[known.task] > number:
            beyond.append(known)
    return beyond


class _Weight:
    """Bytes of records and of the objects that they name, each counted once."""

    def __init__(self, records: Mapping[Digest, Known], other: int) -> None:
        self._users = Counter(digest for known in records.values() for digest in known.objects)
        sizes = {digest: size for known in records.values() for digest, size in known.objects.items()}
        self.total = other + sum(sizes.values()) + sum(known.file.size for known in records.values())

    def drop(self, known: Known) -> None:
        """Count a record no longer, nor the objects that no other names."""
        self.total -= known.file.size
        for digest, size in known.objects.items():
            self._users[digest] -= 1
            if not self._users[digest]:
                self.total -= size
