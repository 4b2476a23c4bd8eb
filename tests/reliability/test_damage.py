"""Damage at rest, the short form: a round of each kind of file in each way; see `damage`."""

from tests.reliability.damage import DAMAGES, KINDS, SIZES, run


def test_damage_is_found_and_nothing_is_lost() -> None:
    """Each kind of damage to each kind of file is found or of no consequence, and healed; a restore finds each single bit."""
    report = run(len(KINDS) * len(DAMAGES), seed=7)
    assert report.failures == []
    for (kind, damage), count in report.counts.items():
        assert (count["damaged"], count["healed"], count["lost"]) == (1, 1, 0), (kind, damage)
        assert count["found"] + count["harmless"] == 1, (kind, damage)
    assert len(report.counts) == len(KINDS) * len(DAMAGES)
    flips = 64 * 8 + len(SIZES) * 40
    assert report.flips == {"damaged": flips, "found": flips}
