"""What an edit of the project reruns, and what it does not: each edit is made to a copy of a built project, package and all."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.market import FIRST_STAGES, LONDON, NASDAQ, REPOSITORY, MarketProject, price_lines
from tests.support.project import Result

INSTRUMENTS = "instruments:broker.csv"
INDEX, MATCH, REPORTS = "index:stooq", "match:tradeable", "reports:tradeable"
ALL_REPORTS = f"{REPORTS} reports:validation"
AAPL, EXPORTS = "export:AAPL.US", "export:AAPL.US export:VOD.UK"
CHUNKS = "chunks:AAPL.US chunks:VOD.UK"
NOTHING = ""

LISTED = (
    ("AAPL", "", "NASDAQ", "Apple", "USD"),
    ("VOD:LN", "", "LSE", "Vodafone", "GBX"),
    ("NONE", "", "NASDAQ", "Not in the tree", "USD"),
)
BROKER = "data/instruments/broker.csv"
RAW = f"data/stooq/{NASDAQ}/aapl.us.txt"
EXPORT = "src/barmill/stages/export.py"


class PackagedProject(MarketProject):
    """A market project with a copy of the package of its own, which its `doit` imports."""

    def doit(self, *arguments: str, **environ: str) -> Result:
        """Run `doit` in the project, over its own package."""
        return super().doit(*arguments, PYTHONPATH=str(self.root / "src"), **environ)


@pytest.fixture(scope="module")
def _built_once(tmp_path_factory: pytest.TempPathFactory) -> PackagedProject:
    project = PackagedProject.make(tmp_path_factory.mktemp("edits") / "built", [*FIRST_STAGES, "chunks"])
    shutil.copytree(REPOSITORY / "src/barmill", project.root / "src/barmill", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", project.root)
    shutil.copy(REPOSITORY / "README.md", project.root)
    project.raw(NASDAQ, "AAPL.US")
    project.raw(LONDON, "VOD.UK")
    rows = [
        ("AAPL", "", "NASDAQ", "Apple", "USD"),
        ("VOD:LN", "", "LSE", "Vodafone", "GBX"),
        ("NONE", "", "NASDAQ", "No", "USD"),
    ]
    project.listed("broker.csv", rows)
    assert project.ran(project.good()) == sorted(f"{INSTRUMENTS} {INDEX} {MATCH} {EXPORTS} {CHUNKS} {ALL_REPORTS}".split())
    return project


@pytest.fixture
def project(_built_once: PackagedProject, tmp_path: Path) -> PackagedProject:
    """A copy of a built project, so that each edit has its own."""
    shutil.copytree(_built_once.root, tmp_path / "p")
    return PackagedProject(tmp_path / "p")


Edit = Callable[[PackagedProject], object]


def text(path: str, old: str, new: str) -> Edit:
    """Text of a file, replaced where it stands."""
    return lambda project: project.edit(path, old, new)


def added(path: str, more: str) -> Edit:
    """Text at a file's end; the file may be a new one."""

    def edit(project: PackagedProject) -> None:
        (project.root / path).parent.mkdir(parents=True, exist_ok=True)
        with open(project.root / path, "a", encoding="utf-8", newline="") as file:
            file.write(more)

    return edit


def both(*edits: Edit) -> Edit:
    """One edit after the other."""
    return lambda project: [edit(project) for edit in edits]


def library(name: str, version: str) -> Edit:
    """A library's version, by metadata that Python finds before the installed one's."""
    return added(f"src/{name}-{version}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


# the edit, and exactly what is built after it
EDITS = {
    # what code says of itself
    "a comment in a stage": (text(EXPORT, "    bars = read", "    # a comment\n    bars = read"), NOTHING),
    "a docstring": (text(EXPORT, "Read a raw file once", "Read a raw text once"), NOTHING),
    "a call on several lines": (
        text(EXPORT, "diagnose(symbol, bars, gate)", "diagnose(\n        symbol,\n        bars,\n        gate,\n    )"),
        NOTHING,
    ),
    "quotes of the other kind": (text(EXPORT, '"out": plan.path', "'out': plan.path"), NOTHING),
    "a type hint": (text(EXPORT, "raw: Path", 'raw: "Path | str"'), NOTHING),
    "imports in another order": (
        both(
            text(EXPORT, "from barmill.plan import Plan\n", ""),
            text(EXPORT, "from barmill.market.bars", "from barmill.plan import Plan\nfrom barmill.market.bars"),
        ),
        NOTHING,
    ),
    # code that no build reaches
    "an unused function in a module that export uses": (
        added("src/barmill/market/bars.py", "\n\ndef unused() -> int:\n    return 1\n"),
        NOTHING,
    ),
    "how targets are listed": (text(EXPORT, "plan.datasets():", "list(plan.datasets()):"), NOTHING),
    "the store's machinery": (text("src/barmill/store/objects.py", "_SMALL = 1 << 20", "_SMALL = 1 << 19"), NOTHING),
    "the run's machinery": (text("src/barmill/run/tally.py", "max(0.0, saved", "max(0, saved"), NOTHING),
    "the settings' reader": (
        text("src/barmill/config.py", "Settings(**values)", "Settings(**dict(values))"),
        NOTHING,
    ),
    "the dodo.py": (added("dodo.py", "\nUNUSED = 1\n"), NOTHING),
    # code that builds reach: what it wrote is equal, so nothing further runs
    "a renamed local variable": (
        both(text(EXPORT, "found = diagnose", "said = diagnose"), text(EXPORT, "dumps(found", "dumps(said")),
        EXPORTS,
    ),
    "a constant of a module that only export uses": (
        text("src/barmill/market/bars.py", "_LONGEST_TEXT = 200", "_LONGEST_TEXT = 100"),
        EXPORTS,
    ),
    "a constant in a stage": (text("src/barmill/stages/match.py", "_MOST_CANDIDATES = 5", "_MOST_CANDIDATES = 4"), MATCH),
    "a default argument of what only match calls": (
        text("src/barmill/market/tables.py", "columns: Sequence[str] | None = None", "columns: Sequence[str] | None = ()"),
        MATCH,
    ),
    "another version of a library": (library("pyarrow", "99.0"), f"{INDEX} {MATCH} {EXPORTS} {CHUNKS}"),
    # code that builds reach, and with it what they write
    "a helper that only export reaches": (
        text("src/barmill/market/quality.py", 'else "ok"', 'else "fine"'),
        f"{EXPORTS} {ALL_REPORTS}",
    ),
    "what a stage writes": (
        text("src/barmill/stages/instruments.py", '"market": text.market', '"market": text.market.lower()'),
        f"{INSTRUMENTS} {MATCH} {REPORTS}",
    ),
    # settings
    "a setting that only reports read": (text("pyproject.toml", "[tool.barmill]", "[tool.barmill]\nstale_days = 5"), REPORTS),
    "a setting that export reads": (
        text("pyproject.toml", "[tool.barmill]", "[tool.barmill]\ninclude_empty_prices = true"),
        EXPORTS,
    ),
    "a setting of another tool": (text("pyproject.toml", "line-length = 128", "line-length = 100"), NOTHING),
    # data
    "a blank line in a list": (text(BROKER, "\nVOD", "\n\nVOD"), INSTRUMENTS),
    "an instrument's name": (text(BROKER, "Vodafone", "Vodafone Group"), f"{INSTRUMENTS} {MATCH} {REPORTS}"),
    "a touched raw file": (lambda project: os.utime(project.root / RAW), NOTHING),
    "a corrected price": (text(RAW, "20240103,000000,10.0,", "20240103,000000,10.5,"), f"{AAPL} chunks:AAPL.US"),
    "another last bar": (added(RAW, price_lines("AAPL.US", ["20240105"])[0] + "\r\n"), f"{AAPL} chunks:AAPL.US {ALL_REPORTS}"),
    "a raw file that nobody asked for": (lambda project: project.raw(NASDAQ, "MSFT.US"), f"{INDEX} {MATCH}"),
    "a raw file that was missing": (
        lambda project: project.raw(NASDAQ, "NONE.US"),
        f"{INDEX} {MATCH} export:NONE.US chunks:NONE.US {ALL_REPORTS}",
    ),
    "the README": (added("README.md", "\nMore.\n"), NOTHING),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_reruns(project: PackagedProject, name: str) -> None:
    """After the edit exactly these targets are built, none is restored, and then nothing is left to do."""
    edit, expected = EDITS[name]
    edit(project)
    result = project.good()
    assert project.ran(result) == sorted(expected.split())
    assert " 0 restored, " in result.out
    assert project.ran(project.good()) == []


def test_the_package_is_the_copy(project: PackagedProject) -> None:
    """The project's Python imports the package that the edits are made to."""
    code = "import barmill; print(barmill.__file__)"
    environ = {**os.environ, "PYTHONPATH": str(project.root / "src")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project.root, env=environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(project.root / "src/barmill/__init__.py")
