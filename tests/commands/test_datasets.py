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


def test_calendars_are_listed(tmp_path):
    """Each series has its calendar; one without is named, with the setting that gives it one; a misspelt one is an error."""
    project = MarketProject.make(tmp_path)
    for name in ("crypto/daily/BTC.V", "bonds/daily/10USY.B"):
        project.series(name, ["20240102"])
    found = json.loads(project.good("datasets", "--json").out)
    assert [each["calendar"] for each in found["datasets"]] == ["", "24/7"]
    told = project.good("datasets").out
    assert "no calendar: bonds/daily/10USY.B; set its calendar" in told
    assert "no calendar: crypto" not in told
    (tmp_path / "pyproject.toml").write_text('[tool.barmill.calendars]\n"bonds/daily/*" = "XNYX"\n')
    refused = project.doit("datasets")
    assert refused.code == 3
    assert "unknown calendar 'XNYX'" in refused.err
    (tmp_path / "pyproject.toml").write_text('[tool.barmill.calendars]\n"bonds/daily/*" = "XNYS"\n')
    assert "no calendar" not in project.good("datasets").out


def test_a_setting_that_matches_no_dataset_is_named_by_run_status_and_datasets(tmp_path):
    """The warning names setting, pattern and the nearest dataset; not before the datasets are known; exit codes stay."""
    project = MarketProject.make(tmp_path, ["instruments", "index", "match"])
    project.raw(NASDAQ, "AAPL.US")
    project.listed("broker.csv", [("AAPL", "", "NASDAQ", "Apple", "USD")])
    (tmp_path / "pyproject.toml").write_text('[tool.barmill]\ncosts = {"AAPL.UK" = "1 2 3", "AAPL*" = "1 2 3"}\n')
    says = "warning: setting costs: 'AAPL.UK' matches no dataset; the nearest are AAPL.US\n"
    assert "warning" not in project.doit("status").out
    assert says in project.good().out
    assert says in project.good().out
    assert says in project.good("status").out
    assert says in project.good("datasets").out
    json.loads(project.good("status", "--json").out)
    json.loads(project.good("datasets", "--json").out)


def test_gaps_from_the_raw_file_to_the_table(tmp_path):
    """A run reports gaps and extra rows of each series; a new closure in the project's table of changes mends the verdict."""
    project = MarketProject.make(tmp_path)
    days = [f"202401{day:02}" for day in (2, 3, 4, 8, 9, 10, 11, 12, 16)]  # the 5th is missing, the 15th a holiday
    project.raw(NASDAQ, "AAPL.US", days)
    project.listed("broker.csv", [("AAPL", "", "NASDAQ", "Apple", "USD")])
    project.series("bonds/daily/10USY.B", days)
    project.good()
    rows = {row["name"]: (row["verdict"], row["missing"], row["expected"]) for row in project.table("coverage/coverage.csv")}
    assert rows == {"AAPL.US": ("missing", "1", "10"), "bonds/daily/10USY.B": ("no calendar", "0", "0")}
    found = json.loads((tmp_path / "artifacts/gaps/AAPL.US.json").read_text())
    assert [(each["start"], each["end"]) for each in found["ranges"]] == [("2024-01-05", "2024-01-05")]
    changes = "calendar,from,to,weekdays,change,open,close,reason\nXNYS,2024-01-05,,,closed,,,the power was out\n"
    (tmp_path / "data/sessions.csv").write_text(changes)
    assert project.ran(project.good()) == ["coverage:all", "gaps:AAPL.US", "sessions:XNYS"]
    assert project.table("coverage/coverage.csv")[0]["verdict"] == "complete"
    assert project.ran(project.good()) == []
    (tmp_path / "data/sessions.csv").write_text(changes.replace("closed", "shut"))
    failed = project.doit()
    assert failed.code != 0
    assert "data/sessions.csv, line 2: change is 'shut'" in failed.out
