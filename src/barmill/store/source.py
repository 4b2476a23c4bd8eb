"""A module's source as its top-level names: what each is made of, and where an imported one comes from."""

import ast
import functools
import importlib.util
import os
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from barmill.hashing import Digest, digest_bytes

_INSTALLED = {"site-packages", "dist-packages"}


@dataclass
class Module:
    """A parsed module.

    Attributes:
        name: dotted name.
        path: its file.
        digest: of its source.
        defined: name → the top-level statements that define it.
        imported: name → each (module, attribute or None) that an import binds it to.
        stars: modules that are imported with `*`.
        sources: (module, attribute or None) of every import outside functions and classes.
        effects: top-level statements that run whenever the module is imported, for more than a name of its own.
        named: the other top-level statements that are not imports; each gives names of the module a value.
    """

    name: str
    path: Path
    digest: Digest
    defined: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imported: dict[str, list[tuple[str, str | None]]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    sources: list[tuple[str, str | None]] = field(default_factory=list)
    effects: list[ast.stmt] = field(default_factory=list)
    named: list[ast.stmt] = field(default_factory=list)

    @property
    def is_package(self) -> bool:
        """Whether it can have submodules."""
        return self.path.name == "__init__.py"


@functools.cache
def find(name: str) -> Path | None:
    """Where the code of a module lies: its file, the folder of a package without one, or None if there is no such module."""
    known = sys.modules.get(name)
    if known is not None:
        origin, folders = getattr(known, "__file__", None), getattr(known, "__path__", None)
    else:
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError, AttributeError):
            return None
        origin, folders = (
            (spec.origin if spec.has_location else None, spec.submodule_search_locations) if spec else (None, None)
        )
    place = origin or next(iter(folders or ()), None)
    return Path(place) if place else None


@functools.cache
def _libraries() -> tuple[str, ...]:
    """Folders of the standard library and of installed packages, as they are named and as they really are."""
    folders = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    return tuple({os.path.join(folder, "") for folder in (*folders, *map(os.path.realpath, folders))})


@functools.cache
def is_library(path: Path) -> bool:
    """Whether code at `path` belongs to Python or to an installed library, whose version stands for it."""
    if str(path).startswith(_libraries()):
        return True  # the common case, without asking the disk about every part of the path
    resolved = path.resolve()
    return str(resolved).startswith(_libraries()) or not _INSTALLED.isdisjoint(resolved.parts)


def is_ours(name: str, home: str) -> bool:
    """Whether a module's code counts, rather than its library's version: same package as `home`, or not installed."""
    top = name.partition(".")[0]
    if top == home.partition(".")[0]:
        return True
    path = None if top in sys.stdlib_module_names else find(top)
    return path is not None and not is_library(path)


@functools.cache
def parse(name: str, *, hints: bool = False) -> Module | None:
    """The module `name`, taken apart; None if it has no source. With `hints`, docstrings and annotations are kept."""
    path = find(name)
    if path is None or path.suffix != ".py":
        return None
    source = path.read_bytes()
    tree = ast.parse(source, filename=str(path))
    tree = _Plain(hints=hints, harmless=_harmless(tree)).visit(tree)
    module = Module(name, path, digest_bytes(source))
    for statement in tree.body:
        _sort_in(module, statement)
    return module


def nodes_of(statement: ast.AST) -> list[ast.AST]:
    """A statement and every node below it; `ast.walk` takes twice as long."""
    found = [statement]
    for node in found:  # grows meanwhile
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, list):
                found += [each for each in value if isinstance(each, ast.AST)]
            elif isinstance(value, ast.AST):
                found.append(value)
    return found


def imports(nodes: list[ast.AST], module: Module) -> Iterator[tuple[str, str, str | None]]:
    """Yield (bound name, module, attribute or None) for every import among the nodes of a statement."""
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (alias.asname, alias.name, None) if alias.asname else (top := alias.name.partition(".")[0], top, None)
        elif isinstance(node, ast.ImportFrom):
            source = _absolute(node, module)
            for alias in node.names:
                yield alias.asname or alias.name, source, alias.name


def sources(nodes: list[ast.AST], module: Module) -> Iterator[tuple[str, str | None]]:
    """Yield (module, attribute or None) for every import among the nodes of a statement: what it makes run."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((_absolute(node, module), alias.name) for alias in node.names)


def _absolute(node: ast.ImportFrom, module: Module) -> str:
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    keep = len(parts) - node.level + module.is_package
    return ".".join([*parts[:keep], *([node.module] if node.module else [])])


def _sort_in(module: Module, statement: ast.stmt) -> None:
    is_import = isinstance(statement, ast.Import | ast.ImportFrom)
    if is_import or not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        # an import may stand in a block: try: import a; except ImportError: import b
        nodes = nodes_of(statement)
        module.sources.extend(sources(nodes, module))
        for bound, source, attribute in imports(nodes, module):
            if attribute == "*":
                module.stars.append(source)
            else:
                module.imported.setdefault(bound, []).append((source, attribute))
    if is_import:
        return
    names = list(_bound_by(statement))
    foreign = [name for name, plain in names if not plain and name in module.imported]
    for name, _ in names:
        if name not in foreign:
            module.defined.setdefault(name, []).append(statement)
    (module.effects if foreign or not names else module.named).append(statement)  # all modules see `other.NAME = …`


def _bound_by(statement: ast.stmt) -> Iterator[tuple[str, bool]]:
    """Yield each name that a statement gives a value, and whether it does so plainly, not to an item or attribute of it."""
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name, True
        case ast.Assign(targets=targets):
            for target in targets:
                yield from _names_in(target)
        case ast.AnnAssign(target=target):
            yield from _names_in(target)
        case ast.AugAssign(target=target):
            yield from ((name, False) for name, _ in _names_in(target))  # `LIST += …` changes the list that was imported


def _names_in(target: ast.expr) -> Iterator[tuple[str, bool]]:
    """Names a target binds; an item or attribute counts for the name it belongs to (`TABLE["x"] = …` is part of TABLE)."""
    for node in ast.walk(target):
        if isinstance(node, ast.Name):
            yield node.id, isinstance(node.ctx, ast.Store)


_SKIPPED = {"TYPE_CHECKING", "typing.TYPE_CHECKING", "__name__ == '__main__'"}


_READING_NONE = frozenset({"abc", "contextlib", "dataclasses", "functools", "typing"})
_READING_ANNOTATIONS = frozenset({"singledispatch", "singledispatchmethod"})


def _harmless(tree: ast.Module) -> set[str]:
    """Names of decorators and their modules that read neither docstrings nor annotations of a function."""
    names = {"property", "staticmethod", "classmethod"}
    for statement in tree.body:
        if isinstance(statement, ast.Import):
            names |= {alias.asname or alias.name for alias in statement.names if alias.name in _READING_NONE}
        elif isinstance(statement, ast.ImportFrom) and statement.module in _READING_NONE:
            names |= {alias.asname or alias.name for alias in statement.names if alias.name not in _READING_ANNOTATIONS}
    return names


@dataclass
class _Plain(ast.NodeTransformer):
    """Drops what decides no result: docstrings, annotations of parameters and results, blocks that an import skips.

    Attributes:
        hints: keep docstrings and annotations.
        harmless: first names of decorators that leave them unread; any other decorator may read them.
    """

    hints: bool
    harmless: set[str]

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        if ast.unparse(node.test) in _SKIPPED:
            kept = ast.Module(node.orelse, [])
            self.generic_visit(kept)
            return list(kept.body)
        return self.generic_visit(node)

    def visit_Module(self, node: ast.Module) -> ast.AST:
        return self._without_docstring(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._without_docstring(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        arguments = node.args
        if not self.hints and all(self._leaves_unread(decorator) for decorator in node.decorator_list):
            node.returns = None
            for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg):
                if each is not None:
                    each.annotation = None
        return self._without_docstring(node)

    def _leaves_unread(self, decorator: ast.expr) -> bool:
        first = decorator.func if isinstance(decorator, ast.Call) else decorator
        while isinstance(first, ast.Attribute):
            if first.attr in _READING_ANNOTATIONS:
                return False
            first = first.value
        return isinstance(first, ast.Name) and first.id in self.harmless

    def _without_docstring(self, node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        first = None if self.hints or not node.body else node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            node.body = node.body[1:]
            if not node.body and not isinstance(node, ast.Module):
                node.body = [ast.Pass()]
        return self.generic_visit(node)
