"""Two series of closes beside each other: do their returns agree, their levels, their sessions, and what explains the rest.

The ratio of the two closes tells adjustment from error. Where both say the same, it is one; where one is scaled (pence and
pounds, an index rebased) it is constant; where one is adjusted for dividends or splits and the other is not, it is constant
between these days and steps on them. A close that is wrong on one side makes it step and step back.
"""

import itertools
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from barmill.market.closes import Closes
from barmill.market.splits import is_ratio

SAME, ADJUSTED, DIFFERENT, NO_OVERLAP = "same", "adjusted", "different", "no overlap"
"""same: returns, levels and sessions agree; adjusted: only the levels do not, and a constant or stepwise ratio explains them;
different: returns or sessions do not, or nothing explains the levels."""

EQUAL, CONSTANT, STEPWISE, UNEXPLAINED = "equal", "constant ratio", "stepwise ratio", "unexplained"

_WINDOW = 10  # sessions before and after a step between which the ratio must stay put
_LEAST_STEP = 5e-4
_OVER_NOISE = 3.0  # times the spread of the ratio before and after
_LARGEST_DIVIDEND = 0.25
_MOST_LISTED = 10
BASIS_POINT = 1e-4


@dataclass(frozen=True)
class Terms:
    """When two series agree: `tolerance` in basis points of a return or a level, `share` of the sessions within it."""

    tolerance: float = 20.0
    share: float = 0.95


@dataclass
class Comparison:
    """What came out for a pair.

    Attributes:
        a, b: names.
        column_a, column_b: the closes that were compared: `close` or `adjusted`.
        verdict: `same`, `adjusted`, `different`, `no overlap`.
        reasons: what makes it `different`.
        sessions: stamps that both have; `first` and `last` of them.
        returns_agree: share of the log returns between common sessions that differ by no more than the tolerance.
        levels_agree: share of the closes that do.
        explanation: `equal`, `constant ratio`, `stepwise ratio`, `unexplained`.
        ratio: closes of a per close of b, at the last common session.
        steps: date, factor by which the ratio changes there for good, kind: `dividend`; `split`; `jump`, which is too large for
            the one and no ratio for the other.
        differing: date, returns of a and b in it, of the largest differences that no step explains.
        differing_count: how many there are.
        only_a, only_b: stamps between the first and the last common one that only one side has.
    """

    a: str
    b: str
    verdict: str = NO_OVERLAP
    reasons: list[str] = field(default_factory=list)
    column_a: str = "close"
    column_b: str = "close"
    sessions: int = 0
    first: str = ""
    last: str = ""
    returns_agree: float = 0.0
    levels_agree: float = 0.0
    explanation: str = UNEXPLAINED
    ratio: float = 0.0
    steps: list[dict[str, Any]] = field(default_factory=list)
    differing: list[dict[str, Any]] = field(default_factory=list)
    differing_count: int = 0
    only_a: list[str] = field(default_factory=list)
    only_b: list[str] = field(default_factory=list)


def compare(a: Closes, b: Closes, terms: Terms) -> list[Comparison]:
    """Compare two series, plain and adjusted closes; those that agree best come first, plain ones if equally well."""
    pairs = itertools.product(a.columns().items(), b.columns().items())
    found = [_compare(Comparison(a.name, b.name, column_a=one, column_b=two), x, y, terms) for (one, x), (two, y) in pairs]
    return sorted(found, key=lambda each: (-each.returns_agree, -each.levels_agree))


def _compare(found: Comparison, a: Mapping[str, float], b: Mapping[str, float], terms: Terms) -> Comparison:
    common = [stamp for stamp in a if stamp in b]
    if not common:
        return found
    found.sessions, found.first, found.last = len(common), common[0], common[-1]
    found.only_a, found.only_b = (
        [stamp for stamp in own if found.first <= stamp <= found.last and stamp not in other] for own, other in ((a, b), (b, a))
    )
    ratios = [math.log(a[stamp]) - math.log(b[stamp]) for stamp in common]
    moves = [after - before for before, after in itertools.pairwise(ratios)]
    limit = terms.tolerance * BASIS_POINT
    found.ratio = math.exp(ratios[-1])
    found.returns_agree = _share(moves, limit)
    found.levels_agree = _share(ratios, limit)
    steps = _steps(ratios)
    found.steps = [{"date": common[at], "factor": math.exp(size), "kind": _kind(size)} for at, size in steps.items()]
    found.explanation = _explanation(ratios, list(steps), limit, terms.share)
    apart = [at for at in range(1, len(common)) if abs(moves[at - 1]) > limit and at not in steps]
    apart.sort(key=lambda at: -abs(moves[at - 1]))
    found.differing_count = len(apart)
    found.differing = [
        {
            "date": common[at],
            **{f"return_{side}": own[common[at]] / own[common[at - 1]] - 1 for side, own in (("a", a), ("b", b))},
        }
        for at in apart[:_MOST_LISTED]
    ]
    found.reasons = list(_reasons(found, terms.share))
    found.verdict = DIFFERENT if found.reasons else SAME if found.explanation == EQUAL else ADJUSTED
    return found


def _reasons(found: Comparison, share: float) -> Iterator[str]:
    """What is too different."""
    absent = len(found.only_a) + len(found.only_b)
    if found.returns_agree < share:
        yield f"returns agree in {found.returns_agree:.1%} only"
    if absent > (1 - share) * (found.sessions + absent):
        yield f"{absent:,} of {found.sessions + absent:,} sessions are on one side only"
    if found.explanation == UNEXPLAINED:
        yield "nothing explains the levels"


def _share(values: Sequence[float], limit: float) -> float:
    return sum(abs(value) <= limit for value in values) / len(values) if values else 1.0


def _explanation(ratios: Sequence[float], steps: Sequence[int], limit: float, share: float) -> str:
    """What the logarithms of the ratios are like, between the steps."""
    if _share(ratios, limit) >= share:
        return EQUAL
    middle = statistics.median(ratios)
    if _share([ratio - middle for ratio in ratios], limit) >= share:
        return CONSTANT
    residues: list[float] = []
    for start, stop in itertools.pairwise([0, *steps, len(ratios)]):
        middle = statistics.median(ratios[start:stop])
        residues += [ratio - middle for ratio in ratios[start:stop]]
    few = 0 < len(steps) <= (1 - share) * len(ratios)
    return STEPWISE if few and _share(residues, limit) >= share else UNEXPLAINED


def _steps(ratios: Sequence[float]) -> dict[int, float]:
    """Where the ratio changes for good, and by how much: it stays put for some sessions before, and after."""
    steps: dict[int, float] = {}
    for at in range(1, len(ratios)):
        move = ratios[at] - ratios[at - 1]
        if abs(move) < _LEAST_STEP:
            continue
        before, after = ratios[max(0, at - _WINDOW) : at], ratios[at : at + _WINDOW]
        size = statistics.median(after) - statistics.median(before)
        noise = max(_spread(before), _spread(after))
        if abs(size) > max(_LEAST_STEP, _OVER_NOISE * noise) and abs(move - size) < abs(size) / 2:
            steps[at] = size
    return steps


def _spread(values: Sequence[float]) -> float:
    """The standard deviation without the value farthest from the median: one close may be wrong."""
    middle = statistics.median(values)
    return statistics.pstdev(sorted(values, key=lambda value: abs(value - middle))[: max(1, len(values) - 1)])


def _kind(size: float) -> str:
    if abs(size) < _LARGEST_DIVIDEND:
        return "dividend"
    return "split" if is_ratio(size) else "jump"
