"""`doit history`, as users run it."""

import json

from barmill.sources.history import path_of
from tests.commands.fetching import FetchingProject
from tests.support.prices import csv_of, weekdays

PRICES = dict.fromkeys(weekdays("2024-01-01", 5), 1.0)


def test_history(tmp_path):
    """The last entry of each dataset, all entries of one that is named, JSON for programs; damage is told with exit code 1."""
    project = FetchingProject.make(tmp_path / "p")
    assert project.good("history").out == ""
    (tmp_path / "q").mkdir()
    for name in ("ACME", "BETA"):
        (tmp_path / f"q/{name}.csv").write_text(csv_of(PRICES))
    project.providers(q=f'{{kind = "csv", source = "{tmp_path / "q"}"}}')
    project.good("load")
    project.good("update", "-s", "ACME")
    lines = project.good("history").out.splitlines()
    assert [line for line in lines if not line.startswith(" ")] == ["equities/daily/ACME: q", "equities/daily/BETA: q"]
    assert [line.split()[1:3] for line in lines if line.startswith(" ")] == [["ok", "update"], ["ok", "load"]]
    assert [line.split()[2] for line in project.good("history", "acme").out.splitlines()[1:]] == ["load", "update"]
    told = json.loads(project.good("history", "--json", "equities/daily/ACME").out)
    assert [each["rows_added"] for each in told[0]["updates"]] == [5, 0]
    assert "nothing was done to ACNE" in project.bad("history", "equities/daily/ACNE".rpartition("/")[2])
    path_of(project.root / "data/series", "equities/daily/BETA").write_text("{")
    text = project.bad("history", code=1)
    assert "BETA.json is damaged" in text
    assert "equities/daily/ACME: q" in text
