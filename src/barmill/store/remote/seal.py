"""The envelope: a record as it travels, with a strong digest of each object, sealed with the project's key."""

import hashlib
import hmac
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from barmill.errors import printable
from barmill.hashing import Digest, canonical, digest_bytes
from barmill.store import actions
from barmill.store.actions import Record
from barmill.store.remote.place import Unfit

FORMAT = 1
_DIGEST = re.compile(r"[0-9a-f]{32}", re.ASCII)
_STRONG = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MOST = 1 << 62  # bytes of an object
_ETERNITY = 1e12  # seconds
_PATH = 4096  # characters of a path
_TEXT = 500  # characters of any other text
_LONGEST = 255  # bytes of a file's name
_SELF = {"", "./"}  # names of an output that is a file, or a folder with nothing in it
_NOTHING = (digest_bytes(b""), 0)
_FIELDS = {"format", "record", "strong", "seal"}


@dataclass(frozen=True)
class Envelope:
    """A record that can be believed, and the SHA-256 of each object that it names."""

    record: Record
    strong: Mapping[Digest, str]


def pack(envelope: Envelope, key: str) -> bytes:
    """The bytes of an envelope; sealed if there is a key."""
    body = {"format": FORMAT, "record": actions.body(envelope.record), "strong": dict(envelope.strong)}
    return canonical({**body, "seal": _seal(body, key)})


def unpack(data: bytes, name: Digest, key: str) -> Envelope:
    """The envelope of the record `name`; every bit of it is as it was packed, but for what can't be shown, which reads `?`.

    Args:
        data: its bytes.
        name: the key of the record that was asked for.
        key: what it must be sealed with; "": a seal is not asked for.

    Raises:
        Unfit: it can't be believed, and why.
    """
    try:
        body = json.loads(data)
        whole = isinstance(body, dict) and body.keys() == _FIELDS and canonical(body) == data
    except (ValueError, TypeError, RecursionError):
        whole = False
    if not whole:
        raise Unfit("is no record")
    seal = body.pop("seal")
    if key and seal == "":
        raise Unfit("is not signed")
    if key and not (isinstance(seal, str) and hmac.compare_digest(seal.encode(), _seal(body, key).encode())):
        raise Unfit("is signed with another key")
    if body["format"] != FORMAT:
        raise Unfit(f"has the format {str(body['format'])[:20]!r}, not {FORMAT}")
    try:
        record = actions.parsed(canonical(body["record"]), name)
    except actions.DAMAGE as error:
        raise Unfit(error.args[0] if isinstance(error, actions.Unfit) else "is no record") from None
    if record is None:
        raise Unfit("is a record of another format")
    _check(record, body["strong"])
    return Envelope(_harmless(record), body["strong"])


def _harmless(record: Record) -> Record:
    """The record, with what is only ever shown of it as it may be shown: it comes from anybody, and goes to a terminal."""
    return replace(
        record,
        read=[(printable(role, _TEXT), printable(path, _PATH), digest) for role, path, digest in record.read],
        task=printable(record.task, _TEXT),
        started=printable(record.started, _TEXT),
        host=printable(record.host, _TEXT),
    )


def _seal(body: Mapping[str, Any], key: str) -> str:
    return hmac.new(key.encode(), canonical(body), hashlib.sha256).hexdigest() if key else ""


def _check(record: Record, strong: object) -> None:
    """See that nothing in a record can do harm, whoever wrote it."""
    _check_said(record)
    if sorted(record.outputs) != record.manifest.get("outputs"):
        raise Unfit("has other outputs than its manifest")
    for role, written in record.outputs.items():
        _check_names(role, written)
        for digest, size in written.values():
            if not (_is(_DIGEST, digest) and type(size) is int and 0 <= size < _MOST):
                raise Unfit("names an object that can't be one")
    named = {digest for digest, _ in record.objects()}
    if not isinstance(strong, dict) or strong.keys() != named or not all(_is(_STRONG, each) for each in strong.values()):
        raise Unfit("does not vouch for its objects")


def _check_said(record: Record) -> None:
    """See that what a record says of its build has the form that those who read it expect."""
    pieces = record.manifest.get("pieces", {})
    if not (isinstance(pieces, dict) and all(isinstance(each, list) and all(map(_is_text, each)) for each in pieces.values())):
        raise Unfit("has pieces that are none")
    known = {name for names in pieces.values() for name in names}
    if not (isinstance(record.failed, list | tuple) and all(map(_is_text, record.failed)) and known.issuperset(record.failed)):
        raise Unfit("says of pieces what can't be")
    if not all(_is_text(role) and _is_text(path) and _is(_DIGEST, digest) for role, path, digest in record.read):
        raise Unfit("says of its inputs what can't be")
    if not (all(map(_is_text, (record.task, record.started, record.host))) and _is_seconds(record.seconds)):
        raise Unfit("says of its build what can't be")


def _check_names(role: str, written: Mapping[str, Any]) -> None:
    if not is_normal(role) or "/" in role:
        raise Unfit(f"names an output {role[:40]!r}, which none may be called")
    if len(written) > 1 and not written.keys().isdisjoint(_SELF):
        raise Unfit("names an output that is a file and a folder")
    if any(name.endswith("/") and tuple(each) != _NOTHING for name, each in written.items()):
        raise Unfit("names an empty folder that is none")
    folders = {above for name in written for above in _above(name.rstrip("/"))}
    for name in written:
        plain = name.removesuffix("/")
        if name not in _SELF and (not is_normal(plain) or plain in folders):
            raise Unfit(f"names a file {name[:40]!r}, which none may be called")


def is_normal(name: str) -> bool:
    """Whether a name is a relative path, each of whose parts is the name of something."""
    try:
        lengths = [len(os.fsencode(part)) for part in name.split("/")]
    except UnicodeEncodeError:
        return False
    fits = all(0 < length <= _LONGEST for length in lengths)
    return fits and "\0" not in name and not any(part in (".", "..") for part in name.split("/"))


def _above(name: str) -> Iterable[str]:
    parts = name.split("/")
    return ("/".join(parts[:count]) for count in range(1, len(parts)))


def _is(form: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and form.fullmatch(value) is not None


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_seconds(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _ETERNITY
