"""The layers of the package, as import-linter sees them."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]


def test_contracts_hold() -> None:
    """Layers point down, stages are independent, only `run` imports doit, and the machinery knows no market."""
    pytest.importorskip("importlinter", reason="import-linter is not installed (extra dev)")
    program = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    assert program is not None
    done = subprocess.run([program, "--no-cache"], cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_files_renames() -> None:
    """`files` is the one module that renames, so that nothing half-written gets its final name elsewhere."""
    words = ("os.replace", "os.rename", "shutil.move")
    sources = sorted((REPOSITORY / "src/barmill").rglob("*.py"))
    assert sources
    renaming = {path.name for path in sources if any(word in path.read_text(encoding="utf-8") for word in words)}
    assert renaming == {"files.py"}
