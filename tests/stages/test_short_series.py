"""Series of hardly any bars, without movement, with gaps of weeks: every stage ends well and says what is lacking, and why."""

import json
import re

import numpy as np
import pytest

from barmill.market.series import Series
from barmill.market.silence import bars_needed
from barmill.market.strategies.strategy import Strategy, strategies
from barmill.market.tables import read_parquet, read_rows
from tests.support import minutes
from tests.support.made_bars import made
from tests.support.market import MarketProject
from tests.support.research import ResearchProject
from tests.support.series import DAY, walk

RESEARCH = ("universes", "labels", "regimes", "patterns", "batches", "results")
LINES = (
    "ma_cross fast=5|100 ratio=2|8",
    "volume_burst n=10 width=1",
    "rsi_reversion n=3 share=0.1",
    "candle pattern=pin trend=any",
)
UNIVERSE, LABEL = minutes.SMALL["patterns"][0].split(":")
WEEKS = 21 * DAY


def flat(count):
    """Bars of one price, without volume."""
    price = np.full(count, 1.17)
    return Series(walk(count).time, price, price, price, price, np.zeros(count))


def one_tick(count):
    """The same, but for one bar."""
    series = flat(count)
    price = series.close.copy()
    price[count // 3] += 0.0001
    return Series(series.time, price, price, price, price, series.volume)


def spaced(count, stretch):
    """A walk in stretches of so many bars, three weeks apart."""
    series = walk(count, 4)
    return Series(**{**vars(series), "time": series.time + np.arange(count) // stretch * WEEKS})


SHORT = {f"{count} bars": made(50, 1)[:count] for count in (0, 1, 2, 10, 50)} | {"flat, 10 bars": flat(10)}
STILL = {"flat": flat(3_000), "one tick": one_tick(3_000)}
GAPS = {"stretches": spaced(3_000, 50), "a bar every three weeks": spaced(300, 1)}
CASES = SHORT | STILL | GAPS


class Research:
    """The built research of a series."""

    def __init__(self, root, series):
        self.plan = minutes.plan(root, strategies=LINES, batch_size=20)
        minutes.put(root, series)
        minutes.build(self.plan, "results")

    def files(self, *ends):
        """The files of all research stages with such an ending."""
        folders = [self.plan.settings.artifacts / stage for stage in RESEARCH]
        return [path for folder in folders for path in folder.rglob("*") if path.suffix in ends]

    def told(self, stage, file):
        """What a JSON file says."""
        return json.loads((self.plan.settings.artifacts / stage / minutes.NAME / file).read_text())

    def lacking(self):
        """Of each result that may be empty, why it is."""
        found = {
            "universe": self.told("universes", f"universe_{UNIVERSE}_metadata.json"),
            "touches": self.told("labels", "touches.json"),
            "barriers": self.told("labels", "barriers.json"),
            "kmeans": self.told("regimes", f"{UNIVERSE}_kmeans_metadata.json"),
            "hdbscan": self.told("regimes", f"{UNIVERSE}_hdbscan_metadata.json"),
            "patterns": self.told("patterns", f"{UNIVERSE}_{LABEL}_metadata.json"),
        }
        return {name: told["lacking"] for name, told in found.items() if "lacking" in told}

    @property
    def page(self):
        """Of the results, as text."""
        return (self.plan.settings.artifacts / "results" / minutes.NAME / "report.html").read_text()


@pytest.fixture(scope="module")
def researched(tmp_path_factory):
    """Case → its built research, built once."""
    built = {}

    def research(name):
        if name not in built:
            built[name] = Research(tmp_path_factory.mktemp("short"), CASES[name])
        return built[name]

    return research


@pytest.mark.parametrize("name", CASES)
def test_every_stage_ends_well(researched, name):
    """Everything is built, and nothing that it wrote is NaN or infinite but what is so by its definition."""

    def refused(word):
        raise AssertionError(word)

    research = researched(name)
    assert len(research.files(".json", ".csv", ".parquet", ".html")) > 20
    for path in research.files(".json"):
        json.loads(path.read_text(), parse_constant=refused)
    for path in research.files(".csv", ".html"):
        assert not re.search(r"\bnan\b", path.read_text(), re.IGNORECASE), path


@pytest.mark.parametrize("name", SHORT)
def test_what_a_short_series_lacks(researched, name):
    """Each empty result says how much there was and how much it needs; the page says it, too."""
    research, count = researched(name), len(SHORT[name])
    lacking, bars = research.lacking(), f"{count} bar{'s'[: count != 1]}"
    windows = {50: 5}.get(count, 0)
    assert windows in {0, research.told("universes", f"universe_{UNIVERSE}_metadata.json")["rows"]}
    assert lacking["patterns"].startswith(f"of {bars} 0 rows in sample and ")
    assert lacking["patterns"].endswith(" out of it have a known outcome: patterns need 100 of each")
    inside = int(windows * 0.7)
    assert lacking["kmeans"] == lacking["hdbscan"] == f"{inside} rows are in sample: regimes need 50"
    assert lacking["barriers"].startswith(f"the volatility of a day rests on the returns of three days at none of {count} bars")
    assert ("universe" in lacking) == (windows == 0)
    if not windows:
        assert re.fullmatch(f"of {bars} come [0-2] whole ones of 5 minutes: a window needs 5", lacking["universe"])
    assert lacking.get("touches") == ("the series has no bars" if count == 0 else None)
    for reason in (lacking["patterns"], lacking["kmeans"]):
        assert f"{reason}." in research.page


@pytest.mark.parametrize("name", SHORT)
def test_what_a_short_series_is_traded_by(researched, name):
    """Nothing is ranked; each strategy that looks back on more bars than there are is told as such, with the bars needed."""
    research, count = researched(name), len(SHORT[name])
    told = research.told("results", "summary.json")
    names = strategies(LINES)
    short = [each for each in names if bars_needed(Strategy.parse(each)) > count]
    assert (told["bars"], told["strategies"], told["ranked"], told["failed"]) == (count, len(names), 0, 0)
    assert told["too_short"] == len(short) > 0
    rows = read_rows(research.plan.settings.artifacts / "results" / minutes.NAME / "silent.csv")
    assert {row["strategy"] for row in rows if row["reason"] == "too_short"} == set(short)
    assert all(int(row["needed"]) > int(row["bars"]) == count for row in rows if row["reason"] == "too_short")
    assert "the series has fewer bars than the rule looks back on" in research.page


def test_a_series_that_never_moves(researched):
    """No regime can be told, no event and no signal comes, and it is said that nothing moves, not that bars are lacking."""
    research = researched("flat")
    lacking = research.lacking()
    assert lacking["kmeans"] == "no feature moves in the 416 rows in sample, or is defined in half of them"
    assert lacking["barriers"] == "the volatility of a day rests on the returns of three days at none of 3,000 bars"
    assert research.told("results", "summary.json")["silent"] == len(strategies(LINES))
    assert research.told("patterns", f"{UNIVERSE}_{LABEL}_metadata.json")["rules_tried"] == 0
    assert "what the rule waits for never came" in research.page
    assert "No bar has a volume" in research.page


def test_a_series_that_moves_once(researched):
    """Two kinds of rows are two regimes at most, and no rule is found."""
    research = researched("one tick")
    assert "kmeans" not in research.lacking()
    assert research.told("regimes", f"{UNIVERSE}_kmeans_metadata.json")["k"] == 2
    assert research.told("patterns", f"{UNIVERSE}_{LABEL}_metadata.json")["surviving"] == 0


@pytest.mark.parametrize("name", GAPS)
def test_gaps_of_weeks(researched, name):
    """Labels end at their horizon all the same, and what there is of windows and trades is finite."""
    research = researched(name)
    folder = research.plan.settings.artifacts
    touches = read_parquet(folder / "labels" / minutes.NAME / "touches.parquet")
    assert len(touches) == len(GAPS[name])
    label = read_parquet(folder / "labels" / minutes.NAME / f"{LABEL}.parquet")
    assert set(label.column("up_outcome").to_pylist()) <= {"target", "stop", "none", "censored"}
    merged = read_parquet(folder / "results" / minutes.NAME / "backtest_results_merged.parquet").to_pydict()
    assert sum(merged["n_trades"]) > 0
    assert all(value is None or np.isfinite(value) for value in merged["sharpe"])


@pytest.mark.parametrize("bars", [0, 1, 2, 10, 50])
def test_doit_ends_with_0(tmp_path, bars):
    """A project of a short series of minutes and one of days builds whole, with exit code 0, and then has nothing to do."""
    more = ("universes", "regimes", "patterns", "gaps", "sessions", "coverage", "indicators", "panel")
    settings = {
        "universe_intervals": [5],
        "universe_lookbacks": [5],
        "regime_universes": [UNIVERSE],
        "patterns": ["5m_5lb:T5_S5_H15"],
    }
    project = ResearchProject.of(tmp_path / "p", LINES, more=more, bars=bars, **settings)
    days = (np.datetime64("2024-01-01") + np.arange(bars)).astype(str)
    project.series("equities/daily/NEW", [day.replace("-", "") for day in days])
    project.good("-n", "2")
    project.assert_fresh()


def test_a_daily_series_is_no_research(tmp_path):
    """The research stages want bars within a day: a daily series that is chosen for them is an error of the setting."""
    project = ResearchProject.of(tmp_path / "p", LINES[:1], bars=10)
    assert isinstance(project, MarketProject)
    project.series("forex/daily/EURUSD", ["20240102"])
    assert "whose bars are daily" in project.bad(code=3)
