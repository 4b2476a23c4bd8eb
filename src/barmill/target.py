"""A target: one thing to build, written down once, so that its key and its call cannot drift apart."""

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from barmill.errors import TargetError

if TYPE_CHECKING:
    from barmill.plan import Plan


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to build.

    Args:
        name: unique within the stage; the part behind the colon in `doit stage:name`.
        build: a module-level function that reads its inputs, writes its outputs, and looks at nothing else. It is called
            with a keyword for each input, output and parameter.
        inputs: role → file, directory (meaning the recursive listing of its names, not their contents), or a sequence
            of files.
        outputs: role → file, or directory when `build` creates one.
        params: role → JSON value.
        optional: output roles that `build` may leave unwritten.

    Raises:
        TargetError: the roles do not fit the signature of `build`.
    """

    name: str
    build: Callable[..., None]
    inputs: Mapping[str, Path | Sequence[Path]]
    outputs: Mapping[str, Path]
    params: Mapping[str, Any] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        _check_signature(self.build, (*self.inputs, *self.outputs, *self.params))
        if not self.optional <= self.outputs.keys():
            raise TargetError(f"{self.name}: optional outputs {sorted(self.optional)} are not all outputs")

    def spelled_out(self) -> Iterator[tuple[str, Path]]:
        """Every input as (role, path), groups spelled out."""
        for role, paths in self.inputs.items():
            if isinstance(paths, Path):
                yield role, paths
            else:
                for path in paths:
                    yield role, path


class Stage(Protocol):
    """What a stage module offers: `targets`, and a docstring whose first line says what the stage makes."""

    __name__: str
    __doc__: str | None

    @staticmethod
    def targets(plan: "Plan") -> Iterator[Target]:
        """Yield every target of the stage, quietly and cheaply, also before anything upstream exists."""
        ...


@functools.cache
def _check_signature(build: Callable[..., None], roles: tuple[str, ...]) -> None:
    name = f"{build.__module__}.{build.__qualname__}" if inspect.isfunction(build) else repr(build)
    if not inspect.isfunction(build) or "<" in build.__qualname__ or "." in build.__qualname__:
        raise TargetError(f"{name} is not a module-level function", "define it at the top of its module")
    if len(set(roles)) != len(roles):
        raise TargetError(f"{name}: a role is named twice in {', '.join(roles)}")
    try:
        inspect.signature(build).bind(**dict.fromkeys(roles))
    except TypeError as error:
        raise TargetError(
            f"{name}: {error}; the target's roles are {', '.join(roles)}",
            f"the parameters are {', '.join(inspect.signature(build).parameters)}",
        ) from None
