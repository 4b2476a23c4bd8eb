"""Actions that wait for a worker, and which of them it gets."""

import math
from collections import Counter, defaultdict
from collections.abc import Collection

from barmill.run.cluster.pace import Pace
from barmill.run.cluster.spec import Action
from barmill.run.cluster.whereabouts import Whereabouts

# a worker that goes away over an action, or just before it was to begin, which may be for the same reason and too soon to tell
_BEGUN, _BEFORE = 4, 1
_SUSPECT = 2 * _BEGUN
_GUILTY = 3 * _BEGUN


class Lineup:
    """The waiting actions; among them suspects, over which workers went away: they are tried alone, one at a time.

    Args:
        pace: how long actions take.
        whereabouts: which worker holds what.
    """

    def __init__(self, pace: Pace, whereabouts: Whereabouts) -> None:
        self._pace = pace
        self._whereabouts = whereabouts
        self._waiting: list[Action] = []
        self._suspects: list[Action] = []
        self._strikes: Counter[str] = Counter()
        self._tried = ""
        self._refused: defaultdict[str, set[str]] = defaultdict(set)

    def __len__(self) -> int:
        return len(self._waiting) + len(self._suspects)

    def add(self, action: Action) -> None:
        """It waits."""
        self._waiting.append(action)

    def again(self, actions: Collection[Action], *, begun: bool) -> list[Action]:
        """The worker of these is gone: they wait again; but for those, which are told, that workers go away over.

        Args:
            actions: a batch.
            begun: whether the worker had begun with it.
        """
        guilty = []
        for action in actions:
            self._strikes[action.task] += _BEGUN if begun else _BEFORE
            if action.task == self._tried and self._strikes[action.task] >= _GUILTY:
                guilty.append(action)
            elif self._strikes[action.task] >= _SUSPECT:
                self._suspects.append(action)
            else:
                self._waiting.append(action)
        self.cleared(actions)
        return guilty

    def refused(self, action: Action, worker: str) -> None:
        """A worker would build something else: it gets nothing of the action's stage any more."""
        self._refused[action.stage].add(worker)

    def stranded(self, workers: Collection[str]) -> list[Action]:
        """Let go, and tell, what all of these workers refuse."""
        if not workers or not any(set(workers) <= refusing for refusing in self._refused.values()):
            return []
        stranded = [each for each in (*self._waiting, *self._suspects) if set(workers) <= self._refused[each.stage]]
        self._waiting = [each for each in self._waiting if each not in stranded]
        self._suspects = [each for each in self._suspects if each not in stranded]
        return stranded

    def cleared(self, actions: Collection[Action]) -> None:
        """These are done, or wait again."""
        if any(action.task == self._tried for action in actions):
            self._tried = ""

    def next(self, worker: str, idle: int) -> list[Action]:
        """What a worker gets: what it has the inputs of, about a grain of it, and never so much that idle threads get none.

        Args:
            worker: its address.
            idle: threads that have nothing to do.
        """
        suspect = next((each for each in self._suspects if worker not in self._refused[each.stage]), None)
        if suspect and not self._tried:
            self._suspects.remove(suspect)
            self._tried = suspect.task
            return [suspect]
        waiting = [each for each in self._waiting if worker not in self._refused[each.stage]]
        share = math.ceil(len(waiting) / max(1, idle))
        chosen = self._pace.share(self._whereabouts.order(waiting, worker), share)
        taken = set(map(id, chosen))
        self._waiting = [action for action in self._waiting if id(action) not in taken]
        return chosen
