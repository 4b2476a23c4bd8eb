"""Kernels: within their arrays at every length, and never older than their source."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from barmill.market.kernels import barriers, touches, windows
from tests.support.market import REPOSITORY

PROGRAM = """
import numpy as np, xxhash
from barmill.market import barriers, features
from barmill.market.grids import Label
from barmill.market.touches import Touches
from tests.support.series import bars, walk

found = xxhash.xxh3_128()
def add(values):
    found.update(np.ascontiguousarray(values).tobytes())

made = [walk(n, n, step=s, gaps=g) if n else walk(1)[:0] for n in (0, 1, 2, 5, 31, 400) for s in (1e-4, 2e-3) for g in (0, 0.2)]
made += [bars(*[(1.1,) * 4] * 40), bars(*[(1.1, 1.2, 1.0, 1.1)] * 40), bars(*[(-1.0, 1.0, -2.0, 0.0)] * 40)]
for series in made:
    for lookback in (5, 6, 7, 9, 13, 30, 64):
        add(features.windows(series, lookback, 1, 1e-4))
    for touch in ("range", "close"):
        table = Touches.scan(series, (5, 10, 50), (1, 60, 1440), 1e-4, touch)
        for label in (Label(5, 50, 1), Label(50, 5, 1440), Label(10, 10, 60)):
            for sign in (1, -1):
                for values in vars(table.outcomes(label, "none", sign)).values():
                    add(values)
    if not len(series) or series.close[0] > 0:
        scale = barriers.volatility(series, 5)
        add(scale)
        events = barriers.sample(series, np.full(len(series), 1e-4))
        add(events)
        add(barriers.label(series, events, np.full(len(series), 1e-3), 1, 1, 60).column("end").combine_chunks().buffers()[1])
print(found.hexdigest())
"""


def run(program, folder=REPOSITORY, **environ):
    """What a program prints in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_no_kernel_leaves_its_arrays(tmp_path):
    """Compiled with every index checked, all kernels run over series of all kinds and lengths, and come to the same."""
    checked = run(PROGRAM, NUMBA_BOUNDSCHECK="1", NUMBA_CACHE_DIR=str(tmp_path / "cache"))
    assert checked == run(PROGRAM)


def test_compiled_code_is_never_older_than_its_source(tmp_path):
    """A part is edited in another file of kernels, its size and time kept as they were: what calls it is compiled again."""
    copy = tmp_path / "barmill"
    shutil.copytree(REPOSITORY / "src/barmill", copy, ignore=shutil.ignore_patterns("__pycache__"))
    kernels = copy / "market/kernels"
    (kernels / "given.py").write_text("from barmill.market.kernels.jit import part\n\n@part\ndef given():\n    return 1\n")
    (kernels / "asked.py").write_text(
        "from barmill.market.kernels.jit import kernel\nfrom barmill.market.kernels.given import given\n\n"
        "@kernel\ndef asked():\n    return given()\n"
    )
    program = "from barmill.market.kernels.asked import asked; print(asked(), sum(asked.stats.cache_hits.values()))"
    assert [run(program, tmp_path).split() for _ in range(2)] == [["1", "0"], ["1", "1"]]
    status = (kernels / "given.py").stat()
    (kernels / "given.py").write_text((kernels / "given.py").read_text().replace("return 1", "return 2"))
    os.utime(kernels / "given.py", ns=(status.st_atime_ns, status.st_mtime_ns))
    shutil.rmtree(kernels / "__pycache__/given.cpython-311.pyc", ignore_errors=True)
    assert run(program, tmp_path, PYTHONDONTWRITEBYTECODE="1").split()[0] == "2"


def test_kernels_are_compiled_exactly():
    """No option that lets a compiler round as it likes."""
    for module in (barriers, touches, windows):
        for name, each in vars(module).items():
            if hasattr(each, "targetoptions") and each.py_func.__module__ == module.__name__:
                assert not each.targetoptions.get("fastmath"), name
                assert not each.targetoptions.get("parallel"), name


def test_without_numba_the_cure_is_told():
    """Where numba is not installed, what needs it says how it is."""
    program = (
        "import sys; sys.modules['numba'] = None\n"
        "try:\n    import barmill.market.kernels.jit\nexcept Exception as error:\n    print(type(error).__name__, error)"
    )
    assert "barmill[research]" in run(program)


@pytest.mark.parametrize(
    "module", ["kernels", "series", "resample", "features", "touches", "barriers", "grids", "pips", "regimes", "patterns"]
)
def test_importing_is_cheap(module):
    """Neither numba nor scikit-learn is imported before something runs that needs it."""
    program = f"import sys, barmill.market.{module}; print(*[m for m in ('numba', 'sklearn', 'pandas') if m in sys.modules])"
    assert run(program).split() == []


def test_a_folder_that_can_not_be_written(tmp_path):
    """Installed where nobody may write, compiled code is kept in the user's cache."""
    program = (
        "import os; access = os.access; os.access = lambda path, mode: 'kernels' not in str(path) and access(path, mode)\n"
        "import barmill.market.kernels.jit, numba; print(numba.config.CACHE_DIR)"
    )
    assert Path(run(program, HOME=str(tmp_path)).strip()).parent == tmp_path / ".cache/barmill"
