"""The race harness, for a few seconds; `python -m tests.reliability.races --seconds 60` is the long form."""

from pathlib import Path

from tests.reliability.races import run


def test_nothing_is_lost_while_gc_runs(tmp_path: Path) -> None:
    """Eight checkouts build and restore while gc deletes: all is as built from scratch, and the store stays sound."""
    report = run(6, 8, 7, tmp_path)
    assert (report.lost, report.damaged) == ([], [])
    assert report.counts["built"] > 50
    assert report.counts["restored"] > 10
    assert report.counts["doit runs"] > 1
    assert report.counts["gc runs"] > 3
    assert report.counts["removed records"] > 20
    assert report.counts["removed objects"] > 20


def test_projects_are_begun_in_all_ways(tmp_path: Path) -> None:
    """With more workers than processors, twice at once, over one store, and watched: as built by one process, and no error."""
    report = run(0, 0, 7, tmp_path, beginners=1)
    assert (report.lost, report.damaged) == ([], [])
    assert report.counts["first builds"] == 6
