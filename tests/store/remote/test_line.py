"""Concurrent calls, and the threads that make them."""

import threading

import pytest

from barmill.store.remote import line as lines
from barmill.store.remote.line import Line
from tests.support.project import until


def test_threads_without_work_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that has had nothing to do for a while ends; the next calls have others."""
    monkeypatch.setattr(lines, "_IDLE", 0.02)
    line = Line(4)
    before = set(threading.enumerate())
    for _ in range(3):
        assert dict(line.each(abs, range(-50, 0))) == {number: -number for number in range(-50, 0)}
        until(lambda: set(threading.enumerate()) <= before)
