"""Coverage: a row per dataset, and which series have ended beside the others of their calendar."""

import json

import pytest

from barmill.market.tables import read_rows
from barmill.stages import coverage
from tests.stages.contract import StageContract
from tests.support.calendars import table_file

COMPLETE = {
    "calendar": "XNYS", "frequency": "daily", "cure": "", "verdict": "complete", "start": "2020-01-02", "end": "2024-12-31",
    "rows": 1258, "expected": 1258, "missing": 0, "extra": 0, "unjudged": 0, "ranges": [], "extra_ranges": [],
}  # fmt: skip


def build(folder, *found, ended_after=30):
    """The rows of the table for these gaps, given by name and what differs from a complete series."""
    paths = []
    for number, each in enumerate(found):
        paths.append(folder / f"{number}.json")
        paths[-1].write_text(json.dumps(COMPLETE | each))
    tables = [table_file("XNYS"), table_file("24/7")]
    coverage.build(paths, tables, folder / "coverage.csv", ended_after=ended_after)
    return {row["name"]: row for row in read_rows(folder / "coverage.csv")}


def test_rows_are_in_order_of_name(tmp_path):
    """A row per dataset, in order of name, whatever the order of the inputs."""
    assert list(build(tmp_path, {"name": "B"}, {"name": "crypto/daily/X"}, {"name": "A"})) == ["A", "B", "crypto/daily/X"]


def test_ranges_are_counted_by_verdict(tmp_path):
    """Missing ranges, thin ones and halts are counted, and the longest is told in sessions."""
    ranges = [
        {"verdict": verdict, "sessions": sessions}
        for verdict, sessions in (("missing", 1), ("missing", 2), ("halted", 38), ("thinly traded", 3))
    ]
    row = build(tmp_path, {"name": "A", "verdict": "missing", "missing": 44, "ranges": ranges})["A"]
    assert (row["missing_ranges"], row["halts"], row["thin_ranges"], row["longest"]) == ("2", "1", "1", "38")
    assert (row["verdict"], row["missing"], row["expected"]) == ("missing", "44", "1258")


@pytest.mark.parametrize(("end", "verdict", "behind"), [("2024-12-01", "complete", "21"), ("2024-11-30", "ended", "21")])
def test_a_series_that_stopped_has_ended(tmp_path, end, verdict, behind):
    """More days behind the newest bar of its calendar than allowed is ended; the distance is told in sessions."""
    row = build(tmp_path, {"name": "OLD", "end": end}, {"name": "NEW"})["OLD"]
    assert (row["verdict"], row["behind"]) == (verdict, behind)


def test_each_calendar_has_its_own_newest_bar(tmp_path):
    """A series is compared with those of its calendar only, by date also where bars are within a day."""
    rows = build(
        tmp_path,
        {"name": "NEWEST", "end": "2024-12-31T20:55:00Z", "frequency": "5min"},
        {"name": "STOCK", "end": "2024-12-30"},
        {"name": "COIN", "calendar": "24/7", "end": "2020-06-30"},
    )
    assert {name: (row["verdict"], row["behind"]) for name, row in rows.items()} == {
        "NEWEST": ("complete", "0"), "STOCK": ("complete", "1"), "COIN": ("complete", "0"),
    }  # fmt: skip


def test_missing_data_of_an_ended_series_stay_missing(tmp_path):
    """What can be mended comes before what can't; every other verdict gives way to `ended`."""
    old = [{"name": kind, "verdict": kind, "end": "2022-01-03"} for kind in ("missing", "thinly traded")]
    rows = build(tmp_path, {"name": "NEW"}, *old)
    assert (rows["missing"]["verdict"], rows["thinly traded"]["verdict"]) == ("missing", "ended")


def test_without_a_calendar_or_bars_nothing_is_compared(tmp_path):
    """Datasets without a calendar, or without bars, keep their verdict and are not behind anything."""
    rows = build(
        tmp_path,
        {"name": "BOND", "calendar": "", "verdict": "no calendar", "end": "2010-01-04"},
        {"name": "BOND2", "calendar": "", "verdict": "no calendar", "end": "2024-01-04"},
        {"name": "EMPTY", "verdict": "no bars", "end": "", "start": ""},
    )
    assert {name: (row["verdict"], row["behind"]) for name, row in rows.items()} == {
        "BOND": ("no calendar", ""), "BOND2": ("no calendar", ""), "EMPTY": ("no bars", ""),
    }  # fmt: skip


class TestContract(StageContract):
    """What every stage promises."""

    stage = "coverage"
