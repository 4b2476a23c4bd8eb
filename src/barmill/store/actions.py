"""Records: what came of each action, in `actions/ab/cdef….json`, found by the action's key."""

import contextlib
import errno
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from barmill import files
from barmill.hashing import Digest, canonical, digest_record

FORMAT = 1
DAMAGE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True)
class Record:
    """What came of an action.

    Attributes:
        key: digest of `manifest`.
        manifest: everything that decides the outputs' bytes: build, code, versions, params, inputs (role → digest),
            outputs (roles).
        outputs: role → relative name → (digest, size in bytes).
        read: (role, path, digest) of every input file, for explanations; paths are those of the build that wrote this.
        task: name of the task that was built.
        seconds: wall time of the build function.
        started: UTC time at which it started, ISO 8601.
        host: machine it ran on.
    """

    key: Digest
    manifest: Mapping[str, Any]
    outputs: Mapping[str, Mapping[str, tuple[Digest, int]]]
    read: list[tuple[str, str, Digest]] = field(default_factory=list)
    task: str = ""
    seconds: float = 0.0
    started: str = ""
    host: str = ""


class Actions:
    """The records below a store's root."""

    def __init__(self, root: Path, *, fsync: bool = False) -> None:
        self.root = root
        self.fsync = fsync

    def path(self, key: Digest) -> Path:
        """Where the record of `key` lies, if it is there."""
        return self.root / "actions" / key[:2] / f"{key[2:]}.json"

    def get(self, key: Digest) -> Record | None:
        """The record of an action, or None if there is none, or none that can be believed.

        A damaged or swapped record is moved to `quarantine/`; one of another format is left to those who can read it. Both
        are a miss, never a wrong hit.
        """
        path = self.path(key)
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            return parse(text, key)
        except DAMAGE:
            with contextlib.suppress(FileNotFoundError):  # another reader was faster
                files.move(path, self.root / "quarantine" / path.name)
            return None

    def touch(self, key: Digest) -> bool:
        """Mark a record as used now, which keeps it from a gc that has begun; False if it is not there.

        Call it under the shared lock. A record of another owner can't be marked.
        """
        try:
            os.utime(self.path(key))
        except FileNotFoundError:
            return False
        except OSError as error:
            if error.errno not in {errno.EACCES, errno.EPERM, errno.EROFS}:
                raise
        return True

    def put(self, record: Record) -> None:
        """Write a record, replacing the one of the same key."""
        body = {"format": FORMAT, **vars(record)}
        body["check"] = digest_record(body)
        files.write_atomic(self.path(record.key), canonical(body), mode=0o444, fsync=self.fsync)


def parse(text: bytes, key: Digest) -> Record | None:
    """The record of `key` that a file holds, or None if it is of another format; any of `DAMAGE` means that it is damaged."""
    body = json.loads(text)
    if body["format"] != FORMAT:
        return None
    check = body.pop("check")
    if body["key"] != key or digest_record(body) != check:
        raise ValueError(key)
    del body["format"]
    outputs = {role: {name: (d, n) for name, (d, n) in written.items()} for role, written in body.pop("outputs").items()}
    read = [(role, path, digest) for role, path, digest in body.pop("read")]
    return Record(outputs=outputs, read=read, **body)
