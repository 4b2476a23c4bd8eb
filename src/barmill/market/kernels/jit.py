"""How kernels are compiled: exactly, and never from an older source.

numba keeps compiled code under the name and modification time of the file of a function, and so would use it again when a
function that it calls, in another file, has changed. Here it is kept under the digest of all kernels: none is ever stale; by
`compiled`, none is that for other arguments.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from barmill.errors import ConfigError

try:
    import numba
except ImportError:
    raise ConfigError("the research stages need numba, which is not installed", "pip install 'barmill[research]'") from None

from barmill.market.kernels import compiled

_F = TypeVar("_F", bound=Callable[..., Any])
_njit: Any = numba.njit
_config: Any = numba.config


def _cache_folder() -> Path:
    here = Path(__file__).parent
    chosen = Path(_config.CACHE_DIR) if _config.CACHE_DIR else here / "__pycache__"
    if not os.access(here, os.W_OK) and not _config.CACHE_DIR:
        chosen = Path("~/.cache/barmill").expanduser()
    return chosen / f"kernels-{compiled.LOADED[:12]}"


_config.CACHE_DIR = str(_cache_folder())


def _kept(**options: Any) -> Callable[[_F], _F]:
    """Decorator of a loop that Python calls; its compiled code is kept."""

    def kept(function: _F) -> _F:
        dispatcher = _njit(**options)(function)
        dispatcher._cache = compiled.Kept(function)  # noqa: SLF001 numba's own `cache=True` does no more
        found: _F = dispatcher
        return found

    return kept


kernel = _kept(nogil=True, error_model="numpy")
"""Decorator of a loop that Python calls."""

loop = _kept()
"""As `kernel`, of a loop that holds the interpreter and tells of a division by zero."""

part: Callable[[_F], _F] = _njit(nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)
"""Decorator of a function that only kernels call: compiled into them."""
