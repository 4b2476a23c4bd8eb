"""How others fail: what a load or an update must make of crashes, lost histories and odd input."""

import datetime as dt

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
    """Of lines with one stamp the last counts, in the first load, too, and the others are told."""
    lines = [f"{day},1,2,0.5,{number % 30 + 1}" for number, day in enumerate([*DAYS, *DAYS[:3]])]
    outcome, table = load(tmp_path, "\n".join(["Date,Open,High,Low,Close", *lines]))
    assert table.num_rows == 30
    assert outcome.notes[0].startswith("3 fetched lines are not bars (duplicate_dates): line 2: ")


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
