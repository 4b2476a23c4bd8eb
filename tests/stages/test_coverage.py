"""Coverage: a row per dataset, and which series have ended beside the others of their calendar."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barmill.market.shared_gaps import shared_gaps
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
    coverage.build(paths, tables, folder / "coverage.csv", folder / "shared.csv", tolerance=0.0, ended_after=ended_after)
    return {row["name"]: row for row in read_rows(folder / "coverage.csv")}


def test_rows_are_in_order_of_name(tmp_path):
    """A row per dataset, in order of name, whatever the order of the inputs."""
    assert list(build(tmp_path, {"name": "B"}, {"name": "crypto/daily/X"}, {"name": "A"})) == ["A", "B", "crypto/daily/X"]


def test_ranges_are_counted_by_verdict(tmp_path):
    """Missing ranges, thin ones and halts are counted, and the longest is told in sessions."""
    ranges = [
        {"verdict": verdict, "sessions": sessions, "missing": sessions, "start": f"2024-01-{day}", "end": f"2024-01-{day}"}
        for day, verdict, sessions in ((10, "missing", 1), (12, "missing", 2), (16, "halted", 38), (18, "thinly traded", 3))
    ]
    row = build(tmp_path, {"name": "A", "verdict": "missing", "missing": 44, "ranges": ranges})["A"]
    assert (row["missing_ranges"], row["halts"], row["thin_ranges"], row["longest"]) == ("2", "1", "1", "38")
    assert (row["verdict"], row["missing"], row["expected"]) == ("missing", "44", "1258")


@pytest.mark.parametrize(
    ("end", "frequency", "ended", "behind"),
    [
        ("2024-12-01", "daily", "", "21"),
        ("2024-11-30", "daily", "yes", "21"),
        ("2024-11-30", "weekly", "", "21"),
        ("2024-11-01", "monthly", "", "40"),
        ("2024-10-30", "monthly", "yes", "42"),
    ],
)
def test_a_series_that_stopped_has_ended(tmp_path, end, frequency, ended, behind):
    """A series more days behind its calendar's newest bar than allowed has ended; the distance is given in sessions."""
    row = build(tmp_path, {"name": "OLD", "end": end, "frequency": frequency}, {"name": "NEW"})["OLD"]
    assert (row["ended"], row["verdict"], row["behind"]) == (ended, "complete", behind)


def test_a_bar_dated_in_a_wrong_year_ends_no_other_series(tmp_path):
    """A stamp after the last session of the table is not the newest bar of its calendar."""
    rows = build(tmp_path, {"name": "WRONG", "end": "9999-12-31"}, {"name": "GOES"}, {"name": "OLD", "end": "2024-06-28"})
    found = {name: (row["ended"], row["behind"]) for name, row in rows.items()}
    assert found == {"WRONG": ("", "0"), "GOES": ("", "0"), "OLD": ("yes", "128")}
    assert build(tmp_path, {"name": "ALONE", "end": "9999-12-31"})["ALONE"]["ended"] == ""


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


@pytest.mark.parametrize("verdict", ["missing", "thinly traded", "complete"])
def test_that_a_series_ended_hides_no_verdict(tmp_path, verdict):
    """Whether a series has ended, and what its gaps are like, are two columns."""
    row = build(tmp_path, {"name": "NEW"}, {"name": "OLD", "verdict": verdict, "end": "2022-01-03"})["OLD"]
    assert (row["verdict"], row["ended"]) == (verdict, "yes")


def gap(start, end, missing, verdict="missing"):
    """A range of missing bars."""
    return {"start": start, "end": end, "missing": missing, "sessions": missing, "verdict": verdict}


def test_gap_that_all_series_share_is_one_finding(tmp_path):
    """A hole in all series is a row of shared.csv and no series' fault; what else is missing stays."""
    hole, halt = gap("2024-06-19", "2024-06-20", 2), gap("2024-08-01", "2024-08-02", 2)
    longer = gap("2024-06-19", "2024-06-21", 3)
    rows = build(
        tmp_path,
        *({"name": name, "verdict": "missing", "missing": 2, "ranges": [hole]} for name in "ABC"),
        {"name": "D", "verdict": "missing", "missing": 4, "ranges": [hole, halt]},
        {"name": "E", "verdict": "missing", "missing": 3, "ranges": [longer]},
        {"name": "LATER", "start": "2024-07-01"},
        {"name": "EARLIER", "end": "2024-06-18"},
    )
    (found,) = read_rows(tmp_path / "shared.csv")
    assert tuple(found.values()) == ("XNYS", "daily", "2024-06-19", "2024-06-20", "2", "4", "5")
    told = {name: (row["verdict"], row["missing_ranges"], row["missing"], row["shared"]) for name, row in rows.items()}
    assert told["A"] == told["B"] == told["C"] == ("complete", "0", "2", "2")
    assert told["D"] == ("missing", "1", "4", "2")
    assert told["E"] == ("missing", "1", "3", "0")


@pytest.mark.parametrize("others", [1, 20])
def test_gap_of_few_series_is_their_own(tmp_path, others):
    """Two series are too few to tell, and of many nine in ten have to miss the bars."""
    holes = [
        {"name": f"H{n}", "verdict": "missing", "missing": 1, "ranges": [gap("2024-06-19", "2024-06-19", 1)]} for n in (1, 2)
    ]
    rows = build(tmp_path, *holes, *({"name": f"N{n}"} for n in range(others)))
    assert (rows["H1"]["verdict"], rows["H1"]["shared"]) == ("missing", "0")
    assert read_rows(tmp_path / "shared.csv") == []


DAY = st.integers(0, 9)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.sets(st.integers(1, 8), max_size=5)), min_size=1, max_size=6)
)
def test_shared_gaps_are_those_of_a_plain_count(series):
    """Every day that all but a tenth of at least three series miss is in a shared gap, and no other day."""
    found = [(min(ends), max(ends), {day for day in days if min(ends) < day < max(ends)}) for *ends, days in series]
    told = [
        {"start": f"{first:02}", "end": f"{last:02}", "ranges": [gap(f"{day:02}", f"{day:02}", 1) for day in sorted(days)]}
        for first, last, days in found
    ]
    expected = set()
    for day in range(10):
        of, absent = sum(first <= day <= last for first, last, _ in found), sum(day in days for *_, days in found)
        if absent >= 3 and absent >= 0.9 * of:
            expected.add(day)
    shared = shared_gaps(told)
    covered = {day for each in shared for day in range(int(each.start), int(each.end) + 1)}
    assert covered == expected


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
