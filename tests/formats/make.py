"""`python -m tests.formats.make`, at the repository's root, writes v1/: what a toy project looks like on disk at these formats.

Two runs of doit over `toy`, then its store and state. Only times and inodes differ from one making to the next.
"""

import multiprocessing
import os
import shutil
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from doit.doit_cmd import DoitMain

from barmill.store.code import Codes
from barmill.store.stats import GRAIN_NS
from tests.formats import toy

V1 = Path(__file__).parent / "v1"
_SETTLED = 4 * GRAIN_NS / 1e9
_DODO = """
from barmill.run.tasks import load, tasks
from tests.formats import toy

PLAN, DOIT_CONFIG = load(__file__)

def task_toy():
    yield from tasks(toy, PLAN)
"""


def main() -> int:
    """Build the toy project in a temporary folder, and keep what is to be read for ever."""
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        toy.write_texts(root)
        (root / "dodo.py").write_text(_DODO)
        for _ in range(2):
            time.sleep(_SETTLED)  # else the second run would not trust stamps enough to remember them
            run = multiprocessing.get_context("fork").Process(target=_doit, args=(root,))
            run.start()
            run.join()
            if run.exitcode:
                return run.exitcode
        shutil.rmtree(V1, ignore_errors=True)
        shutil.copytree(root / "artifacts/store", V1 / "store", copy_function=shutil.copyfile)
        with closing(sqlite3.connect(root / "artifacts/state.sqlite")) as state:
            state.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
        shutil.copyfile(root / "artifacts/state.sqlite", V1 / "state.sqlite")
    return 0


def _doit(root: Path) -> None:
    os.chdir(root)
    somewhere = SimpleNamespace(nodename="somewhere")
    with mock.patch.object(Codes, "of", toy.code_of), mock.patch.object(os, "uname", return_value=somewhere):
        sys.exit(DoitMain().run(["run"]))


if __name__ == "__main__":
    sys.exit(main())
