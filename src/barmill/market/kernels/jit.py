"""How kernels are compiled: exactly, and never from an older source.

numba keeps compiled code under the name and modification time of the file of a function, and so would use it again when a
function that it calls, in another file, has changed. Here it is kept under the digest of all kernels: none is ever stale.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from barmill.errors import ConfigError
from barmill.hashing import digest_file, digest_record

try:
    import numba
except ImportError:
    raise ConfigError("the research stages need numba, which is not installed", "pip install 'barmill[research]'") from None

_F = TypeVar("_F", bound=Callable[..., Any])
njit: Any = numba.njit
_config: Any = numba.config


def _cache_folder() -> Path:
    here = Path(__file__).parent
    digest = digest_record([[path.name, digest_file(path)] for path in sorted(here.glob("*.py"))])
    chosen = Path(_config.CACHE_DIR) if _config.CACHE_DIR else here / "__pycache__"
    if not os.access(here, os.W_OK) and not _config.CACHE_DIR:
        chosen = Path("~/.cache/barmill").expanduser()
    return chosen / f"kernels-{digest[:12]}"


_config.CACHE_DIR = str(_cache_folder())

kernel: Callable[[_F], _F] = njit(cache=True, nogil=True, error_model="numpy")
"""Decorator of a loop that Python calls."""

part: Callable[[_F], _F] = njit(nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)
"""Decorator of a function that only kernels call: compiled into them."""
