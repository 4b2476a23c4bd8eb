"""What one raw file that can't be read stops, and what it does not: the whole graph, on a first build and later."""

from pathlib import Path

import pytest

from tests.support.market import NASDAQ, MarketProject

DAYS = ("20240102", "20240103", "20240104")
STAGES = ("instruments", "index", "match", "export", "reports", "chunks", "sessions", "gaps", "coverage", "panel", "indicators")
NEEDS_ALL = ["coverage:all", "panel:daily/2024", "reports:tradeable", "reports:validation"]
NEEDS_IT = ["chunks:BAD.US", "gaps:BAD.US", "indicators:BAD.US"]


@pytest.fixture
def project(tmp_path: Path) -> MarketProject:
    """A project of three symbols, of which one has a raw file that can't be read."""
    project = MarketProject.make(tmp_path / "p", STAGES)
    for ticker in ("BAD.US", "GOOD.US", "FINE.US"):
        project.raw(NASDAQ, ticker, DAYS)
    rows = [[name, "", "NASDAQ", f"{name} Inc", "USD"] for name in ("BAD", "GOOD", "FINE")]
    project.listed("broker.csv", rows)
    return project


def break_file(project: MarketProject) -> Path:
    """Put a link to nothing in the place of a raw file."""
    path = project.root / "data/stooq" / NASDAQ / "bad.us.txt"
    path.unlink()
    path.symlink_to("nowhere")
    return path


def blocked(out: str) -> dict[str, str]:
    """What could not be tried, and what it needs."""
    words = [line.split() for line in out.splitlines() if line.startswith("blocked ")]
    return {each[1]: each[3] for each in words}


def made(project: MarketProject) -> dict[str, bytes]:
    """What the stages wrote: relative path → bytes."""
    root = project.root / "artifacts"
    files = {str(path.relative_to(root)): path for stage in STAGES for path in (root / stage).rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items()}


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_on_a_first_build(project: MarketProject, workers: tuple[str, ...]) -> None:
    """The series of the file, and what is made of all series, wait for it and are named; nothing is made of nothing."""
    path = break_file(project)
    result = project.doit(*workers)
    assert result.code == 2
    assert sorted(blocked(result.out)) == sorted(NEEDS_IT + NEEDS_ALL)
    assert blocked(result.out)["gaps:BAD.US"] == "chunks:BAD.US"
    found = made(project).keys()
    assert not [name for name in found if "BAD" in name]
    assert {"indicators/GOOD.US.parquet", "gaps/FINE.US.json", "chunks/GOOD.US/2024.parquet"} <= found
    path.unlink()
    project.raw(NASDAQ, "BAD.US", DAYS)
    project.good(*workers)
    project.assert_fresh()


def test_later(project: MarketProject) -> None:
    """What was built of the file stays as it is until it can be read again."""
    project.good()
    before = made(project)
    break_file(project)
    result = project.doit()
    assert result.code == 2
    assert sorted(blocked(result.out)) == sorted(NEEDS_IT + NEEDS_ALL)
    assert result.counts["built"] == 0
    assert made(project) == before


def test_single_series_alone(tmp_path: Path) -> None:
    """A project that has single series, and neither tree nor list, is built."""
    project = MarketProject.make(tmp_path / "p", STAGES)
    (project.root / "data/stooq").rmdir()
    (project.root / "data/instruments").rmdir()
    project.series("equities/daily/AAPL", ["20240102", "20240103"])
    project.good()
    assert [next(iter(row.values())) for row in project.table("coverage/coverage.csv")] == ["equities/daily/AAPL"]
    project.assert_fresh()
    (project.root / "data/stooq").mkdir()
    assert project.good().counts["built"] > 0


def test_a_wrong_setting_met_late(project: MarketProject) -> None:
    """A setting that is wrong only for what an earlier stage finds ends the run with the exit code of wrong settings."""
    result = project.doit(BARMILL_CALENDARS="GOOD.US=XMRS")
    assert result.code == 3
    assert "'XMRS'" in result.out + result.err
