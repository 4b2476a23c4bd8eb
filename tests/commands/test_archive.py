"""`doit archive`, as users run it."""

import json

import pytest

from tests.commands.fetching import FetchingProject
from tests.support.market import NASDAQ
from tests.support.prices import csv_of, weekdays
from tests.support.real import real_data

DAYS = weekdays("2019-01-01", 1200)
PRICES = {day: 10.0 + number % 7 for number, day in enumerate(DAYS)}
STAGES = ("export", "chunks", "panel", "sessions", "gaps", "coverage", "reports")


@pytest.fixture
def project(tmp_path):
    """A built project with two loaded series and a matched symbol of the tree."""
    found = FetchingProject.make(tmp_path / "p")
    (tmp_path / "c").mkdir()
    for symbol in ("ACME", "BETA"):
        (tmp_path / f"c/{symbol}.csv").write_text(csv_of(PRICES))
    found.providers(quotes=f'{{kind = "csv", source = "{tmp_path / "c"}"}}')
    found.raw(NASDAQ, "AAPL.US")
    found.listed("broker.csv", [("AAPL", "", "NASDAQ", "Apple", "USD")])
    found.good("load", "-s", "ACME", "-s", "BETA")
    found.good()
    return found


def outputs(project):
    """Path → bytes of everything that stages wrote."""
    root = project.root / "artifacts"
    paths = sorted(path for stage in STAGES for path in (root / stage).rglob("*") if path.is_file())
    assert len(paths) > 20
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}


def pack_files(project, symbol="ACME"):
    """The packs of a series."""
    return sorted((project.root / f"data/series/.archive/equities/daily/{symbol}").iterdir())


def test_what_is_built_stays_as_it_is(project):
    """Archiving, updating, bringing back: the exports run again, nothing else does, and every output keeps its bytes."""
    before = outputs(project)
    dry = project.good("archive", "--before", "2022-01-01", "-n").out
    assert "equities/daily/ACME: 784 rows of 2019 to 2021 would move into packs" in dry
    assert project.good().counts["built"] == 0
    out = project.good("archive", "--before", "2022-01-01").out
    assert "equities/daily/ACME: 784 rows of 2019 to 2021 moved into packs; text " in out
    assert out.splitlines()[-1].startswith("2 changed, 0 unchanged, 0 failed; ")
    ran = ["export:equities/daily/ACME", "export:equities/daily/BETA"]
    assert project.ran(project.good()) == ran
    assert outputs(project) == before
    project.assert_fresh()
    assert "2 unchanged, 0 failed" in project.good("archive", "--before", "2022-01-01").out
    assert "0 changed, 2 unchanged" in project.good("update").out  # the tree has no provider
    assert json.loads(project.good("datasets", "--json").out)["strays"] == []
    told = json.loads(project.good("archive", "--restore", "--json", "ACME").out)
    assert [(each["name"], each["rows"], each["stored"]) for each in told["datasets"]] == [("equities/daily/ACME", 784, 1200)]
    project.assert_fresh()  # it was exported from this text before
    assert outputs(project) == before
    entries = json.loads(project.good("history", "--json", "ACME").out)[0]
    assert [each["kind"] for each in entries["updates"]] == ["load", "archive", "archive", "update", "restore"]
    assert entries["provider"] == "quotes"


def test_damage_is_named(project, tmp_path):
    """A damaged pack fails its export, and no other; health names it with the cure, and the cure works."""
    project.good("archive", "--before", "2022-01-01")
    project.good()
    before = outputs(project)
    broken = pack_files(project)[1]
    broken.chmod(0o644)
    broken.write_bytes(broken.read_bytes()[:-1])
    (tmp_path / "c/BETA.csv").write_text(csv_of({**PRICES, "2023-12-29": 11.0}))
    project.good("update", "-s", "BETA")
    text = project.bad("-v", "2")
    assert f"{broken} is not what was written" in text
    assert "export:equities/daily/BETA" in text
    assert outputs(project)["export/equities/daily/ACME.csv"] == before["export/equities/daily/ACME.csv"]
    health = project.doit("health", "ACME", "--json")
    (reason,) = [each for each in json.loads(health.out)["datasets"][0]["reasons"] if str(broken) in each]
    assert "doit load --replace" in reason
    broken.unlink()
    assert str(broken.relative_to(project.root)) in project.bad()
    project.good("load", "-s", "ACME", "--replace")
    project.good()
    assert outputs(project)["export/equities/daily/ACME.csv"] == before["export/equities/daily/ACME.csv"]


def test_a_lost_text_is_missed(project):
    """A series whose text is gone and whose packs are there is no dataset less: the build and health say what is missing."""
    project.good("archive", "--before", "2022-01-01", "ACME")
    (project.root / "data/series/equities/daily/ACME.txt").unlink()
    assert "data/series/equities/daily/ACME.txt does not exist" in project.bad()
    assert "is missing" in project.doit("health", "ACME").out
    assert "ACME.txt does not exist" in project.bad("archive", "--restore", "ACME", code=1)


def test_reconcile_sees_the_whole_series(project, tmp_path):
    """An archived series is compared by its export; before that is built it is refused, not cut short."""
    project.good("archive", "--before", "2022-01-01", "ACME")
    told = json.loads(project.good("reconcile", "--json", "equities/daily/ACME", str(tmp_path / "c/ACME.csv")).out)
    assert (told["pairs"][0][0]["verdict"], told["pairs"][0][0]["sessions"]) == ("same", 1200)
    project.good("clean", "export:equities/daily/ACME")
    text = project.bad("reconcile", "equities/daily/ACME", str(tmp_path / "c/ACME.csv"), code=2)
    assert 'run "doit export:equities/daily/ACME"' in text


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 3, "takes either --before or --restore"),
        (["--restore", "--before", "2022-01-01"], 3, "takes either --before or --restore"),
        (["--before", "2022"], 3, "--before '2022' is no date"),
        (["--before", "9999-01-01"], 3, "is in the future"),
        (["--before", "2022-01-01", "ACNE"], 2, "no dataset is called ACNE"),
        (["--before", "2022-01-01", "AAPL.US"], 2, "only single series are archived"),
    ],
)
def test_wrong_command_lines(tmp_path, arguments, code, words):
    """What is wrong with a command line is told, and nothing is written."""
    project = FetchingProject.make(tmp_path)
    project.series("equities/daily/ACME", ["20200102"])
    path = project.raw(NASDAQ, "AAPL.US").relative_to(project.root / "data/stooq").as_posix()
    (project.root / "artifacts/match").mkdir(parents=True)
    (project.root / "artifacts/match/symbols.csv").write_text(f"symbol,relative_path\nAAPL.US,{path}\n")
    assert words in project.bad("archive", *arguments, code=code)
    assert not (project.root / "data/series/.archive").exists()


@pytest.mark.real
def test_real_minutes(tmp_path):
    """50,000 real minutes take less than a fifth of their text, and come back to the byte."""
    project = FetchingProject.make(tmp_path)
    folder = real_data("eurusd-mt5")
    project.providers(mt5=f'{{kind = "csv", source = "{folder}", pattern = "{{symbol}}_M1.csv"}}')
    project.good("load", "-s", "EURUSD", "-a", "forex", "-f", "1min")
    path = project.root / "data/series/forex/1min/EURUSD.txt"
    before = path.read_bytes()
    told = json.loads(project.good("archive", "--before", "2020-11-01", "--json").out)
    assert told["datasets"][0]["rows"] == 50_000
    assert told["total"]["ratio"] < 0.2
    project.good("archive", "--restore")
    assert path.read_bytes() == before
