"""The house rules that keep dodo.py, README and tests complete: a stage that is nowhere named is an error."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.market import REPOSITORY

STAGES = sorted(path.stem for path in (REPOSITORY / "src/barmill/stages").glob("*.py") if path.stem != "__init__")
COMMANDS = sorted(
    path.stem
    for folder in ("run/commands", "commands")
    for path in (REPOSITORY / "src/barmill" / folder).glob("*.py")
    if path.stem not in {"__init__", "select", "base", "fetching"}
)

COMMANDS_OF_DOIT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["entry-points"]["doit.COMMAND"]


@pytest.mark.parametrize("stage", STAGES)
def test_stage_has_a_creator(stage: str) -> None:
    """dodo.py has a creator for each stage, which yields its tasks."""
    tree = ast.parse((REPOSITORY / "dodo.py").read_text())
    creators = {node.name: ast.unparse(node) for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert f"tasks({stage}, PLAN)" in creators[f"task_{stage}"]


@pytest.mark.parametrize("stage", STAGES)
def test_stage_has_a_row_in_the_readme(stage: str) -> None:
    """README's stage table names each stage."""
    assert re.search(rf"^\| `{stage}` \|", (REPOSITORY / "README.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize("stage", STAGES)
def test_stage_has_a_contract_test(stage: str) -> None:
    """Each stage's test inherits the contract."""
    text = (REPOSITORY / f"tests/stages/test_{stage}.py").read_text()
    assert re.search(r"class \w+\(StageContract\)", text)
    assert f'stage = "{stage}"' in text


@pytest.mark.parametrize("command", COMMANDS)
def test_command_is_in_the_readme(command: str) -> None:
    """README's command table names each command, and the package registers it."""
    readme = (REPOSITORY / "README.md").read_text()
    assert re.search(rf"`doit {command}\b", readme) or command == "run"
    assert re.search(rf'^{command} = "barmill', (REPOSITORY / "pyproject.toml").read_text(), re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS_OF_DOIT)
def test_command_tells_its_options(command: str, tmp_path: Path) -> None:
    """Each command has its help behind `--help`, where there is no project, too, and exits with 0."""
    done = subprocess.run(
        [sys.executable, "-m", "doit", command, "--help"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "PURPOSE" in done.stdout
    assert "OPTIONS" in done.stdout
