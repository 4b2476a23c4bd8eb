"""Timing of whole processes, in alternation, and the table of what came out."""

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).parents[2]
DOIT = (sys.executable, "-m", "doit")

# how the last line of `doit` starts, as a regular expression
NOTHING, RESTORED, BUILT = "0 built, 0 restored, ", "0 built, [1-9]", r"[1-9]\d* built, 0 restored, "
YARDSTICK = 'python -c "import pandas"'

# with these each run would compile our modules anew, and write line by line
_NOT_A_USERS = {"PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}

Contender = Callable[[], float]
"""Does its untimed preparation, then its work, and returns the seconds of the work."""


@dataclass(frozen=True)
class Options:
    """What the command line chose: repetitions, the fraction of the full size, and whether peers may be installed."""

    repeat: int = 5
    scale: float = 1.0
    install_peers: bool = False

    def scaled(self, number: int) -> int:
        """`number` at the chosen scale, at least 1."""
        return max(1, round(number * self.scale))


@dataclass
class Table:
    """Rows of ours beside a peer or a floor, under the machine's yardstick."""

    title: str
    repeat: int
    rows: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, what: str, ours: float, beside: str = "", other: float = 0.0, *, single: bool = False) -> None:
        """A row: the median of ours, what stands beside it, and the ratio; `single` marks what was run but once."""
        note = " (once)" if single else ""
        peer = f"{beside} | {other:.3f} | {ours / other:.2f}" if beside else "| |"
        self.rows.append(f"| {what}{note} | {ours:.3f} | {peer} |")

    def text(self) -> str:
        """The table in Markdown, and the notes below it."""
        head = f"| {self.title} | ours, s (median of {self.repeat}) | beside it | its, s | ours/its |\n|---|---:|---|---:|---:|"
        return "\n".join((head, *self.rows, *(f"\n{note}" for note in self.notes)))


# a process is never told a peak below that of the one which started it, so a small one does
_LAUNCH = """
import os, subprocess, sys, time
start = time.perf_counter()
child = subprocess.Popen(sys.argv[2:])
_, status, usage = os.wait4(child.pid, 0)
seconds = time.perf_counter() - start
with open(sys.argv[1], "w") as file:
    file.write(f"{seconds} {usage.ru_maxrss}")
sys.exit(os.waitstatus_to_exitcode(status))
"""


class Finished(NamedTuple):
    """What a process took: seconds, and at its peak MB of memory."""

    seconds: float
    peak: float


def finish(
    arguments: Sequence[str], cwd: Path = REPOSITORY, environ: Mapping[str, str] | None = None, *, says: str = ""
) -> Finished:
    """Run a whole process; an error if it fails, or no line of its output starts with `says`: then it did other work."""
    own = {name: value for name, value in os.environ.items() if name not in _NOT_A_USERS}
    environ = {**own, "CI": "true", **(environ or {})}
    with tempfile.NamedTemporaryFile("r") as told:
        launched = (sys.executable, "-I", "-S", "-c", _LAUNCH, told.name, *arguments)
        done = subprocess.run(launched, cwd=cwd, env=environ, capture_output=True, text=True, check=False)
        figures = told.read().split()
    if done.returncode or not re.search(f"^{says}", done.stdout, re.MULTILINE):
        what = f"{arguments} in {cwd} exited with {done.returncode}"
        raise RuntimeError(f"{what}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    seconds, peak = map(float, figures)
    return Finished(seconds, peak * _MAXRSS_UNIT / 1e6)


_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


def process(
    arguments: Sequence[str], cwd: Path = REPOSITORY, environ: Mapping[str, str] | None = None, *, says: str = ""
) -> float:
    """Seconds of a whole process; see `finish`."""
    return finish(arguments, cwd, environ, says=says).seconds


def yardstick() -> float:
    """Seconds of `python -c "import pandas"`: how fast this machine is just now."""
    return process((sys.executable, "-c", "import pandas"))


def race(contenders: Mapping[str, Contender], repeat: int) -> dict[str, float]:
    """Median seconds of each contender; they take turns (A B A B), so that the machine's moods hit all of them."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(repeat):
        for name, contender in contenders.items():
            seconds[name].append(contender())
    return {name: statistics.median(each) for name, each in seconds.items()}


def work_folder(name: str) -> Path:
    """An empty folder of that name below the system's folder for temporary files."""
    folder = cache_folder() / "work" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def cache_folder() -> Path:
    """Where made data is kept between runs."""
    return Path(tempfile.gettempdir()) / "barmill-bench"


def doit_project(name: str, stooq: Path, instruments: Path) -> tuple[Path, dict[str, str]]:
    """A project with the repository's dodo.py and settings over these data; returns its folder and environment."""
    root = work_folder(name)
    for file in ("dodo.py", "pyproject.toml"):
        shutil.copy(REPOSITORY / file, root)
    folders = {"STOOQ": stooq, "INSTRUMENTS": instruments, "ARTIFACTS": root / "artifacts"}
    return root, {f"BARMILL_{key}": str(path) for key, path in folders.items()}


def fresh_artifacts(root: Path) -> dict[str, str]:
    """Environment that points a project at an artifacts folder that never was.

    Deleting the last one instead would be measured as well: ext4 looks at every recently deleted inode before it gives out
    a new one, which doubles the time of a build that writes thousands of files.
    """
    return {"BARMILL_ARTIFACTS": tempfile.mkdtemp(prefix="artifacts-", dir=root)}
