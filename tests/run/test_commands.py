"""doit's commands and ours on a toy project."""

import json
import re

import pytest

from tests.support.project import Project


def test_list(project: Project) -> None:
    """`doit list` tells each stage with the first line of its docstring, `--all` each target, whether fresh or not."""
    assert project.good("list").out.splitlines() == [
        "join    All texts in one, and the names in the folder.",
        "split   A folder with a file per line of each upper text.",
        "upper   Upper case of each text.",
    ]
    listed = project.good("list", "--all", "-q").out.split()
    assert {"upper:ant", "join:all", "split:cat"} <= set(listed)


def test_info(project: Project) -> None:
    """`doit info` tells a target's inputs and outputs."""
    text = project.good("info", "--no-status", "upper:ant").out
    assert "data/ant.txt" in text
    assert "artifacts/upper/ant.up" in text


def test_info_of_a_group(project: Project) -> None:
    """`doit info` shows each file of a group as file_dep, and says that a fresh target is up to date."""
    text = project.good("info", "join:all").out
    deps = text.partition("file_dep")[2].partition("task_dep")[0]
    assert [line.strip(" -") for line in deps.splitlines()[1:] if line] == [
        "artifacts/upper/ant.up",
        "artifacts/upper/bee.up",
        "artifacts/upper/cat.up",
        "data",
    ]
    assert "up-to-date" in text


def test_clean(project: Project) -> None:
    """`doit clean` removes outputs, folders too, says which, and a dry run removes nothing; the next run restores them."""
    before = project.artifacts()
    assert "artifacts/upper/ant.up" in project.good("clean", "-n", "upper:ant").out
    assert project.artifacts() == before
    project.good("clean", "split:ant")
    assert not (project.root / "artifacts/split/ant").exists()
    project.good("clean", "upper:bee")
    assert {name for name in before.keys() - project.artifacts().keys() if "split/ant" not in name} == {"upper/bee.up"}
    result = project.good()
    assert (result.counts["built"], result.counts["restored"]) == (0, 2)
    assert project.artifacts() == before


@pytest.mark.parametrize("options", [(), ("-n", "2")])
def test_the_last_line_counts(project: Project, options: tuple[str, ...]) -> None:
    """The last line has the counts and the time, and nothing else is printed when nothing was done."""
    out = project.good(*options).out
    assert re.fullmatch(r"0 built, 0 restored, 7 fresh, 0 failed in \d+\.\d\d s(; the cache saved \d+\.\d s)?\n", out)


def test_each_target_has_its_line(project: Project) -> None:
    """What was built or restored has a line with its name."""
    project.edit("data/ant.txt", "ant", "emu")
    (project.root / "artifacts/upper/cat.up").unlink()
    lines = project.good().out.splitlines()
    assert [line.split()[:2] for line in lines[:-1]] == [
        ["restored", "upper:cat"],
        ["built", "upper:ant"],
        ["built", "join:all"],
        ["built", "split:ant"],
    ]


def test_an_ignored_target_is_left_alone(project: Project) -> None:
    """`doit ignore` keeps a stale target from being built, until it is forgotten; it is counted."""
    project.edit("data/ant.txt", "ant", "emu")
    project.good("ignore", "upper:ant")
    assert "1 ignored" in project.good("upper:ant").out
    assert project.built() == []
    project.good("forget", "upper:ant")
    project.good("upper:ant")
    assert project.built() == ["upper:ant"]


def test_explain_fresh(project: Project) -> None:
    """`doit explain` of a fresh target exits with 0 and tells what it reads, writes and takes, and when it was built."""
    out = project.good("explain", "upper:ant").out
    assert out.startswith("upper:ant: fresh\n")
    for words in ("reads    text data/ant.txt", "writes   out artifacts/upper/ant.up", "params   times=1", "built    20"):
        assert words in out


def text_edit(project: Project) -> None:
    """Another input."""
    project.edit("data/ant.txt", "ant", "emu")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (text_edit, r"input text data/ant\.txt: \w{12} → \w{12}"),
        (lambda p: (p.root / "times").write_text("2"), "parameter times changed: 1 → 2"),
        (lambda p: p.edit("upper.py", "int(Path", "float(Path"), r"parameter times changed: 1 → 1\.0"),
        (lambda p: p.edit("helpers.py", '"!"', '"?"'), r"the code of upper\.build changed: \w{12} → \w{12}"),
        (lambda p: (p.root / "artifacts/upper/ant.up").unlink(), r"output artifacts/upper/ant\.up is missing"),
        (lambda p: (p.root / "artifacts/upper/ant.up").write_text(""), r"output artifacts/upper/ant\.up is not what was built"),
        (lambda p: p.good("forget", "upper:ant"), "it was forgotten"),
        (lambda p: (p.root / "data/ant.txt").rename(p.root / "data/emu.TXT"), "unknown target"),
    ],
)
def test_explain_names_the_reason(project: Project, change: object, reason: str) -> None:
    """Whatever makes a target stale is named; the exit code is 1, and nothing runs."""
    change(project)
    result = project.doit("explain", "upper:ant")
    assert re.search(reason, result.out + result.err), result.out + result.err
    assert result.code == (1 if "unknown target" not in reason else 3)
    assert project.built() == []


def test_explain_in_json(project: Project) -> None:
    """`--json` gives the same for programs; stages, paths and several names may be asked for."""
    text_edit(project)
    told = json.loads(project.doit("explain", "--json", "upper", "artifacts/join/all.txt").out)
    assert [each["task"] for each in told] == ["upper:ant", "upper:bee", "upper:cat", "join:all"]
    assert [each["kind"] for each in told] == ["stale", "fresh", "fresh", "behind"]
    assert [bool(each["reasons"]) for each in told] == [True, False, False, True]
    assert told[3]["reasons"] == ["artifacts/upper/ant.up is written by upper:ant, which is not fresh"]
    assert told[0]["reads"] == [{"role": "text", "path": "data/ant.txt"}]


def test_explain_says_no_less_than_the_run(project: Project) -> None:
    """A group of files in another order makes a target stale, and is told as a reason."""
    project.edit("join.py", "for p in names]", "for p in reversed(names)]")
    result = project.doit("explain", "join:all")
    assert (result.code, "because" in result.out) == (1, True), result.out
    project.good()
    assert project.built() == ["join:all"]


@pytest.mark.parametrize("arguments", [("explain",), ("explain", "upper:atn")])
def test_explain_of_nothing(project: Project, arguments: tuple[str, ...]) -> None:
    """Without a target, or with one that is not there, there is an error with a hint."""
    assert "hint: " in project.bad(*arguments, code=3)


def kinds(project: Project, code: int) -> dict[str, dict[str, int]]:
    """What `doit status --json` says, zeros left out."""
    result = project.doit("status", "--json")
    assert result.code == code, result.out + result.err
    assert project.built() == []
    counted = json.loads(result.out)
    return {stage: {kind: number for kind, number in each.items() if number} for stage, each in counted.items()}


def test_status(project: Project) -> None:
    """`doit status` counts per stage what is fresh, stale, missing and behind; exit code 0 only if all are fresh."""
    assert kinds(project, 0) == {"upper": {"fresh": 3}, "join": {"fresh": 1}, "split": {"fresh": 3}}
    text_edit(project)
    (project.root / "artifacts/split/cat").rename(project.root / "away")
    assert kinds(project, 1) == {
        "upper": {"fresh": 2, "stale": 1},
        "join": {"behind": 1},
        "split": {"behind": 2, "missing": 1, "not_known_until": "join:all"},
    }
    (project.root / "artifacts/upper/bee.up").unlink()
    assert kinds(project, 1)["upper"] == {"fresh": 1, "stale": 1, "missing": 1}


def test_status_agrees_with_the_run(project: Project) -> None:
    """The table has a line per stage."""
    lines = project.good("status").out.splitlines()
    assert [line.split() for line in lines] == [
        ["stage", "fresh", "stale", "missing", "behind"],
        ["upper", "3", "0", "0", "0"],
        ["join", "1", "0", "0", "0"],
        ["split", "3", "0", "0", "0"],
    ]


def test_prune(project: Project) -> None:
    """`doit prune` removes outputs that no target claims and nothing else; a dry run lists them; they can be restored."""
    before = project.artifacts()
    (project.root / "data/ant.txt").rename(project.root / "ant.txt")
    (project.root / "artifacts/upper/notes").mkdir()
    project.good()
    listed = project.good("prune", "-n").out.splitlines()
    assert listed == ["artifacts/split/ant", "artifacts/upper/ant.up", "artifacts/upper/notes", "3 outputs would be removed"]
    assert (project.root / "artifacts/upper/notes").exists()
    assert project.good("prune").out.splitlines() == [*listed[:3], "3 outputs removed"]
    assert {name for name in before if "ant" not in name} == set(project.artifacts())
    assert project.good("prune").out == "0 outputs removed\n"
    project.assert_fresh()
    (project.root / "ant.txt").rename(project.root / "data/ant.txt")
    assert project.good().counts["built"] == 0
    assert project.artifacts() == before


def test_info_and_list_of_a_target_whose_input_is_missing_say_so(project: Project) -> None:
    """`doit info` and `doit list --status` of a target whose input is not built end well and call it not up to date."""
    (project.root / "artifacts/upper/ant.up").unlink()
    result = project.doit("info", "join:all")
    assert "artifacts/upper/ant.up" in result.out
    assert not result.err
    listed = project.good("list", "--all", "--status").out
    assert re.search(r"^[RE] join:all", listed, re.MULTILINE)
    assert re.search(r"^U upper:bee", listed, re.MULTILINE)
