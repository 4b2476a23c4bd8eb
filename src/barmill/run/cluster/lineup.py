"""Actions that wait for a worker, and which of them it gets."""

import math
from collections import Counter, defaultdict
from collections.abc import Collection

from barmill.run.cluster.pace import Pace
from barmill.run.cluster.spec import Action
from barmill.run.cluster.whereabouts import Whereabouts
from barmill.run.work import Result

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
        self._refused: defaultdict[str, dict[str, Result]] = defaultdict(dict)
        self._cut_off: dict[str, Result] = {}

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

    def refused(self, action: Action, worker: str, why: Result) -> None:
        """A worker would build something else: it gets nothing of the action's stage any more."""
        self._refused[action.stage][worker] = why
        self._waiting.append(action)

    def cut_off(self, action: Action, worker: str, why: Result) -> bool:
        """A worker can't get inputs, or give results: it gets nothing any more; tells whether that is new."""
        is_new = worker not in self._cut_off
        self._cut_off[worker] = why
        self._waiting.append(action)
        return is_new

    def stranded(self, workers: Collection[str]) -> list[tuple[Action, Result]]:
        """Let go, and tell, what none of these workers can be given, with what the last one said."""
        if not workers or not (self._refused or self._cut_off):
            return []
        found = [(each, why) for each in (*self._waiting, *self._suspects) if (why := self._why_not(each, workers))]
        gone = {id(action) for action, _ in found}
        self._waiting = [each for each in self._waiting if id(each) not in gone]
        self._suspects = [each for each in self._suspects if id(each) not in gone]
        return found

    def _why_not(self, action: Action, workers: Collection[str]) -> Result | None:
        """What the last of these workers said, if none can be given an action."""
        reasons = {**self._refused.get(action.stage, {}), **self._cut_off}
        return [reasons[worker] for worker in reasons if worker in workers][-1] if set(workers) <= reasons.keys() else None

    def _fits(self, action: Action, worker: str) -> bool:
        return worker not in self._cut_off and worker not in self._refused.get(action.stage, {})

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
        suspect = next((each for each in self._suspects if self._fits(each, worker)), None)
        if suspect and not self._tried:
            self._suspects.remove(suspect)
            self._tried = suspect.task
            return [suspect]
        waiting = [each for each in self._waiting if self._fits(each, worker)]
        share = math.ceil(len(waiting) / max(1, idle))
        chosen = self._pace.share(self._whereabouts.order(waiting, worker), share)
        taken = set(map(id, chosen))
        self._waiting = [action for action in self._waiting if id(action) not in taken]
        return chosen
