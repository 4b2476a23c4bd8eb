"""The raw tree from zips and folders: what differs is written whole, what is damaged is named, nothing is lost unasked."""

import dataclasses
import json
import os
import zipfile
from pathlib import Path

import pytest

from barmill import files
from barmill.config import Settings
from barmill.errors import SourceError
from barmill.market.datasets import of_tree
from barmill.sources import locks
from barmill.sources.history import TREE, path_of
from barmill.sources.stooq import FolderTree, ZipTree
from barmill.sources.tree import Choice, sync
from tests.support.market import HEADER, price_lines
from tests.support.prices import history, stamps
from tests.support.real import real_data

AAPL = "data/daily/us/nasdaq stocks/1/aapl.us.txt"
SPX = "data/daily/world/indices/^spx.txt"
EUR = "data/daily/world/currencies\\major/eurusd.txt"
DAYS = ["20240102", "20240103", "20240104"]


def text(ticker, days=DAYS, close=10.0):
    """Stooq's text."""
    return "\r\n".join([HEADER, *price_lines(ticker, days, close), ""]).encode()


def zipped(path, members):
    """A zip with these members."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return path


class Tree:
    """A project's tree, and its syncs with a zip."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.settings = Settings(stooq=root / "stooq", series=root / "series")
        self.members = {AAPL: text("AAPL.US"), SPX: text("^SPX"), EUR: text("EURUSD")}

    def sync(self, **choice):
        """Bring it to what the members are."""
        source = ZipTree("stooq", [zipped(self.root / "d_us_txt.zip", self.members)])
        path = self.path(AAPL)
        datasets = [of_tree("AAPL.US", path, path.relative_to(self.settings.stooq).as_posix())]
        return sync(lambda: source, "stooq", self.settings, datasets, Choice(**choice))

    def path(self, member):
        """Where a member's file is."""
        return self.settings.stooq / "d_us_txt" / member

    def files(self):
        """Path → content of every file of the tree."""
        root = self.settings.stooq
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture
def tree(tmp_path):
    """A tree brought to three files."""
    found = Tree(tmp_path)
    found.first = found.sync()
    return found


def expected(members):
    """What the tree must hold."""
    return {f"d_us_txt/{name}": content for name, content in members.items()}


def test_whole_tree(tree):
    """The zip's files come to the folder of its name, bytes as they are, strange names too."""
    assert tree.files() == expected(tree.members)
    assert sorted(tree.first.added) == sorted(expected(tree.members))
    assert tree.first.entry.status == "ok"


def test_only_what_changed_is_written(tree):
    """A file with the content that it should have is not touched, whatever its stamps; one that differs is written."""
    os.utime(tree.path(SPX), (1, 1))
    tree.members[AAPL] = text("AAPL.US", [*DAYS, "20240105"])
    before = stamps(tree.path(SPX))
    done = tree.sync()
    assert (done.added, done.changed, done.unchanged) == ([], [f"d_us_txt/{AAPL}"], 2)
    assert stamps(tree.path(SPX)) == before
    assert tree.files() == expected(tree.members)


def test_same_size_other_content(tree):
    """A correction that leaves size and stamp alone is found."""
    path = tree.path(AAPL)
    tree.members[AAPL] = text("AAPL.US", close=15.0)
    tree.sync()
    tree.members[AAPL] = text("AAPL.US", close=25.0)
    assert len(tree.members[AAPL]) == path.stat().st_size
    assert tree.sync().changed == [f"d_us_txt/{AAPL}"]
    path.write_bytes(path.read_bytes().replace(b"25.0", b"99.0"))
    assert tree.sync().changed == [f"d_us_txt/{AAPL}"]
    assert tree.files() == expected(tree.members)


def test_histories(tree):
    """The tree has a history that counts files; a dataset of it one that counts bars, and says if history was adjusted."""
    tree.members[AAPL] = text("AAPL.US", [*DAYS, "20240105"])
    tree.sync()
    tree.members[AAPL] = text("AAPL.US", [*DAYS, "20240105"], close=5.0)
    done = tree.sync()
    found = history(tree.settings.series, "AAPL.US").updates
    assert [(e.kind, e.rows_before, e.rows_after, e.rows_added, e.rows_changed, e.refreshed) for e in found] == [
        ("sync", 0, 3, 3, 0, False),
        ("sync", 3, 4, 1, 0, False),
        ("sync", 4, 4, 0, 4, True),
    ]
    assert (found[-1].start, found[-1].end, found[-1]) == ("2024-01-02", "2024-01-05", done.outcomes["AAPL.US"])
    whole = history(tree.settings.series, TREE)
    assert [(each.rows_after, each.rows_added, each.rows_changed) for each in whole.updates] == [
        (3, 3, 0),
        (3, 0, 1),
        (3, 0, 1),
    ]
    assert whole.provider == "stooq"


def test_single_symbols(tree):
    """With tickers only their files are looked at; one that the zip has not is an error that names the nearest."""
    tree.members = {name: text("X", close=1.5) for name in tree.members}
    done = tree.sync(tickers={"^SPX", "AAPL.UK"})
    assert (done.changed, done.unchanged, done.gone) == ([f"d_us_txt/{SPX}"], 0, [])
    assert done.entry.status == "failed"
    assert "no AAPL.UK" in done.entry.errors[0]
    assert "AAPL.US" in done.entry.errors[0]


def test_deletions_are_told_and_not_done(tree):
    """A file that the zip has no more stays, and is told; it goes where that was asked for. Other trees are left alone."""
    other = tree.settings.stooq / "d_pl_txt/data/daily/pl/wse stocks/pko.txt"
    other.parent.mkdir(parents=True)
    other.write_bytes(text("PKO"))
    del tree.members[SPX]
    assert tree.sync().gone == [f"d_us_txt/{SPX}"]
    assert tree.path(SPX).exists()
    assert tree.sync(delete=True, dry_run=True).gone == [f"d_us_txt/{SPX}"]
    assert tree.path(SPX).exists()
    tree.sync(delete=True)
    assert tree.files() == {**expected(tree.members), "d_pl_txt/data/daily/pl/wse stocks/pko.txt": text("PKO")}


def test_a_damaged_member_stops_no_other(tree):
    """A member whose bytes do not have its CRC is named and not written; the others are."""
    tree.members[AAPL] = text("AAPL.US", close=11.0)
    tree.members[SPX] = text("^SPX", close=12.0)
    path = zipped(tree.root / "d_us_txt.zip", tree.members)
    with zipfile.ZipFile(path) as file:
        info = file.getinfo(AAPL)
    content = bytearray(path.read_bytes())
    at = info.header_offset + 30 + len(AAPL) + info.compress_size // 2
    content[at] ^= 0xFF
    path.write_bytes(content)
    done = sync(lambda: ZipTree("stooq", [path]), "stooq", tree.settings)
    assert done.changed == [f"d_us_txt/{SPX}"]
    assert done.entry.status == "failed"
    assert AAPL in done.entry.errors[0]
    assert tree.path(AAPL).read_bytes() == text("AAPL.US")


def test_no_prices(tree):
    """An error page in a zip, and an empty file where there are bars, are refused; a new empty file is fine."""
    tree.members |= {AAPL: b"", SPX: b"<html><title>Not Found</title></html>", "data/daily/us/nyse stocks/new.us.txt": b""}
    done = tree.sync()
    assert len(done.entry.errors) == 2
    assert "empty file" in done.entry.errors[0]
    assert "Not Found" in done.entry.errors[1]
    assert tree.path(AAPL).read_bytes() == text("AAPL.US")
    assert done.added == ["d_us_txt/data/daily/us/nyse stocks/new.us.txt"]
    tree.sync(replace=True)
    assert tree.path(AAPL).read_bytes() == b""


@pytest.mark.parametrize(
    "name", ["../../evil.us.txt", "/etc/evil.us.txt", "data/daily/us/../../../../../evil.us.txt", "..\\evil.us.txt"]
)
def test_no_way_out_of_the_tree(tree, name):
    """A member whose name leads out of the tree is told and never written."""
    tree.members[name] = text("EVIL.US")
    done = tree.sync()
    assert len(done.strays) == 1
    assert not list(tree.root.rglob("evil*"))
    assert done.unchanged == 3


def test_strays(tree):
    """What is no price file is told with the reason, and not written."""
    tree.members |= {"readme.txt": b"hello", "data/daily/us/nasdaq stocks/1/list.csv": b"a"}
    assert sorted(tree.sync().strays) == [
        "d_us_txt/data/daily/us/nasdaq stocks/1/list.csv: not_txt",
        "d_us_txt/readme.txt: not_in_layout",
    ]


def test_dry_run(tree):
    """A dry run tells what would be written, and writes nothing."""
    before = {path: path.read_bytes() for path in tree.root.rglob("*.[tj]*")}
    tree.members[AAPL] = text("AAPL.US", close=11.0)
    assert tree.sync(dry_run=True).changed == [f"d_us_txt/{AAPL}"]
    assert {path: path.read_bytes() for path in tree.root.rglob("*.[tj]*")} == before


def test_no_zip(tmp_path):
    """What can't be read as a zip is named in full."""
    (tmp_path / "d_us_txt.zip").write_bytes(b"<html>limit</html>")
    for path in (tmp_path / "d_us_txt.zip", tmp_path / "no.zip"):
        with pytest.raises(SourceError, match=f"{path} can't be read as a zip"):
            ZipTree("stooq", [path])


def test_a_source_that_is_not_there(tree):
    """A zip that can't be read fails the sync; that is in the tree's history, and a locked tree is told, too."""
    (tree.root / "d_us_txt.zip").write_bytes(b"")
    done = sync(lambda: ZipTree("stooq", [tree.root / "d_us_txt.zip"]), "stooq", tree.settings)
    assert "can't be read as a zip" in done.entry.errors[0]
    assert [each.status for each in history(tree.settings.series, TREE).updates] == ["ok", "failed"]
    with locks.held(tree.settings.series, TREE, 1):
        hasty = dataclasses.replace(tree.settings, lock_timeout=0.05)
        assert "has been locked" in sync(lambda: None, "stooq", hasty).entry.errors[0]


def test_what_a_killed_sync_left(tree, monkeypatch):
    """A sync that is killed leaves whole files only; the next one removes its leftovers and does the rest."""

    class Kill(BaseException):
        pass

    def killed(contents, **options):
        for path, content in contents.items():
            if path.suffix == ".txt":
                files.draft_of(path).write_bytes(content[:9])
                raise Kill
        return write(contents, **options)

    write = files.write_durable_all
    tree.members = {name: text("X", close=1.5) for name in tree.members}
    with monkeypatch.context() as patched, pytest.raises(Kill):
        patched.setattr(files, "write_durable_all", killed)
        tree.sync()
    assert [each.status for each in history(tree.settings.series, TREE).updates] == ["ok", "interrupted"]
    tree.sync()
    assert tree.files() == expected(tree.members)
    assert [each.status for each in history(tree.settings.series, TREE).updates] == ["ok", "interrupted", "ok"]


def test_frequency(tree):
    """Only bars of one length are taken where that is asked for."""
    five = "data/5 min/us/nasdaq stocks/1/aapl.us.txt"
    tree.members = {AAPL: text("AAPL.US", close=11.0), five: text("AAPL.US", close=12.0)}
    assert tree.sync(tickers={"AAPL.US"}, frequency="5min").added == [f"d_us_txt/{five}"]
    assert tree.sync(frequency="daily").changed == [f"d_us_txt/{AAPL}"]


@pytest.mark.real
def test_real_tree_from_folder_and_zip(tmp_path):
    """A real tree comes out of its folder and out of a zip of it byte for byte; the second time nothing is written."""
    root = real_data("stooq-uk-pl-us")
    settings = Settings(stooq=tmp_path / "stooq", series=tmp_path / "series")
    done = sync(lambda: FolderTree("stooq-folder", root), "stooq-folder", settings)
    given = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.txt")}
    assert {path.relative_to(settings.stooq).as_posix(): path.read_bytes() for path in settings.stooq.rglob("*.txt")} == given
    assert len(done.added) == len(given) > 180
    prefix = "d_pl_txt/"
    members = {name.removeprefix(prefix): content for name, content in given.items() if name.startswith(prefix)}
    again = sync(lambda: ZipTree("stooq", [zipped(tmp_path / "d_pl_txt.zip", members)]), "stooq", settings)
    assert (again.added, again.changed, again.unchanged) == ([], [], len(members))


def test_the_next_sync_removes_what_a_killed_one_left(tmp_path):
    """Drafts of raw files and of their datasets' histories are gone, also where the file is what the source has."""
    tree = Tree(tmp_path)
    tree.sync()
    told = path_of(tree.settings.series, TREE)
    entries = json.loads(told.read_text())
    entries["updates"][-1]["status"] = "started"
    entries["updates"][-1] |= {"file": "../stooq", "lock": TREE}
    told.write_text(json.dumps(entries))
    drafts = [files.draft_of(path) for path in (tree.path(AAPL), path_of(tree.settings.series, "AAPL.US"))]
    for path in drafts:
        path.write_bytes(b"half")
    assert tree.sync().unchanged == 3
    assert not any(path.exists() for path in drafts)


@pytest.mark.parametrize("most", ["_MOST_FILES", "_MOST_BYTES"])
def test_files_are_written_in_batches(tmp_path, monkeypatch, most):
    """With batches of one file each the tree and its histories are what they are with one batch."""
    tree = Tree(tmp_path)
    monkeypatch.setattr("barmill.sources.tree." + most, 1)
    found = tree.sync()
    assert (len(found.added), found.entry.status, found.outcomes["AAPL.US"].rows_after) == (3, "ok", 3)
    assert tree.path(EUR).read_bytes() == text("EURUSD")


def test_a_raw_file_that_cannot_be_written_stops_no_other(tmp_path):
    """One is named as failed, and its history says nothing of it; the others are written."""
    tree = Tree(tmp_path)
    (tree.path(AAPL) / "in the way").mkdir(parents=True)
    found = tree.sync(replace=True)
    assert (found.entry.status, len(found.entry.errors), found.outcomes) == ("failed", 1, {})
    assert "aapl.us.txt" in found.entry.errors[0]
    assert tree.path(EUR).read_bytes() == text("EURUSD")
