"""`doit load`, as users run it."""

import json
import zipfile

import pytest

from tests.commands.fetching import FetchingProject
from tests.support.market import NASDAQ
from tests.support.prices import closes, csv_of, stamps, weekdays
from tests.support.real import real_data
from tests.support.server import PriceServer, serving

DAYS = weekdays("2024-01-01", 30)
PRICES = {day: 10.0 + number for number, day in enumerate(DAYS)}


@pytest.fixture
def project(tmp_path):
    """A project with a folder of two CSV files."""
    found = FetchingProject.make(tmp_path / "p")
    (tmp_path / "quotes").mkdir()
    for name in ("ACME.csv", "^spx.csv"):
        (tmp_path / "quotes" / name).write_text(csv_of(PRICES))
    found.providers(quotes=f'{{kind = "csv", source = "{tmp_path / "quotes"}"}}')
    return found


def test_one_symbol(project):
    """A symbol comes to its place as an equity with daily bars; `doit` then builds it."""
    out = project.good("load", "-p", "quotes", "-s", "acme", "--start", "2024-01-08", "--end", "2024-01-12").out
    brought, read, counted = out.splitlines()
    assert brought == "equities/daily/ACME: 5 new; 5 rows, 2024-01-08 to 2024-01-12, from quotes"
    assert read.startswith(
        "read equities/daily/ACME as csv: delimiter comma, decimal point, grouping none; dates year first; columns date = "
    )
    assert read.endswith("; 0 lines rejected")
    assert counted == "1 changed, 0 unchanged, 0 failed"
    assert sorted(closes(project.root / "data/series/equities/daily/ACME.txt")) == DAYS[5:10]
    project.listed("broker.csv", [("AAPL", "", "NASDAQ", "Apple", "USD")])
    project.raw(NASDAQ, "AAPL.US")
    project.good()
    assert (project.root / "artifacts/export/equities/daily/ACME.csv").exists()


def test_everything_of_a_provider(project):
    """Without a symbol all that the provider can list is loaded, with the only provider of the settings if none is named."""
    assert sorted(project.told("load", "-a", "indices")) == ["indices/daily/ACME", "indices/daily/^SPX"]


def test_partial_failure(project):
    """One bad symbol fails alone: the others are loaded, the nearest is named, the exit code is 1."""
    result = project.doit("load", "-s", "ACNE", "-s", "^SPX", "-s", "../evil")
    assert result.code == 1
    assert "error: equities/daily/ACNE:" in result.err
    assert "hint: the nearest are ACME" in result.err
    assert "'../evil' is no symbol" in result.err
    assert "indices/daily/^SPX: 30 new" in result.out
    assert result.out.endswith("1 changed, 0 unchanged, 2 failed\n")
    assert not list(project.root.rglob("evil*"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-p", "quote"], ["no provider 'quote'", "the nearest are quotes"]),
        (["-p", "quotes", "-f", "dayly"], ["'dayly'", "daily"]),
        (["-p", "quotes", "-a", "equity"], ["'equity'", "equities"]),
        (["--start", "yesterday"], ["--start 'yesterday'", "2024-01-31"]),
        (["--start", "2024-02-01", "--end", "2024-01-01"], ["behind --end"]),
        (["-j", "0"], ["--jobs 0"]),
        (["-p", "http"], ["provider http has no url"]),
        (["AAPL"], ["takes no AAPL"]),
    ],
)
def test_wrong_command_lines(project, arguments, words):
    """What is wrong with a command line is told with the cure, and the exit code is not 0."""
    result = project.doit("load", *arguments)
    text = result.out + result.err
    assert result.code in {1, 3}
    assert "Traceback" not in text
    assert [word for word in words if word not in text] == []
    assert not (project.root / "data/series").exists() or not list((project.root / "data/series").rglob("*.txt"))


def test_a_source_from_the_command_line_is_remembered(project, tmp_path):
    """What was loaded from --source is updated from there, without saying so again."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other/ACME.csv").write_text(csv_of({day: PRICES[day] for day in DAYS[:20]}))
    project.good("load", "-p", "csv", "--source", str(tmp_path / "other"), "-s", "ACME")
    (tmp_path / "other/ACME.csv").write_text(csv_of(PRICES))
    assert project.told("update", "-s", "ACME")["equities/daily/ACME"]["rows_added"] == 10


def test_dry_run_and_merge(project):
    """A dry run writes nothing; a second load of another month keeps the first."""
    project.good("load", "-s", "ACME", "--end", "2024-01-05")
    assert project.told("load", "-s", "ACME", "-n")["equities/daily/ACME"]["rows_added"] == 25
    raw = project.root / "data/series/equities/daily/ACME.txt"
    assert len(closes(raw)) == 5
    project.good("load", "-s", "ACME", "--start", "2024-02-01")
    assert closes(raw) == PRICES


def test_whole_tree(project, tmp_path):
    """`doit load --provider stooq --source ZIP` brings the raw tree; the second time nothing is written."""
    path = project.raw(NASDAQ, "AAPL.US")
    name = path.relative_to(project.root / "data/stooq/d_us_txt").as_posix()
    with zipfile.ZipFile(tmp_path / "d_us_txt.zip", "w") as file:
        file.writestr(name, path.read_bytes())
    path.unlink()
    arguments = ("load", "--provider", "stooq", "--source", str(tmp_path / "d_us_txt.zip"))
    assert "1 files added, 0 changed, 0 unchanged" in project.good(*arguments).out
    before = stamps(path)
    trees = json.loads(project.good(*arguments, "--json").out)["trees"]
    assert (trees[0]["unchanged"], trees[0]["entry"]["status"]) == (1, "ok")
    assert stamps(path) == before
    assert "stooq has no AAPL.UK" in project.bad(*arguments, "-s", "aapl.uk")


def test_from_a_server(project):
    """Symbols come over HTTP, several at once, in a project that has nothing but an address."""
    with serving(PriceServer({f"s{number}.us": PRICES for number in range(6)})) as server:
        project.providers(web=f'{{kind = "http", url = "{server.url}"}}')
        symbols = [word for number in range(6) for word in ("-s", f"S{number}.US")]
        told = project.told("load", "-j", "3", *symbols, "--start", "2024-01-01", "--end", "2024-02-29")
    assert list(told) == [f"equities/daily/S{number}.US" for number in range(6)]
    assert {each["rows_added"] for each in told.values()} == {30}


def test_messages_go_to_stderr(project):
    """With --json standard output is JSON and nothing else, also where something failed."""
    result = project.doit("load", "-s", "ACME", "-s", "NOPE", "--json")
    assert result.code == 1
    assert {each["status"] for each in json.loads(result.out)["datasets"]} == {"ok", "failed"}


def test_a_single_file_in_another_dialect(project, tmp_path):
    """--source may be one file; what was detected, and each rejected line with its reason, is reported."""
    path = tmp_path / "export.txt"
    path.write_text("Datum;Erster;Hoch;Tief;Schluss\n30.01.2024;1.210,5;1.216;1.201;1.213\n31.01.2024;1.213;1.2\n")
    result = project.doit("load", "-p", "csv", "--source", str(path), "-s", "SAP")
    assert result.code == 0
    assert "decimal comma, grouping point; dates day first; columns date = Datum, open = Erster" in result.out
    assert "1 lines rejected" in result.out
    assert "1 fetched lines are not bars (too_few_fields): line 3: '31.01.2024;1.213;1.2'" in result.err
    assert closes(project.root / "data/series/equities/daily/SAP.txt") == {"2024-01-30": 1213.0}
    told = project.told("load", "-p", "csv", "--source", str(path), "-s", "SAP")["equities/daily/SAP"]
    assert told["dialect"]["decimal"] == "comma"
    assert [(each["line"], each["reason"]) for each in told["rejected"]] == [(3, "too_few_fields")]
    assert "one file, and 2 symbols are named" in project.bad(
        "load", "-p", "csv", "--source", str(path), "-s", "A", "-s", "B", code=3
    )


def test_what_is_said_of_files_is_remembered(project, tmp_path):
    """An ambiguous file is loaded with the options that settle it; an update reads it the same way without them."""
    path = tmp_path / "ACME.csv"
    header, lines = (
        "Date;Open;High;Low;Close\n",
        "01/02/2024 10:00;1.205;1.216;1.201;1.213\n02/02/2024 10:00;1.205;1.216;1.201;1.214\n",
    )
    path.write_text(header + lines)
    arguments = ("load", "-p", "csv", "--source", str(path), "-s", "ACME", "-f", "hourly")
    assert "--decimal . or --decimal ," in project.bad(*arguments)
    assert "--dates dmy or --dates mdy" in project.bad(*arguments, "--decimal", ",")
    project.good(*arguments, "--decimal", ",", "--dates", "dmy", "--zone", "Europe/Warsaw")
    raw = project.root / "data/series/equities/hourly/ACME.txt"
    assert [line.split(",")[2:5] for line in raw.read_text().splitlines()[1:]] == [
        ["20240201", "090000", "1205"],
        ["20240202", "090000", "1205"],
    ]
    path.write_text(header + lines + "03/02/2024 10:00;1.205;1.216;1.201;1.215\n")
    told = project.told("update", "-s", "ACME")["equities/hourly/ACME"]
    assert (told["rows_added"], told["rows_changed"], told["end"]) == (1, 0, "2024-02-03")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--zone", "Warsaw"], ["--zone", "'Warsaw'", "Europe/Warsaw"]),
        (["--decimal", ";"], ["--decimal", "';'", ", or ."]),
        (["--dates", "ddmm"], ["--dates", "'ddmm'", "dmy"]),
        (["--pattern", "x.csv"], ["--pattern", "'x.csv'", "{symbol}"]),
    ],
)
def test_wrong_words_about_files(project, arguments, words):
    """A word about files that is unknown is named with one that is known; the exit code is 3."""
    text = project.bad("load", "-p", "quotes", "-s", "ACME", *arguments, code=3)
    assert [word for word in words if word not in text] == []
    assert "takes no --zone" in project.bad("load", "-p", "stooq", "--source", "x.zip", "--zone", "UTC", code=3)


def test_months_by_a_pattern(project, tmp_path):
    """--pattern with * makes one series of a symbol's files."""
    folder = tmp_path / "months"
    folder.mkdir()
    for month in ("01", "02"):
        with zipfile.ZipFile(folder / f"ACME-1d-2024-{month}.zip", "w") as file:
            file.writestr("x.csv", csv_of({day: close for day, close in PRICES.items() if day[5:7] == month}))
    told = project.told("load", "-p", "csv", "--source", str(folder), "--pattern", "{symbol}-1d-*.zip")
    assert told["equities/daily/ACME"]["rows_after"] == 30


def test_the_exchanges_date(project, tmp_path):
    """A daily stamp in UTC gets the date of the exchange whose calendar the ticker names; else the note says what to give."""
    text = "Date,Open,High,Low,Close\n2024-01-04T15:00:00Z,10,11,9,10\n2024-01-07T15:00:00Z,10,11,9,10\n"
    for name in ("7203.JP", "ASIA"):
        (tmp_path / "quotes" / f"{name}.csv").write_text(text)
    told = project.told("load", "-s", "7203.JP", "-s", "ASIA")
    assert told["equities/daily/7203.JP"]["start"] == "2024-01-05"
    assert told["equities/daily/ASIA"]["start"] == "2024-01-04"
    assert "2 daily stamps have a time in UTC and the exchange's zone is not known" in told["equities/daily/ASIA"]["notes"][0]
    assert (
        project.told("load", "-s", "ASIA", "--zone", "Asia/Tokyo", "--replace")["equities/daily/ASIA"]["start"] == "2024-01-05"
    )


@pytest.mark.real
def test_real_folders(tmp_path):
    """Real files of five forms are loaded whole: Yahoo, WSE, MetaTrader, an exchange of cryptocurrency, Stooq's download."""
    project = FetchingProject.make(tmp_path)
    real = real_data()
    project.providers(
        yahoo=f'{{kind = "csv", source = "{real}/yahoo-daily/stocks"}}',
        wse=f'{{kind = "csv", source = "{real}/wse-daily-iso"}}',
        mt=f'{{kind = "csv", source = "{real}/eurusd-mt5", pattern = "{{symbol}}_M15.csv"}}',
        bybit=f'{{kind = "csv", source = "{real}/crypto-1m-5m", pattern = "{{symbol}}_5m.csv"}}',
        stooq="{source = []}",
    )
    assert len(project.told("load", "-p", "yahoo")) == 22
    assert project.told("load", "-p", "yahoo", "-s", "AAPL")["equities/daily/AAPL"]["rows_after"] == 10674
    wse = project.told("load", "-p", "wse", "-f", "daily")
    assert (len(wse), wse["equities/daily/PKO"]["rows_after"]) == (14, 4053)
    forex = project.told("load", "-p", "mt", "-s", "EURUSD", "-a", "forex", "-f", "15min")["forex/15min/EURUSD"]
    stray, zone = forex["notes"]
    assert (forex["rows_after"], stray) == (50000, "'-(' before the first stamp is left out")
    assert "times are taken as UTC: say --zone" in zone
    crypto = project.told("load", "-p", "bybit", "-s", "ADAUSDT", "-a", "crypto", "-f", "5min")["crypto/5min/ADAUSDT"]
    assert crypto["start"] == "2025-05-30"
    again = project.told("update")
    assert {(each["status"], each["rows_added"], each["rows_changed"]) for each in again.values()} == {("ok", 0, 0)}
    assert len(again) == 38


def test_symbols_with_an_equal_sign(project, tmp_path):
    """`-s GC=F` and `-s CL=F` are loaded, built, archived and shown, each alone, by name and by ticker."""
    for name in ("GC=F", "CL=F"):
        (tmp_path / f"quotes/{name}.csv").write_text(csv_of(PRICES))
        project.good("load", "-p", "quotes", "-s", name, "-a", "futures")
        assert closes(project.root / f"data/series/futures/daily/{name}.txt") == PRICES
    project.good("export:futures/daily/GC=F")
    built = project.root / "artifacts/export/futures/daily"
    assert [path.name for path in sorted(built.iterdir())] == ["GC=F.csv", "GC=F.json"]
    assert project.good().counts["failed"] == 0
    project.assert_fresh()
    out = project.good("archive", "--before", "2025-01-01", "GC=F").out
    assert out.startswith("futures/daily/GC=F: ")
    assert "1 changed, 0 unchanged" in out
    assert not (project.root / "data/series/.archive/futures/daily/CL=F.json").exists()
    assert "CL=F" not in project.good("history", "futures/daily/GC=F").out


def test_awkward_names_of_a_folder_stop_no_other(project, tmp_path):
    """Of names in a provider's folder those that cannot be symbols are named, one of two spellings is, the rest are loaded."""
    good = ["A%B", "A*B", "A[B]", "A:B", "A=B", "Ä"]
    for name in (*good, "A B", "A,B", 'A"B', "A\nB", "gc", "GC"):
        (tmp_path / f"quotes/{name}.csv").write_text(csv_of(PRICES))
    told = project.told("load", "-p", "quotes", code=1)
    assert {name for name, each in told.items() if each["status"] == "failed"} == {"A B", "A,B", 'A"B', "A\nB"}
    assert {f"equities/daily/{name}" for name in (*good, "GC", "ACME")} <= told.keys()
    assert told["equities/daily/GC"]["notes"] == ["GC.csv is read; gc.csv means the same symbol and is left out"]
    project.good()
    project.assert_fresh()
