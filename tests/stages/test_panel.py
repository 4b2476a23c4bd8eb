"""Panels: the bars of all datasets in a period, time first."""

import datetime as dt
from pathlib import Path

import pytest

from barmill.errors import ChunkCorrupt
from barmill.hashing import digest_file
from barmill.market import panels
from barmill.market.panels import Panel
from barmill.market.tables import read_parquet
from barmill.stages import panel
from barmill.target import Target
from tests.stages.contract import StageContract
from tests.support.barstore import BarStore, rows

DAYS = [dt.date(2023, 12, 1) + dt.timedelta(n) for n in range(60)]
A, B, C = (f"equities/daily/{symbol}" for symbol in "ABC")


@pytest.fixture
def store(tmp_path: Path) -> BarStore:
    """Three series by month, one of which begins later."""
    store = BarStore(tmp_path)
    store.set(chunk_daily="month")
    store.series(B, DAYS, 50.0)
    store.series(A, DAYS[::2])
    store.series(C, DAYS[40:], 900.0)
    store.build()
    return store


def expected(store: BarStore, month: int) -> list[tuple]:
    """The bars of a month, in order of time and name."""
    bars = [(row[1], row[0], *row[2:]) for row in store.expected([A, B, C]) if row[1].month == month]
    return sorted(bars, key=lambda bar: bar[:2])


def test_a_panel_holds_the_bars_of_its_period(store: BarStore) -> None:
    """Each month's bars of all series, by time and then by name; the manifest says what they were made of."""
    folder = store.root / "artifacts/panel/daily"
    for month, name, members in ((12, "2023-12", [A, B]), (1, "2024-01", [A, B, C])):
        file = folder / f"{name}.parquet"
        assert rows(read_parquet(file)) == expected(store, month)
        said = Panel.read(folder / f"{name}.json")
        chunks = {each: digest_file(store.root / f"artifacts/chunks/{each}/{name}.parquet") for each in members}
        assert said == Panel(chunks, len(expected(store, month)), digest_file(file))


def test_a_change_reruns_its_periods_only(store: BarStore) -> None:
    """A bar more in January of one series rebuilds that chunk and January's panel; a series more, the panels of its months."""
    store.series(A, [*DAYS[::2], dt.date(2024, 1, 31)])
    assert store.build() == [f"export:{A}", f"chunks:{A}", "panel:daily/2024-01"]
    store.series("equities/daily/D", [dt.date(2023, 12, 5)])
    assert store.build() == ["export:equities/daily/D", "chunks:equities/daily/D", "panel:daily/2023-12"]


def test_one_dataset_makes_no_panel(tmp_path: Path) -> None:
    """Where a frequency has one dataset there is nothing to read across."""
    store = BarStore(tmp_path)
    store.series(A, DAYS)
    store.build()
    assert not (store.root / "artifacts/panel").exists()


@pytest.mark.parametrize("slab", [1, 7, 30])
def test_bars_by_the_slab_are_the_same(store: BarStore, monkeypatch: pytest.MonkeyPatch, slab: int) -> None:
    """However few bars are held at a time, the panel has the same rows in the same order."""
    monkeypatch.setattr(panels, "SLAB", slab)
    files = [store.root / f"artifacts/chunks/{name}/2024-01.parquet" for name in (A, B, C)]
    panels.write_panel(store.root / "p.parquet", files, [A, B, C], "lz4")
    assert rows(read_parquet(store.root / "p.parquet")) == expected(store, 1)


def test_a_chunk_of_another_dataset_is_refused(store: BarStore) -> None:
    """A chunk that says it is another's is named."""
    files = [store.root / f"artifacts/chunks/{name}/2024-01.parquet" for name in (A, B)]
    with pytest.raises(ChunkCorrupt, match=r"A/2024-01\.parquet is no chunk of equities/daily/B"):
        panels.write_panel(store.root / "p.parquet", files, [B, A], "lz4")


def test_minutes_of_exchanges_far_apart_are_in_order(tmp_path: Path) -> None:
    """Months of Tokyo and New York begin at other moments; their panel is in order of time all the same."""
    store = BarStore(tmp_path)
    first = dt.datetime(2024, 1, 31, 12, 0, tzinfo=dt.UTC)
    stamps = [first + dt.timedelta(minutes=30 * n) for n in range(48)]
    names = ["equities/30min/AAPL.US", "equities/30min/7203.JP"]
    for name in names:
        store.series(name, stamps, 10.0 * len(name))
    store.build()
    for name in ("2024-01", "2024-02"):
        table = read_parquet(store.root / f"artifacts/panel/30min/{name}.parquet")
        keys = [row[:2] for row in rows(table)]
        assert keys == sorted(keys)
        assert {key[1] for key in keys} == set(names)


class TestContract(StageContract):
    """What every stage promises."""

    stage = "panel"

    def target(self, root: Path) -> Target:
        """The panel of a made month."""
        store = BarStore(root)
        for name in (A, B):
            store.series(name, DAYS)
        store.build("export", "chunks")
        return next(panel.targets(store.plan))
