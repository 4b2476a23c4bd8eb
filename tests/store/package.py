"""Small made packages on disk, and the code digest of their build function."""

import importlib
import sys
import textwrap
from pathlib import Path

from barmill.store import code, source
from barmill.store.code import Reached

STAGE = '''
"""A stage."""
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pkg.chain as linked
import pkg.plugin
from pkg import tools
from pkg.deep.inner import innermost
from pkg.shapes import Square
from math import floor as rounding
from .base import *
from .tools import first as primary

try:
    from pkg.fast import speed
except ImportError:
    from pkg.slow import speed

if TYPE_CHECKING:
    from pkg.types import Kind

TABLE = {"a": 1}
TABLE["b"] = 2
WEIGHT = 3
UNUSED = 4
os.environ.setdefault("PKG", "1")
tools.SWITCH = "on"


def decorate(function):
    return function


def build(text: Path, out: Path, *, times: int = 1) -> None:
    """Build it."""
    # a comment
    from .lazy import late

    total = WEIGHT + TABLE["b"]
    total += primary(times) + linked.link() + innermost() + starred() + speed()
    total += Square(2).area() + late() + rounding(helper(total))
    rows = json.loads((Path(__file__).parent / "table.json").read_text())
    out.write_text(str(total) + str(rows) + "data/deep.csv")


@decorate
def helper(value, step=5):
    return value + step


def unused():
    return tools.second()


def targets(plan):
    yield from ()


if __name__ == "__main__":
    print("called")
'''

PACKAGE = {
    "pkg/__init__.py": "from . import tools\nfrom . import shapes\nVERSION = 1\n",
    "pkg/stage.py": STAGE,
    "pkg/tools.py": 'SWITCH = "off"\nfrom pkg.far import away\ndef first(x):\n    return away(x)\n'
    "def second():\n    return 2\n",
    "pkg/far.py": "LIMIT = 9\ndef away(x):\n    return min(x, LIMIT)\ndef nearby(x):\n    return x\n",
    "pkg/chain.py": "from .chained import link\n",
    "pkg/chained.py": "def link():\n    return 1\n",
    "pkg/deep/__init__.py": "",
    "pkg/deep/inner.py": "from ..far import LIMIT as L\ndef innermost():\n    return L\n",
    "pkg/shapes.py": "class Base:\n    def area(self):\n        return self.side()\n    def side(self):\n        return 1\n"
    "class Square(Base):\n    def __init__(self, n):\n        self.n = n\nclass Round:\n    pass\n",
    "pkg/base.py": "def starred():\n    return 1\ndef _hidden():\n    return 2\n",
    "pkg/fast.py": "def speed():\n    return 1\n",
    "pkg/slow.py": "def speed():\n    return 2\n",
    "pkg/lazy.py": "def late():\n    return 1\n",
    "pkg/types.py": "class Kind:\n    pass\n",
    "pkg/plugin.py": "from pkg import tools\ndef register():\n    return 1\n",
    "pkg/alone.py": "def alone():\n    return 1\n",
    "pkg/table.json": "[1]",
    "pkg/data/deep.csv": "a,b",
    "pkg/other.json": "[1]",
}


def write(root: Path, package: dict[str, str]) -> None:
    """Write a package below `root`."""
    for name, text in package.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(textwrap.dedent(text))


def reach(root: Path, home: str = "pkg.stage") -> Reached:
    """What `build` of a module reaches, looked up afresh."""
    source.parse.cache_clear()
    source.find.cache_clear()
    importlib.invalidate_caches()
    sys.path.insert(0, str(root))
    try:
        reached = code.reach(home, "build")
    finally:
        sys.path.remove(str(root))
        for name in [name for name in sys.modules if name.partition(".")[0] in {"pkg", "other", "loose"}]:
            del sys.modules[name]
        source.parse.cache_clear()
        source.find.cache_clear()
    return reached
