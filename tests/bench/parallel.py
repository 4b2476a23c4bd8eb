"""How much faster two workers are: targets that only compute, one after the other and with `-n 2`."""

from functools import partial
from pathlib import Path

from tests.bench.timing import DOIT, Options, Table, fresh_artifacts, process, race, work_folder

_TARGETS = 60

_STAGE = '''
"""Sums."""
import os
from pathlib import Path
from barmill.target import Target

def build(out: Path, *, start: int, steps: int) -> None:
    total = start
    for step in range(steps):
        total = (total * 31 + step) % 1000003
    out.write_text(str(total))

def targets(plan):
    start = int(os.environ.get("BENCH_START", 0))
    for number in range({count}):
        params = {{"start": start + number, "steps": {steps}}}
        yield Target(str(number), build, {{}}, {{"out": plan.path("sums", str(number))}}, params)
'''

_DODO = """
from barmill.run.tasks import load, tasks
import sums

PLAN, DOIT_CONFIG = load(__file__)

def task_sums():
    yield from tasks(sums, PLAN)
"""


def project(name: str, count: int, steps: int) -> Path:
    """A project of targets that do nothing but compute.

    Args:
        name: of its folder.
        count: of the targets.
        steps: of each; two million take 0.1 s.
    """
    root = work_folder(name)
    (root / "sums.py").write_text(_STAGE.format(count=count, steps=steps))
    (root / "dodo.py").write_text(_DODO.lstrip())
    (root / "pyproject.toml").write_text("[tool.barmill]\n")
    return root


def run(options: Options) -> Table:
    """Cold builds of targets that take 0.1 s each."""
    count = options.scaled(_TARGETS)
    root = project("parallel", count, options.scaled(2_000_000))

    def cold(*workers: str) -> float:
        return process((*DOIT, *workers), root, fresh_artifacts(root), says=f"{count} built")

    medians = race({"one": cold, "two": partial(cold, "-n", "2")}, options.repeat)
    table = Table(f"{count} targets that compute", options.repeat)
    table.add("cold, `-n 2`", medians["two"], "cold, one process", medians["one"])
    return table
