"""zstd, where it is installed: Python's own from 3.14 on, else its backport (`barmill[zstd]`)."""

import sys
from types import ModuleType

from barmill.errors import StoreError

_LEVEL = (
    1  # of made and real price files, levels 1 and 3 both leave a quarter; level 1 takes 0.27 ms for 98 kB, level 3 0.35 ms
)


def compress(data: bytes) -> bytes:
    """A zstd frame of `data`."""
    packed: bytes = _zstd().compress(data, _LEVEL)
    return packed


def decompress(packed: bytes) -> bytes:
    """The content of a zstd frame.

    Raises:
        ValueError: it is damaged.
    """
    try:
        data: bytes = _zstd().decompress(packed)
    except _zstd().ZstdError as error:
        raise ValueError(str(error)) from None
    return data


def _zstd() -> ModuleType:
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd
        else:
            from backports import zstd
    except ImportError:
        raise StoreError("the store has compressed objects, and zstd is not installed", "pip install 'barmill[zstd]'") from None
    module: ModuleType = zstd
    return module
