"""Missing sessions as stretches, against a walk day by day."""

import datetime as dt
import itertools

import hypothesis.strategies as st
from hypothesis import given

from barmill.config import Settings
from barmill.market.bars import read_bars
from barmill.market.sessions import Session, write_sessions
from barmill.plan import Plan
from barmill.sources import gaps
from tests.support.prices import series, weekdays

SESSIONS = weekdays("2024-01-01", 25)
EVERY = [(dt.date(2024, 1, 1) + dt.timedelta(days=number)).isoformat() for number in range(33)]


def table(days):
    """Bars on these days."""
    lines = [f"A,D,{day.replace('-', '')},000000,1,1,1,1,1,0" for day in sorted(days)]
    return read_bars("\n".join(["<TICKER>,<PER>", *lines, ""]).encode()).table


@given(st.sets(st.sampled_from(EVERY), min_size=1))
def test_missing_and_stretches(days):
    """Missing are the sessions between the first and the last bar without one; a stretch has no session that is not missing."""
    missing = gaps.missing(table(days), SESSIONS)
    assert missing == [day for day in SESSIONS if min(days) <= day <= max(days) and day not in days]
    stretches = gaps.stretches(missing, SESSIONS)
    covered = [[day for day in SESSIONS if first <= day <= last] for first, last in stretches]
    assert [day for each in covered for day in each] == missing
    assert all(SESSIONS.index(after[0]) > SESSIONS.index(before[-1]) + 1 for before, after in itertools.pairwise(covered))
    for first, last in stretches:
        before, after = gaps.around(table(days), (first, last))
        assert (before, after) == (max(day for day in days if day < first), min(day for day in days if day > last))
    assert gaps.unasked(missing, stretches) == []
    assert gaps.unasked(missing, stretches[1:]) == [day for each in covered[:1] for day in each]


def test_sessions_of_a_dataset(tmp_path):
    """They come from the calendar's table, once it is built; there are none without a calendar, or for bars of a week."""
    plan = Plan(Settings(series=tmp_path / "series", artifacts=tmp_path, calendars={"crypto/*": "XNYS"}))
    known, weekly = series(tmp_path / "series", asset_class="crypto"), series(tmp_path / "series", "ACME", "crypto", "weekly")
    assert gaps.sessions_of(plan, known) is None
    path = plan.sessions("XNYS")
    path.parent.mkdir(parents=True)
    moment = dt.datetime(2024, 1, 2, 14, 30, tzinfo=dt.UTC)
    write_sessions(path, [Session(moment.date(), moment, moment + dt.timedelta(hours=6))])
    assert gaps.sessions_of(plan, known) == ["2024-01-02"]
    assert gaps.sessions_of(plan, weekly) is None
    assert gaps.sessions_of(plan, series(tmp_path / "series")) is None
