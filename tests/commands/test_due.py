"""`doit due`, as people, xargs, cron and systemd use it."""

import json
import re
import shutil
import subprocess
import sys

import pytest

from tests.support.market import LONDON, NASDAQ, MarketProject


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A built project, in a folder whose name needs care: two exchanges, and a series without a calendar."""
    project = MarketProject.make(tmp_path_factory.mktemp("due") / "my 100% prices")
    project.raw(NASDAQ, "AAPL.US", ["20240104", "20240105"])
    project.raw(LONDON, "VOD.UK", ["20240104", "20240105"])
    project.listed("broker.csv", [("AAPL", "", "NASDAQ", "Apple", "USD"), ("VOD:LN", "", "LSE", "Vodafone", "GBX")])
    project.series("macro/monthly/CPIYPL", ["20231130", "20231231"])
    project.good()
    return project


def due(project, now, *arguments):
    """What is due at a moment."""
    return project.good("due", "-q", "--now", now, *arguments).out.split()


def test_a_dataset_is_due_an_hour_after_the_close(project):
    """London's close comes first, then New York's, each with the delay of publishing; the delay can be set."""
    assert due(project, "2024-01-07T12:00") == []
    assert due(project, "2024-01-08T17:29") == []
    assert due(project, "2024-01-08T17:30") == ["VOD.UK"]
    assert due(project, "2024-01-08T17:00-05:00") == ["AAPL.US", "VOD.UK"]
    assert due(project, "2024-01-08T22:00", "--asset-class", "equities", "AAPL.US") == ["AAPL.US"]
    assert project.good("due", "-q", "--now", "2024-01-08T16:30", BARMILL_PUBLISHING_DELAY="0").out == "VOD.UK\n"


def test_when_the_next_ones_are_due(project):
    """What is not due is told with when it will be, soonest first; where no calendar is known it is said."""
    told = project.good("due", "--now", "2024-01-08T17:30").out.splitlines()
    assert told == [
        "due: VOD.UK  1 session of XLON behind, last bar 2024-01-05",
        "next: 2024-01-08 22:00 UTC  AAPL.US",
        "of 1 no calendar says when they will be due; they are not",
        "1 of 3 datasets are due",
    ]
    rows = {
        each["name"]: each for each in json.loads(project.good("due", "--json", "--now", "2024-01-08T17:30").out)["datasets"]
    }
    assert (rows["AAPL.US"]["due"], rows["AAPL.US"]["next"]) == (False, "2024-01-08T22:00:00+00:00")
    assert (rows["macro/monthly/CPIYPL"]["unit"], rows["macro/monthly/CPIYPL"]["next"]) == ("calendar days", None)


def test_the_list_for_xargs(project):
    """What is due comes as options of `doit update`, one a line."""
    assert project.good("due", "--xargs", "--now", "2024-02-02T12:00").out.splitlines() == [
        "--symbol=AAPL.US",
        "--symbol=VOD.UK",
        "--symbol=macro/monthly/CPIYPL",
    ]


def test_the_crontab_runs(project):
    """Each line has five fields of time and a command that the shell runs in the project, a % in its path escaped for cron."""
    lines = [line for line in project.good("due", "--crontab").out.splitlines() if not line.startswith("#")]
    assert len(lines) == 2
    for line in lines:
        assert re.fullmatch(r"(\S+ ){5} cd '.*my 100\\% prices' && .*", line)
    health = lines[1].split(None, 5)[5].replace("\\%", "%")
    done = subprocess.run(["/bin/sh", "-c", health], cwd="/", capture_output=True, text=True, check=False)
    assert "asset class" in done.stdout, done.stderr
    assert done.returncode == 1  # long out of date


def test_the_units_are_good(project, tmp_path):
    """Each unit stands under the name of its file; systemd finds no fault with them."""
    text = project.good("due", "--systemd").out
    parts = re.split(r"^# ~/\.config/systemd/user/(\S+)\n", text, flags=re.MULTILINE)[1:]
    units = dict(zip(parts[::2], parts[1::2], strict=True))
    assert sorted(units) == [f"barmill-{name}.{kind}" for name in ("health", "update") for kind in ("service", "timer")]
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    for name, unit in units.items():
        (tmp_path / name).write_text(unit)
    done = subprocess.run(
        [program, "verify", "--man=no", *map(str, sorted(tmp_path.iterdir()))], capture_output=True, text=True, check=False
    )
    ours = [line for line in done.stderr.splitlines() if "barmill" in line]
    assert (done.returncode, ours) == (0, []), done.stderr


def test_what_is_due_is_updated(tmp_path):
    """The list goes through xargs to `doit update`; after the next build nothing is due until the next session has closed."""
    project = MarketProject.make(tmp_path)
    project.listed("broker.csv", [("AAPL", "", "NASDAQ", "Apple", "USD")])
    source = tmp_path / "prices/AAPL.US.csv"
    source.parent.mkdir()
    source.write_text("Date,Open,High,Low,Close,Volume\n2024-01-02,1,2,1,2,5\n2024-01-03,2,3,2,3,5\n")
    project.good("load", "-p", "csv", "--source", str(source.parent), "-s", "AAPL.US", "-a", "equities")
    project.good()
    with open(source, "a") as file:
        file.write("2024-01-04,3,4,3,4,5\n")
    assert due(project, "2024-01-05T12:00") == ["equities/daily/AAPL.US"]
    pipe = f"{sys.executable} -m doit due --xargs --now 2024-01-05T12:00 | xargs -r {sys.executable} -m doit update"
    subprocess.run(["/bin/sh", "-c", pipe], cwd=project.root, capture_output=True, check=True)
    project.good()
    assert due(project, "2024-01-05T12:00") == []
    assert due(project, "2024-01-05T22:00") == ["equities/daily/AAPL.US"]
