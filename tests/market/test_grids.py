"""Grids: which universes and labels there are, what they are called, and what is no name."""

import pytest

from barmill.errors import ConfigError
from barmill.market import grids
from barmill.market.grids import Label, Universe

INTERVALS, LOOKBACKS = (60, 1, 5, 15, 30), (30, 5, 10, 15, 20)
TARGETS, STOPS, HORIZONS = (5, 10, 15, 20, 30, 50), (5, 10, 15, 20, 30), (1, 5, 15, 30, 60, 240, 1440)


def test_names_go_both_ways():
    """A name says all that there is to say."""
    for universe in grids.universes(INTERVALS, LOOKBACKS, 1):
        assert grids.parse_universe(universe.name) == universe
    for label in grids.labels(TARGETS, STOPS, HORIZONS, 1):
        assert grids.parse_label(label.name) == label
    assert (Universe(5, 20).name, Label(20, 10, 240).name) == ("5m_20lb", "T20_S10_H240")


def test_sizes_of_the_default_grids():
    """25 universes, 210 labels, 21 groups of 10, in order."""
    assert len(grids.universes(INTERVALS, LOOKBACKS, 1)) == 25
    labels = grids.labels(TARGETS, STOPS, HORIZONS, 1)
    assert labels == sorted(set(labels))
    assert [len(group) for group in grids.groups(labels, 10)] == [10] * 21
    assert [len(group) for group in grids.groups(labels[:25], 10)] == [10, 10, 5]


def test_coarser_series_have_fewer():
    """Bars of 15 minutes make none of 1 and 5, and no label that ends before the next bar."""
    assert {each.interval for each in grids.universes(INTERVALS, LOOKBACKS, 15)} == {15, 30, 60}
    assert {each.horizon for each in grids.labels(TARGETS, STOPS, HORIZONS, 15)} == {15, 30, 60, 240, 1440}


@pytest.mark.parametrize("name", ["", "5m", "5m_20", "m_lb", "5m_20lb ", "T5_S5_H15"])
def test_what_is_no_universe(name):
    """Anything but minutes and bars is an error that shows the form."""
    with pytest.raises(ConfigError, match="5m_20lb"):
        grids.parse_universe(name)


@pytest.mark.parametrize("name", ["", "T5_S5", "t5_s5_h5", "T5_S5_H-1", "5m_20lb"])
def test_what_is_no_label(name):
    """Anything but target, stop and horizon is an error that shows the form."""
    with pytest.raises(ConfigError, match="T20_S10_H240"):
        grids.parse_label(name)


def test_a_chosen_universe_outside_the_grid():
    """An error names it and the grid; one that the bars are too coarse for is left out."""
    assert grids.chosen(["5m_20lb", "1m_5lb"], INTERVALS, LOOKBACKS, 5) == [Universe(5, 20)]
    with pytest.raises(ConfigError, match="5m_21lb"):
        grids.chosen(["5m_21lb"], INTERVALS, LOOKBACKS, 1)


@pytest.mark.parametrize(("targets", "stops", "horizons", "name"), [((0,), (5,), (5,), "targets"), ((5,), (), (5,), "stops")])
def test_distances_are_positive(targets, stops, horizons, name):
    """Nothing, and none at all, are errors that name the setting."""
    with pytest.raises(ConfigError, match=f"label_{name}"):
        grids.labels(targets, stops, horizons, 1)
