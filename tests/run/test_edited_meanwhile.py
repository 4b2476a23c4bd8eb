"""An input that is edited while a run is at work: the next run builds what was made or judged by its old content."""

import pytest

from tests.support.project import Project

DODO = """
from barmill.run.tasks import load, tasks
import shared

PLAN, DOIT_CONFIG = load(__file__)

def task_shared():
    yield from tasks(shared, PLAN)
"""

SHARED = '''
"""Targets that share an input, and one whose build edits it."""
import os, time
from pathlib import Path
from barmill.target import Target

def build(shared: Path, out: Path, *, n: int) -> None:
    out.write_text(f"{n} {sorted(os.listdir(shared)) if shared.is_dir() else shared.read_text()}")

def edit(when: Path, out: Path) -> None:
    if when.read_text() == "edit":
        time.sleep(0.3)
        edited = Path("weights/new") if Path("weights").is_dir() else Path("weights")
        edited.write_text("after")
        time.sleep(0.3)
    out.write_text("edited")

def targets(plan):
    for n, name in enumerate(("a", "edit", "b", "c")):
        out = {"out": plan.path("shared", name)}
        if name == "edit":
            yield Target(name, edit, {"when": Path("when")}, out, {})
        else:
            yield Target(name, build, {"shared": Path("weights")}, out, {"n": n})
'''


@pytest.mark.parametrize("kind", ["file", "folder"])
@pytest.mark.parametrize("selection", [(), ("-n", "2"), ("shared:a", "shared:edit", "shared:b", "shared:c")])
def test_shared_input_edited_during_a_run_makes_every_reader_of_the_old_content_stale(tmp_path, kind, selection):
    """What was compared with the old content is built again by the next run, although another build read the new one."""
    project = Project(tmp_path)
    (tmp_path / "dodo.py").write_text(DODO)
    (tmp_path / "shared.py").write_text(SHARED)
    (tmp_path / "when").write_text("later")
    weights = tmp_path / "weights"
    if kind == "file":
        weights.write_text("before")
    else:
        weights.mkdir()
    project.good()
    (tmp_path / "when").write_text("edit")
    (tmp_path / "artifacts/shared/b").unlink()
    project.good("forget", "shared:b")
    project.doit(*selection)
    (tmp_path / "when").write_text("later")
    project.good()
    read = "after" if kind == "file" else "['new']"
    made = [(tmp_path / "artifacts/shared" / name).read_text() for name in ("a", "b", "c")]
    assert made == [f"0 {read}", f"2 {read}", f"3 {read}"]
    project.good("status")
