"""Where the real data lies: `BARMILL_REAL_DATA`, else a folder beside the project; tests skip where it is absent."""

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]


def real_data(*parts: str) -> Path:
    """The path of real data below its root; skips the calling test, with the reason, when it is not there."""
    root = os.environ.get("BARMILL_REAL_DATA")
    path = (Path(root) if root else _ROOT.parent / "shared" / "real").joinpath(*parts)
    if not path.exists():
        pytest.skip(f"real data {'/'.join(parts) or 'root'} is absent; set BARMILL_REAL_DATA to its folder")
    return path
