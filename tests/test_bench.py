"""The benchmarks run; how fast, no test asks."""

import os
import subprocess
import sys

import pytest

from tests.support.market import REPOSITORY


def bench(*arguments: str, temporary: object) -> subprocess.CompletedProcess[str]:
    """Run the benchmarks' command with its files below `temporary`."""
    return subprocess.run(
        [sys.executable, "-m", "tests.bench", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_part_prints_its_table(tmp_path):
    """A part at a thousandth of its size prints a row per measurement, the machine's yardstick among them."""
    done = bench("hashing", "--scale", "0.001", "--repeat", "1", temporary=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = [line.split("|")[1:-1] for line in done.stdout.splitlines() if line.startswith("|")]
    assert [len(row) for row in rows] == [5] * 5
    assert "import pandas" in done.stdout


@pytest.mark.parametrize(("part", "rows"), [("graph10k", 3), ("wide70k", 3), ("growth", 9)])
def test_a_graph_does_nothing_in_every_tool(tmp_path, part, rows):
    """At a thousandth of their size the graphs are built, and then each tool that is there says that it had nothing to do."""
    done = bench(part, "--scale", "0.001", "--repeat", "1", temporary=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("|")]
    assert len(lines) >= rows + 2
    assert "SCons, content is left out: it is not installed" in done.stdout or part == "growth"


@pytest.mark.parametrize(("part", "rows"), [("pricestore", 13), ("codecs", 27)])
def test_the_price_store_is_timed(tmp_path, part, rows):
    """At a hundredth of its size the store is built, extended and read: a row per measurement."""
    done = bench(part, "--scale", "0.01", "--repeat", "1", temporary=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len([line for line in done.stdout.splitlines() if line.startswith("|")]) == rows + 2


def test_strategies_beside_their_peers(tmp_path):
    """Few strategies on few bars give a row per contender that is there."""
    done = bench("strategies", "--scale", "0.01", "--repeat", "1", temporary=tmp_path)
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stdout.splitlines() if line.startswith("|")]
    assert any("the bare loop" in line for line in said)
    assert any("event loop over pandas rows" in line for line in said)


@pytest.mark.parametrize(("part", "rows"), [("indicators", 5), ("publish", 9)])
def test_indicators_and_databases(tmp_path, part, rows):
    """At a few symbols each contender does all its work."""
    done = bench(part, "--scale", "0.006", "--repeat", "1", temporary=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("|")]
    assert len(lines) >= rows - (3 if "PostgreSQL is left out" in done.stdout else 0) + 2


def test_scaling_tells_a_row_per_part(tmp_path):
    """At a two-hundredth of the size the constants are measured, and the model tells what follows from each."""
    done = bench("scaling", "--scale", "0.005", "--repeat", "1", temporary=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = [line.split("|")[1:-1] for line in done.stdout.splitlines() if line.startswith("|")]
    assert [len(row) for row in rows] == [3] * (16 + 2) + [5] * (17 + 2)
    assert "nan" not in done.stdout or "is not measured" in done.stderr


def test_unknown_part_is_refused(tmp_path):
    """A misspelt part ends with the names there are."""
    done = bench("hashign", temporary=tmp_path)
    assert done.returncode == 2
    assert "hashing" in done.stderr
