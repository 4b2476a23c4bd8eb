"""Toy graphs over a tree of numbered files, and the project that builds one through barmill."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.bench.timing import cache_folder, work_folder

_PER_FOLDER = 700

_DODO = """
from barmill.run.tasks import load, tasks
import {modules}

PLAN, DOIT_CONFIG = load(__file__)
"""

_CREATOR = """
def task_{stage}():
    yield from tasks({stage}, PLAN)
"""

_PARTS = '''
"""Targets that read their share of the numbered files."""
from barmill.target import Target

def build(files, out):
    out.write_text(files[0].name)

def targets(plan):
    for number in range({targets}):
        files = [f"in/{{n // {per_folder}}}/{{n}}" for n in range(number * {each}, (number + 1) * {each})]
        yield Target(str(number), build, {{"files": files}}, {{"out": plan.path("parts", str(number))}})
'''

_MERGE = '''
"""One target over the outputs of all others."""
from barmill.target import Target

def build(parts, out):
    out.write_text(str(len(parts)))

def targets(plan):
    parts = [f"artifacts/parts/{{n}}" for n in range({targets})]
    yield Target("all", build, {{"parts": parts}}, {{"out": plan.path("merge", "all")}})
'''


@dataclass(frozen=True)
class Graph:
    """Some targets, each of which reads the next `each` files of a tree; `merge`: and one more that reads all their outputs."""

    targets: int
    each: int
    merge: bool = False

    @property
    def files(self) -> int:
        """How many files of the tree are read."""
        return self.targets * self.each

    @property
    def inputs(self) -> list[list[str]]:
        """The paths that each target reads."""
        names = [f"in/{number // _PER_FOLDER}/{number}" for number in range(self.files)]
        return [names[first : first + self.each] for first in range(0, self.files, self.each)]

    def write_stages(self, root: Path) -> None:
        """Write the project that builds it through barmill."""
        stages = {"parts": _PARTS, **({"merge": _MERGE} if self.merge else {})}
        for stage, text in stages.items():
            source = text.format(targets=self.targets, each=self.each, per_folder=_PER_FOLDER)
            (root / f"{stage}.py").write_text(source.lstrip())
        creators = "\n".join(_CREATOR.format(stage=stage) for stage in stages)
        (root / "dodo.py").write_text(_DODO.format(modules=", ".join(stages)).lstrip() + creators)
        (root / "pyproject.toml").write_text("[tool.barmill]\n")


def made_files(count: int, size: int) -> Path:
    """A tree of numbered files of `size` bytes, 700 a folder, kept between runs."""
    tree = cache_folder() / f"files-{count}x{size}"
    if not tree.exists():
        making = tree.with_suffix(".part")
        shutil.rmtree(making, ignore_errors=True)
        for number in range(count):
            folder = making / str(number // _PER_FOLDER)
            if number % _PER_FOLDER == 0:
                folder.mkdir(parents=True)
            (folder / str(number)).write_text(f"{number}\n".rjust(size))
        making.rename(tree)
    return tree


def project(name: str, tree: Path) -> Path:
    """An empty project folder with that tree as its `in`."""
    root = work_folder(name)
    (root / "in").symlink_to(tree)
    return root
