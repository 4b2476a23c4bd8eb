"""Where what stands in a line: delimiter, header, columns."""

import pytest

from barmill.errors import InputError
from barmill.market.layout import layout_of


@pytest.mark.parametrize(
    ("line", "mark", "columns"),
    [
        ("Date;Open;High;Low;Close", ";", {"date": 0, "open": 1, "high": 2, "low": 3, "close": 4}),
        ("time\topen\thigh\tlow\tclose", "\t", {"date": 0, "open": 1, "high": 2, "low": 3, "close": 4}),
        ("Date|Time|Open|High|Low|Close", "|", {"date": 0, "time": 1, "open": 2, "high": 3, "low": 4, "close": 5}),
        ('"Date","Open","High","Low","Close"', ",", {"date": 0, "open": 1, "high": 2, "low": 3, "close": 4}),
        ("2024-01-31 10:00;1,5;2,5;1,0;2,0", ";", {"date": 0, "open": 1, "high": 2, "low": 3, "close": 4}),
        ("31.01.2024;1,5;2,5;1,0;2,0", ";", {"date": 0, "open": 1, "high": 2, "low": 3, "close": 4}),
        ("20240131 100000;1.5;2.5;1.0;2.0;7", ";", {"date": 0, "open": 1, "high": 2, "low": 3, "close": 4, "volume": 5}),
        ("2024.01.31,10:00,1,2,1,2", ",", {"date": 0, "time": 1, "open": 2, "high": 3, "low": 4, "close": 5}),
        ("1704204000,1,2,1,2,7,3", ",", {"date": 0, "open": 1, "high": 2, "low": 3, "close": 4, "volume": 5}),
    ],
)
def test_delimiter_and_columns(line, mark, columns):
    """The delimiter is the one with which the line is a header or a bar."""
    layout = layout_of([line, ""], "ACME")
    assert (layout.mark, {role: at for role, at in layout.columns.items() if role in columns}) == (mark, columns)


def test_other_roles_may_be_needed():
    """A comparison needs a stamp and a close only."""
    assert layout_of(["Datum;Kurs"], "ACME", ("date", "close")).columns == {"date": 0, "close": 1}


@pytest.mark.parametrize(
    "lines", [["a,b", "1,2"], ["Date,Close", "2024-01-31,1"], [""], ["x"] * 20 + ["Date,Open,High,Low,Close"]]
)
def test_unknown_layouts_are_refused(lines):
    """Without a header or a bar among the first lines a file is refused, with what a header names."""
    with pytest.raises(InputError) as caught:
        layout_of(lines, "ACME")
    assert "a header names at least date, open, high, low, close" in caught.value.hint


def test_unread_columns_are_noted():
    """Columns without a meaning here, and lines before the header, are noted."""
    layout = layout_of(["made by x", "Date,Open,High,Low,Close,Trades", "…"], "ACME")
    assert layout.notes == [
        "columns without a meaning here: Trades",
        "1 lines before the header are left out, such as 'made by x'",
    ]
    assert layout.first == 2
