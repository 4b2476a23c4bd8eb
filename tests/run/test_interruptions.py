"""Signals: what was finished is kept, workers are gone, the exit code tells; a killed worker's task is tried again."""

import os
import signal
from pathlib import Path

import pytest

from tests.support.project import Project, alive, children, ended, gone, until

WORKERS = [(), ("-n", "2")]


@pytest.fixture
def slow(project: Project) -> Project:
    """A project in which upper:ant is built at once and the other two take a minute."""
    project.hold("upper", but="ant")
    return project


def at_work(project: Project) -> bool:
    """Whether the first target is done, its record written, and another is being built."""
    written = project.log.exists() and project.log.stat().st_size > 0
    return written and bool(os.listdir(project.root / "artifacts/.staging")) and not list(project.root.rglob("*.tmp"))


@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run(slow: Project, workers: tuple[str, ...], number: signal.Signals) -> None:
    """It ends at once with 128 + the signal's number and no traceback; no process, no half-written file is left."""
    before = slow.artifacts().keys()
    run = slow.start(*workers)
    until(lambda: at_work(slow) and len(children(run.pid)) == len(workers))
    began = children(run.pid)
    run.send_signal(number)
    result = ended(run)
    assert slow.built() == ["upper:ant"]  # it has waited for nothing
    assert result.code == 128 + number, result
    assert "Traceback" not in result.out + result.err
    assert f"ended by {number.name}" in result.err
    assert not any(map(alive, began))
    assert list(slow.root.rglob("*.tmp")) == []
    assert slow.artifacts().keys() == before


@pytest.mark.parametrize("workers", WORKERS)
def test_what_was_finished_is_kept(tmp_path: Path, workers: tuple[str, ...]) -> None:
    """After an interruption only what was not finished is built."""
    project = Project.make(tmp_path / "p")
    go = project.hold("upper", but="ant")
    run = project.start(*workers)
    until(lambda: at_work(project) and project.finished() == {"upper:ant"})
    run.send_signal(signal.SIGTERM)
    assert ended(run).code == 128 + signal.SIGTERM
    go.touch()
    assert project.built() == ["upper:ant"]
    assert project.good(*workers).counts == {"built": 6, "restored": 0, "fresh": 1, "failed": 0}
    project.assert_fresh()


def test_a_killed_worker_is_replaced(tmp_path: Path) -> None:
    """With a worker killed in the middle of a build, the build is done again by another, and the run ends well."""
    project = Project.make(tmp_path / "p")
    project.edit(
        "upper.py",
        "    # a comment\n",
        "    import signal\n    flag = Path('killed')\n"
        "    if 'bee' in out.name and not flag.exists():\n        flag.touch()\n        os.kill(os.getpid(), signal.SIGKILL)\n",
    )
    result = project.good("-n", "2")
    assert result.counts == {"built": 7, "restored": 0, "fresh": 0, "failed": 0}
    assert "warning: upper:bee: its worker was killed by SIGKILL; it is tried once more" in result.err
    assert list((project.root / "artifacts/.staging").glob("*/*")) == []
    project.assert_fresh()


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), 9)", "os._exit(7)", "import ctypes; ctypes.string_at(0)"])
def test_a_build_that_always_kills_its_worker(project: Project, end: str) -> None:
    """It fails with what happened to the worker; everything else is built, and the run ends."""
    project.edit("upper.py", "    # a comment\n", f"    if 'bee' in out.name:\n        {end}\n")
    result = project.doit("-n", "2")
    assert result.code == 1
    assert (result.counts["built"], result.counts["failed"]) == (2, 1)
    how = {"7": "ended with exit code 7", "9": "killed by SIGKILL", "0": "killed by SIGSEGV"}[end.strip(")")[-1]]
    assert f"its worker was {how}, 2 times" in result.out
    assert "hint: if memory is short" in result.out


def test_an_idle_worker_may_be_killed(tmp_path: Path) -> None:
    """A worker that is killed while it has nothing to do costs nothing but its replacement."""
    project = Project.make(tmp_path / "p")
    go = project.hold("join")
    project.edit("join.py", "    import time\n", "    import time\n    Path('builder').write_text(str(os.getpid()))\n")
    run = project.start("-n", "2")
    builder = int(until(lambda: (project.root / "builder").exists() and (project.root / "builder").read_text()))
    (idle,) = set(children(run.pid)) - {builder}
    os.kill(idle, signal.SIGKILL)
    until(lambda: not alive(idle))
    go.touch()
    result = ended(run)
    assert (result.code, result.counts["built"], result.err) == (0, 7, "")


@pytest.mark.parametrize("workers", WORKERS)
def test_nobody_reads_on(tmp_path: Path, workers: tuple[str, ...]) -> None:
    """`doit | head -1` ends as other programs do: no traceback, and what was finished is kept."""
    project = Project.make(tmp_path / "p")
    go = project.hold("upper", but="ant")
    run = project.start("-v2", *workers, PYTHONUNBUFFERED="1")
    assert run.stdout is not None
    run.stdout.readline()
    run.stdout.close()
    run.stdout = None
    go.touch()
    assert ended(run).err == ""
    assert run.returncode == 128 + signal.SIGPIPE
    assert project.good().counts["built"] < 7


def test_workers_end_with_a_killed_run(slow: Project) -> None:
    """After kill -9 of doit no worker is left."""
    run = slow.start("-n", "2")
    until(lambda: at_work(slow) and len(children(run.pid)) == 2)
    began = children(run.pid)
    run.kill()
    run.wait()
    gone(began)
    for pipe in (run.stdout, run.stderr):
        assert pipe is not None
        pipe.close()


def test_tasks_that_are_no_targets(project: Project) -> None:
    """Shell commands and functions of a dodo.py run beside the targets, also in parallel, and fail as doit says."""
    with open(project.root / "dodo.py", "a") as file:
        file.write(
            "\ndef _note(text):\n    open('noted', 'a').write(text)\n"
            "\ndef task_shell():\n    return {'actions': ['echo shell > shelled'], 'task_dep': ['join']}\n"
            "\ndef task_python():\n    return {'actions': [(_note, ['python'])], 'task_dep': ['shell']}\n"
            "\ndef task_wrong():\n    return {'actions': ['false']}\n"
        )
    result = project.doit("-n", "2")
    assert result.code == 1
    assert (project.root / "shelled").read_text() == "shell\n"
    assert (project.root / "noted").read_text() == "python"
    assert (result.counts["built"], result.counts["failed"]) == (2, 1)
