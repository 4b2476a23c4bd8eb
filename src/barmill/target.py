"""A target: one thing to build, written down once, so that its key and its call cannot drift apart."""

import functools
import inspect
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from barmill.errors import TargetError

if TYPE_CHECKING:
    from barmill.plan import Plan


PathLike = Path | str
"""A path, or its text: where there are ten thousand of them, making a Path of each shows."""


_PIECES = ("pieces", "known")
_UNSAFE = r"\0-\x1f=*\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\udc80-\udcff"
_ESCAPED = re.compile(rf"[{_UNSAFE}]|%(?=3D|2A|25|7F|[0189A-F][0-9A-F])")
_TYPED = re.compile("=")


def escaped(name: str, *, typed: bool = False) -> str:
    """A name as doit allows it: `=` is written as %3D, `*` as %2A, a `%` in front of what looks like one of these as %25.

    So are bytes that are not UTF-8, which Python has as surrogates (a Latin-1 é as %E9), and characters that control a
    terminal or change its direction of writing.

    Args:
        name: any text; no two have one result.
        typed: a person gave it, who may have copied it from a list of tasks: only `=` is replaced.
    """
    return (_TYPED if typed else _ESCAPED).sub(_hexadecimal, name)


def _hexadecimal(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in os.fsencode(found[0]))


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to build.

    Args:
        name: unique within the stage; `escaped`, it is the part behind the colon in `doit stage:name`.
        build: a module-level function that reads its inputs, writes its outputs, and looks at nothing else. It is called
            with a keyword for each input, output and parameter; paths come to it as Path.
        inputs: role → file, directory (meaning the recursive listing of its names, not their contents), or a sequence
            of files.
        outputs: role → file, or directory when `build` creates one.
        params: role → JSON value.
        optional: output roles that `build` may leave unwritten.
        pieces: parts of the target that don't depend on one another: name → the module-level function that says how it is
            worked out. What comes of a piece is decided by its name, the code of its function, and everything else about
            the target but its other pieces. `build` gets them as `pieces`, and as `known` (name → folder) those that an
            earlier build of another set of pieces has worked out already: in the folder its outputs lie under their roles.
            What it writes must be the same whether it takes a piece from there or works it out. A piece that fails need
            not fail the others: `build` returns name → what went wrong. Its outputs are put in place, and read, as they are;
            the run fails, and the next one tries those pieces again.

    Raises:
        TargetError: the roles do not fit the signature of `build`.
    """

    name: str
    build: Callable[..., Mapping[str, str] | None]
    inputs: Mapping[str, PathLike | Sequence[PathLike]]
    outputs: Mapping[str, Path]
    params: Mapping[str, Any] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()
    pieces: Mapping[str, Callable[..., Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_signature(self.build, (*self.inputs, *self.outputs, *self.params, *(_PIECES if self.pieces else ())))
        if not self.optional <= self.outputs.keys():
            raise TargetError(f"{self.name}: optional outputs {sorted(self.optional)} are not all outputs")

    @property
    def task_name(self) -> str:
        """The part behind the colon in `doit stage:name`."""
        return escaped(self.name)

    def names(self) -> Iterator[tuple[str, list[str]]]:
        """Every input as (role, its paths as text); a single path is a list of one."""
        for role, paths in self.inputs.items():
            yield role, [str(paths)] if isinstance(paths, (str, Path)) else list(map(str, paths))

    def spelled_out(self) -> Iterator[tuple[str, str]]:
        """Every input as (role, path), groups spelled out."""
        for role, names in self.names():
            for name in names:
                yield role, name

    def single_inputs(self) -> list[str]:
        """The inputs that are no groups: what doit has as file_dep."""
        return [names[0] for role, names in self.names() if not self.is_group(role)]

    def is_group(self, role: str) -> bool:
        """Whether an input is a sequence of files."""
        return not isinstance(self.inputs[role], (str, Path))

    def call(self, outputs: Mapping[str, Path], known: Mapping[str, Path] | None = None) -> Mapping[str, str]:
        """Call the build function, with these paths to write to, and what is known of its pieces; pieces that failed, and why.

        Raises:
            TargetError: it names a piece that the target does not have.
        """
        inputs = {role: [Path(p) for p in names] if self.is_group(role) else Path(names[0]) for role, names in self.names()}
        pieces = {"pieces": self.pieces, "known": known or {}} if self.pieces else {}
        failed = self.build(**inputs, **outputs, **self.params, **pieces) or {}
        if strange := [name for name in failed if name not in self.pieces]:
            raise TargetError(f"{self.name}: the build names {strange[0]!r} as failed, which is no piece of it")
        return failed


class Stage(Protocol):
    """What a stage module offers: `targets`, and a docstring whose first line says what the stage makes."""

    __name__: str
    __doc__: str | None

    @staticmethod
    def targets(plan: "Plan") -> Iterator[Target]:
        """Yield every target of the stage, quietly and cheaply, also before anything upstream exists."""
        ...


@functools.cache
def _check_signature(build: Callable[..., Any], roles: tuple[str, ...]) -> None:
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
