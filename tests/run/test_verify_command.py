"""`doit verify` on a toy project: what it says, how it ends, and that a repair and a run make everything good."""

import json
import os
import pty
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.project import Project


def faults(project: Project, *arguments: str) -> list[dict[str, str]]:
    """What `doit verify --json` found; its exit code says whether it found anything, and nothing was built."""
    result = project.doit("verify", "--json", *arguments)
    assert "Traceback" not in result.err
    found = json.loads(result.out)["faults"]
    assert result.code == (1 if found else 0)
    assert project.built() == []
    return found


def first(project: Project, pattern: str) -> Path:
    """The first file of the artifacts whose path fits."""
    return min(path for path in (project.root / "artifacts").glob(pattern) if path.is_file())


def overwrite(path: Path, data: bytes = b"damage") -> Path:
    """Another content, though the file is read-only."""
    path.chmod(0o644)
    path.write_bytes(data)
    return path


def test_a_sound_project(project: Project) -> None:
    """The last line counts what was examined; exit code 0, nothing on stderr, no progress where there is no terminal."""
    for options, inputs in (((), "no inputs (--inputs)"), (("--inputs", "-j", "2"), "4 inputs"), (("--repair",), "no inputs")):
        result = project.good("verify", *options)
        size = sum(path.stat().st_size for path in (project.root / "artifacts/store/objects").rglob("*") if path.is_file())
        assert result.out.startswith(f"9 objects ({size} bytes), 7 records, 8 outputs, {inputs}")
        assert result.out.endswith(", 0 faults\n")
        assert (result.err, result.out.count("\n")) == ("", 1)
    project.assert_fresh()


def test_in_json(project: Project) -> None:
    """`--json` has the counts and a list of faults with path, kind, fact and cure."""
    told = json.loads(project.good("verify", "--json", "--inputs").out)
    assert told["faults"] == []
    assert {"objects", "bytes", "records", "outputs", "inputs"} <= told["examined"].keys()
    overwrite(project.root / "artifacts/join/all.txt")
    assert [fault.keys() for fault in faults(project)] == [{"path", "kind", "what", "cure"}]


def test_each_fault_has_a_line(project: Project) -> None:
    """A line names kind, full path, fact and cure; the last one counts; exit code 1."""
    path = overwrite(first(project, "store/objects/*/*"))
    out = project.bad("verify", code=1).splitlines()
    assert out[0].startswith(f"object: {path} has the digest ")
    assert "; hint: doit verify --repair moves it" in out[0]
    assert "names what is not there" in out[1]
    assert out[-1].endswith(f", {len(out) - 1} faults")


@pytest.mark.parametrize("arguments", [("-j", "0"), ("-j", "x"), ("--inpust",), ("upper:ant",)])
def test_wrong_usage(project: Project, arguments: tuple[str, ...]) -> None:
    """What it does not know ends with exit code 3."""
    project.bad("verify", *arguments, code=3)


def lost_state(project: Project) -> None:
    """A state file that is no database."""
    (project.root / "artifacts/state.sqlite-wal").unlink(missing_ok=True)
    overwrite(project.root / "artifacts/state.sqlite", b"nonsense" * 2000)


def wrong_row(project: Project) -> None:
    """A digest remembered of an output that it never had."""
    project.good()
    with sqlite3.connect(project.root / "artifacts/state.sqlite") as database:
        done = database.execute("UPDATE paths SET digest = ? WHERE path = 'artifacts/upper/ant.up'", ["0" * 32])
    assert done.rowcount == 1
    database.close()


DAMAGES: dict[str, tuple[Callable[[Project], object], str]] = {
    "object": (lambda p: overwrite(first(p, "store/objects/*/*")), "object"),
    "no object": (lambda p: first(p, "store/objects/*/*").unlink(), "record"),
    "record": (lambda p: overwrite(first(p, "store/actions/*/*")), "record"),
    "no record": (lambda p: first(p, "store/actions/*/*").unlink(), "record"),
    "output": (lambda p: overwrite(p.root / "artifacts/upper/ant.up"), "output"),
    "no output": (lambda p: (p.root / "artifacts/join/all.txt").unlink(), "output"),
    "output in a folder": (lambda p: overwrite(p.root / "artifacts/split/ant/0.line"), "output"),
    "state": (lost_state, "state"),
    "row": (wrong_row, "remembered"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_repair_and_run(project: Project, name: str) -> None:
    """What is found is made good by a repair and a run; the outputs are those of a build from scratch; the next run idles."""
    damage, kind = DAMAGES[name]
    right = project.artifacts()
    damage(project)
    assert kind in {fault["kind"] for fault in faults(project, "--repair")}
    project.good()
    assert project.artifacts() == right
    project.good("clean", "upper", "join", "split")
    assert project.artifacts() == {}
    project.good()
    assert project.artifacts() == right
    project.assert_fresh()
    assert faults(project, "--inputs") == []


def test_what_was_deleted_at_will(project: Project) -> None:
    """Without a state file there is no fault."""
    for path in (project.root / "artifacts").glob("state.sqlite*"):
        path.unlink()
    assert faults(project) == []


def test_a_stage_that_chokes_on_damage(project: Project) -> None:
    """A stage whose targets depend on a damaged output is told as such, and hides neither it nor anything else."""
    project.edit(
        "split.py",
        "    for path in sorted(plan",
        '    assert "ANT" in plan.path("join", "all.txt").read_text()\n    for path in sorted(plan',
    )
    project.good()
    project.built()
    assert faults(project) == []
    overwrite(project.root / "artifacts/join/all.txt")
    found = {fault["kind"]: fault for fault in faults(project)}
    assert found.keys() == {"targets", "output"}
    assert found["targets"]["what"].startswith("the targets of split can't be told: AssertionError")
    project.good()
    assert faults(project) == []


def test_an_edited_input_is_stale(project: Project) -> None:
    """An input that was edited is counted, not a fault."""
    project.edit("data/ant.txt", "ant", "emu")
    assert ", 1 stale, 0 faults" in project.good("verify", "--inputs").out


def test_a_bar_on_a_terminal(project: Project) -> None:
    """On a terminal there is a bar, and in the end the same line; with CI set there is none."""
    ends = {}
    for ci in ("", "true"):
        ours, theirs = pty.openpty()
        arguments = [sys.executable, "-m", "doit", "verify"]
        environ = {**os.environ, "CI": ci, "TERM": "xterm"}
        subprocess.run(arguments, cwd=project.root, env=environ, stdout=theirs, timeout=60, check=True)
        os.close(theirs)
        ends[ci] = os.read(ours, 1 << 16).decode()
        os.close(ours)
    assert ends["true"].endswith(", 0 faults\r\n")
    assert ends[""].endswith(ends["true"])
    assert "outputs" in ends[""].removesuffix(ends["true"])
