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


@pytest.fixture
def kernels(tmp_path):
    """The kernels of a copy of the package, with a part that gives 1, and a kernel in another file that asks for it."""
    shutil.copytree(REPOSITORY / "src/barmill", tmp_path / "barmill", ignore=shutil.ignore_patterns("__pycache__"))
    kernels = tmp_path / "barmill/market/kernels"
    (kernels / "given.py").write_text("from barmill.market.kernels.jit import part\n\n@part\ndef given():\n    return 1\n")
    (kernels / "asked.py").write_text(
        "from barmill.market.kernels.jit import kernel\nfrom barmill.market.kernels.given import given\n\n"
        "@kernel\ndef asked():\n    return given()\n"
    )
    return kernels


def test_compiled_code_is_never_older_than_its_source(kernels, tmp_path):
    """A part is edited in another file of kernels, its size and time kept as they were: what calls it is compiled again."""
    program = "from barmill.market.kernels.asked import asked; print(asked(), sum(asked.stats.cache_hits.values()))"
    assert [run(program, tmp_path).split() for _ in range(2)] == [["1", "0"], ["1", "1"]]
    status = (kernels / "given.py").stat()
    (kernels / "given.py").write_text((kernels / "given.py").read_text().replace("return 1", "return 2"))
    os.utime(kernels / "given.py", ns=(status.st_atime_ns, status.st_mtime_ns))
    shutil.rmtree(kernels / "__pycache__/given.cpython-311.pyc", ignore_errors=True)
    assert run(program, tmp_path, PYTHONDONTWRITEBYTECODE="1").split()[0] == "2"


def test_code_of_an_edit_that_was_taken_back_is_not_kept(kernels, tmp_path):
    """A part is edited while a process is at work that then loads it, and put back as it was: what it made goes."""
    edit = "import pathlib; path = pathlib.Path('barmill/market/kernels/given.py'); text = path.read_text()"
    ask = "from barmill.market.kernels.asked import asked; print(asked())"
    program = (
        f"{edit}; import barmill.market.kernels.jit; path.write_text(text.replace('1', '2')); {ask}; path.write_text(text)"
    )
    assert [run(each, tmp_path, PYTHONDONTWRITEBYTECODE="1").split() for each in (program, ask)] == [["2"], ["1"]]


def test_compiled_code_that_is_damaged(kernels, tmp_path):
    """A file that was cut off, or of which a byte was turned, is compiled again, and is whole then."""
    program = "from barmill.market.kernels.asked import asked; print(asked(), sum(asked.stats.cache_hits.values()))"
    run(program, tmp_path)
    (path,) = kernels.rglob("*.nbc")
    whole = path.read_bytes()
    for spoilt in (b"", whole[:100], whole[:100] + bytes([whole[100] ^ 1]) + whole[101:]):
        path.write_bytes(spoilt)
        assert [run(program, tmp_path).split() for _ in range(2)] == [["1", "0"], ["1", "1"]]


KINDS = """
import sys
import numpy as np
from barmill.market.kernels.rolling import wilder

values = np.arange(40.0)
kinds = {"whole": values, "strided": values[::2]}
print([np.array_equal(wilder(kinds[name], 3), wilder.py_func(kinds[name], 3), equal_nan=True) for name in sys.argv[1:]])
"""


def test_processes_that_compile_for_different_arguments_at_once(tmp_path):
    """Whose files come last, of each name by itself, as at the end of a race: no arguments go through code for others."""
    folders = {name: tmp_path / name for name in ("whole", "strided")}
    for name, folder in folders.items():
        assert run(f"import sys; sys.argv[1:] = [{name!r}]\n{KINDS}", NUMBA_CACHE_DIR=str(folder)) == "[True]\n"
    for number, (first, last) in enumerate((("whole", "strided"), ("strided", "whole"))):
        both = tmp_path / f"both{number}"
        shutil.copytree(folders[first], both)
        shutil.copytree(folders[last], both, ignore=shutil.ignore_patterns("*.nbc"), dirs_exist_ok=True)
        for path in folders[last].rglob("*.nbc"):
            place = both / path.relative_to(folders[last])
            place.exists() or shutil.copy(path, place)
        told = f"import sys; sys.argv[1:] = ['whole', 'strided']\n{KINDS}"
        assert run(told, NUMBA_CACHE_DIR=str(both)) == "[True, True]\n"


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
    "module",
    ["kernels", "series", "resample", "features", "touches", "barriers", "grids", "pips", "regimes", "validity", "patterns"],
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
