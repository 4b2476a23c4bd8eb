"""Association rules: if these features lie there, that outcome is so much more frequent; in sample, and out of it.

Features are cut into thirds of the rows in sample (low, mid, high); codes and hours of the day stand for themselves. An
antecedent is one such item, or two of different features. Of n rows, a of which meet the antecedent, c the consequent, b both
(Agrawal and others 1993; Brin and others 1997):

    support = b / n        confidence = b / a        lift = confidence / (c / n)

`pips` is what the a positions came to on average. Where prices move more, target and stop both become more frequent: a rule
that survives tells something of the outcome, but of something to earn only if its pips are above 0, and above costs.

`p` is the chance of a share as high among a / overlap independent rows (normal approximation, one-sided), `q` the false
discovery rate among all rules tried (Benjamini and Hochberg 1995). A rule survives if q in sample is at most 0.05, and so is p
out of sample.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from barmill.market.patterns import CODES, Rows

COLUMNS = (
    "direction", "outcome", "antecedent", *(f"{name}_{sample}" for sample in ("in", "out")
    for name in ("rows", "support", "confidence", "base", "lift", "p", "pips")), "q_in", "survives",
)  # fmt: skip
CONSEQUENTS = {"target": 0, "stop": 1}
LEAST_SUPPORT = 0.02
LEAST_LIFT = 1.05
LEVEL = 0.05
_FEWEST = 20  # rows of an antecedent in sample
_THIRDS = (1 / 3, 2 / 3)
_BLOCK = 4  # hours
_ROWS = 50_000  # that are added up at once
_FINEST = 1e6  # of a pip: gains are whole millionths, whose sums are exact in whatever order


@dataclass(frozen=True)
class Items:
    """What a row can meet.

    Attributes:
        names: of the items, as `volatility=high`.
        feature: int64, of each item the feature it belongs to: two items of one are never in one antecedent.
        met: bool, shape (n, items).
    """

    names: tuple[str, ...]
    feature: NDArray[np.int64]
    met: NDArray[np.bool_]


def items(rows: Rows) -> Items:
    """Every item that enough rows in sample meet; its bounds are those of the rows in sample."""
    found: list[tuple[str, int, NDArray[np.bool_]]] = []
    for at, name in enumerate(rows.names):
        values = rows.features[:, at]
        for word, met in _codes(values) if name in CODES else _thirds(values, rows.inside):
            found.append((f"{name}={word}", at, met))
    for block in range(24 // _BLOCK):
        word = f"hour={block * _BLOCK:02d}-{block * _BLOCK + _BLOCK - 1:02d}"
        found.append((word, len(rows.names), rows.hour // _BLOCK == block))
    least = max(_FEWEST, LEAST_SUPPORT * rows.inside.sum())
    kept = [each for each in found if each[2][rows.inside].sum() >= least and not each[2][rows.inside].all()]
    columns = [met for _, _, met in kept] or [np.empty((len(rows.hour), 0), bool)]
    return Items(tuple(name for name, _, _ in kept), np.array([at for _, at, _ in kept], np.int64), np.column_stack(columns))


def _codes(values: NDArray[np.float64]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    for code in np.unique(values[~np.isnan(values)]):
        yield np.base_repr(int(code), 5).zfill(3), values == code


def _thirds(values: NDArray[np.float64], inside: NDArray[np.bool_]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    defined = values[inside & ~np.isnan(values)]
    if not len(defined):
        return
    low, high = np.quantile(defined, _THIRDS)
    yield "low", values <= low
    yield "mid", (values > low) & (values <= high)
    yield "high", values > high


def mine(rows: Rows) -> tuple[list[dict[str, Any]], int]:
    """The rules with enough support and lift in sample, by direction, outcome and antecedent; and how many were tried."""
    found = items(rows)
    ones, twos = np.triu_indices(len(found.names))
    fits = (ones == twos) | (found.feature[ones] != found.feature[twos])
    ones, twos = ones[fits], twos[fits]
    rules, tried = [], 0
    for direction, codes in rows.outcomes.items():
        gained = [_sums(found.met[part], rows.gains[direction][part])[ones, twos] for part in (rows.inside, ~rows.inside)]
        for outcome, code in CONSEQUENTS.items():
            inside, outside = (
                _Counts.of(found.met[part], codes[part] == code, pips, ones, twos)
                for part, pips in zip((rows.inside, ~rows.inside), gained, strict=True)
            )
            tested = np.flatnonzero((inside.antecedent >= _FEWEST) & (inside.both >= LEAST_SUPPORT * inside.rows))
            tried += len(tested)
            for at in tested:
                rule = {"direction": direction, "outcome": outcome, "antecedent": _name(found, int(ones[at]), int(twos[at]))}
                rules.append(rule | inside.told(int(at), rows.overlap, "in") | outside.told(int(at), rows.overlap, "out"))
    _discover(rules)
    kept = [rule for rule in rules if rule["lift_in"] >= LEAST_LIFT]
    return sorted(kept, key=lambda rule: (rule["direction"], rule["outcome"], rule["antecedent"])), tried


def _name(found: Items, one: int, other: int) -> str:
    return found.names[one] if one == other else f"{found.names[one]} & {found.names[other]}"


@dataclass(frozen=True)
class _Counts:
    """Of rules with one consequent: rows that meet the antecedent, and both, and what positions in the former gained."""

    rows: int
    consequent: int
    antecedent: NDArray[Any]
    both: NDArray[Any]
    pips: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        met: NDArray[np.bool_],
        there: NDArray[np.bool_],
        pips: NDArray[np.float64],
        ones: NDArray[np.int64],
        twos: NDArray[np.int64],
    ) -> "_Counts":
        all_, some = met.astype(np.float32), met[there].astype(np.float32)  # counts below 2^24 are exact
        return cls(len(met), int(there.sum()), (all_.T @ all_)[ones, twos], (some.T @ some)[ones, twos], pips)

    def told(self, at: int, overlap: float, sample: str) -> dict[str, Any]:
        """The figures of one rule."""
        met, both = float(self.antecedent[at]), float(self.both[at])
        base = self.consequent / self.rows
        confidence = both / met if met else math.nan
        lift = confidence / base if base else math.nan
        told = {"rows": int(met), "support": both / self.rows, "confidence": confidence, "base": base, "lift": lift}
        told["p"] = _chance(confidence, base, met / overlap)
        told["pips"] = float(self.pips[at]) / met if met else math.nan
        return {f"{name}_{sample}": value for name, value in told.items()}


def _sums(met: NDArray[np.bool_], gains: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each pair of items the sum of the gains of the rows that meet both, shape (items, items)."""
    whole, total = np.rint(gains * _FINEST), np.zeros((met.shape[1], met.shape[1]))
    for start in range(0, len(met), _ROWS):
        part = met[start : start + _ROWS].astype(np.float64)
        total += (part * whole[start : start + _ROWS, None]).T @ part
    return total / _FINEST


def _chance(share: float, base: float, count: float) -> float:
    """Probability of such a share or a higher one among `count` draws at `base`."""
    if not count or not 0 < base < 1:
        return 1.0
    return 0.5 * math.erfc((share - base) / math.sqrt(base * (1 - base) / count) / math.sqrt(2))


def _discover(rules: list[dict[str, Any]]) -> None:
    """Add `q_in` and `survives` to each."""
    order = sorted(range(len(rules)), key=lambda at: rules[at]["p_in"])
    least = 1.0
    for rank in range(len(order), 0, -1):
        rule = rules[order[rank - 1]]
        least = min(least, rule["p_in"] * len(rules) / rank)
        rule["q_in"] = least
        rule["survives"] = "yes" if least <= LEVEL and rule["p_out"] <= LEVEL else "no"
