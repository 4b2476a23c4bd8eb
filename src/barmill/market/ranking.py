"""Ranking strategies by what they did in-sample, and what speaks against believing it.

Only strategies without an error and with enough in-sample trades are ranked. Their score, 0 to 1, is
.30 return + .25 risk + .25 consistency + .20 robustness, where

- return is the share of the ranked whose in_total_return is lower (of equal ones half);
- risk is the mean of the shares whose in_max_drawdown and in_ulcer_index are higher;
- consistency is the mean of in_gaining_blocks / 10 and the share whose in_sortino is lower;
- robustness is the mean of `stability` and `deflated_sharpe`.

stability: of the strategies that differ in one number only, by one step of those that were backtested, the share with at least
half the in_sharpe; 0 where its own is not positive, null where it has no such neighbours (then robustness is the other half).

deflated_sharpe: the probability that the true Sharpe ratio is positive, given that the best of so many was looked for (Bailey
and Lopez de Prado 2014): with the ratios per bar, T in-sample bars, skewness g3, kurtosis g4 and N distinct backtests with
trades,
    SR0 = sqrt(V) ((1 - c) Z(1 - 1 / N) + c Z(1 - 1 / (N e))),  c = 0.5772… (Euler), F the normal distribution, Z its inverse,
    deflated_sharpe = F((SR - SR0) sqrt(T - 1) / sqrt(1 - g3 SR + (g4 - 1) / 4 SR^2)).
V is the variance among the ratios of the N backtests (with N - 1 degrees of freedom), as published. With strategies of unlike
costs it is wider than chance alone, so that fewer pass; with strategies that resemble one another it is narrower.
deflated_sharpe_chance is the same with V = 1 / (T - 1), the variance of the ratio of T returns without skill (Lo 2002), for
comparison: it is in no score and no guard. Backtests that resemble one another count as N all the same.

The out-of-sample bars are not part of the score. They are part of the guard: what speaks against a strategy. To choose by the
guard is to use them once; what is chosen is to be seen on new data.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from barmill.market.strategies.strategy import Strategy

Floats = NDArray[np.float64]

WEIGHTS = {"return": 0.30, "risk": 0.25, "consistency": 0.25, "robustness": 0.20}

GUARD = {
    "loss": "in_total_return is not positive",
    "out_of_sample_loss": "out_total_return is not positive",
    "decayed": "out_sharpe is below half of in_sharpe",
    "unstable": "stability is below 0.5",
    "not_significant": "deflated_sharpe is below 0.95",
}
"""What speaks against a strategy → when."""

COLUMNS = (
    "rank", "strategy", "family", "score", *WEIGHTS, "stability", "deflated_sharpe", "deflated_sharpe_chance", "guard",
    "same_as", "in_n_trades", "in_total_return", "in_sharpe", "in_sortino", "in_max_drawdown", "in_profit_factor",
    "in_win_rate", "out_n_trades", "out_total_return", "out_sharpe", "out_max_drawdown", "n_trades", "total_return", "sharpe",
    "max_drawdown", "exposure", "cost",
)  # fmt: skip
"""Columns of the ranking. `guard` has what speaks against it, with `;` between, "" if nothing does; `same_as` is the first
strategy in the alphabet with the same signals and exits, "" if that is itself."""

_LIKELY, _HALF = 0.95, 0.5


@dataclass(frozen=True)
class Sample:
    """The in-sample bars.

    Attributes:
        bars: how many.
        per_year: bars in a year.
    """

    bars: int
    per_year: float


@dataclass(frozen=True)
class Ranking:
    """The ranked strategies, and what was found on the way.

    Attributes:
        rows: of `COLUMNS`, the best first.
        distinct: backtests that differ in signals or exits, of those without an error.
        expected_best: in-sample Sharpe ratio, per year, that the best of as many strategies without skill is expected to have,
            if their ratios vary as the found ones do; NaN where fewer than two distinct backtests have trades to choose from.
        expected_best_chance: the same if they vary as chance alone makes them.
    """

    rows: list[dict[str, Any]]
    distinct: int
    expected_best: float
    expected_best_chance: float


def rank(table: Mapping[str, Sequence[Any]], sample: Sample, minimum_trades: int) -> Ranking:
    """Rank the strategies of a results table.

    Args:
        table: columns of `results.COLUMNS`, as lists; None is null.
        sample: the in-sample bars.
        minimum_trades: in-sample trades below which a strategy is not ranked.
    """
    good = [i for i, error in enumerate(table["error"]) if not error]
    first: dict[tuple[Any, ...], int] = {}
    for i in good:
        first.setdefault(tuple(table[name][i] for name in ("signal", "stop", "target", "hold")), i)
    same = {i: first[tuple(table[name][i] for name in ("signal", "stop", "target", "hold"))] for i in good}
    tried = [i for i in first.values() if table["in_n_trades"][i]]
    ratios = np.array([_number(table["in_sharpe"][i]) for i in tried]) / math.sqrt(sample.per_year)
    noises = best_of(len(tried), variance_of(ratios)), best_of(len(tried), chance(sample.bars))
    chosen = [i for i in good if table["in_n_trades"][i] >= max(minimum_trades, 1)]
    stable = stability({table["strategy"][i]: _number(table["in_sharpe"][i]) for i in good})
    values = {name: np.array([_number(table[name][i]) for i in chosen]) for name in _READ}
    parts = _parts(values, np.array([stable[table["strategy"][i]] for i in chosen]), sample, noises)
    score = np.sum([weight * parts[name] for name, weight in WEIGHTS.items()], axis=0)
    order = sorted(range(len(chosen)), key=lambda k: (-score[k], table["strategy"][chosen[k]]))
    rows = [
        {name: table[name][chosen[k]] for name in COLUMNS if name in table}
        | {name: float(part[k]) for name, part in parts.items()}
        | {
            "rank": position,
            "score": float(score[k]),
            "guard": ";".join(_against({name: float(each[k]) for name, each in (values | parts).items()})),
            "same_as": "" if same[chosen[k]] == chosen[k] else table["strategy"][same[chosen[k]]],
        }
        for position, k in enumerate(order, 1)
    ]
    return Ranking(rows, len(first), *(noise * math.sqrt(sample.per_year) for noise in noises))


_READ = (
    "in_total_return", "in_max_drawdown", "in_ulcer_index", "in_gaining_blocks", "in_sortino", "in_sharpe", "in_skewness",
    "in_kurtosis", "out_total_return", "out_sharpe",
)  # fmt: skip


def _parts(values: Mapping[str, Floats], stable: Floats, sample: Sample, noises: tuple[float, float]) -> dict[str, Floats]:
    """The parts of the score, what robustness is made of, and the deflated ratio by chance."""
    ratio = values["in_sharpe"] / math.sqrt(sample.per_year)
    shapes = list(zip(ratio, values["in_skewness"], values["in_kurtosis"], strict=True))
    deflated, by_chance = (np.array([deflated_sharpe(*each, sample.bars, noise) for each in shapes]) for noise in noises)
    return {
        "return": share_below(values["in_total_return"]),
        "risk": (share_below(-values["in_max_drawdown"]) + share_below(-values["in_ulcer_index"])) / 2,
        "consistency": (values["in_gaining_blocks"] / 10 + share_below(values["in_sortino"])) / 2,
        "robustness": (np.where(np.isnan(stable), deflated, stable) + deflated) / 2,
        "stability": stable,
        "deflated_sharpe": deflated,
        "deflated_sharpe_chance": by_chance,
    }


def _against(row: Mapping[str, float]) -> list[str]:
    """What speaks against a strategy, in the order of `GUARD`; what is not known does."""
    fine = {
        "loss": row["in_total_return"] > 0,
        "out_of_sample_loss": row["out_total_return"] > 0,
        "decayed": row["out_sharpe"] >= _HALF * row["in_sharpe"],
        "unstable": row["stability"] >= _HALF,
        "not_significant": row["deflated_sharpe"] >= _LIKELY,
    }
    return [name for name in GUARD if not fine[name]]


def share_below(values: Floats) -> Floats:
    """Of each value, the share of all that are lower, equal ones counting half; NaN is lower than all."""
    known = np.where(np.isnan(values), -np.inf, values)
    ordered = np.sort(known)
    return (np.searchsorted(ordered, known, "left") + np.searchsorted(ordered, known, "right")) / 2 / max(len(values), 1)


def stability(sharpes: Mapping[str, float]) -> dict[str, float]:
    """Of each strategy's neighbours, the share with at least half its Sharpe ratio; see above.

    Args:
        sharpes: strategy → its Sharpe ratio.
    """
    points = {name: _point(name) for name in sharpes}
    at = {point: sharpes[name] for name, point in points.items()}
    steps: dict[tuple[Any, ...], dict[float, list[float]]] = {}
    lines: dict[tuple[Any, ...], list[float]] = {}
    for words, numbers in points.values():
        for axis in range(len(numbers)):
            lines.setdefault((words, axis, *numbers[:axis], *numbers[axis + 1 :]), []).append(numbers[axis])
    for line, values in lines.items():
        ordered = sorted(values)
        steps[line] = {each: [*ordered[max(k - 1, 0) : k], *ordered[k + 1 : k + 2]] for k, each in enumerate(ordered)}
    found = {}
    for name, (words, numbers) in points.items():
        beside = [
            at[words, (*numbers[:axis], value, *numbers[axis + 1 :])]
            for axis in range(len(numbers))
            for value in steps[words, axis, *numbers[:axis], *numbers[axis + 1 :]][numbers[axis]]
        ]
        own = sharpes[name]
        held = sum(each >= _HALF * own for each in beside)
        found[name] = math.nan if not beside else held / len(beside) if own > 0 else 0.0
    return found


def _point(name: str) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """A strategy as its family and words, and its numbers."""
    strategy = Strategy.parse(name)
    values = (*strategy.params.values(), *strategy.exits)
    words = (strategy.family, *(each for each in values if isinstance(each, str)))
    return words, tuple(float(each) for each in values if not isinstance(each, str))


def variance_of(ratios: Floats) -> float:
    """V as published: the variance among Sharpe ratios, those that are undefined left out; NaN of fewer than two."""
    known = ratios[np.isfinite(ratios)]
    return float(known.var(ddof=1)) if len(known) > 1 else math.nan


def chance(bars: int) -> float:
    """V by chance alone: the variance of the Sharpe ratio of so many returns without skill; NaN of fewer than two."""
    return 1 / (bars - 1) if bars > 1 else math.nan


def best_of(count: int, variance: float) -> float:
    """SR0: the Sharpe ratio that the best of `count` strategies without skill is expected to have; NaN below two.

    Args:
        count: strategies that were tried, N.
        variance: V, among their ratios, in the same unit of time.
    """
    if count <= 1:
        return math.nan
    euler, normal = 0.5772156649015329, NormalDist()
    best = (1 - euler) * normal.inv_cdf(1 - 1 / count) + euler * normal.inv_cdf(1 - 1 / (count * math.e))
    return best * math.sqrt(variance)


def deflated_sharpe(ratio: float, skewness: float, kurtosis: float, bars: int, noise: float) -> float:
    """The deflated Sharpe ratio, a probability; 0 where it is not known. `noise` is SR0, NaN for none."""
    spread = 1 - skewness * ratio + (kurtosis - 1) / 4 * ratio**2
    z = (
        (ratio - (0.0 if math.isnan(noise) else noise)) * math.sqrt(max(bars - 1, 0)) / math.sqrt(spread)
        if spread > 0
        else math.nan
    )
    return NormalDist().cdf(z) if math.isfinite(z) else 0.0


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
