"""Many checkouts build over one store while gc deletes whatever it may: `python -m tests.reliability.races --seconds 60`."""

import argparse
import multiprocessing
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.reliability.checkouts import TIMES, faults, gc, in_doit, in_process
from tests.support.project import Project


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


def run(seconds: float, processes: int, seed: int, root: Path) -> Report:
    """Let checkouts, every fourth of them with real `doit` runs, and one gc race over a store.

    Args:
        seconds: for how long.
        processes: number of checkouts.
        seed: of everything that is random but the race itself.
        root: an empty folder for all of it.
    """
    store = root / "store"
    expected = {times: _from_scratch(root / f"alone{times}", times) for times in TIMES}
    report = Report()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes + 1, mp_context=context) as pool:
        list(pool.map(time.sleep, [0.2] * (processes + 1)))  # all of them are up
        end = time.time() + seconds
        races = [pool.submit(gc, root, store, end)]
        for number in range(processes):
            checkout = root / f"checkout{number}"
            if number % 4 == 0:
                races.append(pool.submit(in_doit, checkout, store, expected, seed + number, end))
            else:  # two with one seed do the same at the same time
                races.append(pool.submit(in_process, checkout, store, seed + number // 2, end))
        for race in races:
            tally = race.result(timeout=seconds + 120)
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
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        report = run(given.seconds, given.processes, given.seed, Path(root))
    for what, number in sorted(report.counts.items()):
        sys.stdout.write(f"{number:9} {what}\n")
    for what, found in (("lost", report.lost), ("damaged", report.damaged)):
        sys.stdout.write(f"{len(found):9} {what}\n" + "".join(f"          {line}\n" for line in found[:5]))
    return 1 if report.lost or report.damaged else 0


if __name__ == "__main__":
    sys.exit(main())
