"""`doit publish`: runs of the real program over a small market."""

import contextlib
import datetime as dt
import json
import sqlite3

import pytest

import barmill
from barmill.errors import BarsError
from tests.support.bars import daily
from tests.support.loopback import free_port
from tests.support.market import NASDAQ, NYSE, REPOSITORY, MarketProject
from tests.support.postgres import PASSWORD, Server
from tests.support.project import ended

SYMBOLS = {"AAPL.US": (NASDAQ, 1), "KO.US": (NYSE, 2), "MSFT.US": (NASDAQ, 3)}


@pytest.fixture
def project(tmp_path):
    """Three symbols of 60 days."""
    return make(tmp_path)


def make(root):
    """A project of three symbols of 60 days."""
    project = MarketProject.make(root)
    for ticker, (folder, seed) in SYMBOLS.items():
        project.daily(folder, ticker, daily(60, seed))
    market = {NASDAQ: "NASDAQ", NYSE: "NYSE"}
    project.listed(
        "broker.csv", [(name.removesuffix(".US"), "", market[folder], name, "USD") for name, (folder, _) in SYMBOLS.items()]
    )
    return project


def query(project, text, path="artifacts/barmill.sqlite"):
    """The rows of a query."""
    with contextlib.closing(sqlite3.connect(project.root / path)) as connection, connection:
        return connection.execute(text).fetchall()


def last_line(result):
    """The line that counts."""
    return result.out.splitlines()[-1]


def test_alone_does_everything_and_twice_does_nothing(project):
    """`doit publish` in a fresh project builds and fills SQLite; a second run builds nothing and writes no byte."""
    assert "3 published (180 rows written), 0 unchanged, 0 failed" in last_line(project.good("publish"))
    database = project.root / "artifacts/barmill.sqlite"
    before = database.read_bytes(), database.stat().st_mtime_ns
    result = project.good("publish")
    assert "0 published (0 rows written), 3 unchanged" in last_line(result)
    assert result.counts["built"] == 0
    assert (database.read_bytes(), database.stat().st_mtime_ns) == before


def test_one_price_changes_that_symbol_from_that_date_on(project):
    """An edited price is published: 20 rows of that symbol, from that date on; `doit && doit publish` does the same."""
    project.good("publish")
    before = {tuple(row[:2]): row for row in query(project, "SELECT * FROM indicators")}
    bars = daily(60, 1)
    bars[40] |= {"close": bars[40]["high"]}
    project.daily(NASDAQ, "AAPL.US", bars)
    project.good()
    assert "1 published (20 rows written), 2 unchanged" in last_line(project.good("publish"))
    after = {tuple(row[:2]): row for row in query(project, "SELECT * FROM indicators")}
    changed = [key for key in after if after[key] != before[key]]
    assert changed == [("AAPL.US", bar["date"].isoformat()) for bar in bars[40:]]


def readme_queries():
    """The queries in the README's section about the database."""
    block = (REPOSITORY / "README.md").read_text(encoding="utf-8").split("```sql\n")[1].split("```")[0]
    lines = [line for line in block.splitlines() if not line.startswith("--")]
    return [text.strip() for text in " ".join(lines).split(";") if text.strip()]


def check_queries(run):
    """Run the README's queries by `run` on the three symbols, and look at what they give."""
    total, duplicates, pairs, newest, day, broken = map(run, readme_queries())
    last = [bar["date"].isoformat() for bar in daily(60, 1)[:-6:-1]]
    assert (total, duplicates, pairs, broken) == ([(180,)], [], [(180, 180)], [])
    assert [str(row[0]) for row in newest] == last
    assert all(None not in row for row in newest)
    assert {row[0] for row in day} <= set(SYMBOLS)


def test_queries_of_readers(project):
    """The README's queries give what it says; the ledger has an entry per symbol."""
    project.good("publish")
    check_queries(lambda text: query(project, text))
    ledger = query(project, "SELECT symbol, rows, last_date, since FROM indicators_ledger ORDER BY symbol")
    assert ledger == [(name, 60, daily(60, 1)[-1]["date"].isoformat(), None) for name in SYMBOLS]


def test_dry_run_and_no_build(project):
    """`--dry-run` builds and writes nothing, and says what would be published and why; `--no-build` publishes what is there."""
    assert "run doit" in project.bad("publish", "--dry-run")
    project.good()
    told = json.loads(project.good("publish", "--dry-run", "--json").out)
    assert [(each["symbol"], each["rows"], each["why"]) for each in told["would_publish"]] == [(n, 60, "new") for n in SYMBOLS]
    assert not (project.root / "artifacts/barmill.sqlite").exists()
    project.daily(NASDAQ, "AAPL.US", daily(61, 1))
    assert "(180 rows written)" in last_line(project.good("publish", "--no-build"))
    result = project.good("publish", "--json")
    assert json.loads(result.out)["published"] == {"AAPL.US": 61}


def test_flags(project):
    """`--symbol`, `--limit`, `--since`, `--force` and `--batch-size` publish what they say, and what is left comes later."""
    assert "1 published (60 rows" in last_line(project.good("publish", "--symbol", "KO.US"))
    assert "1 published (60 rows" in last_line(project.good("publish", "--limit", "1"))
    day = daily(60, 3)[50]["date"].isoformat()
    assert "1 published (10 rows" in last_line(project.good("publish", "--no-build", "--since", day))
    assert "1 published (50 rows" in last_line(project.good("publish", "--no-build", "--batch-size", "1"))
    query(project, "UPDATE indicators SET OBV = 0 WHERE symbol = 'KO.US'")
    assert "0 published" in last_line(project.good("publish", "--no-build"))
    assert "3 published (59 rows" in last_line(project.good("publish", "--no-build", "--force"))
    assert "AAPL.US" in project.bad("publish", "--symbol", "APPL.US", code=3)
    assert "2024-01-31" in project.bad("publish", "--since", "yesterday", code=3)


def test_today_only_makes_up_for_missed_days(project):
    """`--today-only` after three days that were missed publishes all three of each symbol, and nothing twice."""
    project.good("publish")
    for ticker, (folder, seed) in SYMBOLS.items():
        project.daily(folder, ticker, daily(60, seed) + later(seed, 3))
    assert "3 published (9 rows written)" in last_line(project.good("publish", "--today-only"))
    assert "0 published" in last_line(project.good("publish", "--today-only"))
    assert query(project, "SELECT COUNT(*) FROM indicators") == [(189,)]
    assert "3 published (0 rows written)" in last_line(project.good("publish"))


def later(seed, days):
    """More bars, after those of `daily(60, seed)`."""
    return daily(days, seed + 100, start=daily(60, seed)[-1]["date"] + dt.timedelta(1))


def test_check_and_repair(project):
    """`--check` finds every row that was dropped, edited or is of a symbol that is gone, and exits with 1; `--repair` mends."""
    project.good("publish")
    assert "3 of 3 symbols are exactly right" in last_line(project.good("publish", "--check"))
    query(project, "UPDATE indicators SET CMF_20 = CMF_20 + 1e-9 WHERE symbol = 'AAPL.US' AND CMF_20 IS NOT NULL")
    project.listed("broker.csv", [("AAPL", "", "NASDAQ", "Apple", "USD"), ("KO", "", "NYSE", "Coca-Cola", "USD")])
    project.good()
    query(project, "DELETE FROM indicators WHERE symbol = 'KO.US' AND trading_date > '2018-03-01'")
    result = project.doit("publish", "--check", "--json")
    told = json.loads(result.out)
    found = [(each["symbol"], each["missing"], each["changed"], each["extra"]) for each in told["differences"]]
    assert result.code == 1
    assert sorted(found) == [("AAPL.US", 0, 41, 0), ("KO.US", 16, 0, 0)]
    assert told["removed_from_project"] == ["MSFT.US"]
    assert "117 rows mended" in last_line(project.good("publish", "--repair"))
    assert "2 of 2 symbols are exactly right" in last_line(project.good("publish", "--check"))
    assert query(project, "SELECT DISTINCT symbol FROM indicators_ledger ORDER BY 1") == [("AAPL.US",), ("KO.US",)]


def test_symbol_that_no_target_makes_any_more_is_removed(project):
    """A series that is no longer listed, or whose bars are all gone, is not read or published any more."""
    project.good("publish")
    project.listed("broker.csv", [("AAPL", "", "NASDAQ", "Apple", "USD"), ("KO", "", "NYSE", "Coca-Cola", "USD")])
    dry = project.good("publish", "--dry-run").out
    path = project.daily(NYSE, "KO.US", [])
    assert "would remove MSFT.US: no target makes its indicators any more" not in dry  # as built so far
    out = project.good("publish").out
    for name in ("MSFT.US", "KO.US"):
        assert f"removed {name}: no target makes its indicators any more" in out
        assert (project.root / f"artifacts/indicators/{name}.parquet").exists()
    assert query(project, "SELECT DISTINCT symbol FROM indicators") == [("AAPL.US",)]
    assert query(project, "SELECT symbol FROM indicators_ledger") == [("AAPL.US",)]
    assert "1 of 1 symbols are exactly right" in last_line(project.good("publish", "--check"))
    assert "not a daily series that has bars" in project.bad("publish", "--symbol", "KO.US", "--no-build", code=3)
    with pytest.warns(UserWarning, match=r"^KO\.US: no bars are built of it, so it has no indicators; left out"):
        assert set(barmill.read_indicators(root=project.root).column("symbol").to_pylist()) == {"AAPL.US"}
    with pytest.raises(BarsError, match=r"KO\.US: no bars"):
        barmill.read_indicators("KO.US", root=project.root)
    assert path.exists()


def test_a_failed_symbol_fails_alone(project):
    """A damaged artifact: its symbol fails with its path, exit code 1; the others are published; a build mends it."""
    project.good()
    path = project.root / "artifacts/indicators/KO.US.parquet"
    path.write_bytes(path.read_bytes()[:2000])
    result = project.doit("publish", "--no-build")
    assert result.code == 1
    assert "KO.US.parquet can't be read" in result.out
    assert "2 published (120 rows written), 0 unchanged, 1 failed" in last_line(result)
    assert "1 published (60 rows written), 2 unchanged, 0 failed" in last_line(project.good("publish"))


def test_no_password_in_anything(project):
    """A server that is not there: exit code 2; the password is in no output, log, state or record."""
    url = f"postgresql://barmill:{PASSWORD}@127.0.0.1:{free_port()}/x"
    result = project.doit("publish", BARMILL_DATABASE=url)
    assert result.code == 2
    assert "barmill:***@127.0.0.1" in result.err
    everything = [path.read_bytes() for path in (project.root / "artifacts").rglob("*") if path.is_file()]
    assert len(everything) > 20
    assert not any(secret in text for text in [result.out, result.err] for secret in (PASSWORD, "s3cret"))
    assert not any(b"s3cret" in data for data in everything)


def test_two_projects_publish_at_once(tmp_path):
    """Two projects with the same symbols publish into one database at the same time: each row once, neither fails."""
    projects = [make(tmp_path / name) for name in ("a", "b")]
    shared = str(tmp_path / "shared.sqlite")
    results = [ended(run) for run in [project.start("publish", BARMILL_DATABASE=shared) for project in projects]]
    assert [result.code for result in results] == [0, 0]
    assert query(projects[0], "SELECT COUNT(*) FROM indicators", shared) == [(180,)]
    assert "3 of 3 symbols are exactly right" in last_line(projects[1].good("publish", "--check", BARMILL_DATABASE=shared))


@pytest.fixture
def server():
    """A server of this test alone."""
    server = Server.make().start()
    yield server
    server.stop()


@pytest.mark.parametrize("layout", ["columns", "jsonb"])
def test_postgres(project, server, layout):
    """With the URL of a PostgreSQL server it is filled there, in either layout; readers of JSON find what they look for."""
    url = server.url
    environ = {"BARMILL_DATABASE": url, "BARMILL_DATABASE_LAYOUT": layout}
    assert "3 published (180 rows written)" in last_line(project.good("publish", **environ))
    assert "0 published (0 rows written), 3 unchanged" in last_line(project.good("publish", **environ))
    bars = daily(60, 1)
    bars[40] |= {"close": bars[40]["high"]}
    project.daily(NASDAQ, "AAPL.US", bars)
    assert "1 published (20 rows written), 2 unchanged" in last_line(project.good("publish", **environ))
    assert "3 of 3 symbols are exactly right" in last_line(project.good("publish", "--check", **environ))
    if layout == "columns":
        check_queries(server.run)
    else:
        where = "indicators @> '{\"is_month_end\": true}' AND scrip = 'AAPL.US'"
        assert server.run(f"SELECT count(*) FROM indicators WHERE {where}")[0][0] > 0
        assert server.run("SELECT version, count(*) FROM indicators GROUP BY 1 ORDER BY 1") == [(1, 160), (2, 20)]
        other = project.bad("publish", code=3, BARMILL_DATABASE=url, BARMILL_DATABASE_LAYOUT="columns")
        assert 'set database_layout = "jsonb"' in other
