"""How much each feature tells about an outcome: a random forest fitted in sample, asked in sample and out of it.

`impurity_in` is the forest's own measure; `permutation_*` the rise of its log loss when the feature's values are shuffled
(Breiman 2001), the mean of five shuffles, `deviation_*` theirs. A feature that tells nothing has about 0 out of sample,
whatever it has in it. All is seeded, and computed on one thread.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from barmill.market.patterns import Rows
from barmill.market.samples import learners, spread

COLUMNS = ("direction", "feature", "impurity_in", "permutation_in", "deviation_in", "permutation_out", "deviation_out")
_TREES, _DEPTH, _LEAF = 50, 5, 20
_FITTED, _ASKED, _SHUFFLES = 20_000, 1_000, 5


def weigh(rows: Rows) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Importances by direction and feature, and by direction the log loss of the forest beside that of the base rate.

    The outcome is whether the target was reached. An undefined feature has its median in sample; one that is never defined
    there is left out.
    """
    from sklearn.ensemble import RandomForestClassifier

    _, threads = learners()
    inside, outside = np.flatnonzero(rows.inside), np.flatnonzero(~rows.inside)
    kept = np.flatnonzero((~np.isnan(rows.features[inside])).any(axis=0))
    values = rows.features[:, kept]
    values = np.where(np.isnan(values), np.nanmedian(values[inside], axis=0), values)
    found, scores = [], {}
    for direction, codes in rows.outcomes.items():
        reached, fitted = codes == 0, spread(inside, _FITTED)
        if reached[fitted].all() or not reached[fitted].any():
            scores[direction] = {"base_in": float(reached[inside].mean()), "base_out": float(reached[outside].mean())}
            continue
        forest = RandomForestClassifier(_TREES, max_depth=_DEPTH, min_samples_leaf=_LEAF, random_state=0, n_jobs=1)
        with threads.threadpool_limits(1):
            forest.fit(values[fitted], reached[fitted])
            asked = {"in": spread(inside, _ASKED), "out": spread(outside, _ASKED)}
            losses = {name: _shuffled(forest, values[part], reached[part]) for name, part in asked.items()}
        scores[direction] = _scores(forest, values, reached, inside, outside)
        for at, column in enumerate(kept):
            row = {"direction": direction, "feature": rows.names[column], "impurity_in": forest.feature_importances_[at]}
            for name, loss in losses.items():
                row |= {f"permutation_{name}": loss[at].mean(), f"deviation_{name}": loss[at].std()}
            found.append(row)
    return found, scores


def _shuffled(forest: Any, values: NDArray[np.float64], reached: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Rise of the log loss, shape (features, shuffles)."""
    random = np.random.default_rng(0)
    n, features = values.shape
    many = np.tile(values, (features * _SHUFFLES, 1)).reshape(features, _SHUFFLES, n, features)
    for at in range(features):
        for shuffle in range(_SHUFFLES):
            many[at, shuffle, :, at] = random.permutation(values[:, at])
    chances = forest.predict_proba(many.reshape(-1, features))[:, 1].reshape(features, _SHUFFLES, n)
    rise: NDArray[np.float64] = _loss(chances, reached) - _loss(forest.predict_proba(values)[:, 1], reached)
    return rise


def _scores(
    forest: Any, values: NDArray[np.float64], reached: NDArray[np.bool_], inside: NDArray[np.int64], outside: NDArray[np.int64]
) -> dict[str, float]:
    base = reached[inside].mean()
    told = {}
    for name, part in (("in", inside), ("out", outside)):
        told[f"base_{name}"] = float(reached[part].mean())
        told[f"loss_{name}"] = float(_loss(forest.predict_proba(values[part])[:, 1], reached[part]))
        told[f"base_loss_{name}"] = float(_loss(np.full(len(part), base), reached[part]))
    return told


def _loss(chances: NDArray[np.float64], reached: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Mean log loss over the last axis, in nats."""
    sure = np.clip(chances, 1e-12, 1 - 1e-12)
    loss: NDArray[np.float64] = -np.where(reached, np.log(sure), np.log(1 - sure)).mean(axis=-1)
    return loss
