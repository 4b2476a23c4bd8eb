"""Why a target would run: the questions that decide, in order. Explaining asks all of them, deciding stops at the first."""

from collections.abc import Iterator, Mapping
from typing import Any

from barmill.hashing import Digest, digest_record
from barmill.store.cache import Cache
from barmill.target import Target


def reasons(cache: Cache, target: Target, values: Mapping[str, Any]) -> Iterator[str]:
    """Yield each reason why the target is not up to date; nothing if it is.

    Args:
        cache: the project's cache.
        target: what would be built.
        values: what its last run recorded (`key`, `outputs`); empty if there was none.

    Raises:
        InputError: an input is missing or can't be read.
    """
    manifest = cache.manifest(target, once=True)
    recorded = values.get("key")
    if recorded is None:
        yield "it was not built here before"
        return
    if digest_record(manifest) != recorded:
        yield from _differences(cache, target, Digest(recorded), manifest)
    misplaced = cache.misplaced(target, values["outputs"], once=True)
    if misplaced is not None:
        yield f"output {misplaced}"


def why(cache: Cache, target: Target, values: Mapping[str, Any]) -> str | None:
    """The first reason why the target is not up to date, or None if it is."""
    return next(reasons(cache, target, values), None)


def _differences(cache: Cache, target: Target, recorded: Digest, manifest: Mapping[str, Any]) -> Iterator[str]:
    """What differs between two manifests whose keys differ: always something."""
    record = cache.actions.get(recorded)
    if record is None:
        yield f"what it was built from has changed (the record {recorded[:12]} of its last build is not in the store)"
        return
    before = record.manifest
    if before["build"] != manifest["build"]:
        yield f"the build function changed: {before['build']} → {manifest['build']}"
    if before["code"] != manifest["code"]:
        yield f"the code of {manifest['build']} changed: {before['code'][:12]} → {manifest['code'][:12]}"
    yield from _changes("library", before["versions"], manifest["versions"])
    yield from _changes("parameter", before["params"], manifest["params"])
    if before["outputs"] != manifest["outputs"]:
        yield f"the outputs changed: {', '.join(before['outputs'])} → {', '.join(manifest['outputs'])}"
    changed = {role for role, digest in manifest["inputs"].items() if before["inputs"].get(role) != digest}
    changed |= before["inputs"].keys() - manifest["inputs"].keys()
    was = {(role, path): digest for role, path, digest in record.read}
    now = {(role, str(path)): cache.stats.digest_once(path) for role, path in target.spelled_out()}
    for role, path in sorted(was.keys() | now.keys()):
        old, new = was.get((role, path)), now.get((role, path))
        if role in changed and old != new:
            yield f"input {role} {path}: {(old or 'absent')[:12]} → {(new or 'absent')[:12]}"


def _changes(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield f"{kind} {name} changed: {before.get(name)!r} → {after.get(name)!r}"
