"""Code digests: what a build function is made of, and nothing else.

From the function, every name of ours that it can reach is followed, through our modules: functions, classes, constants,
and the statements that run at import. Their syntax trees count, without docstrings, comments, type hints and positions; so
do data files beside a module whose names the code mentions. A library counts by its version, if what was reached imports
it. So an edit of a helper reruns what uses it, and an edit of a comment, or of a function that nobody calls, reruns nothing.
Reached means by name: code found through strings (`getattr`, plugins) is not seen.
"""

import ast
import functools
import importlib.metadata
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from barmill.hashing import Digest, digest_record
from barmill.store.source import Module, imports, is_ours, parse
from barmill.store.state import State

_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@dataclass(frozen=True)
class Code:
    """A build function as part of an action's key: the digest of its code, and library → version."""

    digest: Digest
    versions: dict[str, str]


class Codes:
    """Code digests of build functions, each worked out once and again when a file it came from changed."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._known: dict[Callable[..., None], Code] = {}

    def of(self, build: Callable[..., None]) -> Code:
        """The code of `build`."""
        code = self._known.get(build)
        if code is None:
            code = self._known[build] = self._look_up(build)
        return code

    def _look_up(self, build: Callable[..., None]) -> Code:
        name = f"{build.__module__}.{build.__qualname__}"
        entry = json.loads(self._state.codes.get(name, "{}"))
        if not entry or entry["python"] != _PYTHON or not self._unchanged(entry["files"]):
            reached = Reached(build.__module__)
            reached.follow(build.__module__, build.__name__)
            entry = {
                "python": _PYTHON,
                "digest": reached.digest(),
                "libraries": sorted(reached.libraries),
                "files": {str(path): self._state.stats.digest_once(path) for path in sorted(reached.files)},
            }
            self._state.put("codes", name, entry)
        versions = {"python": _PYTHON} | {library: _version(library) for library in entry["libraries"]}
        return Code(Digest(entry["digest"]), versions)

    def _unchanged(self, files: dict[str, Digest]) -> bool:
        try:
            return all(self._state.stats.digest_once(path) == digest for path, digest in files.items())
        except OSError:
            return False


@dataclass
class Reached:
    """What can be reached by name from a function.

    Attributes:
        home: module of the function; its package is ours.
        parts: (module, name) → dump of its definition; the name is "" for what runs at import.
        libraries: top-level names of imported modules that are neither ours nor of the standard library.
        files: source and data files that were looked at.
    """

    home: str
    parts: dict[tuple[str, str], str] = field(default_factory=dict)
    libraries: set[str] = field(default_factory=set)
    files: set[Path] = field(default_factory=set)

    def digest(self) -> Digest:
        """Digest of everything reached."""
        return digest_record([[module, name, dump] for (module, name), dump in sorted(self.parts.items())])

    def follow(self, module_name: str, name: str | None) -> None:
        """Add `name` of a module, or the whole module, and all that they reach."""
        if not is_ours(module_name, self.home):
            self._add_library(module_name)
            return
        module = parse(module_name)
        if module is None:
            return
        self._add(module, "", module.effects)
        if name is None:
            for each in (*module.defined, *module.imported):
                self.follow(module_name, each)
        elif name in module.defined:
            self._add(module, name, module.defined[name])
        elif name in module.imported:
            self._follow_import(*module.imported[name])
        elif parse(f"{module_name}.{name}") is not None:
            self.follow(f"{module_name}.{name}", None)
        else:
            for star in module.stars:
                self.follow(star, name)

    def _follow_import(self, source: str, attribute: str | None) -> None:
        if attribute is not None and is_ours(source, self.home) and not self._defines(source, attribute):
            source, attribute = f"{source}.{attribute}", None
        self.follow(source, attribute)

    def _defines(self, module_name: str, name: str) -> bool:
        module = parse(module_name)
        return module is not None and (name in module.defined or name in module.imported or bool(module.stars))

    def _add_library(self, module_name: str) -> None:
        top = module_name.partition(".")[0]
        if top and top not in sys.stdlib_module_names:
            self.libraries.add(top)

    def _add(self, module: Module, name: str, statements: list[ast.stmt]) -> None:
        if (module.name, name) in self.parts:
            return
        self.files.add(module.path)
        self.parts[module.name, name] = "\n".join(ast.dump(statement) for statement in statements)
        for statement in statements:
            local = {bound: (source, attribute) for bound, source, attribute in imports(statement, module)}
            for chain in _chains(statement):
                self._follow_chain(module, local, chain)
            self._add_data(module, statement)

    def _follow_chain(self, module: Module, local: dict[str, tuple[str, str | None]], chain: list[str]) -> None:
        """Follow `a.b.c`: as far as it is modules of ours, then the name in the last of them."""
        bound = local.get(chain[0]) or module.imported.get(chain[0])
        if bound is None:
            self.follow(module.name, chain[0]) if chain[0] in module.defined or module.stars else None
            return
        source, attribute = bound
        if not is_ours(source, self.home):
            self._add_library(source)
            return
        names = [*([attribute] if attribute else []), *chain[1:]]
        while names and not self._defines(source, names[0]) and parse(f"{source}.{names[0]}") is not None:
            source = f"{source}.{names.pop(0)}"
        self.follow(source, names[0] if names else None)

    def _add_data(self, module: Module, statement: ast.stmt) -> None:
        for node in ast.walk(statement):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                path = module.path.parent / node.value
                if node.value in _neighbours(module.path.parent) and path.suffix != ".py" and path.is_file():
                    self.files.add(path)
                    self.parts[module.name, f"file {node.value}"] = digest_record(path.read_bytes().hex())


@functools.cache
def _neighbours(folder: Path) -> frozenset[str]:
    return frozenset(os.listdir(folder))


def _chains(node: ast.AST) -> Iterator[list[str]]:
    """Every dotted name that `node` reads, at its full length, as its parts."""
    names: list[str] = []
    base = node
    while isinstance(base, ast.Attribute):
        names.insert(0, base.attr)
        base = base.value
    if isinstance(base, ast.Name):
        if isinstance(base.ctx, ast.Load):
            yield [base.id, *names]
        return
    for child in ast.iter_child_nodes(base):
        yield from _chains(child)


@functools.cache
def _version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        names = importlib.metadata.packages_distributions().get(library)
        return importlib.metadata.version(names[0]) if names else "unknown"
