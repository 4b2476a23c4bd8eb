"""Stores and a remote between them, for tests."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from barmill.hashing import digest_bytes, digest_record
from barmill.store.actions import Record
from barmill.store.cache import Cache
from barmill.store.remote.options import RemoteOptions, checked

KEY = "sesame"


def cache_at(root: Path, remote: Path | str, **options: Any) -> Cache:
    """A cache in its own store, over a remote."""
    given = {"key": KEY, "patience": 5.0} | options
    return Cache(root / "store", root / "state.sqlite", remote=RemoteOptions(checked(str(remote)), **given))


def put(cache: Cache, files: Mapping[str, bytes], seconds: float = 0.5, **manifest: Any) -> Record:
    """Store a record with one output of these files in a cache's store."""
    body = {"format": 1, "build": "m.build", "outputs": ["out"], **manifest}
    outputs = {}
    for name, data in files.items():
        cache.objects.add(memoryview(data), digest_bytes(data))
        outputs[name] = (digest_bytes(data), len(data))
    record = Record(
        digest_record(body), body, {"out": outputs}, [("text", "a", digest_bytes(b"a"))], "t:a", seconds, "2026", "h"
    )
    cache.actions.put(record)
    return record


def contents(root: Path) -> dict[str, bytes]:
    """Relative path → bytes of every file below a folder."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def sha(data: bytes) -> str:
    """Its SHA-256."""
    return hashlib.sha256(data).hexdigest()
