"""A process that archives, updates and brings back one series without end, to be killed; `ROOT`."""

import datetime as dt
import itertools
import sys
from pathlib import Path

from barmill.config import Settings
from barmill.market.manifest import Identity
from barmill.sources.archive import archive, restore
from tests.support.archive_oracle import whole
from tests.support.prices import Shelf, run, series, weekdays

DAYS = weekdays("2000-01-03", 2000)


def identity(scheme: str = "quarter") -> Identity:
    """How ACME is cut."""
    return Identity("equities/daily/ACME", "ACME", "equities", "daily", "", scheme)


def step(root: Path, number: int) -> None:
    """One of six: archive a year, another, adjust what is archived, by months, one day more, bring it back."""
    settings, dataset = Settings(series=root), series(root)
    factor, stored = 2.0 ** (1 + number // 6), len(whole(root, dataset))
    steps = (
        lambda: archive(dataset, identity(), dt.date(2001, 1, 1), settings),
        lambda: archive(dataset, identity(), dt.date(2002, 1, 1), settings),
        lambda: run(root, Shelf(dict.fromkeys(DAYS[:stored], factor))),
        lambda: archive(dataset, identity("month"), dt.date(2003, 1, 1), settings),
        lambda: run(root, Shelf(dict.fromkeys(DAYS[: stored + 1], factor))),
        lambda: restore(dataset, settings),
    )
    outcome = steps[number % 6]()
    assert outcome.entry.status == "ok", outcome.entry.errors


if __name__ == "__main__":
    for number in itertools.count():
        step(Path(sys.argv[1]), number)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
