"""The circuit breaker: a remote that does not answer is asked no more in this run."""

from collections.abc import Callable, Collection, Iterator
from typing import Any

from barmill.errors import RemoteError, RemoteLost
from barmill.store.remote.counts import Counts, reason_of
from barmill.store.remote.line import Answer, Item, Line, Stalled
from barmill.store.remote.patience import GRANT, Patience, Waiting
from barmill.store.remote.place import Unfit

_IN_A_ROW = 8  # failed requests after which the others would fail, too


class Breaker:
    """Asks a remote as long as it answers.

    Args:
        line: does the requests.
        patience: how long may be waited in vain.
        counts: where it is told why the remote is asked no more.
        grant: seconds that an answer may take.

    Attributes:
        fault: why it is asked no more, once it is not.
    """

    def __init__(self, line: Line, patience: Patience, counts: Counts, grant: float = GRANT) -> None:
        self._line = line
        self._patience = patience
        self._counts = counts
        self._grant = grant
        self._row = 0
        self._opened = False
        self.fault = RemoteLost(f"{counts.url}: it does not answer in time", "look at the remote, and at the way to it")

    @property
    def is_open(self) -> bool:
        """Whether the remote is asked no more, by this process or another of the same run."""
        if not self._opened and self._patience.left <= 0:
            self._opened = True
        return self._opened

    def ask(
        self,
        function: Callable[[Item], Answer],
        items: Collection[Item],
        worth: Callable[[Item], float] = lambda _: 0.0,
        covered: float = 0.0,
    ) -> Iterator[tuple[Item, Answer | Unfit | RemoteError]]:
        """Yield (item, answer) as answers come, `Unfit` and `RemoteError` in place of one; ends early if none comes any more.

        Args:
            function: does one request.
            items: what it is called with.
            worth: seconds that an item's answer may take by itself.
            covered: seconds that may pass without any answer, beside the patience.
        """
        if not items or self.is_open:
            return
        waiting = Waiting(self._patience, covered, self._grant)
        try:
            for item, answer in self._line.each(function, items, waiting.left):
                if isinstance(answer, RemoteError):
                    self._row += 1
                    self.fault = RemoteLost(f"{self._counts.url}: {reason_of(answer)}", answer.hint)
                elif isinstance(answer, Exception) and not isinstance(answer, Unfit):
                    raise answer
                else:
                    self._row = 0
                    waiting.answered(worth(item))
                if self._row >= _IN_A_ROW or waiting.left() <= 0:  # before the answer is given: who gets it may want no other
                    self._open()
                yield item, answer
                if self._opened:
                    break
        except Stalled:
            self._open()
        finally:
            waiting.end()

    def one(self, function: Callable[[Any], Answer], item: Any) -> Answer | Unfit | RemoteError | None:
        """The answer to one request; None if there is none."""
        return next((answer for _, answer in self.ask(function, [item])), None)

    def _open(self) -> None:
        if not self._opened:
            self._opened = True
            self._patience.end()
            self._counts.blame(self.fault)
