"""A model of 70 million files and 1,000 workers: constants that are measured here, times how many there are.

It adds four assumptions to them: the distance to the remote, what S3 promises, how long a target takes to compute, and how
many are matched. What it says, and what would have to change, is in scaling.md.
"""

from dataclasses import dataclass

from tests.bench.constants import Constants, measured
from tests.bench.timing import Options

FILES, WORKERS = 70_000_000, 1_000
DISTANCE = 0.020  # s from a question to the first byte of its answer, of a bucket in the same region
PUTS = 3_500  # a second, what S3 promises for a prefix
COMPUTE = 0.010  # s of a worker for a target: an export of ten years of days
_LOOKS, _SENDS = 32, 8  # requests at once of one process: `store.remote`
_BATCH = 100  # targets in a task of the scheduler
_FOLDER = 700  # files in one


@dataclass(frozen=True)
class Case:
    """A graph over all files: how many targets it has, each of which reads about one file."""

    kind: str
    targets: int


# of 70,000 files of a tree 500 are matched, with five targets each; the others are names only
CASES = (Case("1 file of 140 is matched", FILES // 28), Case("a target per file", FILES))


@dataclass(frozen=True)
class Part:
    """What is to be done or kept, where, seconds or bytes of one, and how many there are: 0: one a target."""

    what: str
    where: str
    one: float
    count: float = 0.0
    bytes: bool = False

    def row(self) -> str:
        """A row of the table."""
        totals = [self.one * (self.count or case.targets) for case in CASES]
        one = f"{self.one:,.0f} B" if self.bytes else f"{1e6 * self.one:,.1f} µs"
        told = [f"{total / 1e9:,.1f} GB" if self.bytes else _told(total) for total in totals]
        return f"| {self.what} | {self.where} | {one} | {' | '.join(told)} |"


@dataclass(frozen=True)
class Model:
    """What follows from the constants."""

    constants: Constants

    def parts(self) -> list[Part]:
        """Of a first build, then of a run in which nothing changed, then what is kept."""
        c = self.constants
        return [
            Part("list the names, once", "doit's process", c.name, FILES),
            Part("hash what is read, 3 kB each", "doit's process", c.hash),
            Part("decide, store, record, remember", "doit's process", c.built_target),
            Part(f"look up, {_LOOKS} at once", "doit's process", max(c.lookup, DISTANCE / _LOOKS)),
            Part(f"send record and object, {_SENDS} at once", "doit's process", max(c.put, 2 * DISTANCE / _SENDS)),
            Part("the same, one at a time", "1,000 workers", 2 * DISTANCE / WORKERS),
            Part("the same, under one prefix", "S3", 2 / PUTS),
            Part("a task a target", "scheduler", c.task),
            Part(f"a task for {_BATCH} targets", "scheduler", c.task / _BATCH),
            Part("compute", "1,000 workers", COMPUTE / WORKERS),
            Part("nothing changed: folders", "doit's process", c.stat, FILES / _FOLDER),
            Part("nothing changed: targets", "doit's process", c.fresh_file + c.fresh_target),
            Part("memory of a first build", "doit's process", c.built_memory, bytes=True),
            Part("memory if nothing changed", "doit's process", c.fresh_memory, bytes=True),
            Part("memory of tasks", "scheduler", c.task_memory, bytes=True),
            Part("state file", "disk", c.file_row + c.target_row, bytes=True),
            Part("records", "disk, remote", c.record, bytes=True),
        ]

    def text(self) -> str:
        """The constants, and a row for each part."""
        kinds = " | ".join(f"{case.kind}: {case.targets:,} targets" for case in CASES)
        head = f"| what | where | a target or name | {kinds} |\n|---|---|---:|---:|---:|"
        return "\n\n".join([self.constants.text(), "\n".join([head, *(part.row() for part in self.parts())])])


def run(options: Options) -> Model:
    """Measure, and tell what follows."""
    return Model(measured(options))


def _told(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"
