"""What a run did, counted by stage."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

ORIGINS = ("built", "restored", "fetched", "fresh", "failed")
_SPARED = {"restored", "fetched"}


@dataclass
class Tally:
    """Counts of targets and seconds, by stage.

    Attributes:
        targets: (stage, what became of it) → number of targets.
        seconds: stage → seconds of building and restoring.
        saved: stage → seconds by which building took longer than restoring.
    """

    targets: Counter[tuple[str, str]] = field(default_factory=Counter)
    seconds: Counter[str] = field(default_factory=Counter)
    saved: Counter[str] = field(default_factory=Counter)

    def add(self, task: str, origin: str, seconds: float = 0.0, saved: float = 0.0, number: int = 1) -> None:
        """Count a target.

        Args:
            task: its name, or that of its stage.
            origin: what became of it.
            seconds: that it took now.
            saved: seconds that its build took once.
            number: of targets, if there are several that took no time.
        """
        if not number:
            return
        stage = task.partition(":")[0]
        self.targets[stage, origin] += number
        if origin != "fresh":
            self.seconds[stage] += seconds  # type: ignore[assignment]
        if origin in _SPARED:
            self.saved[stage] += max(0.0, saved - seconds)  # type: ignore[assignment]

    def count(self, origin: str) -> int:
        """Targets of all stages that this became of."""
        return sum(number for (_, each), number in self.targets.items() if each == origin)

    @property
    def total(self) -> int:
        """All targets."""
        return self.targets.total()

    @property
    def is_idle(self) -> bool:
        """Whether every target was fresh."""
        return all(origin == "fresh" for _, origin in self.targets)

    def stages(self) -> dict[str, dict[str, Any]]:
        """Stage → counts by what became of the targets, and seconds."""
        return {
            stage: {
                **{origin: self.targets[stage, origin] for origin in ORIGINS},
                "seconds": round(self.seconds[stage], 3),
                "saved": round(self.saved[stage], 3),
            }
            for stage in dict.fromkeys(stage for stage, _ in self.targets)
        }
