"""Loops that numba compiles; imported only by what is about to run them (`barmill[research]`).

numba keeps compiled code under the name and modification time of the file of a function, and so would use it again when a
function that it calls, in another file, has changed. Here it is kept under the digest of all kernels: none is ever stale.
"""

import os
from pathlib import Path

from barmill.errors import ConfigError
from barmill.hashing import digest_file, digest_record

try:
    from numba import config
except ImportError:
    raise ConfigError("the research stages need numba, which is not installed", "pip install 'barmill[research]'") from None


def _cache_folder() -> Path:
    here = Path(__file__).parent
    digest = digest_record([[path.name, digest_file(path)] for path in sorted(here.glob("*.py"))])
    chosen = Path(config.CACHE_DIR) if config.CACHE_DIR else here / "__pycache__"
    if not os.access(here, os.W_OK) and not config.CACHE_DIR:
        chosen = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "barmill"
    return chosen / f"kernels-{digest[:12]}"


config.CACHE_DIR = str(_cache_folder())
