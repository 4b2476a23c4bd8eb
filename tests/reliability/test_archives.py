"""A series that is archived, updated and brought back, killed again and again: every bar is there once, of one adjustment."""

import datetime as dt
import random
import subprocess
import sys
import time

from barmill.config import Settings
from barmill.market.archive import files_of, read_series
from barmill.sources.archive import archive, restore
from tests.reliability.archives import DAYS, identity
from tests.support.archive_oracle import pack_rows, text_rows, whole
from tests.support.market import REPOSITORY
from tests.support.prices import Shelf, history, run, series

KILLS = 15


def state(root):
    """The series, which must be whole, of one adjustment, and read as the oracle reads it; its entries."""
    dataset = series(root)
    found = whole(root, dataset)
    assert [stamp[:10] for stamp in found] == DAYS[: len(found)]
    assert len(found) >= 700
    assert len({row[3] for row in found.values()}) == 1
    bars = read_series(dataset.raw.read_bytes(), files_of(root, dataset.name), dataset.symbol, dataset.frequency).bars
    assert (bars.raw_rows, bars.table.num_rows, bars.rejected) == (len(found), len(found), [])
    assert bars.table.column("date").to_pylist() == [stamp[:10] for stamp in found]
    assert bars.table.column("close").to_pylist() == [row[3] for row in found.values()]
    return found, history(root).updates


def test_kills(tmp_path):
    """After a kill -9 at any moment every bar can be read once, and the next command finishes what was begun."""
    chance = random.Random(20240131)
    run(tmp_path, Shelf(dict.fromkeys(DAYS[:700], 1.0)), "load")
    settings, dataset = Settings(series=tmp_path), series(tmp_path)
    interrupted, kinds = 0, set()
    for kill in range(KILLS):
        program = [sys.executable, "-m", "tests.reliability.archives", str(tmp_path)]
        with subprocess.Popen(program, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout.readline()
            time.sleep(chance.random() * 0.15)
            process.kill()
        found, entries = state(tmp_path)
        assert entries[-1].status in {"ok", "interrupted"}
        interrupted += entries[-1].status == "interrupted"
        kinds.add((entries[-1].kind, entries[-1].status))
        if kill % 2:
            assert archive(dataset, identity(), dt.date(2002, 1, 1), settings).entry.status == "ok"
            assert not pack_rows(tmp_path, dataset).keys() & text_rows(dataset.raw).keys()
            named = {path.name for path in files_of(tmp_path, dataset.name)[1:]}
            assert {path.name for path in (tmp_path / ".archive/equities/daily/ACME").iterdir()} == named
        else:
            assert restore(dataset, settings).entry.status == "ok"
            assert not files_of(tmp_path, dataset.name)
        assert state(tmp_path)[0] == found
    assert interrupted
    assert len(kinds) > 2
    assert not list(tmp_path.rglob("*.tmp"))
