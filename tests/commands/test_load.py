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
    assert out.splitlines() == [
        "equities/daily/ACME: 5 new; 5 rows, 2024-01-08 to 2024-01-12, from quotes",
        "1 changed, 0 unchanged, 0 failed",
    ]
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
    assert "equities/daily/^SPX: 30 new" in result.out
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
    assert (forex["rows_after"], forex["notes"]) == (50000, ["'-(' before the first stamp is left out"])
    crypto = project.told("load", "-p", "bybit", "-s", "ADAUSDT", "-a", "crypto", "-f", "5min")["crypto/5min/ADAUSDT"]
    assert crypto["start"] == "2025-05-30"
    again = project.told("update")
    assert {(each["status"], each["rows_added"], each["rows_changed"]) for each in again.values()} == {("ok", 0, 0)}
    assert len(again) == 38
