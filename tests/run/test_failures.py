"""What fails: it is named, without a traceback if it is a fault of ours to name, and everything else is built."""

from pathlib import Path

import pytest

from tests.support.project import Project, ended, until

BUILD = "out.write_text(shout"


def failing(project: Project, fault: str) -> None:
    """Have upper:bee raise `fault`; everything else is stale."""
    project.edit("upper.py", BUILD, f'if "bee" in out.name:\n        raise {fault}\n    {BUILD}')
    (project.root / "times").write_text("2")


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_one_failure_stops_what_needs_it_only(project: Project, workers: tuple[str, ...]) -> None:
    """With one failing target the others are built, what needs it is not, the exit code says so, and the rest is kept."""
    failing(project, 'ValueError("no bees")')
    result = project.doit(*workers)
    assert result.code == 1
    assert sorted(line for line in project.built() if "bee" not in line) == ["split:ant", "split:cat", "upper:ant", "upper:cat"]
    assert (result.counts["built"], result.counts["failed"]) == (4, 1)
    assert "no bees" in result.out
    assert "2 blocked" in result.out
    project.edit("upper.py", 'raise ValueError("no bees")', "pass")
    project.good(*workers)
    project.assert_fresh()


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_named_fault_has_no_traceback(project: Project, workers: tuple[str, ...]) -> None:
    """A fault that the build names is told with its cure, without a traceback."""
    project.edit("upper.py", "import os\n", "import os\nfrom barmill.errors import InputError\n")
    failing(project, 'InputError("bee.txt is no price file", "remove it")')
    text = project.bad(*workers)
    assert "bee.txt is no price file" in text
    assert "hint: remove it" in text


@pytest.mark.parametrize("ways", [(), ("-n", "2"), ("-n", "2", "-P", "thread"), ("--no-continue",), ("-a",), ("-r", "console")])
@pytest.mark.parametrize("names", [(), ("upper:bee",), ("split:bee",)])
def test_a_failed_build_is_exit_code_1(project: Project, names: tuple[str, ...], ways: tuple[str, ...]) -> None:
    """Whichever way it is run, and whatever it blocks, a build that fails is exit code 1."""
    failing(project, 'ValueError("no bees")')
    result = project.doit(*ways, *names)
    assert result.code == 1, result.out + result.err


@pytest.mark.parametrize("ways", [(), ("-n", "2"), ("-n", "2", "-P", "thread")])
@pytest.mark.parametrize("names", [(), ("upper:bee",)])
def test_a_target_that_cannot_be_tried_is_exit_code_2(project: Project, names: tuple[str, ...], ways: tuple[str, ...]) -> None:
    """A missing input is exit code 2, also beside a build that failed."""
    project.edit("upper.py", '{"text": path}', '{"text": path if path.stem != "bee" else Path("data/gone.txt")}')
    assert project.doit(*ways, *names).code == 2
    project.edit("upper.py", BUILD, f'if "ant" in out.name:\n        raise ValueError("no ants")\n    {BUILD}')
    assert project.doit(*ways, *names).code == 2


def test_an_unnamed_fault_shows_where(project: Project) -> None:
    """Any other exception of a build is shown with its traceback, under its task."""
    failing(project, 'ValueError("no bees")')
    result = project.doit("upper:bee")
    assert "upper:bee" in result.out
    assert "in build" in result.out


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_build_that_exits_fails_alone(project: Project, workers: tuple[str, ...]) -> None:
    """A build that calls sys.exit fails its target, not the run."""
    failing(project, "SystemExit(5)")
    result = project.doit(*workers)
    assert result.code == 1
    assert (result.counts["built"], result.counts["failed"]) == (4, 1)


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_an_exception_that_does_not_pickle(project: Project, workers: tuple[str, ...]) -> None:
    """An exception that can't be sent from a worker is told like any other."""
    odd = "class Odd(Exception):\n    def __init__(self, a, b):\n        super().__init__(a)\n        self.f = lambda: b\n"
    project.edit("upper.py", "import os\n", f"import os\n{odd}")
    failing(project, 'Odd("odd one", 2)')
    result = project.doit(*workers)
    assert (result.code, result.counts["failed"]) == (1, 1)
    assert "odd one" in result.out


def test_a_missing_input_is_named(project: Project) -> None:
    """An input that is not there fails its target with the path and a cure."""
    project.edit("upper.py", '{"text": path}', '{"text": path if path.stem != "bee" else Path("data/gone.txt")}')
    text = project.bad()
    assert "data/gone.txt does not exist" in text
    assert "hint: " in text


def test_an_undeclared_output_is_named(project: Project) -> None:
    """A build that writes more than it declared fails, and its old output stays."""
    project.edit("upper.py", BUILD, f'(out.parent / "stray").write_text("")\n    {BUILD}')
    before = project.artifacts()
    assert "stray, which is no output" in project.bad("upper")
    assert project.artifacts() == before


def test_a_misspelt_role_is_named(project: Project) -> None:
    """A target that does not fit its build function stops doit before anything runs."""
    project.edit("upper.py", '{"text": path}', '{"txet": path}')
    text = project.bad(code=3)
    assert "txet" in text
    assert "hint: the parameters are text, out, times" in text


def test_an_input_edited_during_the_build(project: Project) -> None:
    """A target whose input was edited while it was built fails with the path; the next run builds it from the new input."""
    project.edit("upper.py", BUILD, f'if "?" not in text.read_text():\n        text.write_text("really?")\n    {BUILD}')
    assert "data/ant.txt changed while it was read" in project.bad("upper:ant", code=1)
    assert project.artifacts()["upper/ant.up"] == b"ANT\nHAS LEGS\n!"
    project.good("upper:ant")
    assert project.artifacts()["upper/ant.up"] == b"REALLY?!"


def test_code_edited_during_the_run(project: Project) -> None:
    """Code of a later stage edited while an earlier one runs is never taken for what ran: an error, then a right build."""
    project.edit("split.py", "line)", 'line + "1")')
    source = (project.root / "split.py").read_text()
    project.edit("join.py", "out.write_text", f"Path('split.py').write_text({source.replace('1', '2')!r}); out.write_text")
    assert "split.py was edited after this run had loaded it" in project.bad()
    project.edit("join.py", "Path('split.py')", "str and Path('unused')")
    project.good()
    assert project.artifacts()["split/ant/0.line"] == b"ANT2"


def test_a_dead_artifacts_folder_is_named(project: Project) -> None:
    """An artifacts folder that is a file is an error with a cure."""
    (project.root / "file").write_text("")
    assert "/file is not a folder\nhint: set `artifacts` to one" in project.bad(code=3, BARMILL_ARTIFACTS="file")


def test_a_kill_loses_only_what_was_in_flight(tmp_path: Path) -> None:
    """After kill -9 in the middle of a build, what had finished is fresh and is not built again; nothing is half-written."""
    project = Project.make(tmp_path / "p")
    project.edit("upper.py", "    # a comment\n", "    import time\n    time.sleep(60 if 'cat' in out.name else 0)\n")
    process = project.start()
    until((project.root / "artifacts/upper/bee.up").exists)
    process.kill()
    ended(process)
    assert sorted(project.artifacts()) == ["upper/ant.up", "upper/bee.up"]
    assert sorted(project.built()) == ["upper:ant", "upper:bee"]
    status = project.doit("status", "--json")
    assert '"fresh": 2' in status.out.replace("\n", "").replace("  ", " ")
    project.edit("upper.py", "60", "0")
    result = project.good()
    assert (result.counts["built"], result.counts["failed"]) == (7, 0)
    project.assert_fresh()


@pytest.mark.parametrize("what", ["raise SystemExit(3)", "raise KeyboardInterrupt", "raise ValueError"])
def test_a_task_that_ends_its_thread_fails_alone(project: Project, what: str) -> None:
    """With workers, a plain Python action that exits is a task that failed; the others go on, and the run ends."""
    project.edit(
        "dodo.py",
        "def task_upper",
        f"def end():\n    {what}\n\ndef task_end():\n    return {{'actions': [end]}}\n\ndef task_upper",
    )
    (project.root / "times").write_text("2")
    result = project.doit("-n", "2")
    assert result.code in {1, 2}, result.err
    assert result.counts == {"built": 7, "restored": 0, "fresh": 0, "failed": 1}
    assert what.split()[1].partition("(")[0] in result.out
