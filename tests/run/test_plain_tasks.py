"""Tasks of a dodo.py that are not targets of a stage: doit's own rules hold for them, by content."""

from pathlib import Path

import pytest

from tests.support.project import Project

COPIES = """
def task_mine():
    return {"actions": ["echo mine >> log.txt; cp in.txt out.txt"], "file_dep": ["in.txt"], "targets": ["out.txt"],
            "clean": True}

def task_after():
    return {"actions": ["echo after >> log.txt; cp out.txt out2.txt"], "file_dep": ["out.txt"], "targets": ["out2.txt"]}
"""


def add(project: Project, tasks: str) -> None:
    """Append plain tasks to the dodo.py."""
    with (project.root / "dodo.py").open("a") as dodo:
        dodo.write(tasks)


@pytest.fixture
def copies(project: Project) -> Project:
    """A toy project with two plain tasks that have run."""
    add(project, COPIES)
    (project.root / "in.txt").write_text("one")
    project.good()
    assert project.built() == ["mine", "after"]
    return project


@pytest.mark.parametrize("command", [(), ("mine",), ("-n", "2"), ("out.txt",)])
def test_a_missing_target_is_built_again(copies: Project, command: tuple[str, ...]) -> None:
    """A plain task whose target was removed runs again; what reads the target sees equal content, and does not."""
    copies.good(*command)
    assert copies.built() == []
    (copies.root / "out.txt").unlink()
    copies.good(*command)
    assert copies.built() == ["mine"]
    assert (copies.root / "out.txt").read_text() == "one"


def test_an_edited_file_dep_runs_what_reads_it(copies: Project) -> None:
    """An edit runs the task and what reads its target; a touch runs nothing."""
    (copies.root / "in.txt").touch()
    copies.good()
    assert copies.built() == []
    (copies.root / "in.txt").write_text("two")
    copies.good()
    assert copies.built() == ["mine", "after"]
    assert (copies.root / "out2.txt").read_text() == "two"


def test_clean_removes_a_plain_target_and_the_next_run_builds_it(copies: Project) -> None:
    """`doit clean` of a plain task is undone by the next run."""
    copies.good("clean", "mine")
    assert not (copies.root / "out.txt").exists()
    copies.good("mine")
    assert copies.built() == ["mine"]


def test_list_and_info_see_a_missing_plain_target(copies: Project) -> None:
    """`doit list --status` and `doit info` report a plain task to run when its target is missing."""
    assert "U mine" in copies.good("list", "--status").out
    (copies.root / "out.txt").unlink()
    assert "R mine" in copies.good("list", "--status").out
    assert "The following targets do not exist:\n    - out.txt" in copies.doit("info", "mine").out


def test_an_optional_output_that_was_not_written_is_not_missing(project: Project) -> None:
    """A target of ours with an unwritten optional output is up to date for doit's own commands."""
    assert "U join:all" in project.good("list", "--status", "--all").out
    assert "up-to-date" in project.good("info", "join:all").out


def test_run_once_and_its_missing_target(project: Project) -> None:
    """A task with `run_once` runs once, and again when its target is missing or it was forgotten."""
    add(
        project,
        """
from doit.tools import run_once

def task_once():
    return {"actions": ["echo once >> log.txt; echo > once.txt"], "targets": ["once.txt"], "uptodate": [run_once]}
""",
    )
    for prepare, ran in (
        (lambda: None, ["once"]),
        (lambda: None, []),
        ((project.root / "once.txt").unlink, ["once"]),
        (lambda: project.good("forget", "once"), ["once"]),
    ):
        prepare()
        project.good()
        assert project.built() == ran


def test_result_dep_runs_when_the_result_differs(project: Project) -> None:
    """A task with `result_dep` runs when the other task's result is another one."""
    add(
        project,
        """
from pathlib import Path
from doit.tools import result_dep

def task_version():
    return {"actions": [lambda: Path("version").read_text()]}

def task_send():
    return {"actions": ["echo send >> log.txt"], "uptodate": [result_dep("version")]}
""",
    )
    for version, ran in (("1", ["send"]), ("1", []), ("2", ["send"])):
        (project.root / "version").write_text(version)
        project.good()
        assert project.built() == ran


def test_a_file_dep_that_the_action_writes_is_recorded_as_written(project: Project) -> None:
    """A task that rewrites its own file_dep is up to date afterwards, as in doit alone."""
    add(
        project,
        """
def task_format():
    return {"actions": ["echo format >> log.txt; echo formatted > text"], "file_dep": ["text"]}
""",
    )
    (project.root / "text").write_text("raw")
    for ran in (["format"], []):
        project.good()
        assert project.built() == ran


def test_an_unreadable_file_dep_fails_its_task_alone(project: Project) -> None:
    """A file_dep that is a link to itself is an error of that task; the others run, without a traceback."""
    add(project, "def task_reads():\n    return {'actions': ['echo reads >> log.txt'], 'file_dep': ['in.txt']}\n")
    (project.root / "in.txt").symlink_to("in.txt")
    (project.root / "times").write_text("2")
    text = project.bad()
    assert "in.txt" in text
    assert len(project.built()) == 7  # all targets, and not the task


@pytest.mark.parametrize("claimed", ["artifacts/upper/notes.txt", "artifacts/split/notes", "artifacts/upper/notes/deep"])
def test_prune_leaves_what_a_plain_task_claims(project: Project, claimed: str) -> None:
    """`doit prune` removes no file or folder that a plain task has as its target; what nobody claims goes."""
    make = f"mkdir -p {Path(claimed).parent} && echo > {claimed}" if claimed.endswith("txt") else f"mkdir -p {claimed}/sub"
    add(project, f"def task_notes():\n    return {{'actions': ['{make}'], 'targets': ['{claimed}'], 'uptodate': [True]}}\n")
    project.good()
    stray = project.root / "artifacts/upper/stray"
    stray.write_text("")
    assert project.good("prune").out == "artifacts/upper/stray\n1 outputs removed\n"
    assert (project.root / claimed).exists()
    assert claimed not in project.good("verify").out
    assert claimed not in project.good("gc").out


def test_prune_leaves_the_folder_of_a_plain_group(project: Project) -> None:
    """A group of plain tasks is not a stage: `doit prune` does not look into a folder of that name."""
    add(project, "def task_notes():\n    yield {'name': 'a', 'actions': ['true']}\n")
    kept = project.root / "artifacts/notes/mine.txt"
    kept.parent.mkdir()
    kept.write_text("mine")
    assert project.good("prune").out == "0 outputs removed\n"
    assert kept.exists()


def test_prune_leaves_a_stage_folder_that_a_plain_task_claims_whole(project: Project) -> None:
    """A plain task that claims a stage's whole folder keeps all that lies in it."""
    add(project, "def task_all():\n    return {'actions': ['true'], 'targets': ['artifacts/upper'], 'uptodate': [True]}\n")
    (project.root / "artifacts/upper/stray").write_text("")
    assert project.good("prune").out == "0 outputs removed\n"


def reads(project: Project, path: str, *, first: bool = False) -> None:
    """Add a plain task that reads `path`, at the beginning or the end of the dodo.py."""
    task = f"""
def task_count():
    return {{"actions": ["echo count >> log.txt; wc -c {path} > count.txt"], "file_dep": ["{path}"], "targets": ["count.txt"]}}
"""
    if first:
        project.edit("dodo.py", "\ndef task_upper", f"{task}\ndef task_upper")
    else:
        add(project, task)


OUTPUTS = ["artifacts/upper/ant.up", "artifacts/split/ant/0.line", "./artifacts/split/bee/1.line"]


@pytest.mark.parametrize("command", [(), ("-n", "2"), ("count",)])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("path", OUTPUTS)
def test_a_plain_task_waits_for_the_output_that_it_reads(
    tmp_path: Path, path: str, command: tuple[str, ...], *, first: bool
) -> None:
    """On a clean tree, after an edit, and with nothing to do: it reads what the target has made in the same run."""
    project = Project.make(tmp_path / "p")
    reads(project, path, first=first)
    project.good(*command)
    assert project.built().count("count") == 1
    before = (project.root / "count.txt").read_text()
    project.good(*command)
    assert project.built() == []
    (project.root / "times").write_text("3")
    project.edit("split.py", "write_text(line)", "write_text(line * 2)")
    project.good(*command)
    assert project.built().count("count") == 1
    assert (project.root / "count.txt").read_text() != before
    project.good(*command)
    assert project.built() == []


def test_a_plain_task_builds_the_one_target_that_it_reads(project: Project) -> None:
    """Selected alone, it has the target built whose output it reads, and no other of the stage."""
    reads(project, "artifacts/split/ant/0.line")
    project.edit("split.py", "write_text(line)", "write_text(line * 2)")
    project.good("count")
    assert project.built() == ["split:ant", "count"]


def test_a_plain_task_is_blocked_by_the_target_that_it_reads_and_by_no_other(project: Project) -> None:
    """A target that fails blocks the plain task that reads it, by name; another target of that stage does not."""
    reads(project, "artifacts/split/ant/0.line", first=True)
    project.edit("split.py", "out.mkdir()", 'if "bee" in out.name:\n        raise ValueError("no bees")\n    out.mkdir()')
    assert project.doit().code == 1
    assert "count" in project.built()
    project.edit("split.py", '"bee"', '"ant"')
    assert "blocked  count  needs split:ant" in project.doit().out


def test_a_single_plain_task_waits_for_nothing(project: Project) -> None:
    """`doit -s` runs the plain task alone, on what is there."""
    reads(project, "artifacts/split/ant/0.line")
    (project.root / "times").write_text("3")
    project.good("-s", "count")
    assert project.built() == ["count"]


def makes(project: Project, path: str) -> None:
    """Add a plain task at the end of the dodo.py that makes `path` of the file `source`."""
    (project.root / "source").write_text("fox\n")
    add(
        project,
        f"def task_make():\n    return {{'actions': ['echo make >> log.txt; cp source {path}'],"
        f" 'file_dep': ['source'], 'targets': ['{path}']}}\n",
    )


@pytest.mark.parametrize("command", [(), ("-n", "2"), ("split:ant",)])
@pytest.mark.parametrize("path", ["data/ant.txt", "./data/ant.txt"])
def test_a_target_waits_for_the_plain_task_that_makes_its_input(project: Project, path: str, command: tuple[str, ...]) -> None:
    """A target whose input a plain task writes is built after it, in the same run, wherever that task stands."""
    makes(project, path)
    for text in ("fox\n", "owl\n"):
        (project.root / "source").write_text(text)
        project.good(*command)
        assert (project.root / "artifacts/split/ant/0.line").read_text() == text.strip().upper()
        assert project.built()[0] == "make"
        project.assert_fresh(*command)


def test_a_target_that_lists_a_folder_waits_for_the_plain_task_that_writes_there(project: Project) -> None:
    """A target with a folder as its input is built once, after the plain task has written a new file into that folder."""
    makes(project, "data/new.csv")
    project.good()
    assert project.built() == ["make", "join:all"]
    assert (project.root / "artifacts/join/all.txt").read_text().endswith("ant.txt,bee.txt,cat.txt,new.csv")
    project.assert_fresh()


@pytest.mark.parametrize("command", [(), ("-n", "2"), ("after",)])
def test_a_plain_task_may_name_a_target_that_is_fresh(project: Project, command: tuple[str, ...]) -> None:
    """A plain task may have a target as task_dep, or read its result, also where that target has nothing to do."""
    add(
        project,
        """
from doit.tools import result_dep

def task_after():
    return {"actions": ["echo after >> log.txt"], "task_dep": ["upper:ant"], "uptodate": [result_dep("upper")]}
""",
    )
    project.good(*command)
    assert project.built() == ["after"]
    project.good(*command)
    project.good()
    project.good("-n", "2")
    assert project.built() == []
    project.edit("data/bee.txt", "bee", "eel")
    project.good(*command)
    assert "after" in project.built()


def test_what_was_restored_is_counted_though_stages_are_listed_again(project: Project) -> None:
    """A target that was restored before the stages were listed again counts as restored."""
    makes(project, "data/ant.txt")
    project.good()
    (project.root / "artifacts/upper/bee.up").unlink()
    assert project.good().counts["restored"] == 1
