"""The price store through doit: what an update touches on disk, what damage and what odd raw data come to."""

import datetime as dt
import json
import os
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import barmill
from tests.support.barstore import BarStore, rows
from tests.support.market import NASDAQ, MarketProject, price_lines

DAYS = [f"{year}{month:02d}{day:02d}" for year in (2022, 2023, 2024) for month in (1, 2) for day in (1, 2, 3)]
FOLDER = "artifacts/chunks/AAPL.US"
FIVE_MINUTES = "d_us_txt/data/5 min/us/nasdaq stocks/1"


@pytest.fixture
def project(tmp_path: Path) -> MarketProject:
    """A built project of two shares with three years of bars."""
    project = MarketProject.make(tmp_path / "p")
    project.raw(NASDAQ, "AAPL.US", DAYS)
    project.raw(NASDAQ, "MSFT.US", DAYS)
    project.listed("broker.csv", [(symbol, "", "NASDAQ", symbol, "USD") for symbol in ("AAPL", "MSFT")])
    project.good()
    return project


def append(project: MarketProject, date: str) -> None:
    """Add a bar to a raw file."""
    with open(project.root / "data/stooq" / NASDAQ / "aapl.us.txt", "a", newline="") as file:
        file.write(price_lines("AAPL.US", [date])[0] + "\r\n")


def on_disk(project: MarketProject) -> dict[str, tuple[int, int]]:
    """Inode and mtime of each chunk and panel."""
    found = [path for stage in ("chunks", "panel") for path in (project.root / "artifacts" / stage).rglob("*.parquet")]
    return {str(path.relative_to(project.root / "artifacts")): (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}


def test_a_bar_more_touches_the_last_chunk_only(project: MarketProject) -> None:
    """After a day is appended only the last chunk of its series, and that year's panel, are other files than before."""
    before = on_disk(project)
    append(project, "20240301")
    assert "chunks:AAPL.US" in project.ran(project.good())
    after = on_disk(project)
    assert before.keys() == after.keys()
    assert {name for name in after if after[name] != before[name]} == {
        "chunks/AAPL.US/2024.parquet",
        "panel/daily/2024.parquet",
    }
    append(project, "20250102")
    project.good()
    later = on_disk(project)
    assert later.keys() - after.keys() == {"chunks/AAPL.US/2025.parquet", "panel/daily/2025.parquet"}
    assert all(later[name] == after[name] for name in after)


def test_damage_is_found_and_repaired(project: MarketProject) -> None:
    """A flipped bit in a chunk, a deleted one, one too many, a manifest replaced by {}: `doit verify` tells, `doit` repairs."""
    whole = rows(barmill.read_bars("*.US", root=project.root))
    folder = project.root / FOLDER
    chunk = folder / "2023.parquet"
    data, stamp = chunk.read_bytes(), chunk.stat()
    chunk.write_bytes(data[:700] + bytes([data[700] ^ 4]) + data[701:])
    os.utime(chunk, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    (folder / "2022.parquet").unlink()
    (folder / "2021.parquet").touch()
    (project.root / "artifacts/chunks/MSFT.US.json").write_text("{}")
    verified = project.doit("verify")
    assert verified.code == 1
    assert FOLDER in verified.out
    assert "MSFT.US.json" in verified.out
    assert project.ran(project.good()) == []
    assert rows(barmill.read_bars("*.US", root=project.root)) == whole
    assert sorted(path.name for path in folder.iterdir()) == ["2022.parquet", "2023.parquet", "2024.parquet"]
    assert project.doit("verify").code == 0


def test_a_series_without_bars_has_an_empty_manifest(project: MarketProject) -> None:
    """A raw file that is emptied leaves a manifest without chunks, and no folder; no target fails."""
    (project.root / "data/stooq" / NASDAQ / "aapl.us.txt").write_text("")
    project.good()
    assert json.loads((project.root / f"{FOLDER}.json").read_text())["rows"] == 0
    assert not (project.root / FOLDER).exists()
    assert len(barmill.read_bars("AAPL.US", root=project.root)) == 0


def test_settings_that_are_none_stop_the_run(project: MarketProject) -> None:
    """A scheme, a codec or a stage that there is not is named with those there are, and nothing is built."""
    for name, value, words in (
        ("CHUNK_DAILY", "fortnight", "week, month"),
        ("CHUNK_SCHEMES", "A*=0 days", "week, month"),
        ("COMPRESSION", "chunks=zip", "zstd:1-22"),
        ("COMPRESSION", "chunk=zstd", "'chunks'"),
    ):
        result = project.doit(**{f"BARMILL_{name}": value})
        assert result.code == 3
        assert words in result.err
        assert "Traceback" not in result.out + result.err


ODD = {
    "stamps twice": (["{l}", "{l}"], 1, "duplicate_dates"),
    "no stamp": (["{l}", "A,D,,000000,1,1,1,1,1,0"], 1, "invalid_rows"),
    "a stamp with a zone": (["{l}", "A,D,20240103,100000+01:00,1,1,1,1,1,0"], 1, "invalid_rows"),
    "a column more": (["{l}", "A,D,20240103,000000,1,1,1,1,1,0,7"], 1, "invalid_rows"),
    "a price that is none": (["{l}", "A,D,20240103,000000,1,nan,1,1,1,0"], 1, "non_numeric_prices"),
    "out of order": (["A,D,20240103,000000,2,2,2,2,1,0", "{l}"], 2, "non_monotonic_dates"),
    "whole volumes after fractions": (["A,D,20240101,000000,1,1,1,1,1.5,0", "{l}"], 2, ""),
}


@pytest.mark.parametrize("odd", ODD)
def test_odd_lines_of_a_first_load(tmp_path: Path, odd: str) -> None:
    """Lines twice, out of order, without stamp, with a zone or a column more: repaired or rejected by name, never stored."""
    lines, kept, word = ODD[odd]
    store = BarStore(tmp_path)
    store.series("equities/daily/A", [])
    path = tmp_path / "data/series/equities/daily/A.txt"
    path.write_text(path.read_text() + "\n".join(lines).replace("{l}", "A,D,20240102,000000,1,1,1,1,1,0") + "\n")
    store.build()
    stamps = [row[1] for row in rows(barmill.read_bars("A", root=tmp_path))]
    assert stamps == sorted(set(stamps))
    assert len(stamps) == kept
    assert word in (tmp_path / "artifacts/export/equities/daily/A.json").read_text()


def test_the_same_instants_in_two_zones_are_the_same_bars(tmp_path: Path) -> None:
    """A series stamped by Warsaw's clock, in the tree, and one in UTC have equal bars, also where clocks are changed."""
    starts = [dt.datetime(2024, month, day, 20, 0, tzinfo=dt.UTC) for month, day in ((3, 30), (10, 26))]
    instants = [start + dt.timedelta(minutes=30 * n) for start in starts for n in range(48)]
    store = BarStore(tmp_path)
    store.series("equities/5min/AAPL.US", instants)
    raw = (tmp_path / "data/series/equities/5min/AAPL.US.txt").read_text().splitlines()
    (tmp_path / "artifacts/match").mkdir(parents=True)
    (tmp_path / "artifacts/match/symbols.csv").write_text(f"symbol,relative_path\nAAPL.US,{FIVE_MINUTES}/aapl.us.txt\n")
    tree = tmp_path / "data/stooq" / FIVE_MINUTES / "aapl.us.txt"
    tree.parent.mkdir(parents=True)
    warsaw = [instant.astimezone(ZoneInfo("Europe/Warsaw")) for instant in instants]
    lines = [f"AAPL.US,5,{wall:%Y%m%d,%H%M%S},{line.split(',', 4)[4]}" for wall, line in zip(warsaw, raw[1:], strict=True)]
    tree.write_text("\n".join([raw[0], *lines, ""]))
    store.build("export", "chunks")
    in_utc, in_warsaw = (rows(barmill.read_bars(name, root=tmp_path)) for name in ("equities/5min/AAPL.US", "AAPL.US"))
    assert len(in_utc) == len(instants)
    kept = [row[1:] for row in in_utc if row[1].date() != dt.date(2024, 10, 27) or row[1].hour != 0]
    assert [row[1:] for row in in_warsaw] == kept  # 02:00 came twice, and of bars with one stamp the export keeps the last
    assert len(kept) == len(instants) - 2
