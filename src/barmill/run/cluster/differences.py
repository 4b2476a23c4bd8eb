"""Why an action is another one on a worker than where it was asked for."""

from collections.abc import Iterator, Mapping
from typing import Any

from barmill.errors import WorkerDiffers
from barmill.hashing import canonical
from barmill.run.cluster.spec import Spec


def differences(spec: Spec, manifest: Mapping[str, Any], host: str) -> WorkerDiffers:
    """The refusal of an action.

    Args:
        spec: what was asked for.
        manifest: what it would be here.
        host: the worker's machine.
    """
    told = list(_told(spec, manifest, host))
    cures = list(dict.fromkeys(cure for _, cure in told))
    return WorkerDiffers(f"refused by the worker on {host}: {'; '.join(fact for fact, _ in told)}", "; ".join(cures))


def _told(spec: Spec, manifest: Mapping[str, Any], host: str) -> Iterator[tuple[str, str]]:
    """Yield each difference, and its cure."""
    same_code = f"bring the code on {host} to what it is here"
    asked = spec.manifest
    if asked["code"] != manifest["code"]:
        yield f"the code of {spec.build} is {asked['code'][:12]} here and {manifest['code'][:12]} there", same_code
    for library in sorted(asked["versions"].keys() | manifest["versions"].keys()):
        ours, theirs = (versions.get(library, "absent") for versions in (asked["versions"], manifest["versions"]))
        if ours != theirs:
            yield f"{library} is {ours} here and {theirs} there", f"install {library} {ours} on {host}"
    if asked.get("pieces") != manifest.get("pieces"):
        yield "the code of its pieces is another one there", same_code
    for field in ("format", "build", "params", "outputs"):
        if canonical(asked[field]) != canonical(manifest[field]):  # 1 is not 1.0
            yield f"its {field} would be {manifest[field]!r} there, not {asked[field]!r}", same_code
    for role, digest in asked["inputs"].items():
        if manifest["inputs"].get(role) != digest:
            yield (
                f"input {role} is {digest[:12]} here and {manifest['inputs'].get(role, 'absent')[:12]} there",
                "run doit again",
            )
