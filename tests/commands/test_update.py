"""`doit update`, as users and cron run it."""

import csv
import json
import subprocess
import sys
import zipfile

import pytest

from barmill.config import Settings
from barmill.sources.http import HttpCsv
from barmill.sources.update import Order, bring
from tests.commands.fetching import FetchingProject
from tests.support.market import NASDAQ, price_lines
from tests.support.prices import closes, series, stamps, weekdays
from tests.support.real import real_data
from tests.support.server import PriceServer, serving

DAYS = weekdays("2024-01-01", 30)
PRICES = {day: 10.0 + number for number, day in enumerate(DAYS)}
SYMBOLS = ("aaa.us", "bbb.us", "ccc.us")


@pytest.fixture
def server():
    """A server that has twenty days of three symbols."""
    with serving(PriceServer({symbol: {day: PRICES[day] for day in DAYS[:20]} for symbol in SYMBOLS})) as found:
        yield found


@pytest.fixture
def project(tmp_path, server):
    """A project that has loaded them."""
    found = FetchingProject.make(tmp_path / "p")
    found.providers(web=f'{{kind = "http", url = "{server.url}", timeout = 5, attempts = 2}}')
    for symbol in SYMBOLS:
        dataset = series(found.root / "data/series", symbol.upper())
        order = Order(dataset, "web", lambda: HttpCsv("web", server.url), "load")
        assert bring(order, Settings(series=found.root / "data/series")).entry.status == "ok"
        server.closes[symbol] = dict(PRICES)
    server.asked.clear()
    return found


def raw(project, symbol):
    """A symbol's file."""
    return project.root / f"data/series/equities/daily/{symbol.upper()}.txt"


def test_all(project, server):
    """Without a symbol every dataset is updated, from the provider that it came from, and only what is new is asked for."""
    out = project.good("update").out
    assert out.splitlines()[-1] == "3 changed, 0 unchanged, 0 failed"
    assert [closes(raw(project, symbol)) for symbol in SYMBOLS] == [PRICES] * 3
    assert {query["d1"][0] for _, _, query in server.asked} == {"20240119"}
    assert project.good("update").out.splitlines()[-1] == "0 changed, 3 unchanged, 0 failed"


def test_partial_failure(project, server):
    """A symbol that fails leaves the others updated, itself as it was, its history with the failure, and the exit code 1."""
    server.faults["bbb.us"] = [500] * 9
    before = raw(project, "bbb.us").read_bytes()
    result = project.doit("update", "-j", "2")
    assert result.code == 1
    assert "error: equities/daily/BBB.US: http://127.0.0.1" in result.err
    assert "asking again in" in result.err
    assert [closes(raw(project, symbol)) for symbol in ("aaa.us", "ccc.us")] == [PRICES] * 2
    assert raw(project, "bbb.us").read_bytes() == before
    entries = json.loads(project.good("history", "--json", "BBB.US").out)[0]["updates"]
    assert [each["status"] for each in entries] == ["ok", "failed"]


def test_show_status(project, server):
    """With --show-status the last updates of each dataset are told, too."""
    lines = project.good("update", "-s", "AAA.US", "--lookback-days", "10", "--fill-gaps", "--show-status").out.splitlines()
    assert lines[0].startswith("equities/daily/AAA.US: 10 new; 30 rows, 2024-01-01 to 2024-02-09, from web")
    assert [line.split()[1:4] for line in lines[1:3]] == [["ok", "load", "web"], ["ok", "update", "web"]]
    assert {query["d1"][0] for _, _, query in server.asked} == {"20240116"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-s", "AAAA.US"], ["no existing data of AAAA.US", "run doit load first", "AAA.US"]),
        (["-s", "AAA.US", "-a", "crypto"], ["no existing data of AAA.US"]),
        (["-s", "AAA.US", "-p", "webb"], ["no provider 'webb'", "the nearest are web"]),
        (["-s", "AAA.US", "--strategy", "append"], ["'append'", "append-only"]),
        (["-s", "AAA.US", "-l", "-1"], ["--lookback-days -1"]),
        (["-s", "AAA.US", "-p", "stooq"], ["single series", "can't update it"]),
    ],
)
def test_wrong_command_lines(project, arguments, words):
    """What is wrong is told with the cure, the nearest names, and an exit code that is not 0."""
    result = project.doit("update", *arguments)
    assert result.code in {1, 3}
    assert [word for word in words if word not in result.out + result.err] == []
    assert "Traceback" not in result.err


def test_a_symbol_in_two_classes(project, server):
    """A ticker that several datasets have is not guessed: they are named."""
    project.good("load", "-s", "AAA.US", "-a", "crypto")
    text = project.bad("update", "-s", "AAA.US", code=1)
    assert "crypto/daily/AAA.US, equities/daily/AAA.US" in text
    project.good("update", "-s", "AAA.US", "-a", "crypto")
    project.good("update", "-s", "equities/daily/AAA.US")


def test_a_series_that_nobody_provides(project):
    """A file that was put there by hand is left alone, and that is told; named, it is an error."""
    project.series("forex/daily/EURUSD", ["20240102"])
    assert "forex/daily/EURUSD: no provider is known, left alone" in project.good("update").out
    assert "no provider of forex/daily/EURUSD is known" in project.bad("update", "-s", "EURUSD", code=1)


def test_an_update_builds_only_what_it_changed(project, server):
    """After an update `doit` builds the changed dataset's targets, and after one without news nothing."""
    project.raw(NASDAQ, "AAPL.US")
    project.listed("broker.csv", [("AAPL", "", "NASDAQ", "Apple", "USD")])
    for symbol in ("bbb.us", "ccc.us"):
        server.closes[symbol] = {day: PRICES[day] for day in DAYS[:20]}
    project.good()
    project.good("update")
    ran = [name for name in project.ran(project.good()) if name.startswith("export:")]
    assert ran == ["export:equities/daily/AAA.US"]
    project.good("update")
    assert project.good().counts["built"] == 0


def test_a_locked_dataset(project):
    """A dataset that another process holds is told with the holder after the time-out; the others are updated."""
    program = (
        "import pathlib, sys, time; from barmill.sources import locks\n"
        "with locks.held(pathlib.Path('data/series'), 'equities/daily/AAA.US', 5): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=project.root, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        result = project.doit("update", BARMILL_LOCK_TIMEOUT="0.2")
        holder.kill()
    assert result.code == 1
    assert f"has been locked for 0.2 s by `doit` (process {holder.pid}" in result.err
    assert result.out.splitlines()[-1] == "2 changed, 0 unchanged, 1 failed"


def test_the_tree(project, tmp_path):
    """Matched symbols of the raw tree are updated from the zip that they came from, and have their history; others are not."""
    days = ["20240102", "20240103"]
    members = {f"data/daily/us/nasdaq stocks/1/{name}.us.txt": name for name in ("aapl", "msft")}

    def bundle(number):
        with zipfile.ZipFile(tmp_path / "d_us_txt.zip", "w") as file:
            for path, name in members.items():
                lines = ["<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>"]
                file.writestr(path, "\r\n".join([*lines, *price_lines(f"{name.upper()}.US", days[:number]), ""]))

    bundle(1)
    project.listed("broker.csv", [("AAPL", "", "NASDAQ", "Apple", "USD")])
    project.good("load", "-p", "stooq", "--source", str(tmp_path / "d_us_txt.zip"))
    project.good()
    bundle(2)
    told = project.told("update")
    assert (told["AAPL.US"]["rows_added"], told["AAPL.US"]["provider"]) == (1, "stooq")
    assert "aapl.us.txt" in str(list((project.root / "data/stooq").rglob("*.txt")))
    msft = next((project.root / "data/stooq").rglob("msft.us.txt"))
    assert len(msft.read_text().splitlines()) == 2
    assert "a file of the raw tree" in project.bad("update", "-s", "AAPL.US", "-p", "web", code=1)


def yahoo_as_of(path, day, factor):
    """Yahoo's file as it was on a day: no later bar, adjusted closes without later dividends."""
    with open(path, newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["Date"] <= day]
    for row in rows:
        row["Adj Close"] = repr(float(row["Adj Close"]) / factor)
    return "\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows)]) + "\n"


@pytest.mark.real
def test_real_dividend(tmp_path):
    """A dividend between two updates changes every adjusted price before it: the history is fetched anew, no step is stored."""
    path = real_data("yahoo-daily", "stocks", "AAPL.csv")
    with open(path, newline="") as file:
        last = [row for row in csv.DictReader(file) if row["Date"] <= "2022-11-03"][-1]
    project = FetchingProject.make(tmp_path / "p")
    (tmp_path / "y").mkdir()
    project.providers(yahoo=f'{{kind = "csv", source = "{tmp_path / "y"}"}}')
    # before the dividend of 2022-11-04 the last adjusted close was the close itself
    old = yahoo_as_of(path, "2022-11-03", float(last["Adj Close"]) / float(last["Close"]))
    (tmp_path / "y/AAPL.csv").write_text(old)
    project.good("load", "-p", "yahoo", "-s", "AAPL", "--start", "2021-01-01")
    (tmp_path / "y/AAPL.csv").write_bytes(path.read_bytes())
    told = project.told("update", "-s", "AAPL", "--end", "2022-12-01")["equities/daily/AAPL"]
    assert (told["refreshed"], told["rows_added"]) == (True, 19)
    assert told["rows_changed"] == told["rows_before"] == 464
    found = closes(raw(project, "AAPL"))
    with open(path, newline="") as file:
        expected = {row["Date"]: float(row["Adj Close"]) for row in csv.DictReader(file) if row["Date"] in found}
    assert found == pytest.approx(expected, rel=1e-8)


@pytest.mark.real
def test_the_documented_examples(tmp_path):
    """The commands of a day's work with real files: load, update, look-back, no filling, provider, many symbols."""
    project = FetchingProject.make(tmp_path)
    project.providers(yahoo=f'{{kind = "csv", source = "{real_data("yahoo-daily", "stocks")}"}}')
    span = ("--start", "2022-01-01", "--end", "2023-01-01")
    project.good("load", "--provider", "yahoo", "--symbol", "AAPL", *span)
    project.good("load", "-p", "yahoo", "-s", "AAPL", *span, "-f", "daily")
    project.good("load", "-p", "yahoo", "-s", "BAC", "-s", "ALGN", "-s", "ANSS", *span)
    project.good("load", "-p", "yahoo", "-s", "APLD", *span, "-a", "crypto")
    for arguments in (
        ("--symbol", "AAPL", "--end", "2023-02-01"),
        ("-s", "AAPL", "--lookback-days", "10", "--fill-gaps", "--show-status"),
        ("-s", "AAPL", "--no-fill-gaps"),
        ("-s", "AAPL", "--provider", "yahoo"),
        ("-s", "APLD", "-a", "crypto", "--fill-gaps", "--show-status"),
        (),
    ):
        project.good("update", *arguments)
    history = {each["name"]: each for each in json.loads(project.good("history", "--json").out)}
    assert [len(history[f"equities/daily/{symbol}"]["updates"]) for symbol in ("AAPL", "BAC")] == [7, 2]
    assert closes(raw(project, "AAPL")).keys() >= {"2022-01-03", "2023-04-14"}


def test_untouched_files_stay_the_same_file(project, server):
    """An update without news leaves every data file as it is, down to its stamps."""
    project.good("update")
    before = {symbol: stamps(raw(project, symbol)) for symbol in SYMBOLS}
    project.good("update")
    assert {symbol: stamps(raw(project, symbol)) for symbol in SYMBOLS} == before
