"""What README.md says a user can do, done word for word."""

import re
from pathlib import Path

import pytest

from tests.support.bars import daily
from tests.support.market import NASDAQ, NYSE, REPOSITORY, MarketProject

FIRST = ["instruments", "index", "match", "export", "reports", "chunks", "sessions", "gaps", "coverage", "panel", "indicators"]


@pytest.fixture
def project(tmp_path: Path) -> MarketProject:
    """Two symbols of 60 days, with every stage of daily data."""
    project = MarketProject.make(tmp_path / "p", FIRST)
    project.daily(NASDAQ, "AAPL.US", daily(60, 1))
    project.daily(NYSE, "KO.US", daily(60, 2))
    project.listed("broker.csv", [("AAPL", "", "NASDAQ", "Apple", "USD"), ("KO", "", "NYSE", "Coca-Cola", "USD")])
    return project


def test_add_a_stage(project: MarketProject) -> None:
    """The module and the creator of "Add a stage" make a stage that builds, follows a change and is named by `doit list`."""
    section = (REPOSITORY / "README.md").read_text(encoding="utf-8").partition("\n## Add a stage\n")[2].partition("\n## ")[0]
    module, creator = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    (project.root / "closes.py").write_text(module)
    (project.root / "dodo.py").write_text((project.root / "dodo.py").read_text() + "\n" + creator)
    project.good()
    assert project.table("closes/KO.US.csv")[0]["close"] == str(round(daily(60, 2)[0]["close"], 2))
    assert "Closing prices only, one file per symbol." in project.good("list").out
    project.assert_fresh()
    bars = daily(60, 2)
    bars[9] |= {"close": bars[9]["close"] + 1, "high": bars[9]["high"] + 1}
    project.daily(NYSE, "KO.US", bars)
    assert [name for name in project.ran(project.good()) if name.startswith("closes:")] == ["closes:KO.US"]


def test_a_corrected_price_runs_what_reads_it(project: MarketProject) -> None:
    """Its symbol's export, chunks, gaps and indicators, the panel of its period, and no table that it does not change."""
    project.good()
    bars = daily(60, 2)
    bars[9] |= {"close": bars[9]["close"] + 1, "high": bars[9]["high"] + 1}
    project.daily(NYSE, "KO.US", bars)
    ran = project.ran(project.good())
    year = f"{bars[9]['date']:%Y}"
    assert set(ran) - {"reports:tradeable", "reports:validation"} == {
        "chunks:KO.US", "export:KO.US", "gaps:KO.US", "indicators:KO.US", f"panel:daily/{year}",
    }  # fmt: skip
