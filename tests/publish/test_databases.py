"""What every database promises: rows are exactly the artifact's, written with the ledger as one, and touched only if wrong."""

import datetime as dt
import fcntl
import math
import os
import sqlite3
import threading

import pytest

from barmill.errors import DatabaseError, InputError
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
        assert (found.missing, found.changed, found.extra, found.vouched) == (10, 1, 1, True)
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


def test_a_sqlite_file_is_made_by_one_at_a_time(tmp_path, monkeypatch):
    """Whoever makes a file holds its folder's lock: SQLite refuses one that changes the mode while another does."""
    held = []

    def connect(*arguments, **options):
        folder = os.open(tmp_path, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.append(folder)
        finally:
            os.close(folder)
        return sqlite3.Connection(*arguments, **options)

    part = artifact(tmp_path, "AAA.US", daily(5, 1))
    monkeypatch.setattr(sqlite3, "connect", connect)
    with Target("sqlite", str(tmp_path / "new.sqlite")).session() as session:
        assert session.write([part]).rows == 5
    assert len(held) == 1


def test_no_duplicates(target, tmp_path):
    """The table itself refuses two rows of a symbol and date."""
    part = artifact(tmp_path, "AAA.US", daily(3, 1))
    with target.session() as session:
        session.write([part])
    column, value = ("indicators", "'{}'") if target.kind == "jsonb" else ("month", "1")
    day = part.last or dt.date.min
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
        target.run(f"INSERT INTO indicators ({target.symbol}, trading_date, {column}) VALUES ('AAA.US', '{day}', {value})")
