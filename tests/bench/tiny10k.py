"""10,000 targets that copy a small file: plain doit with its MD5 checker beside the same graph through barmill."""

import time
from functools import partial
from pathlib import Path

from tests.bench.timing import DOIT, YARDSTICK, Options, Table, process, race, work_folder, yardstick

_TARGETS = 10_000
_BACKENDS = ("sqlite3", "dbm")

_COPIES = '''
"""Copies of texts."""
from pathlib import Path
from barmill.target import Target

def build(source: Path, out: Path) -> None:
    out.write_bytes(source.read_bytes())

def targets(plan):
    for number in range({count}):
        name = str(number)
        yield Target(name, build, {{"source": Path("in", name)}}, {{"out": plan.path("copies", name)}})
'''

_OURS = """
from barmill.run.tasks import load, tasks
import copies

PLAN, DOIT_CONFIG = load(__file__)

def task_copies():
    yield from tasks(copies, PLAN)
"""

_PLAIN = """
from pathlib import Path

DOIT_CONFIG = {{"backend": "{backend}", "dep_file": "state", "check_file_uptodate": "md5", "reporter": "zero"}}

def copy(source, out):
    Path(out).write_bytes(Path(source).read_bytes())

def task_copies():
    for number in range({count}):
        source, out = f"in/{{number}}", f"out/{{number}}"
        yield {{"name": str(number), "actions": [(copy, [source, out])], "file_dep": [source], "targets": [out]}}
"""


def run(options: Options) -> Table:
    """The first build, once each; then builds in which nothing changed; then ours with every output to restore."""
    count = options.scaled(_TARGETS)
    projects = {"ours": _project("ours", count, _OURS)}
    (projects["ours"] / "copies.py").write_text(_COPIES.format(count=count))
    for backend in _BACKENDS:
        projects[backend] = _project(backend, count, _PLAIN.format(count=count, backend=backend))
    first = race({name: partial(process, DOIT, root) for name, root in projects.items()}, 1)
    contenders = {name: partial(process, DOIT, root) for name, root in projects.items()}
    contenders["ours"] = partial(process, DOIT, projects["ours"], says=f"0 built, 0 restored, {count} fresh")
    medians = race({**contenders, YARDSTICK: yardstick}, options.repeat)

    restored = race({"ours": partial(_restore, projects["ours"], count)}, options.repeat)

    table = Table(f"{count} trivial targets", options.repeat)
    for backend in _BACKENDS:
        table.add("nothing changed", medians["ours"], f"plain doit, md5, {backend}", medians[backend])
    table.add("nothing changed", medians["ours"], YARDSTICK, medians[YARDSTICK])
    table.add("all outputs deleted", restored["ours"], "nothing changed", medians["ours"])
    for backend in _BACKENDS:
        table.add("first build", first["ours"], f"plain doit, md5, {backend}", first[backend], single=True)
    return table


def _restore(root: Path, count: int) -> float:
    (root / "artifacts/copies").rename(root / f"gone{time.time_ns()}")
    return process(DOIT, root, says=f"0 built, {count} restored")


def _project(name: str, count: int, dodo: str) -> Path:
    root = work_folder(f"tiny10k-{name}")
    for folder in ("in", "out"):
        (root / folder).mkdir()
    (root / "pyproject.toml").write_text("[tool.barmill]\n")
    for number in range(count):
        (root / "in" / str(number)).write_text(f"text {number}\n")
    (root / "dodo.py").write_text(dodo.lstrip())
    return root
