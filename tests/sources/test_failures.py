"""How others fail: what a load or an update must make of crashes, lost histories and odd input."""

import datetime as dt
import os

import pytest

from barmill import files
from barmill.config import Settings
from barmill.market.bars import read_bars
from barmill.sources.csvfolder import CsvFolder
from barmill.sources.history import path_of
from barmill.sources.update import Order, bring
from tests.support.prices import Shelf, closes, history, run, series, weekdays

NAME = "equities/daily/ACME"
DAYS = weekdays("2024-01-01", 30)
OLD = {day: 100.0 + number for number, day in enumerate(DAYS[:20])}
NEW = {**OLD, **dict.fromkeys(DAYS[20:], 50.0)}
HALF = {day: close / 2 for day, close in NEW.items()}


class Crash(BaseException):
    """The end of the process, as far as the code under test can tell."""


@pytest.mark.parametrize(("before", "provider", "kind"), [({}, OLD, "load"), (OLD, NEW, "update"), (OLD, HALF, "update")])
def test_a_crash_at_every_step(tmp_path, monkeypatch, before, provider, kind):
    """Whichever write is the last, the series is the old or the new one, as its history says; the next run completes it."""
    for last in range(1, 99):
        root = tmp_path / str(last)
        if before:
            run(root, Shelf(before), "load")
        left, write = [last], files.write_durable

        def crashing(*arguments, left=left, write=write, **options):
            left[0] -= 1
            if not left[0]:
                raise Crash
            write(*arguments, **options)

        with monkeypatch.context() as patched:
            patched.setattr(files, "write_durable", crashing)
            try:
                run(root, Shelf(provider), kind)
            except Crash:
                pass
            else:
                break
        raw = series(root).raw
        found = closes(raw) if raw.exists() else {}
        assert found in (before, provider)
        entry = history(root).updates[-1] if path_of(root, NAME).exists() else None
        done = entry is not None and len(history(root).updates) > bool(before) and entry.status == "ok"
        assert done == (found == provider)
        run(root, Shelf(provider), kind)
        assert closes(raw) == provider
    assert last == 5  # begun, about to publish, published, done: four writes, each tried


@pytest.mark.parametrize("content", [None, b"", b"{}", b'{"format": 1, "na'])
def test_a_lost_history_loses_no_row(tmp_path, content):
    """Without its history, or with a broken one, an update adds to what is stored all the same."""
    run(tmp_path, Shelf(OLD), "load")
    path = path_of(tmp_path, NAME)
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    run(tmp_path, Shelf(NEW))
    assert closes(series(tmp_path).raw) == NEW


def load(root, text, kind="load", frequency="daily"):
    """A load of a file with this text; the outcome, and what is stored then."""
    (root / "folder").mkdir(exist_ok=True)
    (root / "folder/ACME.csv").write_text(text)
    dataset = series(root / "series", frequency=frequency)
    outcome = bring(Order(dataset, "csv", lambda: CsvFolder("csv", [root / "folder"]), kind), Settings(series=root / "series"))
    return outcome, read_bars(dataset.raw.read_bytes()).table if dataset.raw.exists() else None


def test_duplicates_in_a_first_load(tmp_path):
    """Of good lines with one stamp the last counts, in the first load, too, and the others are reported."""
    lines = [f"{day},1,2,0.5,{number % 30 + 1}" for number, day in enumerate([*DAYS, *DAYS[:3]])]
    outcome, table = load(tmp_path, "\n".join(["Date,Open,High,Low,Close", *lines]))
    assert table.num_rows == 30
    assert table.column("close").to_pylist()[:3] == [1.0, 2.0, 3.0]
    assert any(note.startswith(f"duplicate_dates (quarantine): 3, such as {DAYS[0]}: ") for note in outcome.notes)


BAD = {"zero": "0,0,0,0,0", "high below low": "10,9,11,10,0", "negative": "-1,-1,-1,-1,5", "without a price": "10,11,9,,100"}
GOOD = "10,11,9,10.6,200"


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
@pytest.mark.parametrize("frequency", ["daily", "5min"])
@pytest.mark.parametrize("kind", ["load", "update"])
def test_bad_bar_takes_no_good_one_s_place(tmp_path, bad, frequency, kind):
    """A later bar of the same time that breaks a rule leaves the good one in the series, within a day, too."""
    stamps = ["2024-01-02", "2024-01-03", "2024-01-04"]
    if frequency == "5min":
        stamps = [f"2024-01-02 15:{minute}" for minute in ("30", "35", "40")]
    if kind == "update":
        load(tmp_path, f"Date,Open,High,Low,Close,Volume\n{stamps[0]},10,11,9,10.5,100\n", frequency=frequency)
    lines = [f"{stamps[0]},10,11,9,10.5,100", f"{stamps[1]},{GOOD}", f"{stamps[1]},{bad}", f"{stamps[2]},10,11,9,10.7,100"]
    _, table = load(tmp_path, "\n".join(["Date,Open,High,Low,Close,Volume", *lines]), kind, frequency)
    assert table.column("close").to_pylist() == [10.5, 10.6, 10.7]


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_bad_bar_of_a_later_file_takes_no_good_one_s_place(tmp_path, bad):
    """Of several files of one series the later one's bar counts, unless it breaks a rule."""
    (tmp_path / "folder").mkdir()
    header = "Date,Open,High,Low,Close,Volume"
    (tmp_path / "folder/ACME-1.csv").write_text(f"{header}\n2024-01-02,10,11,9,10.5,100\n2024-01-03,{GOOD}\n")
    (tmp_path / "folder/ACME-2.csv").write_text(f"{header}\n2024-01-03,{bad}\n2024-01-04,10,11,9,10.7,100\n")
    dataset = series(tmp_path / "series")
    provider = CsvFolder("csv", [tmp_path / "folder"], "{symbol}-*.csv")
    bring(Order(dataset, "csv", lambda: provider, "load"), Settings(series=tmp_path / "series"))
    assert read_bars(dataset.raw.read_bytes()).table.column("close").to_pylist() == [10.5, 10.6, 10.7]


@pytest.mark.parametrize("offset", ["", "Z", "-05:00", "+05:45"])
def test_the_same_instants_in_another_zone(tmp_path, offset):
    """Instants are the same in any zone: a second load in another one, or with none, adds no row and changes none."""
    moments = [dt.datetime(2024, 1, 31, 20, tzinfo=dt.UTC) + dt.timedelta(minutes=5 * number) for number in range(60)]
    header = "timestamp,open,high,low,close\n"
    load(tmp_path, header + "".join(f"{moment.isoformat()},1,2,0.5,1\n" for moment in moments), frequency="5min")
    zone = dt.datetime.fromisoformat(f"2024-01-31T00:00{offset}").tzinfo or dt.UTC
    text = "".join(f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}{offset},1,2,0.5,1\n" for moment in moments)
    outcome, table = load(tmp_path, header + text, "update", "5min")
    assert (outcome.entry.rows_added, outcome.entry.rows_changed, table.num_rows) == (0, 0, 60)


def test_other_columns_and_other_numbers(tmp_path):
    """A new column, columns in another order, whole volumes, longer stamps: the same series goes on."""
    load(tmp_path, "Date,Open,High,Low,Close,Volume\n2024-01-01,1,2,0.5,1.5,10.5\n2024-01-02,1,2,0.5,1.5,10\n")
    text = (
        "Volume,Close,Low,High,Open,Trades,Date\n10,1.5,0.5,2,1,7,2024-01-02T00:00:00.000000000\n9,1.5,0.5,2,1.4,8,2024-01-03\n"
    )
    outcome, table = load(tmp_path, text, "update")
    assert (outcome.entry.rows_added, outcome.entry.rows_changed) == (1, 0)
    assert outcome.notes == ["columns without a meaning here: Trades"]
    assert table.column("volume").to_pylist() == [10.5, 10.0, 9.0]


@pytest.mark.parametrize(
    "line", [",1,2,0.5,1,9", "2024-01-03,,2,0.5,1,9", "2024-01-03,1,2,0.5,nan,9", "2024-01-03,1,inf,0.5,1,9"]
)
def test_no_stamp_or_no_price(tmp_path, line):
    """A row without a stamp, or without a finite price, is not stored, and is named with its line."""
    outcome, table = load(
        tmp_path, f"Date,Open,High,Low,Close,Volume\n2024-01-01,1,2,0.5,1,9\n{line}\n2024-01-04,1,2,0.5,1,9\n"
    )
    assert table.column("date").to_pylist() == ["2024-01-01", "2024-01-04"]
    assert outcome.notes[0].startswith("1 fetched lines are not bars (")
    assert f"line 3: {line!r}" in outcome.notes[0]
    assert outcome.entry.findings == 1


@pytest.mark.parametrize("what", ["series", "source"])
def test_pipe_in_place_of_a_file_is_named(tmp_path, what):
    """A pipe, from which nothing may ever come, in place of a series or of its source fails the load in one line."""
    (tmp_path / "folder").mkdir()
    dataset = series(tmp_path / "series")
    dataset.raw.parent.mkdir(parents=True)
    source = tmp_path / "folder/ACME.csv"
    if what == "series":
        source.write_text("Date,Open,High,Low,Close\n2024-01-02,1,2,0.5,1\n")
        os.mkfifo(dataset.raw)
    else:
        os.mkfifo(source)
    order = Order(dataset, "csv", lambda: CsvFolder("csv", [tmp_path / "folder"]), "load")
    outcome = bring(order, Settings(series=tmp_path / "series"))
    assert outcome.entry.status == "failed"
    (error,) = outcome.entry.errors
    assert str(dataset.raw if what == "series" else "no file for ACME") in error
