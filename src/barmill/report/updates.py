"""What the history says of a dataset's updates: the last one, and whether they fail."""

from pathlib import Path
from typing import NamedTuple

from barmill.errors import BarmillError
from barmill.sources.history import History

_RECENT, _TOO_MANY = 5, 3


class Update(NamedTuple):
    """One load, update or sync: when (UTC, ISO), which, from whom, how it ended, rows added, and its errors."""

    at: str
    kind: str
    provider: str
    status: str
    rows_added: int
    errors: tuple[str, ...]


class Updates(NamedTuple):
    """Of a dataset.

    Attributes:
        provider: whom it is updated from; "" if by hand.
        all: oldest first.
        damage: why its history can't be read; "" if it can.
    """

    provider: str
    all: tuple[Update, ...]
    damage: str = ""

    def failure(self) -> str:
        """What is wrong with the last ones; "" if nothing."""
        if self.damage:
            return self.damage
        recent = self.all[-_RECENT:]
        bad = [each for each in recent if each.status in {"failed", "interrupted"}]
        if recent and recent[-1] in bad:
            why = f": {'; '.join(recent[-1].errors)}" if recent[-1].errors else ""
            return f"the last {recent[-1].kind}, {recent[-1].at}, {_ENDED[recent[-1].status]}{why}"
        return f"{len(bad)} of the last {len(recent)} updates failed" if len(bad) >= _TOO_MANY else ""


_ENDED = {"failed": "failed", "interrupted": "was interrupted"}


def read_updates(path: Path) -> Updates:
    """The updates that a history has, what became of unended ones found out; none without one."""
    try:
        history = History.read(path)
    except (BarmillError, OSError) as error:
        return Updates("", (), f"its history {error.fact if isinstance(error, BarmillError) else error}")
    entries = (Update(e.at, e.kind, e.provider, e.status, e.rows_added, tuple(e.errors)) for e in history.updates)
    return Updates(history.provider, tuple(entries))
