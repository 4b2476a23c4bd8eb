"""Errors and the text in them, as a person reads it."""

import pytest

from barmill.errors import BarmillError, InputError, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Müller & Söhne 株式会社", "Müller & Söhne 株式会社"),
        ("\x1b[2Jgone", "?[2Jgone"),
        ("\x1b]0;title\x07", "?]0;title?"),
        ("\x9b31m", "?31m"),
        ("abc\u202etxt.exe", "abc?txt.exe"),
        ("a\u2066b\u2069", "a?b?"),
        ("a\u200bb\ufeff", "a?b?"),
        ("1\u00a0000\u202f000", "1 000 000"),
        ("two\r\nlines\x00", "two??lines?"),
        ("bad \udcff byte", "bad ? byte"),
    ],
)
def test_text_of_a_file_does_nothing_to_a_terminal(text, shown):
    """Escape sequences, other controls and marks of direction become question marks; letters of any script stay."""
    assert printable(text) == shown
    assert printable(text, 3) == shown[:3]


def test_an_error_keeps_its_lines_and_neutralises_names():
    """The hint stands on a line of its own, whatever name the fact has in it."""
    error = InputError("list \x1b[31mred.csv has no header", "add one\x07")
    assert str(error) == "list ?[31mred.csv has no header\nhint: add one?"
    assert error.fact == "list \x1b[31mred.csv has no header"
    assert str(BarmillError("plain")) == "plain"
