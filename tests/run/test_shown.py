"""What commands write: names and texts out of anybody's files do nothing to a terminal."""

import io
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barmill.run.shown import Shown
from tests.support.market import MarketProject

COMMANDS = (
    "", "datasets", "health", "due", "history", "status", "list --all", "explain coverage:all", "verify", "publish", "gc",
)  # fmt: skip
EVIL = "A\x1b[31M\x07\x9b2J\u202eB"


def shown(text):
    """What a text becomes."""
    stream = io.StringIO()
    Shown(stream).writelines([text])
    return stream.getvalue()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("AAPL.US\tok\n", "AAPL.US\tok\n"),
        ("Zażółć ✅ ⏹️ 日本\n", "Zażółć ✅ ⏹️ 日本\n"),
        ("\x1b]0;title\x07", "?]0;title?"),
        ("a\rb", "a?b"),
        ("\u202eevil\u2066", "?evil?"),
        ("1\xa0000", "1 000"),
        ("caf\udce9.csv", r"caf\xe9.csv"),
    ],
)
def test_text_is_written_without_what_controls_a_terminal(text, expected):
    """Letters of any script stay; control characters, marks of direction, odd spaces and stray bytes do not."""
    assert shown(text) == expected


@given(st.text())
def test_what_is_written_is_printable(text):
    """Whatever the text, each line that is written is printable, and there are as many lines."""
    written = shown(text)
    assert all(line.replace("\t", "").isprintable() for line in written.split("\n"))
    assert written.count("\n") == text.count("\n")


def test_commands_show_a_name_of_a_series_without_control_characters(tmp_path):
    """A series whose file has control characters in its name is built; no command sends them to the terminal."""
    project = MarketProject.make(tmp_path)
    project.series(f"equities/daily/{EVIL}", ["20240102", "20240103"])
    for command in COMMANDS:
        words = [sys.executable, "-m", "doit", *command.split()]
        done = subprocess.run(words, cwd=project.root, capture_output=True, check=False)
        written = (done.stdout + done.stderr).decode()
        assert done.returncode in {0, 1}, written
        assert "Traceback" not in written
        assert "equities/daily/A" in written or command in {"history", "status", "verify", "gc"}, command
        assert all(line.replace("\t", "").isprintable() for line in written.split("\n")), command


def test_a_run_shows_what_a_build_raised_without_control_characters(project):
    """The text of an exception and of a task's output do nothing to the terminal."""
    project.edit("upper.py", "    # a comment\n", "    raise ValueError('\\x1b]0;title\\x07 \\u202e')\n")
    result = project.doit()
    assert result.code == 1
    assert "ValueError: ?]0;title? ?" in result.out
    assert all(line.replace("\t", "").isprintable() for line in (result.out + result.err).split("\n"))
