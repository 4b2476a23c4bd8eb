"""TA-Lib on arrays, without pandas: its package imports pandas to wrap its functions, for 0.4 s in every process."""

import sys
from types import ModuleType

_EXTENSION = "talib._ta_lib"


def _load() -> ModuleType:
    """The package with its plain functions; whoever imports it after us has it whole."""
    known = sys.modules.keys() & {"talib", "pandas"}
    if not known:
        sys.modules["pandas"] = None  # type: ignore[assignment]  # an import of it fails as if it were not installed
    try:
        import talib
    finally:
        if not known:
            del sys.modules["pandas"]
    if not known:
        for name in [name for name in sys.modules if name.startswith("talib") and name != _EXTENSION]:
            del sys.modules[name]
    module: ModuleType = talib
    return module


TALIB = _load()
