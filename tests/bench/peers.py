"""Other build tools: where each is found, how it is told a graph, and what it says when there is nothing to do."""

import shutil
import subprocess
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.timing import DOIT, cache_folder
from tests.bench.toy import Graph

ENVIRON = {"LC_ALL": "C"}
"""What a peer prints is compared, so it has to be in English."""


@dataclass(frozen=True)
class Peer:
    """A build tool.

    Attributes:
        name: as the table shows it.
        find: the start of its command line, or None where it is not installed; may install it if it is told so.
        write: writes what it reads in a folder. Every command is as cheap as can be: it is builds without work that count.
        arguments: the rest of the command line.
        nothing: how a line of its output starts, as a regular expression, when it had nothing to do.
    """

    name: str
    find: Callable[[bool], tuple[str, ...] | None]
    write: Callable[[Path, Graph], None]
    arguments: tuple[str, ...]
    nothing: str


def _on_path(name: str) -> Callable[[bool], tuple[str, ...] | None]:
    def find(install: bool) -> tuple[str, ...] | None:
        program = shutil.which(name)
        return (program,) if program else None

    return find


def in_venv(package: str) -> Callable[[bool], tuple[str, ...] | None]:
    """Peers that are Python packages and programs get a venv each: their requirements are not ours."""

    def find(install: bool) -> tuple[str, ...] | None:
        python = venv_python(package, install)
        return (str(python.with_name(package)),) if python else None

    return find


def venv_python(package: str, install: bool) -> Path | None:
    """The Python of a package's own venv: its requirements are not ours; None where it is not installed, nor to be."""
    folder = cache_folder() / "peers" / package
    python, done = folder / "bin/python", folder / "installed"
    if not done.exists() and install:
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run((str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", package), check=True)
        done.touch()
    return python if done.exists() else None


def _ninja(root: Path, graph: Graph) -> None:
    lines = [f"build out/{number}: make {' '.join(names)}" for number, names in enumerate(graph.inputs)]
    (root / "build.ninja").write_text("\n".join(["rule make", "  command = echo > $out", *lines, ""]))


def _make(root: Path, graph: Graph) -> None:
    (root / "out").mkdir()
    outputs = " ".join(f"out/{number}" for number in range(graph.targets))
    rules = [f"out/{number}: {' '.join(names)}\n\t@echo > $@" for number, names in enumerate(graph.inputs)]
    (root / "Makefile").write_text("\n".join([f"all: {outputs}", *rules, ""]))


_PLAIN = """
from pathlib import Path

DOIT_CONFIG = {{"backend": "sqlite3", "dep_file": "state", "check_file_uptodate": "md5", "reporter": "executed-only"}}
INPUTS = {inputs!r}

def make(out):
    Path(out).write_text("")

def task_parts():
    for number, names in enumerate(INPUTS):
        out = f"out/{{number}}"
        yield {{"name": str(number), "actions": [(make, [out])], "file_dep": names, "targets": [out]}}
"""


def _plain_doit(root: Path, graph: Graph) -> None:
    (root / "out").mkdir()
    (root / "dodo.py").write_text(_PLAIN.format(inputs=graph.inputs).lstrip())


_SCONSTRUCT = """
INPUTS = {inputs!r}

def make(target, source, env):
    with open(str(target[0]), "w"):
        pass

environment = Environment(tools=[])
environment.Decider("content")
made = [environment.Command(f"out/{{number}}", names, make) for number, names in enumerate(INPUTS)]
Default(environment.Alias("all", made))
"""


def _scons(root: Path, graph: Graph) -> None:
    (root / "SConstruct").write_text(_SCONSTRUCT.format(inputs=graph.inputs).lstrip())


def _dvc(root: Path, graph: Graph) -> None:
    """The inputs are one directory: DVC hashes it as a whole."""
    core = ("no_scm = True", "analytics = false", "check_update = false", f"site_cache_dir = {root / 'site'}")
    (root / ".dvc/tmp").mkdir(parents=True)
    (root / ".dvc/config").write_text("\n    ".join(["[core]", *core]) + "\n")
    (root / "dvc.yaml").write_text("stages:\n  all:\n    cmd: echo > out\n    deps: [in]\n    outs: [out]\n")


NINJA = Peer("ninja", _on_path("ninja"), _ninja, (), "ninja: no work to do")
MAKE = Peer("GNU make, `-r`", _on_path("make"), _make, ("-r", "all"), "make: Nothing to be done for 'all'")
PLAIN_DOIT = Peer("plain doit, md5, sqlite3", lambda _: DOIT, _plain_doit, (), r"\A\Z")
SCONS = Peer("SCons, content", in_venv("scons"), _scons, ("-Q",), "scons: `all' is up to date")
DVC = Peer("DVC, a directory", in_venv("dvc"), _dvc, ("repro",), "Data and pipelines are up to date")
