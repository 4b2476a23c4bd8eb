"""`doit datasets`, as users run it."""

import json

from tests.support.market import NASDAQ, MarketProject


def test_tree_and_single_series_are_listed(tmp_path):
    """Matched symbols and single series are there; a stray file is named, and makes the exit code 1."""
    project = MarketProject.make(tmp_path)
    project.raw(NASDAQ, "AAPL.US")
    project.listed("broker.csv", [("AAPL", "", "NASDAQ", "Apple", "USD")])
    project.series("forex/1min/EURUSD", ["20240102"])
    project.good()
    found = json.loads(project.good("datasets", "--json").out)
    assert [(each["name"], each["asset_class"], each["exchange"]) for each in found["datasets"]] == [
        ("AAPL.US", "equities", "XNAS"),
        ("forex/1min/EURUSD", "forex", ""),
    ]
    assert (project.root / "artifacts/export/forex/1min/EURUSD.csv").exists()
    (tmp_path / "data/series/eurusd.txt").touch()
    told = project.doit("datasets")
    assert told.code == 1
    assert "stray: data/series/eurusd.txt" in told.out
