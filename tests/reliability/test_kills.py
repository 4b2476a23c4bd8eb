"""The kill harness, the short form; `python -m tests.reliability.kills` is the long one."""

from tests.reliability.kills import run


def test_kills_lose_nothing() -> None:
    """Runs of each kind are killed: nothing is half-written, and the next run ends right."""
    report = run(12, seed=3)
    assert report.lost == []
    assert report.kills.total() == 12
