"""`doit reconcile`, as users run it."""

import json

import pytest

from tests.support.market import NASDAQ, MarketProject, price_lines
from tests.support.real import real_data

DATES = [f"202401{day:02d}" for day in range(2, 30)]


@pytest.fixture
def project(tmp_path):
    """A project with one matched symbol, and two folders of prices beside it."""
    project = MarketProject.make(tmp_path / "p")
    project.raw(NASDAQ, "AAPL.US", DATES)
    project.listed("broker.csv", [("AAPL", "", "NASDAQ", "Apple", "USD")])
    for name, close in (("AAPL.csv", 10.0), ("MSFT.csv", 7.0)):
        rows = [line.split(",") for line in price_lines("X", DATES, close)]
        lines = [f"{date[:4]}-{date[4:6]}-{date[6:]},{row[7]}" for date, row in zip(DATES, rows, strict=True)]
        for folder in ("one", "two"):
            (project.root / folder).mkdir(exist_ok=True)
            (project.root / folder / name).write_text("\n".join(["Date,Close", *lines, ""]))
    return project


def test_a_dataset_and_a_file(project):
    """A dataset is compared by name, before and after it is built; exit code 0 if they agree."""
    project.good("index", "instruments", "match")
    for _ in range(2):
        told = json.loads(project.good("reconcile", "AAPL.US", "one/AAPL.csv", "--json").out)
        assert [pair[0]["verdict"] for pair in told["pairs"]] == ["same"]
        project.good()


def test_folders_are_paired_by_name(project):
    """Series of two folders are paired by name; what has no partner is named; one pair that differs makes the code 1."""
    (project.root / "one/EXTRA.csv").write_text("Date,Close\n")
    text = (project.root / "two/MSFT.csv").read_text().splitlines()
    (project.root / "two/MSFT.csv").write_text(
        "\n".join([text[0], *(f"{line[:10]},{5 + at % 3}" for at, line in enumerate(text[1:]))])
    )
    told = project.doit("reconcile", "one", "two")
    assert told.code == 1
    assert "AAPL | AAPL: same; 28 sessions from 2024-01-02 to 2024-01-29" in told.out
    assert "MSFT | MSFT: different (returns agree in " in told.out
    assert "without a partner in one: 1 (EXTRA)" in told.out
    assert told.out.splitlines()[-1] == "2 pairs: 1 same, 1 different"


def test_what_is_nothing_is_an_error(project):
    """A side that is no dataset, file or folder is named; so are folders without a common name, and one side too few."""
    assert "NOPE is no dataset, file or folder" in project.bad("reconcile", "NOPE", "one", code=2)
    (project.root / "empty").mkdir()
    assert "nothing in one is called like anything in empty" in project.bad("reconcile", "one", "empty", code=2)
    assert "doit reconcile compares two: it got 1" in project.bad("reconcile", "one", code=3)


@pytest.mark.parametrize(
    "lines",
    [
        ["Datum;Schluss", *(f"{date[6:]}.{date[4:6]}.{date[:4]};10,0" for date in DATES)],
        ["Date|Close", *(f"{date[:4]}/{date[4:6]}/{date[6:]}|10.0" for date in DATES)],
        ["date,open,high,low,close", *(f"{date[:4]}-{date[4:6]}-{date[6:]} 16:00:00,1,1,1,10.0" for date in DATES)],
    ],
)
def test_a_series_and_the_file_it_was_made_of(project, lines):
    """Reconcile reads a file as load does: the series that was made of it is the same."""
    (project.root / "AAPL.csv").write_text("\n".join(lines))
    flat = "\n".join(["Date,Close", *(f"{date[:4]}-{date[4:6]}-{date[6:]},10" for date in DATES)])
    (project.root / "one/AAPL.csv").write_text(flat)
    assert "AAPL | AAPL: same; 28 sessions" in project.good("reconcile", "AAPL.csv", "one/AAPL.csv").out


def test_lines_without_a_close_are_reported(project):
    """What gives no close is counted with its line; an ambiguous file is refused by name, and read with the option."""
    text = (project.root / "one/AAPL.csv").read_text()
    (project.root / "one/AAPL.csv").write_text(f"{text}2024-01-30\n2024-01-31,n/a\n")
    result = project.doit("reconcile", "one/AAPL.csv", "two/AAPL.csv")
    assert "AAPL: 2 lines give no close and are left out, such as line 30: '2024-01-30'" in result.err
    (project.root / "de.csv").write_text("Date;Close\n2024-01-02;1.205\n2024-01-03;1.206\n")
    assert "de.csv: the numbers of the file are ambiguous" in project.bad("reconcile", "de.csv", "de.csv", code=2)
    project.good("reconcile", "de.csv", "de.csv", "--decimal", ",")
    assert "--zone: unknown value 'Warsaw'" in project.bad("reconcile", "de.csv", "de.csv", "--zone", "Warsaw", code=3)


@pytest.mark.real
def test_real_folders(project):
    """Stooq's tree beside a folder of Yahoo's files: 14 shares are in both, and tickers are found without their market."""
    stooq, yahoo = real_data("stooq-uk-pl-us/d_us_txt"), real_data("yahoo-daily/stocks")
    told = project.doit("reconcile", str(stooq), str(yahoo), "--json")
    pairs = {pair[0]["a"]: pair[0]["verdict"] for pair in json.loads(told.out)["pairs"]}
    assert len(pairs) == 14
    assert {name for name, verdict in pairs.items() if verdict == "adjusted"} == {"AAPL.US", "CEG.US"}
    assert {name for name, verdict in pairs.items() if verdict == "different"} == {"AHCO.US"}  # Stooq lacks days without trade
    assert told.code == 1
