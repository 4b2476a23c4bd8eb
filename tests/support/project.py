"""A small doit project with no market in it: three stages over text files, and the real `doit` run on it."""

import contextlib
import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DODO = '''
"""A toy build."""
from doit import create_after
from barmill.run.tasks import load, tasks
import upper, join, split

PLAN, DOIT_CONFIG = load(__file__)

def task_upper():
    yield from tasks(upper, PLAN)

def task_join():
    yield from tasks(join, PLAN)

@create_after("join", target_regex=PLAN.outputs_of("split"))
def task_split():
    yield from tasks(split, PLAN)
'''

HELPERS = '''
"""Helpers of the toy stages."""

SUFFIX = "!"


def shout(text):
    """Upper case."""
    return text.upper() + SUFFIX


def unused(text):
    return text
'''

UPPER = '''
"""Upper case of each text."""
import os
from pathlib import Path
from barmill.target import Target
from helpers import shout

def build(text: Path, out: Path, *, times: int) -> None:
    """Shout it."""
    # a comment
    with open(os.environ["BUILT_LOG"], "a") as log:
        log.write(f"upper:{out.name.removeprefix('out.').removesuffix('.up')}\\n")
    out.write_text(shout(text.read_text()) * times)

def targets(plan):
    for path in sorted(Path("data").glob("*.txt")):
        yield Target(path.stem, build, {"text": path}, {"out": plan.path("upper", path.stem + ".up")},
                     {"times": int(Path("times").read_text())})
'''

JOIN = '''
"""All texts in one, and the names in the folder."""
import os
from pathlib import Path
from barmill.target import Target

def build(texts, folder, out, empty):
    with open(os.environ["BUILT_LOG"], "a") as log:
        log.write("join:all\\n")
    out.write_text("".join(path.read_text() + "\\n" for path in texts) + ",".join(sorted(p.name for p in folder.iterdir())))
    if not texts:
        empty.write_text("nothing to join")

def targets(plan):
    names = sorted(Path("data").glob("*.txt"))
    yield Target("all", build, {"texts": [plan.path("upper", p.stem + ".up") for p in names], "folder": Path("data")},
                 {"out": plan.path("join", "all.txt"), "empty": plan.path("join", "empty.txt")}, optional=frozenset({"empty"}))
'''

SPLIT = '''
"""A folder with a file per line of each upper text."""
import os
from pathlib import Path
from barmill.target import Target

def build(text, out):
    with open(os.environ["BUILT_LOG"], "a") as log:
        log.write(f"split:{out.name.removeprefix('out.')}\\n")
    out.mkdir()
    for number, line in enumerate(text.read_text().splitlines()):
        (out / f"{number}.line").write_text(line)

def targets(plan):
    for path in sorted(plan.path("upper", "").glob("*.up")):
        if (Path("data") / (path.stem + ".txt")).exists():
            yield Target(path.stem, build, {"text": path}, {"out": plan.path("split", path.stem)})
'''


@dataclass
class Result:
    """How a run of doit ended: exit code, what it printed, and its counts."""

    code: int
    out: str
    err: str

    @property
    def counts(self) -> dict[str, int]:
        """`{"built": 1, "restored": 0, …}` from the last line."""
        lines = [line for line in self.out.splitlines() if re.match(r"\d+ built, ", line)]
        assert lines, f"no counts in:\n{self.out}\n{self.err}"
        return {word: int(number) for number, word in re.findall(r"(\d+) (built|restored|fetched|fresh|failed)", lines[-1])}


def ended(run: subprocess.Popen[str], seconds: float = 300) -> Result:
    """Wait for a run of `doit`, for as long as it may take at most."""
    with run:
        out, err = run.communicate(timeout=seconds)
        return Result(run.returncode, out, err)


def until(happens: Callable[[], Any], seconds: float = 120.0) -> Any:
    """Wait until something is true; what it is."""
    deadline = time.monotonic() + seconds
    while not (found := happens()):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return found


def children(process: int) -> list[int]:
    """The processes that a process has started and that still run."""
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def alive(process: int) -> bool:
    """Whether a process runs."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(processes: list[int]) -> None:
    """Wait until none of these processes runs."""
    until(lambda: not any(map(alive, processes)))


@dataclass
class Project:
    """A doit project in a folder."""

    root: Path

    @property
    def log(self) -> Path:
        """Where the toy builds note that they ran: the one impure thing about them."""
        return self.root / "log.txt"

    @classmethod
    def make(cls, root: Path) -> "Project":
        """Write the toy project: three texts, three stages."""
        project = cls(root)
        (root / "data").mkdir(parents=True)
        for name, text in (("dodo", DODO), ("helpers", HELPERS), ("upper", UPPER), ("join", JOIN), ("split", SPLIT)):
            (root / f"{name}.py").write_text(text.lstrip())
        (root / "times").write_text("1")
        for name in ("ant", "bee", "cat"):
            (root / "data" / f"{name}.txt").write_text(f"{name}\nhas legs\n")
        return project

    def start(self, *arguments: str, behind: tuple[str, ...] = (), **environ: str) -> subprocess.Popen[str]:
        """Start `doit` in the project, by a command that runs another one if there is one in front, and go on."""
        return subprocess.Popen(
            [*behind, sys.executable, "-m", "doit", *arguments],
            cwd=self.root,
            env={**os.environ, "CI": "true", "PYTHONDONTWRITEBYTECODE": "1", "BUILT_LOG": str(self.log), **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def doit(self, *arguments: str, behind: tuple[str, ...] = (), **environ: str) -> Result:
        """Run `doit` in the project."""
        return ended(self.start(*arguments, behind=behind, **environ))

    def good(self, *arguments: str, **environ: str) -> Result:
        """Run `doit`; it must end well and without a traceback."""
        result = self.doit(*arguments, **environ)
        assert result.code == 0, result.out + result.err
        assert "Traceback" not in result.out + result.err
        return result

    def bad(self, *arguments: str, code: int = 0, **environ: str) -> str:
        """Run `doit`; it must end without a traceback, and with this exit code, or 1 or 2 (doit's for what failed)."""
        result = self.doit(*arguments, **environ)
        assert result.code in ({code} if code else {1, 2}), result.out + result.err
        assert "Traceback" not in result.out + result.err
        return result.out + result.err

    def assert_fresh(self, *arguments: str, **environ: str) -> None:
        """Nothing is left to do: nothing is built, restored or failed, and no build function runs."""
        self.built()
        counts = self.good(*arguments, **environ).counts
        assert {word: number for word, number in counts.items() if number and word != "fresh"} == {}
        assert self.built() == []

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace text in a file of the project; it must be there."""
        text = (self.root / name).read_text()
        assert old in text
        (self.root / name).write_text(text.replace(old, new))

    def hold(self, stage: str, but: str = "") -> Path:
        """Have the builds of a stage, but those with this in their output's name, wait for a file, or a minute; its path."""
        wait = "import time\n    for _ in range(6000):\n        os.path.exists('go') or "
        wait += f"{but!r} in out.name or time.sleep(0.01)\n" if but else "time.sleep(0.01)\n"
        self.edit(f"{stage}.py", "    with open(os.environ", f"    {wait}    with open(os.environ")
        return self.root / "go"

    def finished(self) -> set[str]:
        """The tasks that the state knows as finished, while a run is at work, too."""
        state = self.root / "artifacts/state.sqlite"
        if not state.exists():
            return set()
        with contextlib.closing(sqlite3.connect(f"{state.as_uri()}?mode=ro", uri=True, timeout=30)) as base:
            try:
                return {name for (name,) in base.execute("SELECT name FROM tasks")}
            except sqlite3.OperationalError:  # it is being made
                return set()

    def built(self) -> list[str]:
        """The builds that ran since this was last asked, in order."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return lines

    def artifacts(self) -> dict[str, bytes]:
        """Every output on disk: relative path → bytes."""
        root = self.root / "artifacts"
        return {
            str(path.relative_to(root)): path.read_bytes()
            for path in sorted(root.rglob("*"))
            if path.is_file() and path.relative_to(root).parts[0] in {"upper", "join", "split"}
        }

    def records(self) -> list[dict[str, object]]:
        """Every action record in the store."""
        return [json.loads(path.read_text()) for path in (self.root / "artifacts/store/actions").rglob("*.json")]
