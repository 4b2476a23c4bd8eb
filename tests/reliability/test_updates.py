"""Many processes update one series at once, and one is killed again and again: no row and no entry is lost."""

import random
import subprocess
import sys
import time

from barmill.market.bars import read_bars
from tests.reliability.updates import BASE, own
from tests.support.market import REPOSITORY
from tests.support.prices import Shelf, closes, history, run, series

KILLS = 30


def start(what, root, number):
    """A process at work."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.reliability.updates", what, str(root), str(number)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_eight_processes_at_once(tmp_path):
    """8 processes with 10 loads each of one symbol lose no row and no entry of its history."""
    run(tmp_path, Shelf(BASE), "load")
    for process in [start("share", tmp_path, number) for number in range(8)]:
        _, told = process.communicate(timeout=120)
        assert process.returncode == 0, told
    expected = dict(BASE)
    for number in range(8):
        for step in range(10):
            expected |= own(number, step)
    assert closes(series(tmp_path).raw) == expected
    entries = history(tmp_path).updates
    assert [(each.status, each.rows_added) for each in entries] == [("ok", 100), *[("ok", 1)] * 80]
    assert [each.rows_after for each in entries] == list(range(100, 181))


def state(root):
    """The series as it is, which must be whole and of one adjustment; and how many bars its history says there are."""
    bars = read_bars(series(root).raw.read_bytes())
    assert (bars.rejected, bars.ordered) == ([], True)
    found = closes(series(root).raw)
    assert len(set(found.values())) == 1
    return len(found), history(root).updates


def test_kills(tmp_path):
    """After a kill -9 at any moment the series is the old or the new one, and its history has every update that it shows."""
    chance = random.Random(20240131)
    run(tmp_path, Shelf(BASE), "load")
    step, interrupted = 1, 0
    for _ in range(KILLS):
        with start("endless", tmp_path, step) as process:
            assert process.stdout.readline()
            time.sleep(chance.random() * 0.05)
            process.kill()
            done = [int(line) for line in process.stdout.read().split()] or [step]
        rows, entries = state(tmp_path)
        step = rows - len(BASE)
        assert step in {done[-1] + 1, done[-1] + 2}  # what it told, or that and what it was at
        ended = [each for each in entries if each.status == "ok"]
        assert ended[-1].rows_after == rows
        assert entries[-1].status in {"ok", "interrupted"}
        interrupted += entries[-1].status == "interrupted"
    assert interrupted
    run(tmp_path, Shelf(closes(series(tmp_path).raw)))
    run(tmp_path, Shelf(closes(series(tmp_path).raw)))
    assert not list(tmp_path.rglob("*.tmp"))
