"""What lies below `data/` is written by the commands that are for it, and by no other."""

import os

import pytest

from tests.support.market import FIRST_STAGES, NASDAQ, MarketProject

LOOKS = [
    ("run",), ("run", "-a"), ("status",), ("list", "--all"), ("info", "export:AAPL.US"), ("explain", "export:AAPL.US"),
    ("datasets",), ("history",), ("history", "AAPL.US"), ("health",), ("due",), ("due", "--crontab"), ("stats",), ("store",),
    ("reconcile", "AAPL.US", "MSFT.US"), ("publish",), ("publish", "--check"), ("verify", "--inputs", "--repair"), ("prune",),
    ("gc",), ("pin", "now"), ("unpin", "now"), ("clean", "export:AAPL.US"), ("forget", "export:AAPL.US"), ("notify", "status"),
]  # fmt: skip


@pytest.fixture
def project(tmp_path):
    """A built project of two symbols and a single series."""
    project = MarketProject.make(tmp_path / "p", [*FIRST_STAGES, "chunks", "indicators", "sessions"])
    for name in ("AAPL.US", "MSFT.US"):
        project.raw(NASDAQ, name)
    project.series("crypto/daily/BTC", ["20240102", "20240103"])
    project.listed("broker.csv", [(name, "", "NASDAQ", name, "USD") for name in ("AAPL", "MSFT")])
    project.good()
    return project


def found(project):
    """Everything below `data/`: path, size, inode and times."""
    paths = sorted((project.root / "data").rglob("*"))
    return {str(path): (s.st_size, s.st_ino, s.st_mtime_ns, s.st_ctime_ns) for path in paths if (s := os.stat(path))}


def test_other_commands_write_nothing_below_data(project):
    """Runs, looks, publishing and cleaning leave every file and folder below `data/` as it was."""
    before = found(project)
    for arguments in LOOKS:
        result = project.doit(*arguments)
        assert "Traceback" not in result.err, (arguments, result.err)
        assert found(project) == before, arguments
