"""How long actions take: what earlier runs recorded, else what those of the same stage took in this run."""

import json
import math
from collections.abc import Mapping

from barmill.run.cluster.spec import Action

GRAIN = 0.5
"""Seconds of work that are sent at once: long beside what a message costs, short beside a run."""


class Pace:
    """Expected seconds of actions."""

    def __init__(self) -> None:
        self._entries: Mapping[str, str] = {}
        self._means: dict[str, float] = {}

    def recall(self, entries: Mapping[str, str]) -> None:
        """Go by what earlier runs recorded: task → its entry as JSON text (`State.tasks`)."""
        self._entries = entries

    @property
    def mean(self) -> float:
        """Mean seconds of the actions of this run, stage by stage; 0 before the first."""
        return math.fsum(self._means.values()) / len(self._means) if self._means else 0.0

    def took(self, stage: str, seconds: float) -> None:
        """Actions of `stage`, one batch of them, took so long in the mean, with all that a worker had to do for them.

        The first ones of a worker take longer, so the newest count most.
        """
        self._means[stage] = (self._means.get(stage, seconds) + seconds) / 2

    def expected(self, action: Action) -> float:
        """Seconds that an action will take; what nothing is known of is taken to be a grain by itself."""
        mean = self._means.get(action.stage, 0.0)
        if recorded := _recorded(self._entries.get(action.task)):
            return max(recorded, min(mean, GRAIN))
        return mean or GRAIN

    def share(self, actions: list[Action], most: int) -> list[Action]:
        """The first of `actions`, at most `most` and at least one, that together take about a grain."""
        chosen: list[Action] = []
        left = GRAIN
        for action in actions[: max(1, most)]:
            left -= self.expected(action)
            if chosen and left < 0:
                break
            chosen.append(action)
        return chosen

    def sum(self, actions: list[Action]) -> float:
        """Seconds that actions will take, one after the other."""
        return math.fsum(map(self.expected, actions))


def _recorded(text: str | None) -> float:
    """Seconds that a task's last build took; 0 if none is known."""
    try:
        values = json.loads(text)["_values_:"] if text else {}
        return float(values["seconds"] if values["origin"] == "built" else values["saved"])
    except (ValueError, KeyError, TypeError):
        return 0.0
