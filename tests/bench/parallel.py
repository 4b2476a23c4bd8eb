"""How much faster two workers are: targets that only compute, one after the other and with `-n 2`."""

from functools import partial

from tests.bench.timing import DOIT, Options, Table, fresh_artifacts, process, race, work_folder

_TARGETS = 60

_STAGE = '''
"""Sums."""
from pathlib import Path
from barmill.target import Target

def build(out: Path, *, start: int, steps: int) -> None:
    total = start
    for step in range(steps):
        total = (total * 31 + step) % 1000003
    out.write_text(str(total))

def targets(plan):
    for number in range({count}):
        yield Target(str(number), build, {{}}, {{"out": plan.path("sums", str(number))}}, {{"start": number, "steps": {steps}}})
'''

_DODO = """
from barmill.run.tasks import load, tasks
import sums

PLAN, DOIT_CONFIG = load(__file__)

def task_sums():
    yield from tasks(sums, PLAN)
"""


def run(options: Options) -> Table:
    """Cold builds of targets that take 0.1 s each."""
    root = work_folder("parallel")
    count = options.scaled(_TARGETS)
    (root / "sums.py").write_text(_STAGE.format(count=count, steps=options.scaled(2_000_000)))
    (root / "dodo.py").write_text(_DODO.lstrip())
    (root / "pyproject.toml").write_text("[tool.barmill]\n")

    def cold(*workers: str) -> float:
        return process((*DOIT, *workers), root, fresh_artifacts(root), says=f"{count} built")

    medians = race({"one": cold, "two": partial(cold, "-n", "2")}, options.repeat)
    table = Table(f"{count} targets that compute", options.repeat)
    table.add("cold, `-n 2`", medians["two"], "cold, one process", medians["one"])
    return table
