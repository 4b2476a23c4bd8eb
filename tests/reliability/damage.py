"""Damage at rest, on purpose: every kind of file in every way, again and again; all of it is found and nothing is lost.

Each round damages one file of a built toy project. Then `doit verify` has to find it; `doit` has to end with the artifacts of
a build from scratch, in most rounds with all outputs deleted, so that they come from the damaged store; the next `doit` has to
execute nothing; and `doit verify` has to find nothing more. Damage to the state file may also be of no consequence: SQLite
discards a damaged tail of its log, and takes back what was in it; then only the rest is asked.

    python -m tests.reliability.damage --rounds 500 --seed 1
"""

import argparse
import contextlib
import itertools
import json
import os
import random
import shutil
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from barmill.errors import ObjectCorrupt
from barmill.hashing import digest_bytes
from barmill.store.objects import Objects
from tests.reliability.forks import Forks
from tests.support.project import Project

KINDS = ("object", "record", "output", "output in a folder", "state", "state's log")
DAMAGES = ("truncate", "flip", "empty", "delete", "swap")
STAGES = ("upper", "join", "split")
SIZES = (4096, (1 << 20) - 1, 1 << 20, (1 << 20) + 1)  # read whole up to 1 MiB, in blocks beyond


@dataclass
class Report:
    """What came of the rounds.

    Attributes:
        counts: (kind, damage) → `damaged`, `found` by verify, `harmless` (not found and nothing to find), `healed` by doit,
            `lost` (not healed).
        flips: the same of single bits of objects, `found` at restore.
        failures: what went otherwise than it has to, each with how to come to it again.
        runs: how often doit was run.
        seconds: how long it took.
    """

    counts: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    flips: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    runs: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        rows = [(f"{kind}: {damage}", count) for (kind, damage), count in self.counts.items()]
        total = sum((count for _, count in rows), Counter())
        lines = ["| what | damaged | found | of no consequence | healed | lost |", "|---|---:|---:|---:|---:|---:|"]
        for what, count in [*rows, ("all", total)]:
            numbers = (count[word] for word in ("damaged", "found", "harmless", "healed", "lost"))
            lines.append(f"| {what} | {' | '.join(map(str, numbers))} |")
        lines.append(f"| single bits of objects, at restore | {self.flips['damaged']} | {self.flips['found']} | 0 | | |")
        lines += ["", f"{self.runs} runs of doit, {self.seconds:.0f} s, {len(self.failures)} failures", *self.failures]
        return "\n".join(lines)


def run(rounds: int, seed: int) -> Report:
    """Damage a file in each round, and bits of objects; every kind in every way after another."""
    report, start = Report(), time.perf_counter()
    with Forks() as forks, tempfile.TemporaryDirectory() as folder:
        patient = Patient(forks, Path(folder), random.Random(seed))
        for number, (kind, damage) in zip(range(rounds), itertools.cycle(itertools.product(KINDS, DAMAGES))):
            count = report.counts.setdefault((kind, damage), Counter())
            failed = patient.round(kind, damage, count)
            report.failures += [f"seed {seed}, round {number}, {kind}, {damage} of {patient.hurt}: {fact}" for fact in failed]
        report.flips = flip_bits(Path(folder) / "flips", random.Random(seed), 10 + rounds)
        report.runs = forks.runs
    report.seconds = time.perf_counter() - start
    return report


class Patient:
    """A toy project that is damaged and has to recover.

    Args:
        forks: runs doit.
        folder: where to put it, and another project, whose files are swapped in.
        dice: decides everything.

    Attributes:
        hurt: the file that was last damaged, and where.
    """

    def __init__(self, forks: Forks, folder: Path, dice: random.Random) -> None:
        self.hurt = ""
        self._forks = forks
        self._folder = folder
        self._dice = dice
        self._made = itertools.count()
        other = self._make()
        other.edit("data/ant.txt", "ant", "emu")
        other.edit("data/bee.txt", "has", "had")
        self._doit(other)
        self._other = log_of_all(other)
        self._project = self._make()
        self._right = self._project.artifacts()
        self._records = len(self._project.records())

    def round(self, kind: str, damage: str, count: Counter[str]) -> list[str]:
        """Damage a file, and see it found and healed; gives what failed."""
        count["damaged"] += 1
        is_state = kind.startswith("state")
        self._damage(kind, damage)
        repair = self._dice.random() < 0.5
        found = self._verify(*["--repair"] * repair)
        count["found"] += bool(found)
        count["harmless"] += is_state and not found
        failed = [] if found or is_state else ["verify did not find it"]
        if (kind, damage) == ("state", "delete") and found:
            failed.append(f"verify took a fault in the lack of a state file: {found}")
        if kind in {"object", "record"} or self._dice.random() < 0.5:
            for stage in STAGES:
                shutil.rmtree(self._project.root / "artifacts" / stage)
        lost = [*self._heal(), *(self._rest(found, repair=repair))]
        count["lost" if lost else "healed"] += 1
        if lost or len(self._project.records()) != self._records:  # a key made of damage may have left its own record
            self._project = self._make()
        return failed + lost

    def _heal(self) -> list[str]:
        """Run doit: right at once, and idle from then on."""
        failed = self._doit(self._project)
        if self._project.artifacts() != self._right:
            failed.append("the artifacts are not those of a build from scratch")
        self._project.built()
        failed += self._doit(self._project)
        if self._project.built() or self._project.artifacts() != self._right:
            failed.append("the second run was not idle")
        return failed

    def _rest(self, found: list[str], *, repair: bool) -> list[str]:
        """What verify finds after the run; a wrong memory that it had found may wait for its repair."""
        (self._project.root / "artifacts/state.sqlite.damaged").unlink(missing_ok=True)
        left = self._verify()
        if left and found and not repair:
            self._verify("--repair")
            failed = self._heal()
            return failed + self._verify()
        return left

    def _make(self) -> Project:
        project = Project.make(self._folder / f"project{next(self._made)}")
        for _ in range(2):
            self._doit(project)
        project.built()
        return project

    def _doit(self, project: Project) -> list[str]:
        result = self._forks.doit(project)
        return [f"doit ended with {result.code}: {result.out}{result.err}"] if result.code else []

    def _verify(self, *options: str) -> list[str]:
        result = self._forks.doit(self._project, "verify", "--json", "--inputs", *options)
        try:
            faults = json.loads(result.out)["faults"]
        except ValueError:
            return [f"verify ended with {result.code}: {result.out}{result.err}"]
        return [f"{fault['kind']} {fault['path']} {fault['what']}" for fault in faults]

    def _damage(self, kind: str, damage: str) -> None:
        path, twin = self._victims(kind)
        self.hurt = str(path.relative_to(self._project.root))
        if damage == "swap":
            aside = path.with_name("aside")
            for source, target in ((path, aside), (twin, path), (aside, twin)):
                os.replace(source, target)
        elif damage == "delete":
            path.unlink()
        else:
            data = path.read_bytes()
            path.chmod(0o644)
            path.write_bytes(self._changed(damage, data))

    def _changed(self, damage: str, data: bytes) -> bytes:
        if damage == "empty":
            return b""
        if damage == "truncate":
            size = self._dice.randrange(1, len(data)) if len(data) > 1 else 0
            self.hurt += f" at {size}"
            return data[:size]
        bit = self._dice.randrange(len(data) * 8)
        self.hurt += f" at bit {bit}"
        return flipped(data, bit)

    def _victims(self, kind: str) -> tuple[Path, Path]:
        """The file to damage, and one of its kind and other content to swap it with."""
        artifacts = self._project.root / "artifacts"
        if kind.startswith("state"):
            contents = log_of_all(self._project)
            for suffix, ours, theirs in zip(("", "-wal"), contents, self._other, strict=True):
                (artifacts / f"state.sqlite{suffix}").write_bytes(ours)
                (self._folder / f"state.sqlite{suffix}").write_bytes(theirs)
            if kind == "state":
                for folder in (artifacts, self._folder):
                    settle(folder / "state.sqlite")
            name = "state.sqlite" if kind == "state" else "state.sqlite-wal"
            return artifacts / name, self._folder / name
        patterns = {
            "object": "store/objects/*/*",
            "record": "store/actions/*/*",
            "output": "[uj]*/*.*",
            "output in a folder": "split/*/*",
        }
        found = [path for path in sorted(artifacts.glob(patterns[kind])) if path.stat().st_size]
        path = self._dice.choice(found)
        return path, self._dice.choice([each for each in found if each.read_bytes() != path.read_bytes()])


def log_of_all(project: Project) -> tuple[bytes, bytes]:
    """The state file of a project and its log, such that everything is in the log."""
    path = project.root / "artifacts/state.sqlite"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {table: database.execute(f"SELECT * FROM {table}").fetchall() for table in tables}
        for table in tables:
            database.execute(f"DELETE FROM {table}")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for table in tables:
            for row in rows[table]:
                database.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
        return path.read_bytes(), path.with_name("state.sqlite-wal").read_bytes()


def settle(path: Path) -> None:
    """Bring what is in the log of a state file into the file."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def flipped(data: bytes, bit: int) -> bytes:
    """`data` with one bit turned."""
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def flip_bits(folder: Path, dice: random.Random, number: int) -> Counter[str]:
    """Turn every bit of a small object, and some of larger ones, each for itself; counts how many a restore finds."""
    count: Counter[str] = Counter()
    for size in (64, *SIZES):
        data = dice.randbytes(size)
        bits = range(size * 8) if size == 64 else dice.sample(range(size * 8), number)
        refuses = refusal(folder, data)
        for bit in bits:
            count["damaged"] += 1
            count["found"] += refuses(bit)
    return count


def refusal(folder: Path, data: bytes) -> Callable[[int], bool]:
    """A store with one object; the function tells whether it refuses to restore it with one bit turned."""
    folder.mkdir(exist_ok=True)
    objects, digest, target = Objects(folder / "store"), digest_bytes(data), folder / "target"
    (folder / "source").write_bytes(data)
    objects.put(folder / "source", digest, len(data))
    path = objects.path(digest)
    objects.restore(digest, len(data), target)
    assert target.read_bytes() == data
    target.unlink()

    def refuses(bit: int) -> bool:
        path.unlink(missing_ok=True)
        path.write_bytes(flipped(data, bit))
        try:
            objects.restore(digest, len(data), target)
        except ObjectCorrupt:
            return not target.exists() and not path.exists()
        return False

    return refuses


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Damage a toy project again and again, and print what came of it.")
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    report = run(arguments.rounds, arguments.seed)
    sys.stdout.write(f"{report}\n")
    sys.exit(bool(report.failures))
