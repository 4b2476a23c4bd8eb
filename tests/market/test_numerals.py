"""Numbers of a file: one decimal mark and one grouping mark, settled by all cells together."""

import pytest

from barmill.market.numerals import PLAIN, Numerals, decide, is_numeric, unscaled


def decided(*cells, decimal=""):
    """The marks that these cells settle."""
    return decide(dict.fromkeys(cells, 1), lambda: cells, decimal)


@pytest.mark.parametrize(
    ("cells", "decimal", "grouping"),
    [
        (("1205", "17"), ".", ""),
        (("10.5", "11"), ".", ""),
        (("1.205", "0.205"), ".", ""),
        (("1.205", "1205.300"), ".", ""),
        (("1.205", "1.20"), ".", ""),
        (("1.205", "1.205,3"), ",", "."),
        (("1.205", "1.205.300"), ".", "."),
        (("1,205", "1,205.30"), ".", ","),
        (("1,205", "10.5"), ".", ","),
        (("12,34,567.00", "1,205"), ".", ","),
        (("1'205", "1'205.50"), ".", "'"),
        (("1 205", "1 205,50"), ",", " "),
        (("10,5",), ",", ""),
        (("1.205e3", "2"), ".", ""),
    ],
)
def test_one_cell_settles_all(cells, decimal, grouping):
    """One cell that has a single reading settles the cells that have two."""
    (found,) = decided(*cells)
    assert {found.plain(cell) for cell in cells} == {
        Numerals(decimal if decimal != grouping else ",", grouping).plain(c) for c in cells
    }


@pytest.mark.parametrize(
    "cells", [("1.205",), ("1,205", "12,345"), ("1.205", "9,876"), ("1.205", "1.5", "1,5"), ("1.205", "1.5", "1.6", "1,5")]
)
def test_undecided_cells_have_several_readings(cells):
    """Where no cell settles the marks, or cells contradict each other, every reading is returned."""
    assert len(decided(*cells)) > 1


def test_a_known_decimal_mark_settles_the_rest():
    """The caller's decimal mark decides what the other mark is."""
    assert decided("1.205", decimal=",")[0].plain("1.205") == "1205"
    assert decided("1.205", decimal=".")[0].plain("1.205") == "1.205"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("1\u2019234.5", "1234.5"),
        ("1'234'567", "1234567"),
        ("-1'234", "-1234"),
        ("1'23", ""),
        ("1'2345", ""),
        ("0'123", ""),
        ("1.2.3", ""),
        ("1_0", ""),
        ("", ""),
        ("nan", ""),
    ],
)
def test_grouped_numbers_have_whole_groups(text, plain):
    """A number of a file with groups is read; a text whose groups are not of three digits is not a number."""
    assert Numerals(".", "'").plain(text) == plain


@pytest.mark.parametrize("space", [" ", "\xa0", "\u202f", "\u2009"])
def test_any_space_groups(space):
    """No-break and narrow spaces group as an ordinary space does."""
    assert Numerals(",", " ").plain(f"1{space}234{space}567,5") == "1234567.5"


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1.2M", "1200000"),
        ("3.4K", "3400"),
        ("3.4k", "3400"),
        ("1B", "1000000000"),
        ("2.5 T", "2500000000000"),
        ("0.0015M", "1500"),
        ("17", "17"),
        ("1.2X", ""),
        ("M", ""),
        ("-", ""),
    ],
)
def test_scaled_volumes(text, amount):
    """A volume with a letter for its scale is the exact number."""
    found = PLAIN.amount(text)
    assert (float(found) if found else "") == (float(amount) if amount else "")


def test_what_is_numeric():
    """Only cells of digits and marks vote."""
    assert [is_numeric(unscaled(cell)) for cell in ("1.2M", "1\u2019000", "n/a", "", "-", "1e5")] == [
        True,
        True,
        False,
        False,
        False,
        True,
    ]
