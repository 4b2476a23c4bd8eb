"""Publishing into databases that fail: killed, full, absent, none at all. Each symbol stays old or becomes new, whole."""

import sqlite3
import subprocess
import threading

import pytest

from barmill.errors import DatabaseError, DatabaseLost
from barmill.publish import publication
from barmill.publish.pending import batches
from barmill.publish.publication import Publication
from tests.support.bars import daily
from tests.support.databases import Target, artifact, expected
from tests.support.loopback import free_port
from tests.support.postgres import PASSWORD, Server, give


@pytest.fixture
def own():
    """A server of this test alone, that may be killed."""
    server = Server.make().start()
    yield server
    server.stop()


def parts_of(tmp_path, number, rows):
    """As many symbols of as many rows."""
    return [artifact(tmp_path, f"S{n:03d}.US", daily(rows, n)) for n in range(number)]


def after(symbols, crash):
    """What to do while symbols are published: once some are done, `crash`."""
    crashed = threading.Event()

    def progress(done):
        if done >= symbols and not crashed.is_set():
            crashed.set()
            crash()

    return progress


def test_server_killed_in_the_middle(own, tmp_path, monkeypatch):
    """kill -9 of the server while it is written to: what is there is whole, and the next run completes it."""
    monkeypatch.setattr(publication, "_PAUSE", 0.01)
    target = Target("postgresql", own.url)
    parts = parts_of(tmp_path, 60, 200)
    with target.session() as session:
        session.write(parts[:1])
    report = Publication(target.open(), progress=after(4, own.kill)).run(batches(parts, 400))
    assert "127.0.0.1" in report.lost
    assert 0 < len(report.done) < 60
    assert report.failed == {}
    own.start()
    with target.session() as session:
        vouched = {symbol for symbol, entry in session.entries().items() if entry.rows == 200}
    there = dict(target.run("SELECT symbol, count(*) FROM indicators GROUP BY symbol"))
    assert there == dict.fromkeys(vouched, 200)
    assert vouched >= report.done.keys()
    report = Publication(target.open()).run(batches(parts, 400))
    assert (len(report.done), report.lost, report.failed) == (60, "", {})
    for part in parts[::10]:
        assert target.rows(part.symbol) == expected(part)


def test_server_restarts_in_the_middle(own, tmp_path):
    """A server that is killed and comes back within seconds: connections are made anew, and everything is published."""
    target = Target("postgresql", own.url)
    parts = parts_of(tmp_path, 30, 100)

    def crash():
        own.kill()
        own.start()

    report = Publication(target.open(), progress=after(4, crash)).run(batches(parts, 200))
    assert (len(report.done), report.lost, report.failed) == (30, "", {})
    assert target.run("SELECT count(*) FROM indicators") == [(3000,)]


def test_server_disk_full(server, tmp_path):
    """A full disk under the server: symbols fail with the server's words, those before are whole, and room makes it good."""
    disk = server.home / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("a small file system can't be mounted here")
    try:
        give(disk)
        server.run(f"CREATE TABLESPACE small LOCATION '{disk}'")
        server.run("CREATE DATABASE small TABLESPACE small")
        target = Target("postgresql", server.url.removesuffix("postgres") + "small")
        parts = parts_of(tmp_path, 20, 1000)
        report = Publication(target.open()).run(batches(parts, 1000))
        assert 0 < len(report.done) < 20
        assert any("No space left" in text and "make room" in text for text in report.failed.values())
        counts = dict(target.run("SELECT symbol, count(*) FROM indicators GROUP BY symbol"))
        assert counts == dict.fromkeys(report.done, 1000)
        subprocess.run(["mount", "-o", "remount,size=60m", str(disk)], check=True)
        report = Publication(target.open()).run(batches(parts, 1000))
        assert (len(report.done), report.failed) == (20, {})
        assert target.rows(parts[11].symbol) == expected(parts[11])
        server.run("DROP DATABASE small")
        server.run("DROP TABLESPACE small")
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


def test_no_server(tmp_path):
    """A server that does not answer: one error with the address and without the password, and nothing else is tried."""
    target = Target("postgresql", f"postgresql://barmill:{PASSWORD}@127.0.0.1:{free_port()}/x")
    with pytest.raises(DatabaseLost, match=r"127\.0\.0\.1") as caught:
        target.open().connect()
    assert PASSWORD not in str(caught.value)


def test_wrong_password(server):
    """A refused password is not repeated in the error."""
    target = Target("postgresql", server.url.replace("s3cret%2Fword", "wrong-secret"))
    with pytest.raises(DatabaseLost, match="password authentication failed") as caught:
        target.open().connect()
    assert "wrong-secret" not in str(caught.value)


def test_sqlite_full(tmp_path, monkeypatch):
    """A full disk under SQLite: the symbol fails alone with SQLite's words, the others are whole; room makes it good."""
    target = Target("sqlite", str(tmp_path / "db.sqlite"))
    parts = parts_of(tmp_path, 6, 300)
    connect = sqlite3.connect

    def small(*arguments, **options):
        connection = connect(*arguments, **options)
        connection.execute("PRAGMA max_page_count = 80")
        return connection

    with monkeypatch.context() as patched:
        patched.setattr(sqlite3, "connect", small)
        report = Publication(target.open()).run(batches(parts, 300))
    assert 0 < len(report.done) < 6
    assert all("disk is full" in text for text in report.failed.values())
    assert target.run("SELECT DISTINCT count(*) FROM indicators GROUP BY symbol") == [(300,)]
    report = Publication(target.open()).run(batches(parts, 300))
    assert (len(report.done), report.failed) == (6, {})


def test_sqlite_readers_go_on(tmp_path):
    """While a transaction writes, a reader sees the old rows, all of them, without waiting."""
    target = Target("sqlite", str(tmp_path / "db.sqlite"))
    part = artifact(tmp_path, "AAA.US", daily(20, 1))
    with target.session() as session:
        session.write([part])
        writer = sqlite3.connect(target.url, isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM indicators")
        assert target.rows("AAA.US") == expected(part)
        writer.execute("ROLLBACK")
        writer.close()


def test_no_database(tmp_path):
    """A file that is no database is refused by name, and left as it is."""
    for kind in ("sqlite", "duckdb"):
        path = tmp_path / f"text.{kind}"
        path.write_text("no database " * 100)
        target = Target(kind, str(path))
        with pytest.raises(DatabaseError, match=rf"text\.{kind}"), target.session() as session:
            session.entries()
        assert path.read_text() == "no database " * 100


def test_one_bad_symbol_does_not_stop_the_others(target, tmp_path):
    """Of a batch of six the damaged one fails, with its path; the other five are published."""
    parts = parts_of(tmp_path, 6, 20)
    parts[2].path.write_bytes(b"PAR1")
    report = Publication(target.open()).run([parts])
    assert list(report.failed) == ["S002.US"]
    assert "S002.US.parquet" in report.failed["S002.US"]
    assert len(report.done) == 5
    assert target.rows("S005.US") == expected(parts[5])


def test_killed_publisher(tmp_path):
    """kill -9 of a publisher in the middle of a transaction: the database has whole symbols only, and the next one goes on."""
    import os
    import signal
    import sys

    target = Target("sqlite", str(tmp_path / "db.sqlite"))
    parts = parts_of(tmp_path, 8, 200)
    with target.session() as session:
        session.write(parts[:2])
    program = (
        "import sys, time; from tests.publish.test_faults import *; import barmill.publish.sqlite as s;"
        "whole = s._records; s._records = lambda table: (row for n, row in enumerate(whole(table)) if n != 150 or print('here', flush=True) or time.sleep(60));"  # noqa: E501
        f"import pathlib; t = Target('sqlite', {target.url!r}); p = parts_of(pathlib.Path({str(tmp_path)!r}), 8, 200);"
        "Publication(t.open()).run([p[2:]])"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "here\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert target.run("SELECT symbol, count(*) FROM indicators GROUP BY symbol") == [("S000.US", 200), ("S001.US", 200)]
    report = Publication(target.open()).run(batches(parts, 400))
    assert (len(report.done), report.failed) == (8, {})
    assert target.rows("S007.US") == expected(parts[7])
