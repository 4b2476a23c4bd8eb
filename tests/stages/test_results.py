"""Results: the merged table, the ranking by its definition, what speaks against a strategy, and the page."""

import html.parser
import json
import math
import statistics
from pathlib import Path

import numpy as np
import pytest

from barmill.market import metrics, ranking
from barmill.market.backtest import Backtest
from barmill.market.costs import Costs
from barmill.market.ranking import (
    COLUMNS,
    GUARD,
    Sample,
    best_of,
    chance,
    deflated_sharpe,
    rank,
    share_below,
    stability,
    variance_of,
)
from barmill.market.samples import split
from barmill.market.silence import REASONS, silent
from barmill.market.strategies.families import FAMILIES
from barmill.market.strategies.strategy import Strategy, batches_of, strategies
from barmill.market.tables import read_parquet, read_rows
from barmill.stages import batches, results
from barmill.target import Target
from tests.stages.contract import StageContract
from tests.support.made_bars import made
from tests.support.research import LINES, NAME, sorted_files, write_chunk

TRADING = {"both_touched": "stop", "out_of_sample": 0.3}
YEAR = 375_840.0  # bars
ABOUT = {"dataset": NAME, "calendar": "24/5", "per_year": YEAR}
COSTS = {"spread": 0.2, "commission": 0.3, "slippage": 0.1}


def broken(chart, **_):
    """A rule with a fault."""
    raise ValueError("no such thing")


def build(folder, lines=LINES, size=20, failing=(), minimum=3, bars=700, **trading):
    """Build batches and results on some bars; returns the paths of all outputs of `rank` and of the chunk."""
    folder.mkdir(parents=True, exist_ok=True)
    trading = TRADING | trading
    chunk = write_chunk(folder / "2023-11.parquet", made(700, step=0.0004)[:bars])
    files = []
    for number, pieces in enumerate(batches_of(lines, size)):
        files.append(folder / f"results_batch_{number}.parquet")
        mixed = {name: broken if name in failing else rule for name, rule in pieces.items()}
        batches.build([chunk], files[-1], costs=COSTS, per_year=YEAR, **trading, pieces=mixed, known={})
    out = {role: folder / name for role, name in results._FILES.items()}
    roles = {role: out[role] for role in ("merged", "ranking", "failed", "silent", "summary")}
    results.rank(files, [chunk], **roles, costs=COSTS, minimum_trades=minimum, **trading, **ABOUT)
    return out | {"chunk": chunk}


def test_merged_whatever_the_batches(tmp_path):
    """One row per strategy, in order, to the byte the same from batches of 20 and of 7."""
    first, second = build(tmp_path / "a"), build(tmp_path / "b", size=7)
    assert first["merged"].read_bytes() == second["merged"].read_bytes()
    assert read_parquet(first["merged"]).column("strategy").to_pylist() == sorted(strategies(LINES))
    assert first["ranking"].read_bytes() == second["ranking"].read_bytes()


def test_counts(tmp_path):
    """Every strategy is counted once: failed, too short a series, silent, too few trades, or ranked."""
    failing = sorted(strategies(LINES))[:2]
    lines = (*LINES, "keltner n=10 width=50 stop=2 target=3", "ma_cross fast=100 ratio=7|8 stop=2 target=3|5")
    out = build(tmp_path, lines, failing=failing, minimum=25)
    counts = json.loads(out["summary"].read_text())
    assert (counts["strategies"], counts["failed"], counts["silent"], counts["too_short"]) == (71, 2, 1, 4)
    assert counts["ranked"] > 0
    assert counts["too_few_trades"] > 0
    assert sum(counts[name] for name in ("failed", "too_short", "silent", "too_few_trades", "ranked")) == 71
    assert [row["strategy"] for row in read_rows(out["failed"])] == failing
    assert {row["error"] for row in read_rows(out["failed"])} == {"ValueError in broken: no such thing"}
    ranked = read_rows(out["ranking"])
    assert all(int(row["in_n_trades"]) >= 25 for row in ranked)
    assert not {row["strategy"] for row in ranked} & set(failing)
    silent = {row["strategy"].partition(" stop")[0]: row for row in read_rows(out["silent"])}
    assert len(read_rows(out["silent"])) == 5
    assert [(silent[name]["reason"], silent[name]["bars"], silent[name]["needed"]) for name in sorted(silent)] == [
        ("no_signal", "700", "31"), ("too_short", "700", "702"), ("too_short", "700", "802"),
    ]  # fmt: skip


def test_why_a_strategy_never_trades():
    """Too few bars for its rule, a rule that was never met, or a signal at the last bar; what trades or failed is left out."""
    names = [f"ma_cross fast=5 ratio={ratio} stop=2 target=3 hold=9" for ratio in (2, 12, 20, 2, 2)]
    table = table_of(strategy=names, n_trades=[0, 0, 0, 3, 0], n_signals=[1, 0, 0, 3, 0], error=["", "", "", "", "ValueError"])
    assert silent(table, 62) == [
        (names[0], "at_the_end", 62, 31),
        (names[1], "no_signal", 62, 62),
        (names[2], "too_short", 62, 102),
    ]
    assert {each.reason for each in silent(table, 62)} == set(REASONS)


def table_of(**columns):
    """A results table of some columns; the others are the same in every row."""
    count = len(columns["strategy"])
    base = dict.fromkeys((*metrics.COLUMNS, "stop", "target", "hold", "n_signals"), 1.0) | {
        "error": "",
        "family": "f",
        "signal": "s",
    }
    return {name: columns.get(name, [value] * count) for name, value in {**base, "strategy": None}.items()}


def test_the_score_is_its_definition(tmp_path):
    """The score of every ranked strategy, worked out again from the merged table in plain Python."""
    out = build(tmp_path)
    rows = {row["strategy"]: row for row in read_parquet(out["merged"]).to_pylist()}
    chosen = [row for row in rows.values() if row["in_n_trades"] >= 3]

    def share(name, row, sign=1):
        values = [sign * each[name] for each in chosen]
        own = sign * row[name]
        return (sum(value < own for value in values) + sum(value == own for value in values) / 2) / len(values)

    different = {(row["signal"], row["stop"], row["target"], row["hold"]): row for row in rows.values() if row["in_n_trades"]}
    tried, ratios = len(different), [row["in_sharpe"] / math.sqrt(YEAR) for row in different.values()]
    normal, bars = statistics.NormalDist(), split(made(700, step=0.0004).time, 0.3)
    euler = 0.57721566490153
    best = (1 - euler) * normal.inv_cdf(1 - 1 / tried) + euler * normal.inv_cdf(1 - 1 / (tried * math.e))
    for told in read_rows(out["ranking"]):
        row = rows[told["strategy"]]
        ratio = row["in_sharpe"] / math.sqrt(YEAR)
        spread = 1 - row["in_skewness"] * ratio + (row["in_kurtosis"] - 1) / 4 * ratio**2
        deflated, by_chance = (
            normal.cdf((ratio - best * deviation) * math.sqrt(bars - 1) / math.sqrt(spread))
            for deviation in (statistics.stdev(ratios), 1 / math.sqrt(bars - 1))
        )
        assert float(told["deflated_sharpe"]) == pytest.approx(deflated, rel=1e-6, abs=1e-12)
        assert float(told["deflated_sharpe_chance"]) == pytest.approx(by_chance, rel=1e-6, abs=1e-12)
        beside = [each["in_sharpe"] for name, each in rows.items() if one_step(name, told["strategy"], rows)]
        steady = sum(each >= row["in_sharpe"] / 2 for each in beside) / len(beside) if row["in_sharpe"] > 0 else 0.0
        parts = {
            "return": share("in_total_return", row),
            "risk": (share("in_max_drawdown", row, -1) + share("in_ulcer_index", row, -1)) / 2,
            "consistency": (row["in_gaining_blocks"] / 10 + share("in_sortino", row)) / 2,
            "robustness": (steady + deflated) / 2,
        }
        score = 0.3 * parts["return"] + 0.25 * parts["risk"] + 0.25 * parts["consistency"] + 0.2 * parts["robustness"]
        assert float(told["score"]) == pytest.approx(score, rel=1e-6)
        assert {name: float(told[name]) for name in parts} == pytest.approx(parts, rel=1e-6, abs=1e-9)
    scores = [float(row["score"]) for row in read_rows(out["ranking"])]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("share", [0.3, "2023-11-17"])
def test_new_bars_change_nothing_in_sample(tmp_path, share):
    """Each in-sample figure of each strategy is the same, to the last bit, when later bars come; the border is recorded."""
    made_of = []
    for bars in (670, 671, 700):
        out = build(tmp_path / str(bars), bars=bars, out_of_sample=share)
        told = json.loads(out["summary"].read_text())
        inside = [name for name in metrics.COLUMNS if name.startswith("in_")]
        made_of.append((told["out_of_sample_from"], read_parquet(out["merged"]).select(["strategy", *inside])))
    (first, table), *rest = made_of
    assert first == ("2023-11-17T00:00Z" if share != 0.3 else "2023-11-17T06:00Z")
    for since, other in rest:
        assert since == first
        assert other.equals(table)
    assert sum(table.column("in_n_trades").to_pylist()) > 100


def one_step(name, other, names):
    """Whether two strategies differ in one number, with none of the others between."""
    one, two = (dict(pair.split("=") for pair in text.split()[1:]) for text in (name, other))
    if name.split()[0] != other.split()[0]:
        return False
    different = [key for key in one if one[key] != two[key]]
    if len(different) != 1:
        return False
    (key,) = different
    line = sorted(
        float(dict(pair.split("=") for pair in text.split()[1:])[key])
        for text in names
        if text.split()[0] == name.split()[0]
        and all(pair in text.split() for pair in name.split()[1:] if not pair.startswith(f"{key}="))
    )
    return abs(line.index(float(one[key])) - line.index(float(two[key]))) == 1


def test_too_few_trades_are_not_ranked():
    """However well it did: a strategy below the minimum, or without a trade, has no rank."""
    table = table_of(strategy=["f n=1 stop=1 target=1 hold=1", "f n=2 stop=1 target=1 hold=1", "f n=3 stop=1 target=1 hold=1"],
                     signal=["a", "b", "c"], in_n_trades=[29, 30, 0], in_total_return=[9.0, 0.1, 0.0])  # fmt: skip
    assert [row["strategy"][:5] for row in rank(table, Sample(1_000, 1e5), 30).rows] == ["f n=2"]
    assert [row["strategy"][:5] for row in rank(table, Sample(1_000, 1e5), 0).rows] == ["f n=1", "f n=2"]


def test_the_same_backtest_is_told():
    """Of strategies with equal signals and exits the later ones say which they are the same as; N counts them once."""
    names = [f"f n={k} stop=1 target=1 hold=1" for k in range(3)]
    table = table_of(strategy=names, signal=["a", "a", "b"], in_n_trades=[50, 50, 50])
    found = rank(table, Sample(1_000, 1e5), 30)
    assert {row["strategy"]: row["same_as"] for row in found.rows} == {names[0]: "", names[1]: names[0], names[2]: ""}
    assert found.distinct == 2


def test_what_speaks_against_a_strategy():
    """Each reason by itself, and none where there is none; what can't be told speaks against it."""
    good = {"in_total_return": 0.5, "out_total_return": 0.2, "out_sharpe": 2.0, "in_sharpe": 3.0, "stability": 0.9,
            "deflated_sharpe": 0.99}  # fmt: skip
    assert ranking._against(good) == []
    cases = {"in_total_return": (0.0, "loss"), "out_total_return": (-0.1, "out_of_sample_loss"), "out_sharpe": (1.4, "decayed"),
             "stability": (0.4, "unstable"), "deflated_sharpe": (0.94, "not_significant")}  # fmt: skip
    for name, (value, reason) in cases.items():
        assert ranking._against(good | {name: value}) == [reason]
        assert ranking._against(good | {name: math.nan}) == [reason]
    assert set(GUARD) == {reason for _, reason in cases.values()}
    assert ranking._against(good | {"out_total_return": 0.0}) == ["out_of_sample_loss"]


@pytest.mark.parametrize("least", [{"out_sharpe": 1.5}, {"stability": 0.5}, {"deflated_sharpe": 0.95}])
def test_a_strategy_at_a_limit_has_nothing_against_it(least):
    """Exactly half the in-sample ratio, half of the neighbours, or the probability that is asked for, is enough."""
    good = {"in_total_return": 0.5, "out_total_return": 0.2, "out_sharpe": 2.0, "in_sharpe": 3.0, "stability": 0.9,
            "deflated_sharpe": 0.99}  # fmt: skip
    assert ranking._against(good | least) == []
    ((name, value),) = least.items()
    assert len(ranking._against(good | {name: math.nextafter(value, 0)})) == 1


def test_shares_and_probabilities():
    """Shares of equal and unknown values, and the deflated ratio where it is known from outside."""
    assert share_below(np.array([1.0, 3.0, 3.0, np.nan])).tolist() == [0.375, 0.75, 0.75, 0.125]
    assert math.isnan(best_of(1, 0.01))
    assert math.isnan(best_of(9, chance(1)))
    rng = np.random.default_rng(5)
    highest = rng.normal(0, 1 / math.sqrt(999), (4_000, 100)).max(axis=1).mean()
    assert best_of(100, chance(1_000)) == pytest.approx(highest, rel=0.02)
    assert deflated_sharpe(0.1, 0.0, 3.0, 1_001, 0.1) == pytest.approx(0.5)
    assert deflated_sharpe(math.nan, 0.0, 3.0, 1_001, 0.1) == 0.0


@pytest.mark.parametrize(("tried", "expected"), [(100, 0.9004), (46, 0.9505)])
def test_the_published_deflated_ratio(tried, expected):
    """The example of Bailey and Lopez de Prado (2014): 2.5 a year in 1,250 days, skewness -3, kurtosis 10, variance 1/2."""
    noise = best_of(tried, 0.5 / 250)
    if tried == 100:
        assert noise == pytest.approx(0.1132, abs=5e-5)
    assert deflated_sharpe(2.5 / math.sqrt(250), -3.0, 10.0, 1_250, noise) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(("tried", "deflated", "passes"), [(100, 0.9004, False), (46, 0.9505, True)])
def test_the_ranking_deflates_as_published(tried, deflated, passes):
    """The same example as a table of trials whose annual ratios have a variance of 1/2; by chance alone it would pass."""
    rest = np.linspace(-1, 1, tried - 1)
    low, high = 0.0, 9.0
    for _ in range(200):  # the spread of the others that makes the variance of all 1/2
        middle = (low + high) / 2
        wide = np.append(rest * middle + 1.5, 2.5).var(ddof=1) > 0.5
        low, high = (low, middle) if wide else (middle, high)
    ratios = [*(rest * low + 1.5).tolist(), 2.5]
    assert statistics.variance(ratios) == pytest.approx(0.5, rel=1e-9)
    names = [f"f n={k} stop=1 target=1 hold=1" for k in range(tried)]
    signals, counts = [str(k) for k in range(tried)], [100] * tried
    table = table_of(strategy=names, signal=signals, in_n_trades=counts, in_sharpe=ratios, in_skewness=[-3.0] * tried,
                     in_kurtosis=[10.0] * tried)  # fmt: skip
    found = rank(table, Sample(1_250, 250.0), 30)
    (row,) = (row for row in found.rows if row["strategy"] == names[-1])
    assert row["deflated_sharpe"] == pytest.approx(deflated, abs=5e-5)
    assert ("not_significant" not in row["guard"].split(";")) is passes
    assert row["deflated_sharpe_chance"] > 0.99
    assert found.expected_best / math.sqrt(250) == pytest.approx(best_of(tried, 0.5 / 250), rel=1e-9)
    if tried == 100:
        assert found.expected_best / math.sqrt(250) == pytest.approx(0.1132, abs=5e-5)
        assert row["deflated_sharpe_chance"] == pytest.approx(0.9933, abs=5e-5)


def test_the_best_of_chance_hardly_ever_passes():
    """Of a hundred strategies without skill the best is called significant in less than one search of twenty."""
    rng = np.random.default_rng(6)
    passed = 0
    for _ in range(400):
        returns = rng.standard_t(4, (100, 500))
        ratios = returns.mean(axis=1) / returns.std(axis=1, ddof=1)
        best = returns[np.argmax(ratios)]
        ratio, z = best.mean() / best.std(ddof=1), (best - best.mean()) / best.std()
        passed += deflated_sharpe(ratio, (z**3).mean(), (z**4).mean(), 500, best_of(100, variance_of(ratios))) > 0.95
    assert passed < 20


def test_stability_by_hand():
    """Two neighbours of the middle one, of which one holds half its ratio; a lonely one has none; a losing one has nothing."""
    name = "ma_cross fast={} ratio=2 stop=2 target=3 hold=240".format
    found = stability({name(5): 1.0, name(8): 2.0, name(13): 0.9, name(21): -1.0, "macd fast=5 stop=1 target=1 hold=1": 1.0})
    assert found[name(8)] == 0.5
    assert found[name(5)] == 1.0
    assert found[name(21)] == 0.0
    assert math.isnan(found["macd fast=5 stop=1 target=1 hold=1"])


def test_no_strategy_without_skill_passes(tmp_path):
    """On a walk of chance none of the strategies has nothing against it."""
    out = build(tmp_path, ("ma_cross", "momentum"), size=700, minimum=20)
    assert json.loads(out["summary"].read_text())["passed"] == 0
    assert json.loads(out["summary"].read_text())["ranked"] > 100


class Tags(html.parser.HTMLParser):
    """Opening tags and the text of a page; tags must close in order."""

    def __init__(self, text):
        super().__init__()
        self.found, self.said, self._open = [], [], []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in {"meta", "br", "input"}:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.said.append(data)


def page(out, **params):
    """Write the page, and read it."""
    roles = {role: out[role] for role in ("merged", "ranking", "silent", "summary")}
    roles |= sorted_files(out["page"].parent, out["chunk"])
    results.page(**roles, bars=[out["chunk"]], out=out["page"], **{"top": 20} | TRADING | params)
    return Tags(out["page"].read_text())


def test_the_page_says_what_was_found(tmp_path):
    """It is well-formed, needs no other file, and has the first strategies, their curves, the families and the counts."""
    out = build(tmp_path)
    tags = page(out)
    said = " ".join(tags.said)
    first = [row["strategy"] for row in read_rows(out["ranking"])]
    assert all(name in said for name in first[:20])
    assert first[20] not in tags.said
    assert "ma_cross" in said
    assert "band_reversion" in said
    assert [tag for tag, attrs in tags.found if {"src", "href"} & attrs.keys() or tag == "script"] == []
    assert sum(tag == "polyline" for tag, _ in tags.found) == 21  # ten equities, ten drawdowns, the price under k-means
    assert "There is no picture of HDBSCAN of 5m_5lb: no choice of size and neighbours finds two dense places" in said
    headings = [said for said in tags.said if said.startswith(("Labels", "Regimes"))]
    assert len(headings) == 2


def test_the_page_says_what_never_trades(tmp_path):
    """By family, how many, why, and how many bars they need; and whether there is any volume."""
    lines = (*LINES, "keltner n=10 width=50 stop=2 target=3", "ma_cross fast=100 ratio=7|8 stop=2 target=3|5")
    said = page(build(tmp_path, lines)).said
    at = said.index("Strategies that never trade")
    assert said[at + 6 : at + 16] == [
        "keltner", "1", REASONS["no_signal"], "31", "31", "ma_cross", "4", REASONS["too_short"], "702", "802",
    ]  # fmt: skip
    assert not any("No bar has a volume" in each for each in said)


def test_the_page_of_a_partial_result(tmp_path):
    """Where strategies failed the page says so, and where nothing is ranked it has no equity and no drawdown."""
    out = build(tmp_path / "a", failing=strategies(LINES)[:3])
    assert "Partial: 3 strategies failed" in " ".join(page(out).said)
    out = build(tmp_path / "b", minimum=10_000)
    assert sum(tag == "polyline" for tag, _ in page(out).found) == 1  # the price, under the regimes of k-means


def test_the_page_twice(tmp_path):
    """Two builds of all that it reads give the same page, to the byte."""
    one, two = build(tmp_path / "a"), build(tmp_path / "b")
    page(one)
    page(two)
    assert one["page"].read_bytes() == two["page"].read_bytes()


@pytest.mark.parametrize("count", [0, 1, 90])
def test_the_page_of_hardly_any_bars(tmp_path, count):
    """It is there, and says of each picture that is missing why it is."""
    out = build(tmp_path, bars=count)
    tags = page(out)
    said = " ".join(tags.said)
    inside = max(int(max(count // 5 - 4, 0) * 0.7), 0)
    for method in ("k-means", "HDBSCAN"):
        assert f"There is no picture of {method} of 5m_5lb: {inside} rows are in sample: regimes need 50" in said
    assert ("There is no picture: the series has no bars" in said) == (count == 0)
    assert "nan" not in out["page"].read_text()


def test_equity_ends_where_the_metrics_say(tmp_path):
    """The curve of a strategy ends at its total return, and its greatest fall is the drawdown."""
    series = made(700, step=0.0004)
    backtest = Backtest(series, Costs(**COSTS), split(series.time, 0.3), stop_first=True, per_year=YEAR)
    for name in strategies(LINES)[::7]:
        strategy = Strategy.parse(name)
        signals = backtest.signals(FAMILIES[strategy.family].rule, strategy.params)
        curve = backtest.equity(signals, strategy.exits)
        values = dict(zip(metrics.COLUMNS, backtest.measure(signals, strategy.exits), strict=True))
        assert curve[-1] - 1 == pytest.approx(values["total_return"], abs=1e-12)
        peaks = np.maximum.accumulate(np.maximum(curve, 1.0))
        assert (1 - curve / peaks).max() == pytest.approx(values["max_drawdown"], abs=1e-12)


class TestContract(StageContract):
    """What every stage promises."""

    stage = "results"

    def target(self, root: Path) -> Target:
        """Table and ranking of 66 strategies on 700 bars."""
        out = build(root / "data")
        files = sorted((root / "data").glob("results_batch_*.parquet"))
        places = {
            role: root / f"artifacts/results/{out[role].name}" for role in ("merged", "ranking", "failed", "silent", "summary")
        }
        params = {"costs": COSTS, "minimum_trades": 3} | TRADING | ABOUT
        return Target(NAME, results.rank, {"batches": files, "bars": [out["chunk"]]}, places, params)

    def test_columns_of_the_ranking(self, tmp_path: Path) -> None:
        """Its columns are those of the ranking, in order."""
        assert tuple(read_rows(build(tmp_path)["ranking"])[0]) == COLUMNS


class TestPage(StageContract):
    """The same of the page."""

    stage = "results"

    def target(self, root: Path) -> Target:
        """The page of 66 strategies on 700 bars."""
        out = build(root / "data")
        read = {role: out[role] for role in ("merged", "ranking", "silent", "summary")} | {"bars": [out["chunk"]]}
        read |= sorted_files(root / "data", out["chunk"])
        page = {"out": root / "artifacts/results/report.html"}
        return Target(f"{NAME}/page", results.page, read, page, {"top": 20} | TRADING)
