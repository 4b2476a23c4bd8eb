"""Compiled code kept between processes: of each kernel a file for each kind of arguments, named by all that decides it.

numba gives these files numbers, by an index that every process reads, changes and writes again. Two that compile one kernel for
different arguments at once may take the same number; arguments of one kind then go through code for the other, from then on
and without a word. Here nothing is read before it is written: equal names are equal code, whoever writes last.
"""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba.core.caching import FunctionCache, IndexDataCacheFile

from barmill import files
from barmill.hashing import Digest, digest_bytes, digest_file, digest_record


def sources() -> Digest:
    """Digest of the sources of all kernels, as they are now."""
    here = Path(__file__).parent
    return digest_record([[path.name, digest_file(path)] for path in sorted(here.glob("*.py"))])


LOADED = sources()
"""As they were before any kernel was loaded."""


class Kept(FunctionCache):  # type: ignore[misc]
    """numba's cache of a function, over files of ours."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._cache_file = _Files(self._cache_path, self._impl.filename_base, self._impl.locator.get_source_stamp())


class _Files(IndexDataCacheFile):  # type: ignore[misc]
    """The files of one function."""

    def save(self, key: Any, data: Any) -> None:
        """Keep code, unless a source was edited meanwhile: it may be that of what was there before the edit."""
        if sources() == LOADED:
            body: bytes = self._dump((self._all_of(key), data))
            files.write_atomic(self._path(key), digest_bytes(body).encode() + body)

    def load(self, key: Any) -> Any:
        """The code for a key, None if there is none, or none that is whole: then it is compiled."""
        try:
            content = files.read(self._path(key))
        except OSError:
            return None
        if digest_bytes(content[32:]).encode() != content[:32]:
            return None
        known, data = pickle.loads(content[32:])  # noqa: S301 numba reads its own in the same way, from the same folder
        return data if known == self._all_of(key) else None

    def _all_of(self, key: Any) -> tuple[Any, ...]:
        return self._version, self._source_stamp, key

    def _path(self, key: Any) -> Path:
        index = Path(self._index_path)
        return index.with_name(f"{index.stem}.{digest_bytes(repr(self._all_of(key)).encode())[:16]}.nbc")
