"""`doit health`, as people, programs and cron run it."""

import json
import os
import pty
import subprocess
import sys

import pytest

from barmill.sources import locks
from tests.support.market import NASDAQ, MarketProject

NOW = "2024-01-08T12:00"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A built project: a matched symbol, a currency, and a series whose calendar nobody knows."""
    project = MarketProject.make(tmp_path_factory.mktemp("health") / "p")
    project.raw(NASDAQ, "AAPL.US", ["20240103", "20240104", "20240105"])
    project.listed("broker.csv", [("AAPL", "", "NASDAQ", "Apple", "USD")])
    project.series("forex/daily/EURUSD", ["20231227", "20231228"])
    project.series("macro/monthly/CPIYPL", ["20231130", "20231231"])
    project.good()
    return project


@pytest.fixture
def project(built, tmp_path):
    """A copy of it to do damage to."""
    subprocess.run(["cp", "-a", built.root, tmp_path / "p"], check=True)
    return MarketProject(tmp_path / "p")


def states(project, *arguments, code=1):
    """name → (status, reasons) at the moment `NOW`."""
    result = project.doit("health", "--json", "--now", NOW, *arguments)
    assert result.code == code, result.out + result.err
    return {each["name"]: (each["status"], each["reasons"]) for each in json.loads(result.out)["datasets"]}


def history(project, name, *statuses, errors=("timed out",)):
    """Write a history of updates that ended so."""
    path = project.root / "data/series/.history" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    usual = {"kind": "update", "provider": "http", "rows_before": 2, "rows_after": 2, "rows_added": 0, "rows_changed": 0}
    more = {"start": "", "end": "", "seconds": 0.1, "refreshed": False, "missing": 0, "findings": 0}
    updates = [
        {
            **usual,
            **more,
            "at": f"2024-01-{at:02d}T22:00:00+00:00",
            "status": status,
            "errors": [] if status == "ok" else list(errors),
        }
        for at, status in enumerate(statuses, 1)
    ]
    told = {"format": 1, "name": name, "provider": "http", "source": [], "absent": {}, "updates": updates}
    path.write_text(json.dumps(told))


def test_staleness_is_counted_in_sessions(project):
    """Friday's bar is fresh on Monday; seven sessions behind is fresh, more is stale; the threshold can be set."""
    assert all(each == ("healthy", []) for each in states(project, code=0).values())
    assert states(project, "--stale-days", "3")["forex/daily/EURUSD"] == ("stale", ["5 sessions of 24/5 behind"])
    assert states(project, "--stale-days", "3", "AAPL*", code=0) == {"AAPL.US": ("healthy", [])}
    assert set(states(project, "--stale-days", "3", "--asset-class", "forex")) == {"forex/daily/EURUSD"}


def test_totals_and_classes(project):
    """The table has rows and statuses by asset class; a calendar that nobody knows is told; a log has words, not symbols."""
    result = project.doit("health", "--verbose", "--stale-days", "3", "--now", NOW)
    lines = [line.split() for line in result.out.splitlines()]
    assert ["equities", "1", "1", "0", "0", "0", "3"] in lines
    assert ["all", "3", "2", "1", "0", "0", "7"] in lines
    assert "STALE forex/daily/EURUSD  5 sessions of 24/5 behind" in result.out
    assert "no calendar is known" in result.out
    assert "0 calendar days behind" in result.out
    assert result.out.isascii()


def test_a_terminal_has_symbols(project):
    """On a terminal that can show them the statuses are symbols."""
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "doit", "health", "-v", "--stale-days", "3", "--now", NOW]
    subprocess.run(command, cwd=project.root, stdout=slave, env={**os.environ, "PYTHONUTF8": "1"}, check=False)
    os.close(slave)
    told = os.read(master, 1 << 16).decode()
    os.close(master)
    assert "✅ AAPL.US" in told
    assert "⚠️ forex/daily/EURUSD" in told


def test_failures_of_updates(project):
    """The last update that failed, or three of five, are an error; a failure that a good update followed is none."""
    history(project, "AAPL.US", "ok", "failed", "ok")
    history(project, "forex/daily/EURUSD", "ok", "failed")
    history(project, "macro/monthly/CPIYPL", "failed", "failed", "interrupted", "ok")
    assert states(project) == {
        "AAPL.US": ("healthy", []),
        "forex/daily/EURUSD": ("error", ["the last update, 2024-01-02T22:00:00+00:00, failed: timed out"]),
        "macro/monthly/CPIYPL": ("error", ["3 of the last 4 updates failed"]),
    }
    told = project.doit("health", "-v", "--now", NOW, "AAPL.US").out
    assert "provider http" in told
    assert "2024-01-03T22:00:00+00:00 update ok, +0 rows" in told


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda root: (root / "artifacts/chunks/AAPL.US/2024.parquet").unlink(), "2024.parquet is missing"),
        (lambda root: os.truncate(root / "artifacts/chunks/AAPL.US/2024.parquet", 9), "2024.parquet has 9 bytes, not "),
        (lambda root: os.truncate(root / "artifacts/chunks/AAPL.US.json", 99), "AAPL.US.json is damaged"),
        (lambda root: (root / "artifacts/chunks/AAPL.US.json").unlink(), "it is not built"),
        (
            lambda root: os.truncate(root / "artifacts/export/AAPL.US.json", 9),
            "its diagnosis artifacts/export/AAPL.US.json is damaged",
        ),
        (lambda root: next((root / "data").rglob("aapl.us.txt")).unlink(), "aapl.us.txt is missing"),
    ],
)
def test_damage_is_an_error(project, damage, words):
    """A file that is missing or damaged makes its dataset an error that names it; the others stay healthy."""
    for path in (project.root / "artifacts").rglob("AAPL*"):
        path.chmod(0o755)
    damage(project.root)
    found = states(project)
    status, reasons = found.pop("AAPL.US")
    assert (status, len(reasons)) == ("error", 1)
    assert words in reasons[0]
    assert all(each == ("healthy", []) for each in found.values())


def test_what_is_worth_knowing(project):
    """Bars that were left out, and gaps, are notes of the dataset: they don't go away, and make nothing stale."""
    raw = next((project.root / "data").rglob("aapl.us.txt"))
    raw.write_text(raw.read_text() + "AAPL.US,D,20231229,000000,10,9,11,10,5,0\n")
    project.good("export:AAPL.US")
    gaps = project.root / "artifacts/gaps/AAPL.US.json"
    gaps.parent.mkdir(exist_ok=True)
    gaps.write_text('{"verdict": "halted", "missing": 12, "extra": 1}')
    assert states(project, "AAPL.US", code=0) == {"AAPL.US": ("healthy", [])}
    told = project.good("health", "-v", "--now", NOW, "AAPL.US").out
    assert "1 bars or lines are left out, see artifacts/export/AAPL.US.json" in told
    assert "gaps: halted, 12 bars missing and 1 not expected, see artifacts/gaps/AAPL.US.json" in told
    gaps.write_text("{")
    assert "its gaps artifacts/gaps/AAPL.US.json are damaged" in project.good("health", "-v", "--now", NOW, "AAPL.US").out


def test_an_update_that_was_never_ended(project):
    """An update that was killed is told as interrupted, though nobody wrote that down; one that is at work is no fault."""
    history(project, "forex/daily/EURUSD", "ok", "started")
    path = project.root / "data/series/.history/forex/daily/EURUSD.json"
    told = json.loads(path.read_text())
    told["updates"][-1] |= {"file": "forex/daily/EURUSD.txt", "lock": "forex/daily/EURUSD", "errors": []}
    path.write_text(json.dumps(told))
    status, (reason,) = states(project)["forex/daily/EURUSD"]
    assert (status, "was interrupted" in reason) == ("error", True)
    with locks.held(project.root / "data/series", "forex/daily/EURUSD", 5):
        assert states(project, code=0)["forex/daily/EURUSD"] == ("healthy", [])


def test_damaged_histories_and_strays(project):
    """A history that can't be read is an error, not an empty one; a file astray makes the exit code 1."""
    path = project.root / "data/series/.history/forex/daily/EURUSD.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"format": 1')
    status, (reason,) = states(project)["forex/daily/EURUSD"]
    assert status == "error"
    assert f"its history {path} is damaged" in reason
    path.unlink()
    (project.root / "data/series/eurusd.txt").touch()
    result = project.doit("health", "--now", NOW)
    assert result.code == 1
    assert "ERROR stray: data/series/eurusd.txt" in result.out


def test_before_the_first_build(tmp_path):
    """A series that was never built is an error with its cure; a project without any dataset is healthy."""
    project = MarketProject.make(tmp_path)
    assert project.good("health").out.split()[-7:] == ["all", "0", "0", "0", "0", "0", "0"]
    project.series("forex/daily/EURUSD", ["20231227"])
    assert states(project) == {"forex/daily/EURUSD": ("error", ['it is not built; run "doit"'])}


def test_wrong_words(built):
    """A class, a dataset or a moment that there is not is an error with the known ones."""
    assert "there is no 'stocks'" in built.bad("health", "--asset-class", "stocks", code=3)
    assert "no dataset is called MSFT" in built.bad("health", "MSFT", code=2)
    assert "--now: 'noon' is no moment" in built.bad("health", "--now", "noon", code=3)


def test_ended_series_is_listed_apart_and_not_due(tmp_path):
    """A series that stopped while another of its calendar went on is ended for health and due; with newer bars it goes on."""
    project = MarketProject.make(tmp_path / "p")
    project.series("equities/daily/GOES", ["20231229", "20240103", "20240104", "20240105"])
    project.series("equities/daily/STOPPED", ["20230601", "20230602", "20230605"])
    with open(project.root / "pyproject.toml", "a") as file:
        file.write('[tool.barmill.calendars]\n"equities/daily/*" = "XNYS"\n')
    project.good("coverage")
    assert states(project, code=0) == {
        "equities/daily/GOES": ("healthy", []),
        "equities/daily/STOPPED": ("ended", ["ended with 2023-06-05"]),
    }
    told = project.good("health", "--now", NOW).out
    assert "ended: equities/daily/STOPPED (2023-06-05)\n" in told
    assert "STALE" not in told
    told = project.good("due", "--now", "2024-01-09T12:00").out.splitlines()
    assert told == [
        "due: equities/daily/GOES  1 session of XNYS behind, last bar 2024-01-05",
        "ended: equities/daily/STOPPED (2023-06-05)",
        "1 of 2 datasets are due",
    ]
    assert project.good("due", "-q", "--now", "2024-01-09T12:00").out == "equities/daily/GOES\n"
    later = "2024-06-03T12:00"  # nobody updates any more: then what goes on is stale, and the other has still ended
    result = project.doit("health", "--json", "--now", later)
    assert [each["status"] for each in json.loads(result.out)["datasets"]] == ["stale", "ended"]
    project.series("equities/daily/STOPPED", ["20230601", "20230602", "20230605", "20231204"])
    project.good("chunks")
    assert states(project)["equities/daily/STOPPED"][0] == "stale"


@pytest.fixture(scope="module")
def with_ended(tmp_path_factory):
    """A built project with a share that goes on and one that has stopped."""
    project = MarketProject.make(tmp_path_factory.mktemp("ended") / "p")
    project.series("equities/daily/OLD.US", ["20231102", "20231103"])
    project.series("equities/daily/NEW.US", ["20231102", "20240104", "20240105"])
    project.good("coverage")
    return project


@pytest.fixture
def ended(with_ended, tmp_path):
    """A copy of it."""
    subprocess.run(["cp", "-a", with_ended.root, tmp_path / "p"], check=True)
    return MarketProject(tmp_path / "p")


def test_a_series_whose_updates_fail_or_were_not_tried_since_has_not_ended(ended):
    """A failed update is an error; a provider that nobody asked since leaves it stale and due; one without more ends it."""
    name = "equities/daily/OLD.US"
    is_due = ["due", "-q", "--now", "2024-01-08T12:00"]
    history(ended, name, "ok", "failed")
    assert states(ended)[name][0] == "error"
    assert ended.good(*is_due).out == f"{name}\n"
    history(ended, name, "ok")
    assert states(ended, code=0)[name][0] == "ended"
    assert ended.good(*is_due).out == ""
    path = ended.root / f"data/series/.history/{name}.json"
    path.write_text(path.read_text().replace("2024-01-01T", "2023-11-08T"))
    assert states(ended)[name][0] == "stale"
    assert ended.good(*is_due).out == f"{name}\n"


@pytest.mark.parametrize("content", [b"name,ended\nequities/daily/OLD.US,yes\n", b"name,calendar,end,ended\nA\n", b"\xff"])
def test_a_damaged_coverage_is_one_fault_and_ends_no_series(ended, content):
    """Columns or fields that are missing, and bytes that are not text, name the table with its cure."""
    coverage = ended.root / "artifacts/coverage/coverage.csv"
    coverage.unlink()
    coverage.write_bytes(content)
    result = ended.doit("health", "--now", NOW)
    (line,) = (line for line in result.out.splitlines() if line.startswith("ERROR"))
    assert "artifacts/coverage/coverage.csv" in line
    assert 'run "doit coverage"' in line
    assert (result.code, "STALE equities/daily/OLD.US" in result.out) == (1, True)
    found = ended.good("due", "-q", "--now", "2024-01-08T12:00")
    assert found.out == "equities/daily/OLD.US\n"
    assert "warning: no series counts as ended" in found.err
    ended.good("coverage")
    assert states(ended, code=0)["equities/daily/OLD.US"][0] == "ended"


def test_a_gap_that_all_series_share_is_one_line(tmp_path):
    """It stands once behind the datasets, and is not a note of each; what a series misses beside it is its own."""
    project = MarketProject.make(tmp_path / "p")
    days = ["20231226", "20231228", "20231229", "20240102", "20240103", "20240104", "20240105"]
    for name in ("A", "B", "C"):
        project.series(f"equities/daily/{name}.US", days if name != "C" else [day for day in days if day != "20240103"])
    project.good("coverage")
    lines = project.good("health", "-v", "--now", NOW).out.splitlines()
    assert [line for line in lines if line.startswith("shared gap")] == [
        "shared gap: 2023-12-27  missing in 3 of 3 daily series of XNYS"
    ]
    (gaps,) = (line for line in lines if "bars missing" in line)
    assert gaps.endswith("gaps: missing, 1 bars missing and 0 not expected, see artifacts/gaps/equities/daily/C.US.json")


def test_a_bar_of_next_year_ends_no_other_series(ended):
    """Where a series of the calendar has a bar in the future, none counts as ended."""
    ended.series("equities/daily/NEW.US", ["20231102", "20240105", "20250106"])
    ended.good("coverage")
    assert states(ended)["equities/daily/OLD.US"][0] == "stale"
