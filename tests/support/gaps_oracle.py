"""A slow judge of gaps in plain Python: what bars a calendar expects, which are missing, and why, by the letter."""

import datetime as dt
from collections.abc import Iterable, Sequence

from barmill.market.sessions import Session

MINUTE = dt.timedelta(minutes=1)


def trading_minutes(sessions: Iterable[Session]) -> Iterable[dt.datetime]:
    """Every minute at which there is trading, in UTC."""
    for each in sessions:
        moment = each.open
        while moment < each.close:
            if each.break_start is None or each.break_end is None or not each.break_start <= moment < each.break_end:
                yield moment
            moment += MINUTE


def bar_stamps(sessions: Iterable[Session], minutes: int, phase: int = 0) -> list[dt.datetime]:
    """When the bars open that hold any minute of trading."""
    stamps = set()
    for moment in trading_minutes(sessions):
        into = (int(moment.timestamp()) // 60 - phase) % minutes
        stamps.add(moment - into * MINUTE)
    return sorted(stamps)


def missing_runs(expected: Sequence[object], seen: Iterable[object]) -> list[list[int]]:
    """Positions of missing bars, those in a row together."""
    there = set(seen)
    runs: list[list[int]] = []
    for at, stamp in enumerate(expected):
        if stamp in there:
            continue
        if runs and runs[-1][-1] == at - 1:
            runs[-1].append(at)
        else:
            runs.append([at])
    return runs


def verdicts(expected: Sequence[object], seen: Iterable[object], sessions_in: Sequence[int], halted_after: int) -> list[str]:
    """The verdict on each run of missing bars; `sessions_in` says how many sessions each touches."""
    there = set(seen)
    runs = missing_runs(expected, there)
    bars_before = [sum(1 for stamp in expected[: run[0]] if stamp in there) for run in runs]
    all_bars = sum(1 for stamp in expected if stamp in there)

    def near(one: int) -> list[int]:
        return [other for other in range(len(runs)) if abs(bars_before[other] - bars_before[one]) <= 20]

    def many(one: int) -> bool:
        pairs = min(bars_before[one] + 20, all_bars) - max(bars_before[one] - 20, 0)
        others = len(near(one)) - 1
        return others >= 3 and others * 10 >= pairs

    found = []
    for one in range(len(runs)):
        thin = any(many(other) for other in near(one))
        found.append("thinly traded" if thin else "halted" if sessions_in[one] >= halted_after else "missing")
    return found
