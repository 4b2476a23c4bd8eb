"""Records: what came of each action, in `actions/ab/cdef….json`, found by the action's key."""

import contextlib
import errno
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from barmill import files
from barmill.errors import RecordCorrupt
from barmill.hashing import Digest, canonical, digest_bytes, digest_record

FORMAT = 1
DAMAGE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What `parsed` raises for a record that is damaged."""


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
        failed: names of the pieces that failed. A record with any is no hit; what it holds of the others is known.
    """

    key: Digest
    manifest: Mapping[str, Any]
    outputs: Mapping[str, Mapping[str, tuple[Digest, int]]]
    read: list[tuple[str, str, Digest]] = field(default_factory=list)
    task: str = ""
    seconds: float = 0.0
    started: str = ""
    host: str = ""
    failed: Sequence[str] = ()

    def objects(self) -> Iterator[tuple[Digest, int]]:
        """Digest and size of every object that it names; an empty folder has none."""
        for written in self.outputs.values():
            yield from ((digest, size) for name, (digest, size) in written.items() if not name.endswith("/"))


class Actions:
    """The records below a store's root."""

    def __init__(self, root: Path, *, fsync: bool = False) -> None:
        self.root = root
        self._folder = str(root / "actions")
        self.fsync = fsync

    def path(self, key: Digest) -> Path:
        """Where the record of `key` lies, if it is there."""
        return Path(self._name(key))

    def _name(self, key: Digest) -> str:
        return f"{self._folder}/{key[:2]}/{key[2:]}.json"

    def get(self, key: Digest) -> Record | None:
        """The record of an action, or None if there is none, or none that can be believed.

        A damaged or swapped record is moved to `quarantine/`; one of another format is left to those who can read it. Both
        are a miss, never a wrong hit.
        """
        try:
            return self.read(key)
        except FileNotFoundError:
            return None
        except RecordCorrupt:
            with contextlib.suppress(FileNotFoundError):  # another reader was faster
                self.set_aside(self.path(key))
            return None

    def read(self, key: Digest) -> Record | None:
        """The record of an action, or None if it is one of another format.

        Raises:
            FileNotFoundError: there is none.
            RecordCorrupt: it can't be believed; it is left where it is.
        """
        path = self._name(key)
        try:
            return parsed(files.read(path), key)
        except DAMAGE as error:
            fact = error.args[0] if isinstance(error, Unfit) else "it is no record"
        except OSError as error:
            if not files.is_damage(error):
                raise
            fact = f"it can't be read ({error.strerror})"
        raise RecordCorrupt(f"record {path} is damaged: {fact}", "run doit: what needs it is built again")

    def set_aside(self, path: Path) -> Path:
        """Move the file of a damaged record to `quarantine/`; tells where it is now."""
        aside = self.root / "quarantine" / path.name
        files.move(path, aside)
        return aside

    def touch(self, key: Digest) -> bool:
        """Mark a record as used now, which keeps it from a gc that has begun; False if it is not there.

        Call it under the shared lock. A record of another owner can't be marked.
        """
        try:
            os.utime(self._name(key))
        except FileNotFoundError:
            return False
        except OSError as error:
            if error.errno not in {errno.EACCES, errno.EPERM, errno.EROFS}:
                raise
        return True

    def put(self, record: Record) -> None:
        """Write a record, replacing the one of the same key."""
        files.write_atomic(self.path(record.key), canonical(body(record)), mode=0o444, fsync=self.fsync)


class Unfit(ValueError):
    """A record that is one by its form and does not fit its name or its check."""


def body(record: Record) -> dict[str, Any]:
    """The JSON object that a record is written as."""
    fields = {"format": FORMAT, **vars(record)}
    if not record.failed:  # most have none
        del fields["failed"]
    return fields | {"check": digest_record(fields)}


def parsed(data: bytes, key: Digest) -> Record | None:
    """The record that a file holds, None if it has another format; any error means that it is damaged."""
    body = json.loads(data.decode())
    check, written = body.pop("check", None), body["format"]
    fits = _is_as_written(data, check) or digest_record(body) == check
    if written != FORMAT:
        # the check of a format that we do not know may be anything, but not that of ours with one digit turned
        if digest_record(body | {"format": FORMAT}) == check:
            raise Unfit(f"its format was {FORMAT} and reads {written}")
        return None
    if not fits:
        raise Unfit("its content has another check")
    if body["key"] != key:
        raise Unfit(f"it is that of {body['key']}")
    if digest_record(body["manifest"]) != key:
        raise Unfit("its manifest has another key")
    del body["format"]
    outputs = {role: {name: (d, n) for name, (d, n) in written.items()} for role, written in body.pop("outputs").items()}
    read = [(role, path, digest) for role, path, digest in body.pop("read")]
    return Record(outputs=outputs, read=read, **body)


def _is_as_written(data: bytes, check: object) -> bool:
    """Whether a record's bytes are those that `put` wrote: in them the check is the first field, and covers the others."""
    head = f'{{"check":"{check}",'.encode()
    return data.startswith(head) and digest_bytes(b"{" + data[len(head) :]) == check
