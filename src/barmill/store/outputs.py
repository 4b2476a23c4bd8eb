"""What a build wrote, by role and relative name."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from barmill.errors import OutputError
from barmill.hashing import Digest, digest_file
from barmill.store.stats import StatCache
from barmill.store.trees import LINK, digests_below
from barmill.target import Target

Written = dict[str, dict[str, tuple[Digest, int]]]


def files_of(outputs: Mapping[str, Mapping[str, tuple[Digest, int]]]) -> Iterator[tuple[str, str, Digest, int]]:
    """Every file among a record's outputs, as (role, relative name, digest, size)."""
    for role, names in outputs.items():
        yield from ((role, name, digest, size) for name, (digest, size) in names.items() if not name.endswith("/"))


def written(target: Target, made: Mapping[str, Path], staging: Path) -> Written:
    """What the build wrote: role → relative name → (digest, size).

    Raises:
        OutputError: it is not what the target declares.
    """
    stray = {entry.name for entry in staging.iterdir()} - {place.name for place in made.values()}
    if stray:
        raise OutputError(f"{target.name}: the build wrote {', '.join(sorted(stray))}, which is no output of it")
    outputs: Written = {}
    for role, place in made.items():
        if place.is_dir():
            found = digests_below(StatCache().digest, place)
            if LINK in found.values():
                raise OutputError(f"{target.name}: the build wrote a link to a folder in {role}", "write files and folders")
            outputs[role] = {n: (d, 0 if n.endswith("/") else (place / n).stat().st_size) for n, d in found.items()}
        elif place.exists():
            outputs[role] = {"": (digest_file(place), place.stat().st_size)}
        elif role in target.optional:
            outputs[role] = {}
        else:
            raise OutputError(f"{target.name}: the build did not write its output {role}", f"write to the path given as {role}")
    return outputs
