"""Comparing two series: what explains their levels, which returns and sessions differ, and the verdict."""

import itertools
import math
import random

import pytest

from barmill.market.closes import Closes, read_closes
from barmill.market.comparison import Terms, compare
from barmill.sample.prices import weekdays
from tests.support.real import real_data

DAYS = [day.isoformat() for day in weekdays(600)]
STOOQ_US = "d_us_txt/data/daily/us/nasdaq stocks/1"


def walk(seed=1, count=600):
    """Closes of a random walk."""
    chance = random.Random(seed)
    levels = itertools.accumulate((chance.gauss(0, 0.015) for _ in range(count - 1)), initial=math.log(50))
    return {day: math.exp(level) for day, level in zip(DAYS, levels, strict=False)}


def judged(a, b, **terms):
    """The comparison of two plain series."""
    return compare(Closes("A", a), Closes("B", b), Terms(**terms))[0]


def adjusted_for(closes, dividends):
    """Closes as a supplier adjusts them: before each date lowered by the factor."""
    found = {}
    for day, close in closes.items():
        factor = math.prod(1 - cut for date, cut in dividends.items() if day < date)
        found[day] = close * factor
    return found


def test_equal_series_are_the_same():
    """A series beside itself: everything agrees."""
    found = judged(walk(), walk())
    assert (found.verdict, found.explanation, found.returns_agree, found.levels_agree) == ("same", "equal", 1.0, 1.0)
    assert (found.steps, found.differing, found.only_a, found.only_b) == ([], [], [], [])


def test_pence_and_pounds_are_a_constant_ratio():
    """A series in another unit is adjusted by a constant."""
    found = judged({day: 100 * close for day, close in walk().items()}, walk())
    assert (found.verdict, found.explanation, round(found.ratio, 9)) == ("adjusted", "constant ratio", 100)


def test_dividends_are_found_on_their_dates():
    """Adjusted closes beside plain ones differ by steps: each dividend has its date, its size, and its kind."""
    dividends = {DAYS[100]: 0.01, DAYS[250]: 0.006, DAYS[400]: 0.011}
    found = judged(adjusted_for(walk(), dividends), walk())
    assert (found.verdict, found.explanation) == ("adjusted", "stepwise ratio")
    assert [(step["date"], step["kind"]) for step in found.steps] == [(day, "dividend") for day in dividends]
    assert [step["factor"] for step in found.steps] == pytest.approx([1 / (1 - cut) for cut in dividends.values()])


def test_a_split_that_one_side_lacks():
    """A step to the half is a split, one to a third of nine tenths a jump."""
    for cut, kind in ((0.5, "split"), (0.7, "jump")):
        (step,) = judged(adjusted_for(walk(), {DAYS[300]: cut}), walk()).steps
        assert (step["date"], step["kind"]) == (DAYS[300], kind)


def test_a_wrong_close_is_no_step():
    """A close that is wrong on one side makes two returns differ, and is no adjustment."""
    wrong = walk() | {DAYS[300]: 60.0}
    found = judged(wrong, walk())
    assert (found.verdict, found.steps, found.differing_count) == ("same", [], 2)
    assert {day["date"] for day in found.differing} == {DAYS[300], DAYS[301]}


def test_other_series_are_different():
    """Two papers whose returns have nothing to do with each other are different, whatever their ratio does."""
    found = judged(walk(1), walk(2))
    assert (found.verdict, found.explanation) == ("different", "unexplained")
    assert found.returns_agree < 0.2


def test_sessions_of_one_side_are_listed():
    """What one side lacks within the time of both is listed; too much of it makes them different."""
    some = {day: close for day, close in walk().items() if day not in DAYS[200:203]}
    found = judged(some, dict(list(walk().items())[:500]))
    assert (found.verdict, found.only_a, found.only_b) == ("same", [], DAYS[200:203])
    few = {day: close for at, (day, close) in enumerate(walk().items()) if at % 10}
    found = judged(few, walk())
    assert (found.verdict, found.returns_agree) == ("different", 1.0)
    assert found.reasons == ["59 of 599 sessions are on one side only"]
    assert judged(few, walk(), share=0.9).verdict == "same"


def test_series_of_other_times_do_not_overlap():
    """Without a common session there is nothing to compare."""
    assert judged({"2001-01-02": 1.0}, {"2002-01-02": 1.0}).verdict == "no overlap"


def test_tolerance_is_in_basis_points():
    """A return that is off by eleven basis points is within twenty and not within ten."""
    off = {day: close * (1.0011 if at % 2 else 1) for at, (day, close) in enumerate(walk().items())}
    assert judged(off, walk()).verdict == "same"
    assert judged(off, walk(), tolerance=10.0).verdict == "different"


def test_of_plain_and_adjusted_closes_the_better_counts():
    """Where one side has both, the one that agrees is taken first, and the other is told, too."""
    plain = walk()
    adjusted = adjusted_for(plain, dict.fromkeys(DAYS[5::11], 0.02))
    best, other = compare(Closes("A", adjusted), Closes("B", plain, adjusted), Terms())
    assert (best.column_b, best.verdict, other.column_b) == ("adjusted", "same", "close")
    assert other.returns_agree < best.returns_agree


@pytest.mark.parametrize(
    ("text", "plain", "adjusted"),
    [
        ("Date,Close,Adj Close\n2024-01-03,2,1.5\n2024-01-02,1,0.5\n", {"2024-01-02": 1, "2024-01-03": 2}, [0.5, 1.5]),
        ("<TICKER>,<PER>,<DATE>,<TIME>,<CLOSE>\nA,5,20240102,093500,1\n", {"2024-01-02 09:35:00": 1}, []),
        ("<TICKER>,<PER>,<DATE>,<TIME>,<CLOSE>\nA,D,20240102,000000,1\n", {"2024-01-02": 1}, []),
        ("ticker,per,date,time,close\nA,D,2024-01-02,00:00:00,1\n", {"2024-01-02": 1}, []),
        ("\ufeffData;Zamkniecie\n2024-01-02;1,5\n", {"2024-01-02": 1.5}, []),
        ("timestamp,close\n2024-01-02T01:00:00+02:00,7\n", {"2024-01-01 23:00:00": 7}, []),
        ("Date,Close\n2024-01-02,null\nx,3\n2024-01-04,-1\n2024-01-05,4\n2024-01-05,5\n", {"2024-01-05": 5}, []),
        ("", {}, []),
    ],
)
def test_closes_of_a_file(tmp_path, text, plain, adjusted):
    """Stamps and closes come out of any table whose header names them; of equal stamps the last counts."""
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    closes = read_closes(tmp_path / "a.csv")
    assert (closes.plain, list(closes.plain), list(closes.adjusted.values())) == (plain, sorted(plain), adjusted)


@pytest.mark.real
@pytest.mark.parametrize("ticker", ["ABNB", "ALGN", "ANSS", "APP", "BYND"])
def test_real_shares_without_dividend_agree(ticker):
    """Stooq and Yahoo have the same closes of shares that pay nothing, but for a session that Stooq lacks."""
    stooq = read_closes(real_data("stooq-uk-pl-us", STOOQ_US, f"{ticker.lower()}.us.txt"))
    found = compare(stooq, read_closes(real_data("yahoo-daily/stocks", f"{ticker}.csv")), Terms())[0]
    assert (found.verdict, found.explanation, found.only_a) == ("same", "equal", [])
    assert found.only_b == (["2011-02-17"] if ticker in {"ALGN", "ANSS"} else [])
    assert min(found.returns_agree, found.levels_agree) > 0.999


@pytest.mark.real
def test_real_dividends_of_apple():
    """Returns agree in 98 % and no level does: Stooq's Apple is adjusted for each dividend since 2012, for none before 1996."""
    stooq = read_closes(real_data("stooq-uk-pl-us", STOOQ_US, "aapl.us.txt"))
    best, plain = compare(stooq, read_closes(real_data("yahoo-daily/stocks/AAPL.csv")), Terms())
    assert (best.column_b, best.verdict, round(best.returns_agree, 2)) == ("adjusted", "adjusted", 0.98)
    assert (best.only_a, best.only_b) == (["1985-09-27"], ["1999-11-16"])
    assert (plain.levels_agree, plain.explanation) == (0.0, "stepwise ratio")
    assert len(best.steps) == 32  # what Yahoo takes off, and Stooq does not, from 1987 to 1995
    assert {step["date"][:4] for step in best.steps} == {str(year) for year in range(1987, 1996)}
    recent = [step["date"] for step in plain.steps if step["date"] > "1996"]
    assert len(recent) == 43  # a dividend a quarter, from August 2012 to February 2023
    assert {(int(day[:4]) - 2012) * 4 + (int(day[5:7]) - 8) // 3 for day in recent} == set(range(43))
