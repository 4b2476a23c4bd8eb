"""Many checkouts build over one store while gc deletes whatever it may, and market projects are begun in all ways of users:
`python -m tests.reliability.races --seconds 60`.
"""

import argparse
import multiprocessing
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.reliability.checkouts import TIMES, faults, gc, in_doit, in_process
from tests.reliability.firsts import alone, firsts
from tests.support.project import Project

_PATIENCE = 900  # seconds: what was begun is ended, on a busy machine, too


@dataclass
class Report:
    """What came of the races.

    Attributes:
        counts: what was done, and how often.
        lost: builds that failed, or gave other bytes than a build from scratch.
        damaged: what was found wrong in the store, then or at the end.
    """

    counts: dict[str, int] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)


def run(seconds: float, processes: int, seed: int, root: Path, beginners: int = 0) -> Report:
    """Let checkouts, every fourth of them with real `doit` runs, and one gc race over a store, and beginners beside them.

    Args:
        seconds: for how long.
        processes: number of checkouts.
        seed: of everything that is random but the race itself.
        root: an empty folder for all of it.
        beginners: number of those who begin ever new projects.
    """
    store = root / "store"
    expected = {times: _from_scratch(root / f"alone{times}", times) for times in TIMES if processes}
    whole = alone(root / "alone") if beginners else {}
    report = Report()
    context = multiprocessing.get_context("spawn")
    number_of_all = processes + beginners + 1
    with ProcessPoolExecutor(number_of_all, mp_context=context) as pool:
        list(pool.map(time.sleep, [0.2] * number_of_all))  # all of them are up
        end = time.time() + seconds
        races = [pool.submit(gc, root, store, end)] if processes else []
        races += [pool.submit(firsts, root / f"begun{number}", whole, seed + number, end) for number in range(beginners)]
        for number in range(processes):
            checkout = root / f"checkout{number}"
            if number % 4 == 0:
                races.append(pool.submit(in_doit, checkout, store, expected, seed + number, end))
            else:  # two with one seed do the same at the same time
                races.append(pool.submit(in_process, checkout, store, seed + number // 2, end))
        for race in races:
            tally = race.result(timeout=seconds + _PATIENCE)
            report.lost += tally.lost
            report.damaged += tally.damaged
            for what, number in tally.counts.items():
                report.counts[what] = report.counts.get(what, 0) + number
    report.damaged += faults(store)
    report.damaged += [f"{path} was left behind" for path in store.rglob("*.tmp")]
    return report


def _from_scratch(root: Path, times: int) -> dict[str, bytes]:
    """The artifacts of a project that never saw the store."""
    project = Project.make(root)
    (root / "times").write_text(str(times))
    project.good()
    return project.artifacts()


def main() -> int:
    """Run and print; exit code 1 if anything was lost or damaged."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--processes", type=int, default=8, help="checkouts over one store")
    parser.add_argument("--beginners", type=int, default=1, help="those who begin market projects, one after the other")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        report = run(given.seconds, given.processes, given.seed, Path(root), given.beginners)
    for what, number in sorted(report.counts.items()):
        sys.stdout.write(f"{number:9} {what}\n")
    for what, found in (("lost", report.lost), ("damaged", report.damaged)):
        sys.stdout.write(f"{len(found):9} {what}\n" + "".join(f"          {line}\n" for line in found[:5]))
    return 1 if report.lost or report.damaged else 0


if __name__ == "__main__":
    sys.exit(main())
