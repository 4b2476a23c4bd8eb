"""kill -9 at random moments: nothing half-written, and the next `doit` builds what was in flight, no more, to the right end.

python -m tests.reliability.kills --kills 200 --seed 1
"""

import argparse
import itertools
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from barmill.hashing import digest_file, digest_record
from barmill.store.actions import Actions
from tests.support.project import Project, children, ended, gone

_TEXTS = 24
_KINDS = ("cold", "restore", "rebuild", "gc")
_GC = ("gc", "--max-size", "1", "--grace", "0")
_VICTIMS = ("doit", "worker", "all")


@dataclass
class Report:
    """What the kills did.

    Attributes:
        kills: (what was going on, workers, who was killed) → how often, in the middle of a run.
        late: kills that came after the run had ended by itself; they do not count.
        again: builds that ran twice: what was in flight.
        lost: findings; each is a fault.
    """

    kills: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    late: int = 0
    again: int = 0
    lost: list[str] = field(default_factory=list)


class Harness:
    """A toy project with some seventy targets, and plain Python that knows what it should come to.

    Args:
        root: an empty folder.
        seed: of all random choices.
    """

    def __init__(self, root: Path, seed: int) -> None:
        self.dice = random.Random(seed)
        self.project = Project.make(root / "p")
        self.artifacts = self.project.root / "artifacts"
        for path in (self.project.root / "data").iterdir():
            path.unlink()
        self.texts = {f"t{number:02}": "" for number in range(_TEXTS)}
        self.edit(1.0)
        self.known: set[bytes] = set()
        self.seconds: dict[tuple[str, tuple[str, ...]], float] = {}

    def edit(self, share: float) -> None:
        """Give a share of the inputs new texts."""
        for name in self.texts:
            if self.dice.random() < share:
                lines = [str(self.dice.randrange(10**9)) * self.dice.choice([1, 400]) for _ in range(3)]
                self.texts[name] = "\n".join(lines)
                (self.project.root / "data" / f"{name}.txt").write_text(self.texts[name])

    def expected(self) -> dict[str, bytes]:
        """What a from-scratch build writes."""
        upper = {name: text.upper() + "!" for name, text in self.texts.items()}
        found = {f"upper/{name}.up": text for name, text in upper.items()}
        found["join/all.txt"] = "".join(f"{text}\n" for text in upper.values()) + ",".join(f"{name}.txt" for name in upper)
        for name, text in upper.items():
            found |= {f"split/{name}/{number}.line": line for number, line in enumerate(text.splitlines())}
        return {path: text.encode() for path, text in found.items()}

    def prepare(self, kind: str) -> None:
        """Bring the project before the run that is to be killed; remember every content that may be met in it."""
        if kind == "cold":
            shutil.rmtree(self.artifacts, ignore_errors=True)
        elif kind == "restore":
            for path in self.artifacts.iterdir():
                if path.name != "store":
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
        self.known = set(self.project.artifacts().values())
        if kind in {"rebuild", "gc"}:
            self.edit(0.5)
        if kind == "gc":  # then there are results that no present graph needs
            self.project.good()
        self.known |= set(self.expected().values())

    def measure(self) -> None:
        """How long each kind of run takes, so that the kills come in between; leaves the project built."""
        for workers in ((), ("-n", "2")):
            for kind in _KINDS:
                self.prepare(kind)
                start = time.monotonic()
                self.project.good(*(_GC if kind == "gc" else workers))
                self.seconds[kind, workers] = time.monotonic() - start

    def kill(self, kind: str, workers: tuple[str, ...], victim: str) -> tuple[bool, int]:
        """One run, and one kill in it; whether it came too late, and how many builds had to be run again."""
        self.prepare(kind)
        self.project.built()
        run = self.project.start(*(_GC if kind == "gc" else workers))
        time.sleep(self.dice.uniform(0.3, 1.0) * self.seconds[kind, workers])
        family = children(run.pid)
        late = run.poll() is not None
        if late:  # the machine has become faster
            self.seconds[kind, workers] *= 0.9
        if victim == "worker" and family:
            _kill(self.dice.choice(family))
        else:
            _kill(run.pid)
            if victim == "all":
                for process in family:
                    _kill(process)
        result = ended(run)
        gone(family)
        if victim == "worker" and family:
            assert result.code == 0, result
        self.check_disk()
        self.project.good(*workers)
        built = self.project.built()  # in both runs
        again = len(built) - len(set(built))
        assert again <= (2 if workers else 1), f"built again: {built}"
        assert self.project.artifacts() == self.expected(), "the end is not that of a from-scratch build"
        litter = [path for path in self.artifacts.rglob("*.tmp") if self.artifacts / "store" not in path.parents]
        assert not litter, f"left behind: {litter}"
        self.project.assert_fresh()
        return late, again

    def check_disk(self) -> None:
        """Whatever lies under a final name is whole."""
        for path, data in self.project.artifacts().items():
            assert data in self.known, f"{path} is half-written"
        store = self.artifacts / "store"
        for path in (path for path in store.glob("objects/*/*") if not path.name.startswith(".")):
            assert digest_file(path) == path.parent.name + path.name, f"{path} is half-written"
        actions = Actions(store)
        for path in (path for path in store.glob("actions/*/*") if not path.name.startswith(".")):
            record = actions.get(path.parent.name + path.stem)  # type: ignore[arg-type]
            assert record is not None, f"{path} is half-written"
            assert digest_record(record.manifest) == record.key
        state = self.artifacts / "state.sqlite"
        if state.exists():
            with closing(sqlite3.connect(state)) as database:
                assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def _kill(process: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def run(kills: int, seed: int) -> Report:
    """Kill `kills` runs before they have ended."""
    report = Report()
    root = Path(tempfile.mkdtemp())
    harness = Harness(root, seed)
    harness.measure()
    for number in itertools.count():
        if report.kills.total() + len(report.lost) == kills:
            break
        kind = _KINDS[number % len(_KINDS)]
        workers: tuple[str, ...] = () if kind == "gc" or number // len(_KINDS) % 2 else ("-n", "2")
        victim = harness.dice.choice(_VICTIMS) if workers else "doit"
        try:
            late, again = harness.kill(kind, workers, victim)
        except AssertionError as error:
            report.lost.append(f"kill {number} ({kind}, {workers}, {victim}): {error}")
            continue
        report.kills[kind, " ".join(workers) or "one process", victim] += not late
        report.late += late
        report.again += again
    shutil.rmtree(root)
    return report


def main() -> int:
    """Run and print; exit code 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    report = run(given.kills, given.seed)
    for (kind, workers, victim), number in sorted(report.kills.items()):
        sys.stdout.write(f"{number:9} {kind}, {workers}: {victim} killed\n")
    sys.stdout.write(f"{report.kills.total():9} kills; {report.late} more came after the run had ended\n")
    sys.stdout.write(f"{report.again:9} builds were in flight and ran again\n{len(report.lost):9} lost\n")
    sys.stdout.write("".join(f"          {line}\n" for line in report.lost))
    return 1 if report.lost else 0


if __name__ == "__main__":
    sys.exit(main())
