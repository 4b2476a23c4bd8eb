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
    fd = os.open(path, os.O_RDONLY)
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


def json_fault(value: object) -> str:
    """Why a value is not the JSON value that it would be read back as, as text for people; "" if it is.

    A tuple counts as a list. Refused are what JSON would take for another value: keys that are not text (1 becomes "1"), and
    subclasses of text and numbers (an enum becomes its value, a numpy number a plain one).
    """
    if value is None or type(value) in _SCALARS:
        return ""
    if type(value) is dict:
        for key in value:
            if type(key) is not str:
                return f"the key {key!r} of {value!r} is not text"
        return next(filter(None, map(json_fault, value.values())), "")
    if type(value) in {list, tuple}:
        return next(filter(None, map(json_fault, value)), "")  # type: ignore[call-overload]
    return f"{value!r} is a {type(value).__module__}.{type(value).__qualname__}"


def digest_record(value: object) -> Digest:
    """Digest of a JSON value in its canonical form."""
    return digest_bytes(canonical(value))


_SCALARS = {str, bool, int, float}
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, check_circular=False)
