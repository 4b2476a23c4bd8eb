"""Sums over runs, as `store.runs` remembers them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from barmill.run.units import spelled

Run = Mapping[str, Any]

_HITS = ("fresh", "restored", "fetched")
_MISSES = ("built", "failed")


def hit_rate(counts: Mapping[str, float]) -> float | None:
    """The share of targets that needed no build, 0 to 1; None where there were no targets."""
    hits, misses = (sum(counts[name] for name in names) for names in (_HITS, _MISSES))
    return hits / (hits + misses) if hits + misses else None


def total_of(run: Run) -> Counter[str]:
    """Counts and seconds of a run, over its stages."""
    return sum(map(Counter, run["stages"].values()), Counter())


def stages_of(runs: Sequence[Run]) -> dict[str, Counter[str]]:
    """Stage → counts and seconds over all runs, which come the newest first; stages in the order in which they came up."""
    sums: dict[str, Counter[str]] = {}
    for run in reversed(runs):
        for stage, counts in run["stages"].items():
            sums.setdefault(stage, Counter()).update(counts)
    return sums


def remote_of(runs: Sequence[Run]) -> dict[str, int]:
    """What the remote was asked and gave, over all runs; empty without one."""
    total: Counter[str] = Counter()
    for run in runs:
        total.update(run.get("remote") or {})
    return dict(total)


def remote_line(runs: Sequence[Run]) -> str:
    """The same in words; "" without a remote."""
    remote = remote_of(runs)
    if not remote:
        return ""
    return (
        f"remote: {remote['hits']} hits, {remote['misses']} misses, {remote['refused']} refused; "
        f"{spelled(remote['received'])} received; {remote['sent_records']} results, {spelled(remote['sent'])} sent, "
        f"{remote['unsent']} not sent"
    )
