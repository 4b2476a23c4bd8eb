"""Rules and importances: counted by hand, found where they are, and not on a random walk."""

import itertools
import math

import numpy as np
import pytest

from barmill.market import arrays, associations, importances, patterns
from barmill.market.associations import LEAST_LIFT, LEAST_SUPPORT
from barmill.market.features import FEATURES, table_of
from barmill.market.grids import Label
from barmill.market.patterns import Rows
from barmill.market.resample import resample
from barmill.market.series import MINUTE
from barmill.market.touches import OUTCOMES, Touches
from tests.support.series import walk

PIP = 0.0001
LABEL = Label(10, 10, 60)


def joined(series, *, out=0.3, tie="stop", lookback=10):
    """A universe of five minutes joined with a label."""
    table = table_of(series, resample(series, 5, 1), lookback, 5, PIP)
    touches = Touches.scan(series, (10,), (60,), PIP, "range")
    return patterns.rows(table, touches, LABEL, tie, out, 5), table, touches


def made(n=2000, seed=1, *, effect=0.0, overlap=1.0):
    """Rows of two features; with an effect, the target is as much likelier where the first is high."""
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((n, 2))
    chance = 0.3 + effect * (features[:, 0] > 0.43)
    up = np.where(rng.random(n) < chance, 0, 1).astype(np.int8)
    down = np.where(rng.random(n) < 0.5, 0, 2).astype(np.int8)
    hour = np.arange(n) // 12 % 24
    gains = {"up": np.where(up == 0, 10.0, -10.0), "down": np.where(down == 0, 10.0, np.round(rng.normal(0, 4, n), 1))}
    return Rows(("one", "two"), features, hour, {"up": up, "down": down}, gains, np.arange(n) < n * 0.7, overlap)


def test_rows_are_joined_at_the_bar_where_they_are_known():
    """Features and outcome of a row are those of its last minute; rows whose horizon ends out of sample are in none.

    Nor are those whose horizon ends after the data: of these only the quick outcomes are known, and they are no fair draw.
    """
    series = walk(6000, 5, step=2e-4)
    rows, table, touches = joined(series)
    last = arrays.stamps(table.column("last"))
    ended = {name: touches.outcomes(LABEL, "stop", sign) for name, sign in (("up", 1), ("down", -1))}
    outcomes = {name: each.outcome for name, each in ended.items()}
    cut = last[int(len(last) * 0.7)] // (60 * MINUTE) * 60 * MINUTE  # the four days have more than ten hours
    wanted, quick = [], 0
    for k, stamp in enumerate(last.tolist()):
        at = series.time.tolist().index(stamp)
        codes = [int(outcomes[name][at]) for name in ("up", "down")]
        inside, whole = stamp + 60 * MINUTE < cut, stamp + 60 * MINUTE <= series.time[-1]
        quick += not whole and all(OUTCOMES[code] in {"target", "stop"} for code in codes)
        if whole and (inside or stamp >= cut):
            wanted.append((k, *codes, inside))
    assert [*zip(rows.outcomes["up"].tolist(), rows.outcomes["down"].tolist(), rows.inside.tolist(), strict=True)] == [
        each[1:] for each in wanted
    ]
    at = np.searchsorted(series.time, last[[each[0] for each in wanted]])
    for name, each in ended.items():
        np.testing.assert_array_equal(rows.gains[name], each.magnitude[at])
    mean = arrays.numbers(table.column("mean"))
    np.testing.assert_array_equal(rows.features[:, 0], mean[[each[0] for each in wanted]])
    assert len(wanted) < len(last) - 12
    assert quick > 0
    assert rows.overlap == 12


def test_too_few_rows():
    """Where a sample has fewer than a hundred rows it is told how many there are; with as many nothing is lacking."""
    rows, _, _ = joined(walk(900))
    inside = int(rows.inside.sum())
    assert len(rows.hour) - inside < 100
    said = f"of 900 bars {inside} rows in sample and {len(rows.hour) - inside} out of it have a known outcome"
    assert rows.lacking == f"{said}: patterns need 100 of each"
    assert joined(walk(6000, 5))[0].lacking == ""


def slow_rules(rows):
    """Every rule from its definition, in plain Python."""
    n = len(rows.hour)
    inside = [i for i in range(n) if rows.inside[i]]
    outside = [i for i in range(n) if not rows.inside[i]]
    met = {}
    for k, name in enumerate(rows.names):
        low, high = np.quantile([rows.features[i, k] for i in inside], (1 / 3, 2 / 3))
        for i in range(n):
            value = rows.features[i, k]
            met.setdefault((k, f"{name}={'low' if value <= low else 'mid' if value <= high else 'high'}"), set()).add(i)
    for i in range(n):
        block = rows.hour[i] // 4 * 4
        met.setdefault((99, f"hour={block:02d}-{block + 3:02d}"), set()).add(i)
    ones = [((word,), there) for (_, word), there in met.items()]
    twos = [((a[1], b[1]), met[a] & met[b]) for a, b in itertools.combinations(met, 2) if a[0] != b[0]]
    found = {}
    for (words, there), direction, (outcome, code) in itertools.product(
        ones + twos, rows.outcomes, (("target", 0), ("stop", 1))
    ):
        hits = {i for i in range(n) if rows.outcomes[direction][i] == code}
        told = {}
        for sample, part in (("in", set(inside)), ("out", set(outside))):
            a, c, b = len(there & part), len(hits & part), len(there & hits & part)
            told |= {f"rows_{sample}": a, f"support_{sample}": b / len(part), f"base_{sample}": c / len(part)}
            told |= {
                f"confidence_{sample}": b / a if a else math.nan,
                f"lift_{sample}": b / a / (c / len(part)) if a and c else math.nan,
                f"pips_{sample}": math.fsum(rows.gains[direction][i] for i in there & part) / a if a else math.nan,
            }
        if told["rows_in"] >= 20 and told["support_in"] >= LEAST_SUPPORT:
            found[direction, outcome, frozenset(words)] = told
    return found


def test_each_rule_is_its_definition():
    """Which rules there are, and support, confidence, base and lift of each, in sample and out of it."""
    rows = made()
    rules, tried = associations.mine(rows)
    slow = slow_rules(rows)
    assert tried == len(slow)
    got = {(rule["direction"], rule["outcome"], frozenset(rule["antecedent"].split(" & "))): rule for rule in rules}
    assert set(got) == {key for key, told in slow.items() if told["lift_in"] >= LEAST_LIFT}
    assert len(got) > 10
    for key, rule in got.items():
        for name, value in slow[key].items():
            assert rule[name] == pytest.approx(value, rel=1e-12, abs=1e-12, nan_ok=True), (key, name)


def test_chance_and_discovery():
    """p is the normal tail, with as many rows as are independent; q is the least of p times rules over rank from there on."""
    rows = made(overlap=4.0)
    rules, tried = associations.mine(rows)
    for rule in rules:
        z = (rule["confidence_in"] - rule["base_in"]) / math.sqrt(
            rule["base_in"] * (1 - rule["base_in"]) / (rule["rows_in"] / 4)
        )
        assert rule["p_in"] == pytest.approx(0.5 * math.erfc(z / math.sqrt(2)), rel=1e-9)
    best = min(rules, key=lambda rule: rule["p_in"])
    assert best["q_in"] <= best["p_in"] * tried
    assert all(rule["p_in"] <= rule["q_in"] <= 1 for rule in rules)


def test_a_real_effect_survives():
    """Where the target is twice as likely, the rule says so, and out of sample, too."""
    rules, _ = associations.mine(made(4000, effect=0.3))
    surviving = {(rule["direction"], rule["outcome"], rule["antecedent"]) for rule in rules if rule["survives"] == "yes"}
    assert ("up", "target", "one=high") in surviving
    assert not any(direction == "down" for direction, _, _ in surviving)


def test_more_movement_is_no_gain():
    """Where target and stop are both more frequent, rules for both survive, and their pips say that nothing is earned."""
    rows = made(6000, 7)
    rng = np.random.default_rng(8)
    for name in ("up", "down"):
        moves = rng.random(6000) < np.where(rows.features[:, 0] > 0.43, 0.9, 0.4)
        codes = np.where(moves, rng.integers(0, 2, 6000), 2).astype(np.int8)
        rows.outcomes[name][:], rows.gains[name][:] = codes, np.array([10.0, -10.0, 0.0])[codes]
    found = [rule for rule in associations.mine(rows)[0] if rule["survives"] == "yes" and rule["antecedent"] == "one=high"]
    assert {(rule["direction"], rule["outcome"]) for rule in found} == set(
        itertools.product(("up", "down"), ("target", "stop"))
    )
    for rule in found:
        assert rule["lift_in"] > 1.4
        assert abs(rule["pips_in"]) < 3 * 10 / math.sqrt(rule["rows_in"])
    rules, _ = associations.mine(made(4000, effect=0.3))
    edge = {rule["antecedent"]: rule for rule in rules if (rule["direction"], rule["outcome"]) == ("up", "target")}
    assert edge["one=high"]["pips_out"] > 1


def test_nothing_survives_on_a_random_walk():
    """On prices without memory thousands of rules are tried, and at most one in a thousand passes both tests."""
    tried = survived = 0
    for seed in range(4):
        rules, count = associations.mine(joined(walk(30_000, 100 + seed))[0])
        tried += count
        survived += sum(rule["survives"] == "yes" for rule in rules)
    assert tried > 3000
    assert survived <= tried / 1000


def test_rules_never_see_what_comes_later():
    """Other rows out of sample change no figure in sample."""
    one, two = made(), made()
    later = ~one.inside
    two.features[later] *= -2
    for codes in two.outcomes.values():
        codes[later] = codes[later][::-1]
    inside = [
        [{k: v for k, v in rule.items() if not k.endswith("_out") and k != "survives"} for rule in associations.mine(each)[0]]
        for each in (one, two)
    ]
    assert inside[0] == inside[1]


def test_codes_and_undefined_values():
    """A code is an item for itself, written in base 5; an undefined value is in no item; a constant is none."""
    rows = made(600)
    names = ("candles", "two", "same")
    features = np.column_stack([np.where(np.arange(600) % 2, 7.0, 124.0), rows.features[:, 1], np.ones(600)])
    features[::3, 1] = np.nan
    found = associations.items(Rows(names, features, rows.hour, rows.outcomes, rows.gains, rows.inside, 1.0))
    met = dict(zip(found.names, found.met.T, strict=True))
    assert met["candles=012"].sum() == met["candles=444"].sum() == 300
    assert not any(met[f"two={word}"][::3].any() for word in ("low", "mid", "high"))
    assert not any(name.startswith("same") for name in met)


def test_importances_find_the_feature_that_matters():
    """The feature behind the outcome has the most importance, also out of sample, and the forest beats the base rate."""
    found, scores = importances.weigh(made(3000, effect=0.4))
    weights = {(row["direction"], row["feature"]): row for row in found}
    for sample in ("in", "out"):
        assert weights["up", "one"][f"permutation_{sample}"] > 5 * abs(weights["up", "two"][f"permutation_{sample}"])
    assert scores["up"]["loss_out"] < scores["up"]["base_loss_out"]


def test_importances_of_noise_are_nothing_out_of_sample():
    """Where no feature tells anything, the forest is no better than the base rate out of sample."""
    found, scores = importances.weigh(made(3000, 2))
    assert all(row["permutation_out"] < 0.01 for row in found)
    assert all(score["loss_out"] > score["base_loss_out"] - 0.005 for score in scores.values())


def test_importances_never_see_what_comes_later():
    """Other rows out of sample change no figure in sample, also where a feature is not always defined."""
    one, two = made(1200, 6), made(1200, 6)
    for rows, factor in ((one, 1), (two, -50)):
        rows.features[~rows.inside] *= factor
        rows.features[::3] = np.nan
    inside = [
        [{name: value for name, value in row.items() if not name.endswith("_out")} for row in importances.weigh(each)[0]]
        for each in (one, two)
    ]
    assert inside[0] == inside[1]


def test_losses_by_hand():
    """The base loss is that of the share of targets in sample, told of the rows of each sample."""
    rows = made(1000, 3)
    _, scores = importances.weigh(rows)
    reached = rows.outcomes["up"] == 0
    base = reached[rows.inside].mean()
    for sample, part in (("in", rows.inside), ("out", ~rows.inside)):
        share = reached[part].mean()
        wanted = -(share * math.log(base) + (1 - share) * math.log(1 - base))
        assert scores["up"][f"base_loss_{sample}"] == pytest.approx(wanted, rel=1e-9)


def test_importances_twice_the_same():
    """Seeded, and on one thread: the same to the bit."""
    assert importances.weigh(made(800, 4)) == importances.weigh(made(800, 4))


def test_an_outcome_that_never_comes():
    """Without a target in sample there is nothing to learn; its direction has base rates and no importances."""
    rows = made(500)
    rows.outcomes["up"][:] = 1
    found, scores = importances.weigh(rows)
    assert {row["direction"] for row in found} == {"down"}
    assert scores["up"] == {"base_in": 0.0, "base_out": 0.0}


def test_every_feature_of_a_universe_is_looked_at():
    """The rows have all features, in their order."""
    rows, _, _ = joined(walk(6000, 6))
    assert rows.names == tuple(each.name for each in FEATURES)
