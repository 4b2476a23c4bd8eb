"""What every database promises: rows are exactly the artifact's, written with the ledger as one, and touched only if wrong."""

import datetime as dt
import math
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from barmill.errors import DatabaseError, InputError
from barmill.publish import sqlite
from barmill.publish.check import differences
from barmill.publish.parts import Entry
from tests.support.bars import daily
from tests.support.databases import Target, artifact, expected


def test_rows_are_the_artifacts(target, tmp_path):
    """Every value of every row arrives, null where there is none; the ledger says whose they are."""
    parts = [artifact(tmp_path, "AAA.US", daily(60, 1)), artifact(tmp_path, "BBB.US", daily(3, 2))]
    with target.session() as session:
        assert session.entries() == {}
        assert session.write(parts) == (63, frozenset())
        assert differences(parts, session, session.entries()) == []
        entries = session.entries()
    for part in parts:
        assert target.rows(part.symbol) == expected(part)
        assert entries[part.symbol] == Entry(part.symbol, part.digest, part.rows, part.last)


def test_second_time_writes_nothing(target, tmp_path):
    """What the ledger vouches for is not written again; forced, it is compared, and no row is touched."""
    part = artifact(tmp_path, "AAA.US", daily(40, 1))
    with target.session() as session:
        session.write([part])
        assert session.write([part]) == (0, frozenset({"AAA.US"}))
        assert session.write([part], force=True) == (0, frozenset())


def test_corrected_price(target, tmp_path):
    """A corrected close changes that symbol's rows from that date on, and no others."""
    bars = daily(60, 1)
    other = artifact(tmp_path, "BBB.US", daily(60, 2))
    with target.session() as session:
        session.write([artifact(tmp_path, "AAA.US", bars), other])
        bars[40] = bars[40] | {"close": bars[40]["close"] * 1.1}
        part = artifact(tmp_path, "AAA.US", bars)
        assert session.write([part]) == (20, frozenset())
        assert session.entries()["AAA.US"].digest == part.digest
    assert target.rows("AAA.US") == expected(part)
    assert target.rows("BBB.US") == expected(other)


def test_late_and_removed_rows(target, tmp_path):
    """A day that comes late changes what follows it; one that is taken back goes from the database, too."""
    bars = daily(50, 3)
    states = (bars[:20] + bars[21:], 49), (bars, 30), (bars[:20] + bars[21:45], 30)
    for state, changed in states:
        part = artifact(tmp_path, "AAA.US", state)
        with target.session() as session:
            assert session.write([part]).rows == changed
        assert target.rows("AAA.US") == expected(part)


def test_nan_price_costs_its_row_only(target, tmp_path):
    """A price that is not a number: nulls in its row, values in the others; nothing fails."""
    bars = daily(60, 4)
    bars[30] |= {"close": math.nan}
    part = artifact(tmp_path, "AAA.US", bars)
    with target.session() as session:
        session.write([part, artifact(tmp_path, "BBB.US", daily(5, 1))])
    rows = list(target.rows("AAA.US").values())
    assert rows[30][:3] == (None, None, None)
    assert None not in rows[59]
    assert len(target.rows("BBB.US")) == 5


def test_since(target, tmp_path):
    """Rows since a date only: older ones stay as they are, the ledger says from when on it vouches, and all complete it."""
    bars = daily(50, 5)
    old = artifact(tmp_path, "AAA.US", bars[:40])
    wrong = [bars[0] | {"close": 1.0}, *bars[1:]]
    since = bars[35]["date"]
    with target.session() as session:
        session.write([old])
        kept = dict(list(expected(old).items())[:35])
        part = artifact(tmp_path, "AAA.US", wrong, since)
        session.write([part])
        entry = session.entries()["AAA.US"]
        assert (entry.digest, entry.since, entry.rows) == (part.digest, since, 15)
        assert session.write([part]) == (0, frozenset({"AAA.US"}))
    assert target.rows("AAA.US") == kept | dict(list(expected(part).items())[35:])
    whole = artifact(tmp_path, "AAA.US", wrong)
    with target.session() as session:
        session.write([whole])
        assert session.entries()["AAA.US"].since is None
    assert target.rows("AAA.US") == expected(whole)


def test_failure_leaves_what_was(target, tmp_path):
    """A damaged artifact in a batch: nothing of the batch is written, the ledger is as before."""
    good, bad = artifact(tmp_path, "AAA.US", daily(9, 1)), artifact(tmp_path, "BBB.US", daily(9, 2))
    bad.path.write_bytes(bad.path.read_bytes()[:-100])
    with target.session() as session:
        with pytest.raises(InputError, match=r"BBB\.US\.parquet"):
            session.write([good, bad])
        assert session.entries() == {}
        session.write([good])
    assert target.rows("AAA.US") == expected(good)


def test_rows_dropped_and_edited_behind_its_back(target, tmp_path):
    """Rows that were deleted, edited or added in the database are found by comparison, and mended."""
    part = artifact(tmp_path, "AAA.US", daily(60, 6))
    edit = "indicators = indicators || '{\"SMA_3\": 1}'" if target.kind == "jsonb" else "sma_3 = 1"
    new = ("(scrip, trading_date, indicators)", "'{}'") if target.kind == "jsonb" else ("(symbol, trading_date, month)", "1")
    days = [day.isoformat() for day in expected(part)]
    with target.session() as session:
        session.write([part])
    target.run(f"DELETE FROM indicators WHERE trading_date >= '{days[50]}'")
    target.run(f"UPDATE indicators SET {edit} WHERE trading_date = '{days[20]}'")
    target.run(f"INSERT INTO indicators {new[0]} VALUES ('AAA.US', '1999-01-01', {new[1]})")
    with target.session() as session:
        (found,) = differences([part], session, session.entries())
        assert (found.missing, found.changed, found.extra, found.vouched) == (10, 1, 1, False)
        assert session.write([part], force=True).rows == 12
        assert differences([part], session, session.entries()) == []
    assert target.rows("AAA.US") == expected(part)


def test_table_dropped_behind_its_back(target, tmp_path):
    """Where the table is gone the ledger vouches for nothing."""
    part = artifact(tmp_path, "AAA.US", daily(9, 1))
    with target.session() as session:
        session.write([part])
    target.run("DROP TABLE indicators")
    with target.session() as session:
        assert session.entries() == {}
        assert session.write([part]).rows == 9
    assert target.rows("AAA.US") == expected(part)


def test_new_and_lost_columns(target, tmp_path):
    """A table that lacks a column gets it, filled; what the ledger said before counts no more."""
    if target.kind == "jsonb":
        pytest.skip("a JSON value has no columns")
    part, other = artifact(tmp_path, "AAA.US", daily(30, 1)), artifact(tmp_path, "BBB.US", daily(30, 2))
    with target.session() as session:
        session.write([part, other])
    target.run("ALTER TABLE indicators DROP COLUMN sma_3")
    with target.session() as session:
        session.write([part], force=True)
        assert set(session.entries()) == {"AAA.US"}
        session.write([part, other])
    assert target.rows("AAA.US") == expected(part)
    assert target.rows("BBB.US") == expected(other)


def test_symbol_removed(target, tmp_path):
    """A symbol that is removed takes its rows and its entry with it, and no others."""
    parts = [artifact(tmp_path, "AAA.US", daily(9, 1)), artifact(tmp_path, "O'B.US", daily(9, 2))]
    with target.session() as session:
        session.write(parts)
        assert session.remove(["O'B.US"]) == 9
        assert set(session.entries()) == {"AAA.US"}
    assert target.run(f"SELECT DISTINCT {target.symbol} FROM indicators") == [("AAA.US",)]


def test_two_publishers_at_once(target, tmp_path):
    """Two that publish the same symbols at once, in opposite order, write each row once, and neither fails."""
    parts = [artifact(tmp_path, f"S{n}.US", daily(30, n)) for n in range(12)]
    written, errors = [], []

    def publish(order):
        try:
            with target.session() as session:
                written.extend(session.write([part]) for part in order)
        except DatabaseError as error:  # pragma: no cover
            errors.append(error)

    threads = [threading.Thread(target=publish, args=(order,)) for order in (parts, parts[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sum(each.rows for each in written) == 12 * 30
    assert sum(len(each.right) for each in written) == 12
    for part in parts:
        assert target.rows(part.symbol) == expected(part)


def test_sqlite_file_made_by_several_publishers_at_once(tmp_path):
    """Eight threads that publish into a file that nobody has made yet: none fails, every row is there."""
    target = Target("sqlite", str(tmp_path / "new.sqlite"))
    parts = [artifact(tmp_path, f"S{n}.US", daily(5, n)) for n in range(8)]
    start, errors = threading.Barrier(8), []

    def publish(part):
        with target.session() as session:
            start.wait()
            try:
                session.write([part])
            except DatabaseError as error:  # pragma: no cover
                errors.append(error)

    threads = [threading.Thread(target=publish, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert target.run("SELECT count(*) FROM indicators") == [(40,)]
    assert target.run("PRAGMA journal_mode") == [("wal",)]


def test_sqlite_file_of_another_program_gets_wal(tmp_path):
    """A file that exists with tables of its own and a rollback journal is switched to WAL, and keeps its tables."""
    target = Target("sqlite", str(tmp_path / "db.sqlite"))
    target.run("CREATE TABLE own (x)")
    with target.session() as session:
        assert session.entries() == {}
        session.write([artifact(tmp_path, "AAA.US", daily(5, 1))])
    assert target.run("PRAGMA journal_mode") == [("wal",)]
    assert target.run("SELECT count(*) FROM own") == [(0,)]


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_sqlite_writer_that_waits_for_another_program_reports_it_and_can_be_interrupted(tmp_path, monkeypatch, capsys, mode):
    """The program with an open transaction is named; Ctrl-C ends the wait; once that program is done, writing goes on."""
    monkeypatch.setattr(sqlite, "_PATIENCE", 0.0)
    target = Target("sqlite", str(tmp_path / "db.sqlite"))
    part = artifact(tmp_path, "AAA.US", daily(5, 1))
    target.run(f"PRAGMA journal_mode = {mode}")
    script = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN IMMEDIATE'); "
        "c.execute('CREATE TABLE held (x)'); print('ready', flush=True); sys.stdin.read(); c.execute('ROLLBACK')"
    )
    command = [sys.executable, "-c", script, target.url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "ready\n"
        with target.session() as session:
            timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
            timer.start()
            start = time.monotonic()
            with pytest.raises(KeyboardInterrupt):
                session.write([part])
            assert time.monotonic() - start < 30
            assert f"waiting for process {other.pid} (python" in capsys.readouterr().err
            threading.Timer(0.3, other.stdin.close).start()
            assert session.write([part]).rows == 5
    assert target.rows("AAA.US") == expected(part)


def test_sqlite_dates_compare_as_text(tmp_path):
    """A bound that is only a year separates years, as text does; also in a table of an earlier version, once published."""
    target = Target("sqlite", str(tmp_path / "db.sqlite"))
    part = artifact(tmp_path, "AAA.US", daily(400, 1))
    years = sorted(f"{day:%Y}" for day in expected(part))
    later = sum(year >= years[-1] for year in years)
    with target.session() as session:
        session.write([part])
    query = f"SELECT count(*) FROM indicators WHERE trading_date >= '{years[-1]}'"
    assert target.run(query) == [(later,)]

    (columns,) = target.run("SELECT sql FROM sqlite_schema WHERE name = 'indicators'")[0]
    old = (
        columns.replace("trading_date TEXT", "trading_date DATE")
        .replace('"indicators"', "old")
        .replace("indicators (", "old (")
    )
    assert "trading_date DATE" in old
    for statement in (old, "INSERT INTO old SELECT * FROM indicators", "DROP TABLE indicators"):
        target.run(statement)
    target.run("ALTER TABLE old RENAME TO indicators")
    target.run("CREATE INDEX mine ON indicators (sma_3)")
    assert target.run(query) == [(400,)]
    with target.session() as session:
        assert session.entries() == {}
        assert session.write([part]).rows == 0
        assert session.entries()["AAA.US"].digest == part.digest
    assert target.run(query) == [(later,)]
    assert ("mine",) in target.run("SELECT name FROM sqlite_schema WHERE type = 'index'")
    assert target.rows("AAA.US") == expected(part)


@pytest.mark.parametrize("change", ["all", "some", "added", "since"])
def test_rows_that_were_deleted_or_added_in_the_database_come_right_again(target, tmp_path, change):
    """The ledger counts rows: where the table has fewer or more of a symbol, the symbol is written again."""
    parts = [artifact(tmp_path, name, daily(30, n)) for n, name in enumerate(("AAA.US", "BBB.US"))]
    if change == "since":
        parts[0] = artifact(tmp_path, "AAA.US", daily(30, 0), daily(30, 0)[20]["date"])
    with target.session() as session:
        session.write(parts)
    days = [day.isoformat() for day in expected(parts[0])]
    whose = f"{target.symbol} = 'AAA.US'"
    column, value = ("indicators", "'{}'") if target.kind == "jsonb" else ("month", "1")
    target.run({
        "all": "DELETE FROM indicators",
        "some": f"DELETE FROM indicators WHERE {whose} AND trading_date = '{days[7]}'",
        "added": f"INSERT INTO indicators ({target.symbol}, trading_date, {column}) VALUES ('AAA.US', '1999-01-01', {value})",
        "since": f"DELETE FROM indicators WHERE {whose} AND trading_date = '{days[25]}'",
    }[change])  # fmt: skip
    with target.session() as session:
        entries = session.entries()
        assert [entries[part.symbol].is_whole for part in parts] == [False, change != "all"]
        assert session.write(parts).rows == {"all": 60, "some": 1, "added": 1, "since": 1}[change]
        assert all(entry.is_whole for entry in session.entries().values())
    for part in parts:
        assert list(target.rows(part.symbol).items())[-10:] == list(expected(part).items())[-10:]


def test_no_duplicates(target, tmp_path):
    """The table itself refuses two rows of a symbol and date."""
    part = artifact(tmp_path, "AAA.US", daily(3, 1))
    with target.session() as session:
        session.write([part])
    column, value = ("indicators", "'{}'") if target.kind == "jsonb" else ("month", "1")
    day = part.last or dt.date.min
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
        target.run(f"INSERT INTO indicators ({target.symbol}, trading_date, {column}) VALUES ('AAA.US', '{day}', {value})")
