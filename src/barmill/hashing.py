"""Digests: xxh3-128 of bytes, of files, and of records in one canonical form.

A digest is 32 lower-case hex digits. xxh3-128 finds change, not forgery: it is no defence against somebody who
wants a collision.
"""

import json
import os
from typing import NewType

import xxhash

Digest = NewType("Digest", str)

_FIRST = 1 << 16  # a buffer of 1 MiB costs more to get and to give back than the reading of a small file
_BLOCK = 1 << 20


def digest_bytes(data: bytes) -> Digest:
    """Digest of `data`."""
    return Digest(xxhash.xxh3_128_hexdigest(data))


def digest_file(path: str | os.PathLike[str]) -> Digest:
    """Digest of the content of the file at `path`, a large one read in blocks of 1 MiB.

    Raises:
        OSError: the file is missing or can't be read.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        block = os.read(fd, _FIRST)
        more = os.read(fd, _FIRST)
        if not more:
            return digest_bytes(block)
        state = xxhash.xxh3_128(block)
        while more:
            state.update(more)
            more = os.read(fd, _BLOCK)
        return Digest(state.hexdigest())
    finally:
        os.close(fd)


def canonical(value: object) -> bytes:
    """The one byte form of a JSON value: sorted keys, no blanks, ASCII; 1, 1.0, "1" and true all differ.

    Raises:
        TypeError: the value, or a part of it, is not a JSON value.
    """
    return _ENCODER.encode(value).encode("ascii")


def digest_record(value: object) -> Digest:
    """Digest of a JSON value in its canonical form."""
    return digest_bytes(canonical(value))


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, check_circular=False)
