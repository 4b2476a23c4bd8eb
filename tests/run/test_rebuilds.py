"""What users see of a rebuild: exactly what is stale is built, what was ever built is restored, the rest is left alone."""

import os
import re
import shutil
from collections.abc import Callable

import pytest

from tests.support.project import Project, Result

ALL = ["join:all", "split:ant", "split:bee", "split:cat", "upper:ant", "upper:bee", "upper:cat"]


def counts(result: Result) -> tuple[int, int, int]:
    """built, restored, fresh."""
    return result.counts["built"], result.counts["restored"], result.counts["fresh"]


def test_cold_build(tmp_path: object) -> None:
    """A cold build builds every target once, a second one none."""
    project = Project.make(tmp_path / "p")
    assert counts(project.good()) == (7, 0, 0)
    assert sorted(project.built()) == ALL
    assert counts(project.good()) == (0, 0, 7)
    assert project.built() == []


def test_the_artifacts_are_right(project: Project) -> None:
    """The outputs are what the build functions write."""
    assert project.artifacts() == {
        "join/all.txt": b"ANT\nHAS LEGS\n!\nBEE\nHAS LEGS\n!\nCAT\nHAS LEGS\n!\nant.txt,bee.txt,cat.txt",
        **{f"split/{name}/0.line": name.upper().encode() for name in ("ant", "bee", "cat")},
        **{f"split/{name}/1.line": b"HAS LEGS" for name in ("ant", "bee", "cat")},
        **{f"split/{name}/2.line": b"!" for name in ("ant", "bee", "cat")},
        **{f"upper/{name}.up": f"{name.upper()}\nHAS LEGS\n!".encode() for name in ("ant", "bee", "cat")},
    }


def test_two_workers_give_the_same(project: Project, tmp_path: object) -> None:
    """`-n 2` builds the same artifacts and records the same keys."""
    other = Project.make(tmp_path / "other")
    assert counts(other.good("-n", "2")) == (7, 0, 0)
    assert sorted(other.built()) == ALL
    assert other.artifacts() == project.artifacts()
    assert {record["key"] for record in other.records()} == {record["key"] for record in project.records()}
    other.assert_fresh("-n", "2")


DAMAGES: dict[str, tuple[Callable[[Project], object], int]] = {
    "edited": (lambda p: (p.root / "artifacts/upper/ant.up").write_text("ANT\nhas legs\n!"), 1),
    "truncated": (lambda p: (p.root / "artifacts/upper/ant.up").write_text(""), 1),
    "deleted": (lambda p: (p.root / "artifacts/upper/ant.up").unlink(), 1),
    "edited in a folder": (lambda p: (p.root / "artifacts/split/ant/0.line").write_text("x"), 1),
    "added to a folder": (lambda p: (p.root / "artifacts/split/ant/9.line").write_text("x"), 1),
    "deleted in a folder": (lambda p: (p.root / "artifacts/split/ant/0.line").unlink(), 1),
    "an optional output by hand": (lambda p: (p.root / "artifacts/join/empty.txt").write_text("x"), 1),
    "folder deleted": (lambda p: shutil.rmtree(p.root / "artifacts/split"), 3),
    "all deleted": (lambda p: [shutil.rmtree(p.root / "artifacts" / name) for name in ("upper", "join", "split")], 7),
    "state deleted": (lambda p: [path.unlink() for path in (p.root / "artifacts").glob("state.sqlite*")], 0),
    "state garbage": (lambda p: (p.root / "artifacts/state.sqlite").write_bytes(b"garbage" * 999), 0),
    "state truncated": (lambda p: os.truncate(p.root / "artifacts/state.sqlite", 5000), 0),
}


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_restored_without_a_build(project: Project, name: str, workers: tuple[str, ...]) -> None:
    """Outputs that were edited, cut, deleted or added come back from the store; a lost state costs no build."""
    right = project.artifacts()
    damage, restored = DAMAGES[name]
    damage(project)
    assert counts(project.good(*workers)) == (0, restored, 7 - restored)
    assert project.artifacts() == right
    assert project.built() == []
    project.assert_fresh()


def test_an_upstream_edit_reaches_the_end(project: Project) -> None:
    """An edited input rebuilds what depends on it, and going back restores it."""
    before = project.artifacts()
    project.edit("data/ant.txt", "legs", "six legs")
    project.good()
    assert sorted(project.built()) == ["join:all", "split:ant", "upper:ant"]
    assert project.artifacts()["split/ant/1.line"] == b"HAS SIX LEGS"
    project.edit("data/ant.txt", "six legs", "legs")
    assert counts(project.good()) == (0, 3, 4)
    assert project.artifacts() == before
    assert project.built() == []


def test_an_edit_that_makes_no_difference_stops_there(project: Project) -> None:
    """An upstream edit whose output comes out equal rebuilds nothing downstream."""
    project.edit("data/ant.txt", "ant", "Ant")
    project.good()
    assert project.built() == ["upper:ant"]


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_an_edit_of_a_part_writes_that_part(project: Project, workers: tuple[str, ...]) -> None:
    """Of a folder that is built anew, and of one that is restored, only the files that differ are written."""
    folder = project.root / "artifacts/split/ant"

    def written() -> set[str]:
        now = {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.iterdir()}
        changed = {name for name in now if now[name] != before.get(name)}
        before.clear()
        before.update(now)
        return changed

    before: dict[str, tuple[int, int]] = {}
    assert written() == {"0.line", "1.line", "2.line"}
    for old, new, origin in (("legs", "six legs", "built"), ("six legs", "legs", "restored")):
        project.edit("data/ant.txt", old, new)
        assert project.good(*workers).counts[origin] == 3
        assert written() == {"1.line"}


def test_touch_and_copying_back_build_nothing(project: Project) -> None:
    """New stamps on the same bytes build nothing."""
    for path in project.root.rglob("*"):
        if "store" not in path.parts:
            os.utime(path)
    project.assert_fresh()


def test_a_parameter_counts(project: Project) -> None:
    """Another parameter rebuilds what takes it; the former one restores."""
    (project.root / "times").write_text("2")
    assert counts(project.good())[0] == 7
    (project.root / "times").write_text("1")
    assert counts(project.good()) == (0, 7, 0)


@pytest.mark.parametrize(
    ("name", "old", "new", "built"),
    [
        ("helpers.py", '"""Upper case."""', '"""In upper case."""', []),
        ("helpers.py", "    return text\n", "    return text.lower()\n", []),
        ("upper.py", "# a comment", "# another comment", []),
        ("upper.py", "text: Path", "text: 'Path'", []),
        ("helpers.py", 'SUFFIX = "!"', 'SUFFIX = "?"', ALL),
        ("helpers.py", "text.upper()", "text.upper().strip()", ALL),
        ("helpers.py", "text.upper()", "str.upper(text)", ["upper:ant", "upper:bee", "upper:cat"]),
        ("split.py", "splitlines()", "split(None)", ["split:ant", "split:bee", "split:cat"]),
    ],
)
def test_code_counts_as_far_as_it_is_reached(project: Project, name: str, old: str, new: str, built: list[str]) -> None:
    """Comments and unused code build nothing; code that is used builds what uses it, and nothing beyond equal results."""
    project.edit(name, old, new)
    project.good()
    assert sorted(project.built()) == built
    project.edit(name, new, old)
    project.good()
    assert project.built() == []


def test_a_new_and_a_removed_input(project: Project) -> None:
    """A new input brings its targets, a removed one changes what lists it."""
    (project.root / "data/dog.txt").write_text("dog")
    project.good()
    assert sorted(project.built()) == ["join:all", "split:dog", "upper:dog"]
    (project.root / "data/dog.txt").unlink()
    assert counts(project.good()) == (0, 1, 6)
    assert project.artifacts()["join/all.txt"].endswith(b"ant.txt,bee.txt,cat.txt")


def test_optional_output_comes_and_goes(project: Project) -> None:
    """An optional output is there exactly when it was written, also when its build is restored."""
    data, empty = project.root / "data", project.root / "artifacts/join/empty.txt"
    data.rename(project.root / "away")
    data.mkdir()
    project.good()
    assert empty.exists()
    data.rmdir()
    (project.root / "away").rename(data)
    assert counts(project.good())[0] == 0
    assert not empty.exists()


def test_forgotten_targets_are_built_again(project: Project) -> None:
    """`doit forget` has a target, or all, built again though the store has them; nothing else runs."""
    project.good("forget", "upper:ant")
    assert counts(project.good()) == (1, 0, 6)
    assert project.built() == ["upper:ant"]
    project.assert_fresh()
    project.good("forget", "upper")
    project.good()
    assert sorted(project.built()) == ["upper:ant", "upper:bee", "upper:cat"]
    project.good("forget", "--all")
    assert counts(project.good("-n", "2")) == (7, 0, 0)
    project.assert_fresh()


def test_a_forgotten_target_that_fails_stays_forgotten(project: Project) -> None:
    """A forgotten target whose build fails is built, not restored, when the fault is mended."""
    project.good("forget", "upper:ant")
    project.edit("helpers.py", "return text.upper()", "raise ValueError\n    return text.upper()")
    assert project.doit("upper:ant").code != 0
    project.edit("helpers.py", "raise ValueError\n    return text.upper()", "return text.upper()")
    project.built()
    project.good()
    assert project.built() == ["upper:ant"]


def test_always_builds_everything(project: Project) -> None:
    """`doit -a` builds every target though all are fresh."""
    assert counts(project.good("-a")) == (7, 0, 0)
    assert sorted(project.built()) == ALL
    project.assert_fresh()


def test_a_listing_of_outputs_is_an_input(project: Project) -> None:
    """A target that reads the names in a folder of outputs is built after they were written, in the same run."""
    (project.root / "names.py").write_text(
        '"""Names of the upper texts."""\nfrom barmill.target import Target\n'
        "def build(folder, out):\n    out.write_text(','.join(sorted(path.name for path in folder.iterdir())))\n"
        "def targets(plan):\n"
        "    yield Target('all', build, {'folder': plan.path('upper', '')}, {'out': plan.path('names', 'all.txt')})\n"
    )
    project.edit("dodo.py", "import upper,", "import names, upper,")
    with open(project.root / "dodo.py", "a") as file:
        file.write("\ndef task_names():\n    yield from tasks(names, PLAN)\n")
    out = project.root / "artifacts/names/all.txt"
    for workers in ((), ("-n", "2")):
        project.good(*workers)
        (project.root / f"data/dog{len(workers)}.txt").write_text("dog")
        project.good(*workers)
        assert out.read_text() == ",".join(sorted(os.listdir(project.root / "artifacts/upper")))
        project.assert_fresh()


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_file_in_a_folder_of_outputs_is_an_input(project: Project, workers: tuple[str, ...]) -> None:
    """A target that reads one file of a folder that another target writes is built after it, in the same run."""
    (project.root / "first.py").write_text(
        '"""First lines."""\nfrom barmill.target import Target\n'
        "def build(line, out):\n    out.write_text(line.read_text())\n"
        "def targets(plan):\n"
        "    yield Target('ant', build, {'line': plan.path('split', 'ant/0.line')}, {'out': plan.path('first', 'ant')})\n"
    )
    project.edit("dodo.py", "import upper,", "import first, upper,")
    project.edit("dodo.py", "def task_upper", "def task_first():\n    yield from tasks(first, PLAN)\n\ndef task_upper")
    project.edit("split.py", "    out.mkdir()\n", "    out.mkdir()\n    import time\n    time.sleep(0.3)\n")
    for text in ("emu", "gnu"):
        (project.root / "data/ant.txt").write_text(text)
        project.good(*workers)
        assert (project.root / "artifacts/first/ant").read_text() == text.upper() + "!"
        project.assert_fresh()


def test_order_of_creators_decides_nothing(project):
    """A stage listed above one that it reads is not judged before that one has its targets."""
    dodo = project.root / "dodo.py"
    head, upper, join, split = re.split(
        r"(?=^def task_upper|^def task_join|^@create_after)", dodo.read_text(), flags=re.MULTILINE
    )
    dodo.write_text(head + join + upper + split)
    assert project.doit().code == 0
    project.built()
    (project.root / "data/ant.txt").write_text("emu\n")
    assert project.doit().code == 0
    assert project.built() == ["upper:ant", "join:all", "split:ant"]
    assert project.doit().counts["fresh"] == 7
