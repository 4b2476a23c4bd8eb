"""Wrong options and closed pipes: what a person, and the program behind a pipe, sees of them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.market import FIRST_STAGES, NASDAQ, MarketProject
from tests.support.project import Project


@pytest.fixture(scope="module")
def market(tmp_path_factory) -> MarketProject:
    """A built project of one symbol and a single series."""
    project = MarketProject.make(tmp_path_factory.mktemp("usage") / "p", [*FIRST_STAGES, "chunks", "indicators"])
    project.raw(NASDAQ, "AAPL.US")
    project.series("crypto/daily/BTC", ["20240102", "20240103"])
    project.listed("broker.csv", [("AAPL", "", "NASDAQ", "Apple", "USD")])
    project.good()
    return project


@pytest.mark.parametrize(
    ("arguments", "fact", "hint"),
    [
        (("-j", "4"), "doit run: option -j not recognized", "doit help run lists its options"),
        (("run", "-n", "x"), "doit run: option --process: 'x' is not a whole number", "doit help run lists its options"),
        (("publish", "--force-recalc"), "doit publish: option --force-recalc not recognized", "--force; doit help publish"),
        (("publish", "--limit=x"), "doit publish: option --limit: 'x' is not a whole number", "doit help publish lists"),
        (("due", "--crontabb"), "doit due: option --crontabb not recognized", "the nearest is --crontab; doit help due"),
        (("explain", "--jsn", "x"), "doit explain: option --jsn not recognized", "the nearest is --json; doit help explain"),
        (("status", "--zzz"), "doit status: option --zzz not recognized", "doit help status lists its options"),
        (("load", "-Q"), "doit load: option -Q not recognized", "doit help load lists its options"),
        (("gc", "--max-size"), "doit gc: option --max-size requires argument", "doit help gc lists its options"),
    ],
)
def test_a_wrong_option_is_one_line_with_the_nearest_option(market, arguments, fact, hint):
    """The command, the option and what is wrong with it; no representation of doit's options; exit code 3."""
    result = market.doit(*arguments)
    lines = result.err.splitlines()
    assert (result.code, lines[0], len(lines), result.out) == (3, f"ERROR: {fact}", 2, "")
    assert hint in lines[1]


def test_a_wrong_option_in_a_foreign_project_is_doits(tmp_path):
    """Where the dodo.py is not barmill's the message is doit's own, as without barmill."""
    (tmp_path / "dodo.py").write_text("def task_a():\n    return {'actions': []}\n")
    assert "parsing options: [CmdOption(" in Project(tmp_path).bad("-j", "4", code=3)


LOOKS = [
    ("datasets",), ("datasets", "--json"), ("health",), ("due",), ("due", "--crontab"), ("list", "--all"), ("status",),
    ("explain", "chunks"), ("stats",), ("store",), ("publish", "--dry-run"), ("run", "-a"), ("info", "export:AAPL.US"),
    ("verify",), ("gc", "-n"), ("prune", "-n"), ("history", "--json"),
]  # fmt: skip


@pytest.mark.parametrize("arguments", LOOKS, ids=" ".join)
def test_a_closed_pipe_ends_a_command_quietly(market, arguments):
    """As with `| head -1`: no traceback, not even from Python as it ends, and the exit code of a program that SIGPIPE ends."""
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "doit", *arguments]
    environment = {**os.environ, "CI": "true"}
    done = subprocess.run(
        command, cwd=market.root, stdout=write, stderr=subprocess.PIPE, text=True, env=environment, check=False
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_pipe_that_is_closed_after_a_line_ends_a_command_quietly(market):
    """The reader takes the first line and leaves."""
    for number in range(40):
        market.series(f"crypto/daily/C{number}", ["20240102"])
    shell = f"{sys.executable} -m doit datasets --json | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", shell], cwd=market.root, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode in {0, 141}) == ("{\n", "", True)
    for path in Path(market.root / "data/series/crypto/daily").glob("C*.txt"):
        path.unlink()
