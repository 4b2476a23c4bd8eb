"""Archiving a series: what is read stays, updates go on, damage is named and never costs a bar in silence."""

import datetime as dt
import json
import shutil

import pytest

from barmill import files
from barmill.config import Settings
from barmill.errors import ArchiveCorrupt
from barmill.hashing import digest_bytes
from barmill.market.archive import Archive, damage, files_of, index_of, read_series
from barmill.market.bars import read_bars
from barmill.market.manifest import Identity
from barmill.market.rules import examine
from barmill.sources.archive import archive, restore
from barmill.sources.history import path_of
from tests.support.archive_oracle import pack_rows, text_rows, whole
from tests.support.market import HEADER
from tests.support.prices import Shelf, closes, history, run, series, weekdays

DAYS = weekdays("2020-01-01", 700)
PRICES = {day: 10.0 + number / 8 for number, day in enumerate(DAYS)}
BEFORE = dt.date(2022, 1, 1)


def identity(scheme="year", zone="", name="equities/daily/ACME"):
    """How a series is cut."""
    return Identity(name, name.rpartition("/")[2], *name.split("/")[:2], zone, scheme)


def pack(root, before=BEFORE, scheme="year", dataset=None, **options):
    """Archive ACME, or another series; it must end well."""
    dataset = dataset or series(root)
    zone = "UTC" if dataset.zone else ""
    moved = archive(dataset, identity(scheme, zone, dataset.name), before, Settings(series=root), **options)
    assert moved.entry.status == "ok", moved.entry.errors
    return moved


def read(root, dataset=None):
    """The series as the export stage reads it."""
    dataset = dataset or series(root)
    return read_series(dataset.raw.read_bytes(), files_of(root, dataset.name), dataset.symbol, dataset.frequency).bars


@pytest.fixture
def loaded(tmp_path):
    """A folder of series with ACME."""
    assert run(tmp_path, Shelf(PRICES), "load").entry.status == "ok"
    return tmp_path


def test_periods_that_ended_move(loaded):
    """Whole periods that end before the day are in packs, the others in the text, and all are read as before."""
    before, rows = read(loaded), whole(loaded, series(loaded))
    moved = pack(loaded)
    assert moved.periods == ["2020", "2021"]
    assert set(closes(series(loaded).raw)) == {day for day in DAYS if day >= "2022"}
    assert len(pack_rows(loaded, series(loaded))) == moved.rows == moved.archived == sum(day < "2022" for day in DAYS)
    after = read(loaded)
    assert (after.table.equals(before.table), after.raw_rows, after.has_header) == (True, before.raw_rows, True)
    assert whole(loaded, series(loaded)) == rows
    entry = history(loaded).updates[-1]
    assert (entry.kind, entry.status, entry.provider, entry.rows_after) == ("archive", "ok", "shelf", 700)
    assert pack(loaded, dt.date(2022, 6, 1)).periods == []  # 2022 has not ended by then


def test_packs_are_what_they_are_called(loaded):
    """A pack is read-only and named by the digest of its bytes; another day moves more, and leaves it the same file."""
    pack(loaded, dt.date(2021, 1, 1))
    (first,) = files_of(loaded, "equities/daily/ACME")[1:]
    stamp = first.stat().st_ino, first.stat().st_mtime_ns
    assert first.stat().st_mode & 0o777 == 0o444
    pack(loaded)
    assert len(files_of(loaded, "equities/daily/ACME")) == 3
    assert (first.stat().st_ino, first.stat().st_mtime_ns) == stamp


def test_restoring_gives_the_text_back(loaded):
    """What is brought back is the text that was there, to the byte, and nothing is left of the archive."""
    before = series(loaded).raw.read_bytes()
    pack(loaded, scheme="month")
    assert restore(series(loaded), Settings(series=loaded)).rows == sum(day < "2022" for day in DAYS)
    assert series(loaded).raw.read_bytes() == before
    assert not [path for path in (loaded / ".archive").rglob("*") if path.is_file()]
    assert [each.kind for each in history(loaded).updates] == ["load", "archive", "restore"]


def test_minutes_move_by_their_zone(tmp_path):
    """Periods of bars within a day end where they do in the zone of their exchange: the text keeps what is of the next."""
    dataset = series(tmp_path, "EURUSD", "forex", "1min")
    dataset.raw.parent.mkdir(parents=True)
    stamps = [f"202401{day:02d},{hour:02d}3000" for day in (30, 31) for hour in range(24)] + [
        "20240201,043000",
        "20240201,053000",
    ]
    dataset.raw.write_text("\n".join([HEADER, *(f"EURUSD,1,{stamp},1,1,1,1,1,0" for stamp in stamps), ""]))
    before = read(tmp_path, dataset).table
    cut = identity("month", "America/New_York", dataset.name)
    assert archive(dataset, cut, dt.date(2024, 2, 1), Settings(series=tmp_path)).rows == 49
    assert list(text_rows(dataset.raw)) == ["2024-02-01 05:30:00"]
    assert read(tmp_path, dataset).table.equals(before)


def test_a_dry_run_writes_nothing(loaded):
    """It tells what would move."""
    listing = sorted(loaded.rglob("*"))
    assert pack(loaded, dry_run=True).periods == ["2020", "2021"]
    assert sorted(loaded.rglob("*")) == listing
    assert len(history(loaded).updates) == 1


def test_an_update_appends_to_the_text(loaded):
    """New bars come into the text; the packs stay."""
    pack(loaded)
    files = files_of(loaded, "equities/daily/ACME")
    more = {**PRICES, **dict.fromkeys(weekdays("2022-09-07", 5), 97.0)}
    outcome = run(loaded, Shelf(more))
    assert (outcome.entry.rows_before, outcome.entry.rows_added, outcome.entry.refreshed) == (700, 5, False)
    assert files_of(loaded, "equities/daily/ACME") == files
    assert set(closes(series(loaded).raw)) == {day for day in more if day >= "2022"}
    assert {stamp[:10]: row[3] for stamp, row in whole(loaded, series(loaded)).items()} == more


def test_an_update_without_news_touches_nothing(loaded):
    """Neither text nor archive is written."""
    pack(loaded)
    stamps = {path: path.stat().st_mtime_ns for path in [series(loaded).raw, *files_of(loaded, "equities/daily/ACME")]}
    assert run(loaded, Shelf(PRICES)).entry.rows_added == 0
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps


def test_adjusted_history_replaces_packs(loaded):
    """After a split the whole series is of the new adjustment, all of it in the text; it can be archived again."""
    pack(loaded)
    halves = {day: close / 2 for day, close in PRICES.items()}
    outcome = run(loaded, Shelf(halves))
    assert (outcome.entry.refreshed, outcome.entry.rows_changed) == (True, 700)
    assert closes(series(loaded).raw) == halves
    assert files_of(loaded, "equities/daily/ACME") == []
    pack(loaded)
    assert {stamp[:10]: row[3] for stamp, row in whole(loaded, series(loaded)).items()} == halves


def test_replacing_with_less_leaves_no_pack(loaded):
    """`load --replace` by a shorter series: what was archived does not come back."""
    pack(loaded)
    assert run(loaded, Shelf({day: PRICES[day] for day in DAYS[600:]}), "load", replace=True).entry.status == "ok"
    assert [stamp[:10] for stamp in whole(loaded, series(loaded))] == DAYS[600:]
    assert read(loaded).table.num_rows == 100


def test_a_bar_filled_in_among_archived_ones(tmp_path):
    """A late bar of an archived period stands in the text until the next archiving, which makes one pack of them."""
    late = DAYS[100]
    run(tmp_path, Shelf({day: close for day, close in PRICES.items() if day != late}), "load")
    pack(tmp_path)
    assert run(tmp_path, Shelf(PRICES), "load").entry.rows_added == 1
    assert late in closes(series(tmp_path).raw)
    assert [*read(tmp_path).table.column("date").to_pylist()] == DAYS
    assert pack(tmp_path).rows == 1
    assert [each.rows for each in Archive.read(index_of(tmp_path, "equities/daily/ACME")).packs] == [262, 261]
    assert late not in closes(series(tmp_path).raw)
    assert len(list((tmp_path / ".archive/equities/daily/ACME").iterdir())) == 2


def test_another_scheme(loaded):
    """What is archived by months after years stays readable, each bar once."""
    pack(loaded, dt.date(2021, 1, 1), "year")
    pack(loaded, BEFORE, "month")
    periods = [each.period for each in Archive.read(index_of(loaded, "equities/daily/ACME")).packs]
    assert (periods[0], periods[1], len(periods)) == ("2020", "2021-01", 13)
    assert read(loaded).table.column("date").to_pylist() == DAYS


def test_a_text_with_lines_that_are_no_bars(loaded):
    """It is refused with the number of lines: they would lose their place; nothing is written but the failure."""
    with series(loaded).raw.open("a") as file:
        file.write("nonsense\n")
    before = series(loaded).raw.read_bytes()
    moved = archive(series(loaded), identity(), BEFORE, Settings(series=loaded))
    assert "1 lines that are not bars" in moved.entry.errors[0]
    assert series(loaded).raw.read_bytes() == before
    assert history(loaded).updates[-1].status == "failed"


def test_an_interrupted_replacing(loaded):
    """Killed before the new text was there, the packs count; killed after, they don't; an edit between is refused."""
    pack(loaded)
    text, index = series(loaded).raw.read_bytes(), index_of(loaded, "equities/daily/ACME")
    whole_text = run_elsewhere(loaded, {day: close / 2 for day, close in PRICES.items()})
    told = Archive.read(index)
    index.write_bytes(Archive(told.name, told.packs, {"old": digest_bytes(text), "new": digest_bytes(whole_text)}).encode())
    assert read(loaded).table.num_rows == 700
    series(loaded).raw.write_bytes(whole_text)
    assert read(loaded).table.equals(read_bars(whole_text).table)
    series(loaded).raw.write_bytes(text + b"ACME.US,D,20230102,000000,1,1,1,1,1,0\r\n")
    with pytest.raises(ArchiveCorrupt, match="was edited after its replacing had been interrupted"):
        read(loaded)
    series(loaded).raw.write_bytes(text)
    assert run(loaded, Shelf(PRICES)).entry.status == "ok"
    assert Archive.read(index) == told


def again(root):
    """Archive when all that is cold is archived already."""
    assert pack(root).periods == []


def bring_back(root):
    """All bars are in the text again."""
    assert restore(series(root), Settings(series=root)).entry.status == "ok"


@pytest.mark.parametrize(
    "command",
    [again, bring_back, lambda root: run(root, Shelf(PRICES)), lambda root: run(root, Shelf(PRICES), "load")],
    ids=["archive", "restore", "update", "load"],
)
def test_the_next_command_removes_what_a_killed_archive_left(loaded, command):
    """Packs that no index names and drafts of index, text and history are gone after any command, also one without news."""
    pack(loaded)
    name = "equities/daily/ACME"
    index, rows = index_of(loaded, name), whole(loaded, series(loaded))
    pack_left = index.with_suffix("") / f"{'0' * 32}.parquet"
    drafts = [files.draft_of(path) for path in (index, series(loaded).raw, path_of(loaded, name), pack_left)]
    for path in (pack_left, *drafts):
        path.write_bytes(b"half")
    command(loaded)
    assert [path for path in (pack_left, *drafts) if path.exists()] == []
    assert whole(loaded, series(loaded)) == rows


def test_the_draft_of_the_first_index_is_removed_by_an_update(loaded):
    """An archive that was killed while it wrote its first index leaves nothing that stays."""
    draft = files.draft_of(index_of(loaded, "equities/daily/ACME"))
    draft.parent.mkdir(parents=True)
    draft.write_bytes(b"half")
    run(loaded, Shelf(PRICES))
    assert not draft.exists()


def test_an_archive_killed_before_its_first_pack_goes_on(loaded):
    """An index without packs, and without their folder, is a sound archive: updates and the next archive go on."""
    index = index_of(loaded, "equities/daily/ACME")
    index.parent.mkdir(parents=True)
    index.write_bytes(Archive("equities/daily/ACME").encode())
    assert run(loaded, Shelf(PRICES)).entry.status == "ok"
    assert pack(loaded).rows > 0


def run_elsewhere(root, prices):
    """The text of a series with these prices."""
    run(root / "elsewhere", Shelf(prices), "load")
    text = series(root / "elsewhere").raw.read_bytes()
    shutil.rmtree(root / "elsewhere")
    return text


def overwrite(path, data):
    """Write to a file that is read-only."""
    path.chmod(0o644)
    path.write_bytes(data)


def flipped(data, at):
    """Data with one bit turned."""
    return data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :]


def swap(one, other):
    """Exchange the contents of two files."""
    first, second = one.read_bytes(), other.read_bytes()
    overwrite(one, second)
    overwrite(other, first)


DAMAGES = {
    "pack cut": lambda index, packs: overwrite(packs[0], packs[0].read_bytes()[:-9]),
    "pack empty": lambda index, packs: overwrite(packs[1], b""),
    "pack flipped at its start": lambda index, packs: overwrite(packs[0], flipped(packs[0].read_bytes(), 700)),
    "pack flipped at its end": lambda index, packs: overwrite(packs[0], flipped(packs[0].read_bytes(), -40)),
    "pack gone": lambda index, packs: packs[1].unlink(),
    "packs swapped": lambda index, packs: swap(*packs),
    "folder gone": lambda index, packs: shutil.rmtree(packs[0].parent),
    "index cut": lambda index, packs: index.write_bytes(index.read_bytes()[:-9]),
    "index empty": lambda index, packs: index.write_bytes(b""),
    "index flipped": lambda index, packs: index.write_bytes(flipped(index.read_bytes(), 60)),
    "index gone": lambda index, packs: index.unlink(),
    "index of another": lambda index, packs: index.write_bytes(index.with_name("OTHER.json").read_bytes()),
    "index of no packs": lambda index, packs: index.write_text(json.dumps({"format": 1, "packs": []})),
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_damage(loaded, kind):
    """It is an error that names a file and the cure, for reading, updating, archiving, restoring; `--replace` is that cure."""
    other = series(loaded, "OTHER")
    other.raw.write_bytes(series(loaded).raw.read_bytes())
    pack(loaded, dataset=other)
    pack(loaded)
    index, *packs = files_of(loaded, "equities/daily/ACME")
    DAMAGES[kind](index, packs)
    text = series(loaded).raw.read_bytes()
    with pytest.raises(ArchiveCorrupt, match=r"\.archive/equities/daily/ACME") as error:
        read(loaded)
    assert "load --replace" in error.value.hint
    assert any(str(loaded) in each and "load --replace" in each for each in damage(files_of(loaded, "equities/daily/ACME")))
    for outcome in (
        run(loaded, Shelf(PRICES)),
        archive(series(loaded), identity(), BEFORE, Settings(series=loaded)),
        restore(series(loaded), Settings(series=loaded)),
    ):
        assert outcome.entry.status == "failed"
        assert "load --replace" in outcome.entry.errors[0]
    assert series(loaded).raw.read_bytes() == text
    assert run(loaded, Shelf(PRICES), "load", replace=True).entry.status == "ok"
    assert read(loaded).table.column("date").to_pylist() == DAYS
    assert list(damage(files_of(loaded, "equities/daily/ACME"))) == []
    assert list(damage(files_of(loaded, "equities/daily/OTHER"))) == []


@pytest.mark.parametrize(
    ("line", "close", "rule"),
    [("10,11,9,10.25,100,0", 10.25, "duplicate_dates"), ("0,0,0,0,0,0", PRICES["2020-06-01"], "zero_prices")],
)
def test_line_of_an_archived_day_counts_unless_it_breaks_a_rule(loaded, line, close, rule):
    """A good line put into the text takes the archived bar's place, a bad one does not: in export, pack and restored text."""
    pack(loaded)
    raw = series(loaded).raw
    head, _, rest = raw.read_bytes().partition(b"\n")
    raw.write_bytes(head + b"\n" + f"ACME,D,20200601,000000,{line}\r\n".encode() + rest)
    right = {**PRICES, "2020-06-01": close}
    gate = examine(read(loaded).given, "equities", {})
    assert dict(zip(gate.table.column("date").to_pylist(), gate.table.column("close").to_pylist(), strict=True)) == right
    assert [each.rule for each in gate.findings if each.action == "quarantine"] == [rule]
    pack(loaded)
    (row,) = (row for stamp, row in pack_rows(loaded, series(loaded)).items() if stamp.startswith("2020-06-01"))
    assert close in row
    assert restore(series(loaded), Settings(series=loaded)).entry.status == "ok"
    assert closes(raw) == right
