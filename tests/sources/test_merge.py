"""Stored and fetched bars against a slow merge of dicts."""

import hypothesis.strategies as st
from hypothesis import given, settings

from barmill.market.bars import read_bars
from barmill.sources import merge

DAYS = [f"2024-01-{day:02}" for day in range(1, 13)]
SERIES = st.dictionaries(
    st.sampled_from(DAYS), st.tuples(st.sampled_from([1.0, 2.0, 2.0000001]), st.sampled_from([None, 5.0, 6.0]))
)


def table(rows):
    """Bars of date → (close, volume)."""
    lines = [
        f"A,D,{day.replace('-', '')},000000,1,9,0.5,{close},{'' if volume is None else volume},0"
        for day, (close, volume) in sorted(rows.items())
    ]
    return read_bars("\n".join(["<TICKER>,<PER>", *lines, ""]).encode()).table


def rows(bars):
    """date → (close, volume) of bars."""
    return {row["date"]: (row["close"], row["volume"]) for row in bars.to_pylist()}


def same(old, new):
    """Whether two closes are the same."""
    return abs(old - new) <= 1e-6 * max(old, new)


@settings(max_examples=300, deadline=None)
@given(SERIES, SERIES)
def test_compare_and_union(stored, fetched):
    """Overlap and union are what a merge day by day gives; new and better bars are taken, all stored ones stay."""
    overlap = merge.compare(table(stored), table(fetched))
    both = sorted(stored.keys() & fetched.keys())
    repriced = [day for day in both if not same(stored[day][0], fetched[day][0])]
    revised = [day for day in both if fetched[day][1] not in {None, stored[day][1]}]
    inside = [day for day in sorted(stored) if fetched and min(fetched) <= day <= max(fetched)]
    assert overlap.common == len(both)
    assert overlap.repriced == [f"{day} 00:00:00" for day in repriced]
    assert overlap.changed == [f"{day} 00:00:00" for day in sorted({*repriced, *revised})]
    assert overlap.new == len(fetched.keys() - stored.keys())
    assert overlap.withheld == [f"{day} 00:00:00" for day in inside if day not in fetched]
    expected = dict(
        sorted({**fetched, **{day: row for day, row in stored.items() if day not in {*repriced, *revised}}}.items())
    )
    united = merge.union(table(stored), table(fetched), overlap)
    assert list(rows(united).items()) == list(expected.items())


@given(SERIES, st.sampled_from(["", *DAYS]), st.sampled_from(["", *DAYS]))
def test_clip(stored, start, end):
    """Both ends are included, an empty one is no bound."""
    expected = [day for day in sorted(stored) if start <= day and (not end or day <= end)]
    assert list(rows(merge.clip(table(stored), start, end))) == expected


@given(SERIES, SERIES)
def test_lacking(stored, fetched):
    """Stored stamps that were not fetched, anywhere."""
    expected = [f"{day} 00:00:00" for day in sorted(stored.keys() - fetched.keys())]
    assert merge.lacking(table(stored), table(fetched)) == expected
