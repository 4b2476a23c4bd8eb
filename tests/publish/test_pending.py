"""What is to be published, and in what batches: told from the ledger and the artifacts, without any database."""

import datetime as dt

import pytest

from barmill.publish.parts import Entry
from barmill.publish.pending import Artifact, Wish, adaptive_rows, batches, pending
from tests.support.bars import daily
from tests.support.databases import artifact

DAY = dt.date(2018, 1, 1)


@pytest.fixture
def three(tmp_path):
    """OLD.US of 5 days, MID.US and NEW.US of 9, by their digests."""
    made = [artifact(tmp_path, name, daily(days, 1, start=DAY)) for name, days in (("OLD.US", 5), ("NEW.US", 9), ("MID.US", 9))]
    return {part.symbol: Artifact(part.symbol, part.path, part.digest) for part in made}


def entry(one, days, digest=None, since=None):
    """A ledger entry of so many days of an artifact."""
    return Entry(one.symbol, digest or one.digest, days, daily(days, 1, start=DAY)[-1]["date"], since)


def chosen(three, entries, **wish):
    """(symbol, why, since) of what is to be published."""
    parts, errors = pending(three.values(), {each.symbol: each for each in entries}, Wish(**wish))
    assert errors == {}
    return [(part.symbol, part.why, part.since) for part in parts]


def test_newest_first(three):
    """Everything that is new, the newest symbols first, then by name."""
    assert chosen(three, []) == [("MID.US", "new", None), ("NEW.US", "new", None), ("OLD.US", "new", None)]
    assert chosen(three, [], limit=2) == [("MID.US", "new", None), ("NEW.US", "new", None)]


def test_matrix(three):
    """Unchanged: left out; changed, or vouched for in part only: whole; forced: all."""
    entries = [entry(three["OLD.US"], 5), entry(three["NEW.US"], 8, "other"), entry(three["MID.US"], 9, since=DAY)]
    assert chosen(three, entries) == [("MID.US", "incomplete", None), ("NEW.US", "changed", None)]
    assert [symbol for symbol, _, _ in chosen(three, entries, force=True)] == ["MID.US", "NEW.US", "OLD.US"]


def test_since(three):
    """Only rows since a date; symbols that end before it are left out, and so is what is vouched for since then."""
    day = dt.date(2018, 1, 9)
    assert chosen(three, [], since=day) == [("MID.US", "new", day), ("NEW.US", "new", day)]
    vouched = [entry(three["MID.US"], 9, since=dt.date(2018, 1, 2))]
    assert chosen(three, vouched, since=day) == [("NEW.US", "new", day)]


def test_today_only(three):
    """The rows after those published, be it one day or three that cron missed; of a symbol never published the newest day."""
    entries = [entry(three["NEW.US"], 6, "other"), entry(three["OLD.US"], 5, "other")]
    last = dt.date(2018, 1, 11)
    assert chosen(three, entries, today_only=True) == [("MID.US", "new", last), ("NEW.US", "changed", dt.date(2018, 1, 9))]
    assert chosen(three, [entry(each, 9) for each in three.values()], today_only=True) == []


def test_damaged_artifact_is_told(three):
    """An artifact that can't be read is told by its path; the others are published."""
    three["MID.US"].path.write_bytes(b"PAR1PAR1")
    parts, errors = pending(three.values(), {}, Wish())
    assert [part.symbol for part in parts] == ["NEW.US", "OLD.US"]
    assert "MID.US.parquet" in errors["MID.US"]


def test_batches(three):
    """Whole symbols, in order, up to the number of rows; one that is larger stands alone."""
    parts, _ = pending(three.values(), {}, Wish())
    assert [[part.symbol for part in batch] for batch in batches(parts, 18)] == [["MID.US", "NEW.US"], ["OLD.US"]]
    assert [len(batch) for batch in batches(parts, 1)] == [1, 1, 1]
    assert [len(batch) for batch in batches(parts * 100, 10**6)] == [200, 100]


def test_adaptive_rows():
    """Wider rows and more writers make smaller batches; never none."""
    assert adaptive_rows(100, 1) > adaptive_rows(1000, 1) > adaptive_rows(1000, 4) >= 1
    assert adaptive_rows(10**15, 1) == 1
