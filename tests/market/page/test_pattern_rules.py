"""Patterns on a page: what was mined, the rules that survived, and why there are none."""

from barmill.market.page import patterns
from barmill.market.page.patterns import Mined
from barmill.page.document import Page

TOLD = {"rows_in": 1400, "rows_out": 600, "rules_tried": 2500, "rules": 40, "surviving": 12}


def rule(k, survives="yes"):
    """A row of the table of rules; those of higher k lift more out of sample."""
    numbers = {"rows_in": "90", "lift_in": "1.5", "rows_out": "40", "lift_out": f"{1 + k / 100}", "confidence_out": "0.25"}
    words = {"direction": "up", "outcome": "target", "antecedent": f"volatility=high & hour={k:02d}", "survives": survives}
    return words | numbers | {"base_out": "0.2", "pips_out": f"{k / 4}"}


def said(*mined):
    """The page of them."""
    page = Page("patterns")
    patterns.show(page, mined)
    return page.html()


def test_the_rules_that_survived():
    """The first ten by lift out of sample, with the counts of all; a rule that did not survive is not shown."""
    text = said(Mined("5m_20lb_T10_S10_H60", TOLD, [*map(rule, range(12)), rule(50, "no")]))
    assert "5m_20lb and T10_S10_H60: 2,500 rules were tried on 1,400 rows in sample; 40 make" in text
    assert "12 of them beyond chance both there and in the 600 rows out of sample" in text
    places = [text.index(f"volatility=high &amp; hour={k:02d}") for k in range(11, 1, -1)]
    assert places == sorted(places)
    for absent in ("hour=01", "hour=00", "hour=50"):
        assert absent not in text
    assert "The first 10 by lift out of sample, of 12." in text
    assert "long: target" in text
    assert all(f">{k / 4}<" in text for k in (11, 9, 3))


def test_nothing_that_survived():
    """Then there is no table."""
    assert "<table>" not in said(Mined("5m_20lb_T10_S10_H60", TOLD | {"surviving": 0}, [rule(1, "no")]))


def test_nothing_that_was_mined():
    """Why is said, for each pair, or that there is no pair."""
    text = said(Mined("5m_20lb_T10_S10_H60", {"lacking": "of 1 bar nothing comes"}, []))
    assert "Nothing was mined of 5m_20lb and T10_S10_H60: of 1 bar nothing comes." in text
    assert "no pair of universe and label is mined" in said()
