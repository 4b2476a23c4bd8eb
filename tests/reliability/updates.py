"""Processes that update one series: many at once, and one that is killed again and again; `WHAT ROOT NUMBER`."""

import itertools
import sys
from pathlib import Path

from tests.support.prices import Shelf, run, weekdays

BASE = dict.fromkeys(weekdays("2000-01-03", 100), 1.0)
FUTURE = weekdays("2010-01-04", 3000)


def own(number: int, step: int) -> dict[str, float]:
    """The bars that only process `number` adds at its `step`."""
    return {FUTURE[10 * number + step]: 1000.0 + 10 * number + step}


def share(root: Path, number: int) -> None:
    """Ten loads of one bar each."""
    for step in range(10):
        outcome = run(root, Shelf({**BASE, **own(number, step)}), "load", timeout=60.0)
        assert outcome.entry.status == "ok", outcome.entry.errors


def endless(root: Path, number: int) -> None:
    """Updates without end, each with one more bar; every fifth finds its history adjusted."""
    for step in itertools.count(number):
        factor = 2.0 ** (step // 5)
        run(root, Shelf(dict.fromkeys((*BASE, *FUTURE[: step + 1]), factor)), "update" if step else "load")
        sys.stdout.write(f"{step}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    {"share": share, "endless": endless}[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))
