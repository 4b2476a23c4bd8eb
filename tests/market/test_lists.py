"""Reading lists of unknown dialect."""

import pytest

from barmill.market import lists


def _read(content: str | bytes) -> lists.Table:
    data = content.encode() if isinstance(content, str) else content
    return lists.read_table(data, lambda names: "symbol" in names)


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_delimiters(mark):
    """The delimiter is the one that makes a header of the first line."""
    table = _read(f"Symbol{mark}Security Name\nA{mark}B, C; D\n" if mark == "|" else f"Symbol{mark}Security Name\nA{mark}B\n")
    assert table.columns == ("symbol", "security name")
    assert table.records[0].fields[0] == "A"


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "cp1250", "iso8859_2"])
def test_polish_letters(codec):
    """Polish letters survive in every encoding that Polish brokers write."""
    text = "symbol,name\nPKO,Powszechna Kasa Oszczędności\nZYW,Żywiec Społka\nSLZ,Śląskie źródło ćma\n"
    assert lists.decode(text.encode(codec)) == text


@pytest.mark.parametrize("text", ["symbol,name\nOR,L'Oréal\nSY1,Société Générale Nestlé Münchener Rück\nXX,Peña Å\n"])
def test_western_letters(text):
    """Western letters in Latin-1 or cp1252 are not taken for Polish ones."""
    assert lists.decode(text.encode("latin-1")) == text


def test_bytes_of_no_code_page():
    """Bytes that cp1252 does not know are read as Latin-1: reading never raises."""
    assert lists.decode(b"symbol\n\x81\xe9") == "symbol\n\x81é"


def test_lines_are_physical():
    """Line numbers count blank lines and every kind of line end."""
    table = _read("\n\nsymbol,name\r\nA,x\r\n\r\n   \r\nB,y")
    assert [(record.line, record.fields[0]) for record in table.records] == [(4, "A"), (7, "B")]


def test_quoted_comma_and_line_end():
    """A quoted field may hold the delimiter, and a line end when its lines are no records of their own."""
    table = _read('symbol,name,fee\nA,"Foo, Inc","0,36"\nB,"two\nlines",1\nC,z,2\n')
    assert [record.fields for record in table.records] == [["A", "Foo, Inc", "0,36"], ["B", "two\nlines", "1"], ["C", "z", "2"]]
    assert [record.line for record in table.records] == [2, 3, 5]


@pytest.mark.parametrize("line", ['B,"Foo,1', '"B,Foo,1', 'B,5" pipe,1', 'B,Foo"",1'])
def test_stray_quote_stays_on_its_line(line):
    """A quote that is never closed, or closed in a later row, swallows no other line."""
    table = _read(f'symbol,name,fee\nA,x,1\n{line}\nC,"y,2\nD,z,3\n')
    assert [record.fields[0] for record in table.records] == ["A", "B", "C", "D"]
    assert not any(record.fault for record in table.records)


def test_faults_of_lines():
    """Too many or too few fields are a fault of that line; blank fields at its end are not."""
    table = _read('symbol,name\nA,x,y\nB\nC,z,,\nD,"w,x,y\n')
    assert [record.fault for record in table.records] == ["field_count", "field_count", "", "stray_quote"]


@pytest.mark.parametrize(
    ("content", "fault", "line"),
    [
        (b"", "empty_file", 0),
        (b"\n \n", "empty_file", 0),
        (b"\xef\xbb\xbf", "not_a_table", 1),
        (b"<!DOCTYPE html><html><body>symbol</body></html>", "not_a_table", 1),
        (b"PK\x03\x04\x00symbol", "not_a_table", 1),
        (b"\x00\x01symbol,name\n", "not_a_table", 1),
        (b"symbol," + b"x" * 200_000, "not_a_table", 1),
        (b"date,close\n1,2\n", "no_symbol_column", 1),
        (b"\n\nNothing to see\n", "no_symbol_column", 3),
    ],
)
def test_faults_of_lists(content, fault, line):
    """What is no list has a fault and no records."""
    table = _read(content)
    assert (table.fault, table.line, table.records) == (fault, line, ())


def test_excel_separator_line():
    """Excel's `sep=;` line is no header."""
    assert _read("sep=;\nsymbol;name\nA;x\n").columns == ("symbol", "name")
