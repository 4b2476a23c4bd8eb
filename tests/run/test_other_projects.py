"""A dodo.py that has nothing to do with us, where barmill is installed; and doit's own options in a project of ours."""

import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.project import Project, Result

OTHER = """
from pathlib import Path
{config}
def task_bad():
    return {{"actions": ["false"]}}

def task_copy():
    return {{"actions": ["cp in.txt out.txt"], "file_dep": ["in.txt"], "targets": ["out.txt"], "clean": True}}

def task_group():
    for name in ("a", "b"):
        yield {{"name": name, "actions": ["echo " + name], "uptodate": [True]}}
"""
COMMANDS = [
    [],
    ["-c"],
    ["-n", "2"],
    ["-n", "2", "-c"],
    ["-n", "2", "-P", "thread", "-c"],
    ["copy", "group"],
    ["gruop"],
    ["group:*"],
    ["zzz*"],
    ["-a", "copy"],
    ["-s", "copy"],
    ["list"],
    ["list", "--all", "--status"],
    ["list", "nothing"],
    ["info", "copy"],
    ["forget", "copy"],
    ["forget", "--all"],
    ["clean"],
    ["ignore", "copy"],
    *(["--backend", backend, "--db-file", f"other.{backend}", "copy"] for backend in ("json", "dbm", "sqlite3")),
    *(["-c", "--reporter", reporter] for reporter in ("console", "zero", "executed-only", "error-only")),
    ["--db-file", "own.db", "copy"],
    ["-o", "written.txt", "copy"],
]


def run(folder: Path, arguments: list[str], *, stock: bool = False) -> Result:
    """Run doit in a folder, or doit as it is where nothing but it is installed."""
    alone = "import importlib.metadata; importlib.metadata.entry_points = lambda **_: [];" if stock else ""
    start = f"import sys; sys.argv[0] = 'doit'; {alone} from doit.__main__ import main; sys.exit(main())"
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", start, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environ)
    return Result(done.returncode, done.stdout, done.stderr)


def other(folder: Path, config: str = "") -> Path:
    """A project of doit alone."""
    folder.mkdir()
    (folder / "dodo.py").write_text(OTHER.format(config=config))
    (folder / "in.txt").write_text("one")
    return folder


def _lines(text: str) -> list[str]:
    return sorted(text.splitlines())  # workers end in any order


@pytest.mark.parametrize("config", ["", 'DOIT_CONFIG = {"backend": "json", "reporter": "executed-only", "continue": True}'])
def test_doit_is_as_without_us(tmp_path: Path, config: str) -> None:
    """Each command prints, exits and leaves behind what it does where barmill is not installed."""
    ours, theirs = other(tmp_path / "ours", config), other(tmp_path / "theirs", config)
    for arguments in COMMANDS:
        got, right = run(ours, arguments), run(theirs, arguments, stock=True)
        assert got.code == right.code, arguments
        assert _lines(got.out) == _lines(right.out), arguments
        assert _lines(got.err.replace(str(ours), str(theirs))) == _lines(right.err), arguments
    assert sorted(p.name for p in ours.iterdir()) == sorted(p.name for p in theirs.iterdir())


def test_the_json_reporter_is_as_without_us(tmp_path: Path) -> None:
    """Its results are those of doit alone."""
    told = json.loads(run(other(tmp_path / "p"), ["-c", "--reporter", "json"]).out)
    assert [(task["name"], task["result"]) for task in told["tasks"]][:2] == [("bad", "fail"), ("copy", "success")]


def test_an_option_of_ours_is_refused(tmp_path: Path) -> None:
    """An option that doit does not have is refused by name in a project that is not ours."""
    result = run(other(tmp_path / "p"), ["--rebuild", "group"])
    assert (result.code, result.err.count("\n")) == (3, 2)
    assert "--rebuild works only in a project of barmill" in result.err


def test_our_commands_refuse_another_project(tmp_path: Path) -> None:
    """Each command of ours refuses in one line and a hint, exit code 3, and writes nothing."""
    folder = other(tmp_path / "p")
    before = sorted(folder.iterdir())
    ours = {each.name for each in importlib.metadata.entry_points(group="doit.COMMAND") if each.value.startswith("barmill")}
    arguments = {
        "explain": ["copy"],
        "archive": ["--before", "2024-01-01"],
        "unpin": ["kept"],
        "reconcile": ["in.txt", "in.txt"],
        "load": ["stooq"],
        "notify": ["-m", "text"],
    }
    calls = [(name, arguments.get(name, [])) for name in sorted(ours - {"run"})]
    calls += [("publish", [option]) for option in ("--check", "--dry-run", "--repair", "--no-build")]
    for name, words in calls:
        result = run(folder, [name, *words])
        assert result.code == 3, (name, result)
        assert "Traceback" not in result.err
        assert f"doit {name} is a command of barmill" in result.err, result.err
    assert [path for path in sorted(folder.iterdir()) if path.name != "__pycache__"] == before


@pytest.mark.parametrize("option", [("--backend", "json"), ("--backend", "sqlite3"), ("--db-file", "x.db")])
@pytest.mark.parametrize("command", ["run", "list", "forget", "status"])
def test_another_backend_is_refused_in_a_project_of_ours(project: Project, command: str, option: tuple[str, ...]) -> None:
    """A project of ours keeps its state in one place: another backend or file is refused in a line, and nothing is touched."""
    names = ["upper:ant"] if command == "forget" else []
    text = project.bad(command, *option, *names, code=3)
    assert "hint: leave out --backend and --db-file" in text
    assert not (project.root / "x.db").exists()


@pytest.mark.parametrize("reporter", ["json", "console", "zero", "executed-only", "error-only"])
@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_every_reporter_works_in_a_project_of_ours(project: Project, reporter: str, workers: tuple[str, ...]) -> None:
    """doit's own reporters work, and what they report is what was built."""
    (project.root / "times").write_text("2")
    result = project.good("--reporter", reporter, *workers)
    assert len(project.built()) == 7
    if reporter == "json":
        built = [task["name"] for task in json.loads(result.out)["tasks"] if ":" in task["name"]]
        assert sorted(built)[:2] == ["join:all", "split:ant"]
    project.assert_fresh()


def test_a_hangup_that_is_ignored_stays_ignored(project: Project) -> None:
    """Under nohup a run goes on when its terminal goes away."""
    project.edit("join.py", "out.write_text", "os.kill(os.getpid(), 1); out.write_text")
    (project.root / "times").write_text("2")
    ended = project.doit(behind=("sh", "-c", 'trap "" HUP; exec "$@"', "sh"))
    assert ended.code == 0, ended.err
