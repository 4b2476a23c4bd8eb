"""Code digests: which edits of a package change the digest of its build function, and which do not."""

import sys
from pathlib import Path

import pytest

from tests.store.package import PACKAGE, reach, write

STAGE = "pkg/stage.py"
CHANGING = {
    "constant": (STAGE, "WEIGHT = 3", "WEIGHT = 30"),
    "table": (STAGE, 'TABLE = {"a": 1}', 'TABLE = {"a": 7}'),
    "item of a table": (STAGE, 'TABLE["b"] = 2', 'TABLE["b"] = 7'),
    "body": (STAGE, "WEIGHT + TABLE", "WEIGHT - TABLE"),
    "local name": (STAGE, "total", "grand"),
    "default of build": (STAGE, "times: int = 1", "times: int = 2"),
    "default of a helper": (STAGE, "step=5", "step=6"),
    "helper": (STAGE, "return value + step", "return value * step"),
    "decorator": (STAGE, "    return function\n", "    return staticmethod(function)\n"),
    "decorator removed": (STAGE, "@decorate\n", ""),
    "effect at import": (STAGE, '("PKG", "1")', '("PKG", "2")'),
    "attribute set on another module": (STAGE, 'tools.SWITCH = "on"', 'tools.SWITCH = "up"'),
    "import swapped": (STAGE, "from .tools import first as primary", "from .far import away as primary"),
    "function of a library swapped": (STAGE, "floor as", "ceil as"),
    "function of another module": ("pkg/tools.py", "return away(x)", "return away(-x)"),
    "two modules away": ("pkg/far.py", "min(x, LIMIT)", "max(x, LIMIT)"),
    "constant two modules away": ("pkg/far.py", "LIMIT = 9", "LIMIT = 8"),
    "behind import as": ("pkg/chained.py", "return 1", "return 2"),
    "re-exported elsewhere": ("pkg/chain.py", "from .chained import link", "from .far import away as link"),
    "relative import upwards": ("pkg/deep/inner.py", "return L", "return L + 1"),
    "method": ("pkg/shapes.py", "self.n = n", "self.n = n + 1"),
    "method of a base class": ("pkg/shapes.py", "return 1", "return 2"),
    "behind import *": ("pkg/base.py", "return 1", "return 3"),
    "import in a function": ("pkg/lazy.py", "return 1", "return 2"),
    "import in a try": ("pkg/fast.py", "return 1", "return 2"),
    "import in an except": ("pkg/slow.py", "return 2", "return 3"),
    "effect in an imported module": ("pkg/lazy.py", "def late", "print()\ndef late"),
    "effect in a package": ("pkg/deep/__init__.py", "", "print()\n"),
    "effect in a module that is only imported": ("pkg/plugin.py", "def reg", "print()\ndef reg"),
    "data file": ("pkg/table.json", "[1]", "[2]"),
    "data file in a folder": ("pkg/data/deep.csv", "a,b", "a,c"),
}
KEEPING = {
    "comment": (STAGE, "# a comment", "# another comment"),
    "docstring": (STAGE, '"""Build it."""', '"""Build it well.\n\n    Twice."""'),
    "docstring of the module": (STAGE, '"""A stage."""', '"""The stage."""'),
    "formatting": (STAGE, "total = WEIGHT + TABLE", "total = (\n        WEIGHT)   +   TABLE"),
    "blank lines": (STAGE, "WEIGHT = 3\n", "\n\n\nWEIGHT = 3\n\n\n"),
    "quotes": (STAGE, 'TABLE["b"] = 2', "TABLE['b'] = 2"),
    "type hint": (STAGE, "times: int = 1", "times: float = 1"),
    "type of the result": (STAGE, "-> None", "-> 'Kind | None'"),
    "import for types": (STAGE, "from pkg.types import Kind", "from pkg.alone import alone"),
    "unused function": (STAGE, "return tools.second()", "return 3"),
    "unused constant": (STAGE, "UNUSED = 4", "UNUSED = 5"),
    "new function": (STAGE, "def unused", "def fresh():\n    return 1\n\n\ndef unused"),
    "targets": (STAGE, "yield from ()", "yield from plan.symbols"),
    "main block": (STAGE, 'print("called")', 'print("called again")'),
    "order of functions": (STAGE, "import json\nimport os\n", "import os\nimport json\n"),
    "unused function of another module": ("pkg/tools.py", "return 2", "return 3"),
    "unused function two modules away": ("pkg/far.py", "return x\n", "return -x\n"),
    "unused class": ("pkg/shapes.py", "class Round:\n    pass", "class Round:\n    size = 1"),
    "constant of the package": ("pkg/__init__.py", "VERSION = 1", "VERSION = 2"),
    "unused function of a module that is only imported": ("pkg/plugin.py", "return 1", "return 2"),
    "types only": ("pkg/types.py", "pass", "name = 1"),
    "module that nobody imports": ("pkg/alone.py", "return 1", "return 2"),
    "hidden from import *": ("pkg/base.py", "return 2", "return 5"),
    "data file that nobody names": ("pkg/other.json", "[1]", "[2]"),
    "docstring of a helper": ("pkg/far.py", "def away(x):\n", 'def away(x):\n    """Away."""\n'),
}


def edited(root: Path, name: str, old: str, new: str) -> None:
    """Make an edit; it must hit something."""
    path = root / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new) if old else new)


@pytest.mark.parametrize("name", CHANGING)
def test_edits_of_what_is_reached_change_the_digest(tmp_path: Path, name: str) -> None:
    """An edit of anything that the build function can reach changes its digest, and undoing it brings the old one back."""
    write(tmp_path, PACKAGE)
    before = reach(tmp_path).digest()
    path, old, new = CHANGING[name]
    edited(tmp_path, path, old, new)
    assert reach(tmp_path).digest() != before
    write(tmp_path, PACKAGE)
    assert reach(tmp_path).digest() == before


@pytest.mark.parametrize("name", KEEPING)
def test_edits_of_anything_else_keep_the_digest(tmp_path: Path, name: str) -> None:
    """An edit of comments, hints, form, or of what is not reached keeps the digest."""
    write(tmp_path, PACKAGE)
    before = reach(tmp_path)
    edited(tmp_path, *KEEPING[name])
    assert reach(tmp_path).parts == before.parts


def test_the_place_of_a_package_does_not_count(tmp_path: Path) -> None:
    """The same package in another folder has the same digest."""
    write(tmp_path / "one", PACKAGE)
    write(tmp_path / "two", PACKAGE)
    assert reach(tmp_path / "one").digest() == reach(tmp_path / "two").digest()


def test_every_file_looked_at_is_named(tmp_path: Path) -> None:
    """The files whose change asks for a new look are the sources reached or imported, and the data files named."""
    write(tmp_path, PACKAGE)
    found = {str(path.relative_to(tmp_path)) for path in reach(tmp_path).files}
    assert found == set(PACKAGE) - {"pkg/alone.py", "pkg/other.json", "pkg/types.py"}


@pytest.mark.parametrize(
    ("init", "stage"),
    [
        ("from . import h", "import pkg\ndef build(out): pkg.h.f()"),
        ("from . import h", "from pkg import h\ndef build(out): h.f()"),
        ("from pkg import h as k", "import pkg as p\ndef build(out): p.h.f()"),
        ("from .h import f", "from pkg import f\ndef build(out): f()"),
        ("from .h import *", "from pkg import f\ndef build(out): f()"),
        ("", "import pkg.h\ndef build(out): pkg.h.f()"),
        ("", "from . import h\ndef build(out): h.f()"),
        ("", "from pkg.h import f\nTABLE = {1: f}\ndef build(out): TABLE[1]()"),
        ("", "from pkg import h\nALL = [h]\ndef build(out): ALL[0].f()"),
        ("", "if True:\n    from pkg import h\nelse:\n    h = None\ndef build(out): h.f()"),
        ("", "def build(out):\n    import pkg.h\n    pkg.h.f()"),
        ("def __getattr__(name):\n    from . import h\n    return h.f", "from pkg import anything\ndef build(out): anything()"),
    ],
)
def test_ways_to_import(tmp_path: Path, init: str, stage: str) -> None:
    """A function is reached however it is imported: through a package, by another name, from a block, or by `__getattr__`."""
    write(tmp_path, {"pkg/__init__.py": init, "pkg/h.py": "def f(): return 1\n", "pkg/stage.py": stage})
    assert ("pkg.h", "f") in reach(tmp_path).parts


@pytest.mark.parametrize(
    ("h", "stage"),
    [
        ("from pkg.stage import g\ndef f(): return g()", "from pkg.h import f\ndef g(): return f()\ndef build(out): g()"),
        ("from pkg.stage import f", "from pkg.h import f\ndef build(out): f()"),
        ("from pkg.stage import *", "from pkg.h import *\ndef build(out): f()"),
        ("import pkg.stage\ndef f(): return pkg.stage.build", "from pkg import h\ndef build(out): h.f()"),
    ],
)
def test_circles_end(tmp_path: Path, h: str, stage: str) -> None:
    """Modules and functions that need one another are followed to an end."""
    write(tmp_path, {"pkg/__init__.py": "", "pkg/h.py": h, "pkg/stage.py": stage})
    assert ("pkg.stage", "build") in reach(tmp_path).parts


def test_a_folder_without_init_is_ours(tmp_path: Path) -> None:
    """Code in a folder of the project counts, also where the folder has no __init__.py and another top name."""
    write(tmp_path, {"loose/h.py": "def f(): return 1", "other.py": "from loose import h\ndef build(out): h.f()\n"})
    reached = reach(tmp_path, "other")
    assert ("loose.h", "f") in reached.parts
    assert reached.libraries == set()


def test_libraries_count_where_they_are_used(tmp_path: Path) -> None:
    """A library is named if what was reached uses it; the standard library, ours, and unused imports are not."""
    stage = (
        "import json\nimport numpy as np\nimport pandas as pd\nfrom . import h\ndef build(out): np.zeros(json.loads(h.f()))\n"
    )
    helper = "import xxhash\ndef f():\n    from pyarrow import csv\n    return csv\ndef g(): xxhash.xxh3_128()\n"
    write(tmp_path, {"pkg/__init__.py": "", "pkg/stage.py": stage, "pkg/h.py": helper})
    assert reach(tmp_path).libraries == {"numpy", "pyarrow"}


def test_nothing_of_the_package_stays_imported(tmp_path: Path) -> None:
    """Looking code up runs none of it but the packages above a module."""
    write(tmp_path, PACKAGE | {"pkg/lazy.py": "raise RuntimeError\ndef late():\n    return 1\n"})
    assert ("pkg.lazy", "late") in reach(tmp_path).parts
    assert not any(f"{name}.".startswith("pkg.") for name in sys.modules)


def test_getattr_of_a_package_is_not_followed_for_its_own_module(tmp_path: Path) -> None:
    """A module that a package has is reached as such: `__getattr__` of the package counts only for other names."""
    init = "import importlib\ndef __getattr__(name): return importlib.import_module(f'pkg.lazy.{name}')\n"
    stage = "from pkg import h\ndef build(out): return h.f()\n"
    h = "def f(): return 1\ndef g(): return 2\n"
    write(tmp_path, {"pkg/__init__.py": init, "pkg/lazy/a.py": "def a(): return 1\n", "pkg/h.py": h, "pkg/stage.py": stage})
    assert {module for module, name in reach(tmp_path).parts if name} == {"pkg.stage", "pkg.h"}
    assert ("pkg.h", "g") not in reach(tmp_path).parts
    write(tmp_path, {"pkg/stage.py": "from pkg import a\ndef build(out): return a.a()\n"})
    assert ("pkg.lazy.a", "a") in reach(tmp_path).parts
