"""Whether a target is up to date, and why not.

One line says what a target is: its key and the digests of its outputs. It is up to date if the line is the one recorded when
it was last finished. What makes the lines differ is the explanation: each part of the key, each output.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from barmill.hashing import Digest, canonical
from barmill.store.cache import Cache
from barmill.store.stats import ABSENT
from barmill.target import Target

_FAILED = '"failed":'  # a key of an entry; within a text its quotes would be escaped


def is_fresh(cache: Cache, target: Target, task: str) -> bool:
    """Whether the target is up to date: it is to a letter what it was when it was last finished as `task`, and no piece failed.

    Raises:
        InputError: an input is missing or can't be read.
    """
    stamp = cache.stamp(target)
    if not stamp:
        cache.key_once(target)  # for the error that a missing input is
        return False
    if cache.state.stamps.get(task) == f'"{stamp}"':
        return True
    finished = cache.state.tasks.get(task, "")
    if not finished:
        cache.key_once(target)  # an input that is missing is an error here, too
        return False
    line = cache.look(target)
    fresh = f'"{line}"' in finished and _FAILED not in finished
    if fresh:
        cache.save_stamp(target, task, stamp, line)
    return fresh


def told_of(failed: Mapping[str, str]) -> str:
    """The pieces that failed: how many, and the first by name."""
    name, error = next(iter(failed.items()))
    what, such = ("1 piece", "") if len(failed) == 1 else (f"{len(failed)} pieces", "the first ")
    return f"{what} failed, {such}{name}: {error}"


def reasons(cache: Cache, target: Target, values: Mapping[str, Any]) -> Iterator[str]:
    """Yield each reason why the target is not up to date; nothing if it is.

    Args:
        cache: the project's cache.
        target: what would be built.
        values: what its last run recorded; empty if there was none.

    Raises:
        InputError: an input is missing or can't be read.
    """
    now = cache.look(target)
    if not values.get("finished"):
        yield "it was not built here before"
        return
    (old_key, *old_outputs), (new_key, *new_outputs) = values["finished"].split(), now.split()
    if old_key != new_key:
        yield from _differences(cache, target, Digest(old_key), cache.manifest(target))
    if failed := values.get("failed"):
        yield f"{told_of(failed)}; tried again at each run"
    for path, old, new in zip(target.outputs.values(), old_outputs, new_outputs, strict=False):
        if old != new:
            yield f"output {path} is {'missing' if new == ABSENT else 'not what was built'}"


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
    yield from _pieces(before.get("pieces", {}), manifest.get("pieces", {}))
    if before["outputs"] != manifest["outputs"]:
        yield f"the outputs changed: {', '.join(before['outputs'])} → {', '.join(manifest['outputs'])}"
    changed = {role for role, digest in manifest["inputs"].items() if before["inputs"].get(role) != digest}
    changed |= before["inputs"].keys() - manifest["inputs"].keys()
    was = {(role, path): digest for role, path, digest in record.read}
    now = {(role, path): cache.stats.digest_once(path) for role, path in target.spelled_out()}
    told = set()
    for role, path in sorted(was.keys() | now.keys()):
        old, new = was.get((role, path)), now.get((role, path))
        if role in changed and old != new:
            told.add(role)
            yield f"input {role} {path}: {(old or 'absent')[:12]} → {(new or 'absent')[:12]}"
    yield from (f"input {role}: the same files in another order" for role in sorted(changed - told))


def _pieces(before: Mapping[str, list[str]], after: Mapping[str, list[str]]) -> Iterator[str]:
    """What differs between pieces by code, if anything does: how many, and one of them by name."""
    was = {name: code for code, names in before.items() for name in names}
    now = {name: code for code, names in after.items() for name in names}
    kinds = {
        "are new": [name for name in now if name not in was],
        "are gone": [name for name in was if name not in now],
        "have other code": [name for name in now if was.get(name, now[name]) != now[name]],
    }
    told = [f"{len(names)} pieces {what}, such as {names[0]}" for what, names in kinds.items() if names]
    yield from told
    if not told and before != after:
        yield "the pieces are in another order"


def _changes(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        if name not in before or name not in after or canonical(before[name]) != canonical(after[name]):  # 1 is not 1.0
            yield f"{kind} {name} changed: {before.get(name)!r} → {after.get(name)!r}"
