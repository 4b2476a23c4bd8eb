"""The workers of a cluster, and what each has in hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field

_AHEAD = 1.0  # seconds of work for each thread, so that none waits for its next batch


@dataclass
class Member:
    """One worker.

    Attributes:
        threads: how many actions it does at once.
        batches: number of a batch → its expected seconds.
    """

    threads: int
    batches: dict[int, float] = field(default_factory=dict)

    @property
    def load(self) -> float:
        """Expected seconds of work that it has, for each of its threads."""
        return sum(self.batches.values()) / self.threads

    @property
    def has_room(self) -> bool:
        """Whether it is to get more: a thread has nothing to do, or soon will have. Nothing waits behind what is long."""
        return len(self.batches) < self.threads or self.load < _AHEAD


class Crew:
    """The workers by their addresses."""

    def __init__(self) -> None:
        self._members: dict[str, Member] = {}

    def __len__(self) -> int:
        return len(self._members)

    @property
    def addresses(self) -> set[str]:
        """Who they are."""
        return set(self._members)

    @property
    def threads(self) -> int:
        """How many actions are done at once."""
        return sum(member.threads for member in self._members.values())

    @property
    def idle(self) -> int:
        """Threads that have nothing to do."""
        return sum(max(0, member.threads - len(member.batches)) for member in self._members.values())

    def meet(self, threads: Mapping[str, int]) -> set[str]:
        """These are the workers now, with their threads; tells which are gone. What those had is somewhere else now."""
        gone = self._members.keys() - threads.keys()
        for address in gone:
            del self._members[address]
        for address, number in threads.items():
            if number:
                self._members.setdefault(address, Member(number)).threads = number
        return gone

    def free(self) -> list[str]:
        """The workers that are to get more, those first that have least to do."""
        free = [(member.load, len(member.batches), address) for address, member in self._members.items() if member.has_room]
        return [address for _, _, address in sorted(free)]

    def give(self, worker: str, batch: int, seconds: float) -> None:
        """A batch is on its way to this worker, or at work on it, whoever was to get it before."""
        self.ended(batch)
        if worker in self._members:
            self._members[worker].batches[batch] = seconds

    def ended(self, batch: int) -> None:
        """A batch is done."""
        for member in self._members.values():
            member.batches.pop(batch, None)
