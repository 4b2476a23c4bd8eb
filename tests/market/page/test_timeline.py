"""The timeline of regimes: the bands and lanes are those of the bars, counted by hand."""

import re

import numpy as np
import pytest

from barmill.market.page import regimes
from barmill.market.page.regimes import Prices, Sorting
from barmill.page.document import Page
from tests.support.pages import parsed

MINUTE = 60_000_000
START = 1_700_000_000_000_000


def profile(*names):
    """Rows of a profile: of regimes from -1 on."""
    return [
        {"sample": sample, "regime": str(k - 1), "name": name, "share": "0.25", "mean_run": "2", "mean_volatility": "0.01"}
        for sample in ("in", "out")
        for k, name in enumerate(names)
    ]


def sorting(regime, start=0, **kind):
    """Windows of five minutes with these regimes, from a minute on."""
    time = START + (start + 5 * np.arange(len(regime))) * MINUTE
    given = {"name": "5m_20lb_kmeans", "outside": len(regime) // 2, "profile": profile("none", "flat_calm", "up_wild")}
    return Sorting(time=time, last=time + 4 * MINUTE, regime=np.array(regime, np.int16), **given | kind)


def prices(count):
    """Bars of a minute."""
    return Prices(START + np.arange(count) * MINUTE, 1 + np.arange(count) / 1000)


def shown(bars, *sortings):
    """The page of them."""
    page = Page("regimes")
    regimes.show(page, bars, sortings, [(0, "first")])
    return page.html()


def test_bars_have_the_regime_of_their_window():
    """A bar is in the window whose last interval it is in; before the first, in a gap and behind the last it is in none."""
    found = sorting([1, 0, -1], start=10)
    found.time[2] += 5 * MINUTE
    found.last[2] += 5 * MINUTE
    of = found.of_bars(prices(40).time).tolist()
    assert of == [-2] * 10 + [1] * 5 + [0] * 5 + [-2] * 5 + [-1] * 5 + [-2] * 10
    assert sorting([]).of_bars(prices(3).time).tolist() == [-2, -2, -2]


def test_bands():
    """One band per stretch of bars in one regime, with its name and span, in the regime's colour; out of sample is marked."""
    found = sorting([1, 1, 0, 0, -1, 1], start=10)
    text = shown(prices(50), found)
    root = parsed(re.findall(r"<svg viewBox.*?</svg>", text)[0])
    bands = [each for each in root.iter("path") if each.get("class") == "band"]
    assert [each.findtext("title").partition(", ")[0] for each in bands] == ["1 up_wild", "0 flat_calm", "none", "1 up_wild"]
    assert bands[0].findtext("title") == "1 up_wild, 2023-11-14 22:23 to 2023-11-14 22:32"
    colors = found.colors()
    assert [each.get("fill") for each in bands] == [colors[1], colors[0], colors[-1], colors[1]]
    edges = [tuple(map(float, re.match(r"M(\S+) 22H([\d.]+)v", each.get("d")).groups())) for each in bands]
    assert edges == pytest.approx(np.array([(10, 20), (20, 30), (30, 35), (35, 40)]) / 50 * 804 + 64, abs=0.06)
    mark = next(each for each in root.iter("path") if each.get("class") == "mark")
    assert float(re.match(r"M(\S+) ", mark.get("d")).group(1)) == pytest.approx(25 / 50 * 804 + 64, abs=0.06)


def test_long_series_keep_the_shares():
    """More bars than columns: each lane's area is the share of the bars that its regime has."""
    rng = np.random.default_rng(3)
    regime = rng.integers(-1, 2, 2000)
    text = shown(prices(10_000), sorting(regime))
    root = parsed(re.findall(r"<svg viewBox.*?</svg>", text)[1])
    lanes = [each for each in root.iter("path") if each.get("class") == "lane"]
    assert [each.findtext("title") for each in lanes] == ["none", "0 flat_calm", "1 up_wild"]
    for number, lane in zip((-1, 0, 1), lanes, strict=True):
        foot = float(re.match(r"M\S+ (\S+?)V", lane.get("d")).group(1))
        tops = [float(each) for each in re.findall(r"V([\d.]+)H", lane.get("d"))]
        assert len(tops) == 400
        assert sum(foot - top for top in tops) / 15 / 400 == pytest.approx((regime == number).mean(), abs=0.005)


def test_what_is_missing_is_told():
    """No universe sorted, or a series too short: no picture, and the reason; the other method has its own."""
    assert "no universe of this series is sorted into regimes" in shown(prices(9))
    text = shown(prices(50), sorting([-1], lacking="1 rows are in sample", profile=profile("none")), sorting([0, 1, 1]))
    assert "There is no picture of k-means of 5m_20lb: 1 rows are in sample." in text
    assert text.count('class="panel') == 1


def test_the_table_beside_it():
    """Each regime with its share and run in and out of sample."""
    text = shown(prices(50), sorting([0, 1, 1]))
    assert "<tr><td>1 up_wild</td><td>0.25</td><td>0.25</td><td>2</td><td>2</td><td>0.01</td><td></td></tr>" in text
    assert "k-means of 5m_20lb" in text
    assert "HDBSCAN of 1m_5lb" in shown(prices(50), sorting([0, 1], name="1m_5lb_hdbscan"))
