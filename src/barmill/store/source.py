"""A module's source as its top-level names: what each is made of, and where an imported one comes from."""

import ast
import functools
import importlib.util
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_LIBRARIES = tuple(str(Path(sysconfig.get_path(name)).resolve()) for name in ("stdlib", "platstdlib", "purelib", "platlib"))


@dataclass
class Module:
    """A parsed module.

    Attributes:
        name: dotted name.
        path: its file.
        defined: name → the top-level statements that define it.
        imported: name → (module, attribute or None): what an import binds it to.
        effects: top-level statements that define nothing; they run whenever the module is imported.
    """

    name: str
    path: Path
    defined: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imported: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    effects: list[ast.stmt] = field(default_factory=list)
    stars: list[str] = field(default_factory=list)


@functools.cache
def find(name: str) -> Path | None:
    """The source file of a module, or None if there is no such module or it is not Python source."""
    module = sys.modules.get(name)
    origin = getattr(module, "__file__", None)
    if module is None:
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError, AttributeError):
            return None
        origin = spec.origin if spec else None
    return Path(origin) if origin and origin.endswith(".py") else None


def is_ours(name: str, home: str) -> bool:
    """Whether a module's code counts, rather than its library's version: same package as `home`, or not installed."""
    top = name.partition(".")[0]
    if top == home.partition(".")[0]:
        return True
    path = find(top)
    return path is not None and not str(path.resolve()).startswith(_LIBRARIES)


@functools.cache
def parse(name: str) -> Module | None:
    """The module `name`, taken apart; None if it has no source."""
    path = find(name)
    if path is None:
        return None
    tree = _Plain().visit(ast.parse(path.read_bytes(), filename=str(path)))
    module = Module(name, path)
    for statement in tree.body:
        _sort_in(module, statement)
    return module


def imports(node: ast.AST, module: Module) -> Iterator[tuple[str, str, str | None]]:
    """Yield (bound name, module, attribute or None) for every import in `node`."""
    for part in ast.walk(node):
        if isinstance(part, ast.Import):
            for alias in part.names:
                yield (alias.asname, alias.name, None) if alias.asname else (top := alias.name.partition(".")[0], top, None)
        elif isinstance(part, ast.ImportFrom):
            source = _absolute(part, module)
            for alias in part.names:
                yield alias.asname or alias.name, source, alias.name


def _absolute(node: ast.ImportFrom, module: Module) -> str:
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    keep = len(parts) - node.level + (module.path.name == "__init__.py")
    return ".".join([*parts[:keep], *([node.module] if node.module else [])])


def _sort_in(module: Module, statement: ast.stmt) -> None:
    if isinstance(statement, ast.Import | ast.ImportFrom):
        for bound, source, attribute in imports(statement, module):
            if attribute == "*":
                module.stars.append(source)
            else:
                module.imported[bound] = (source, attribute)
        return
    names = list(_bound_by(statement))
    for name in names:
        module.defined.setdefault(name, []).append(statement)
    if not names:
        module.effects.append(statement)


def _bound_by(statement: ast.stmt) -> Iterator[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Assign(targets=targets):
            for target in targets:
                yield from _names_in(target)
        case ast.AnnAssign(target=target) | ast.AugAssign(target=target):
            yield from _names_in(target)


def _names_in(target: ast.expr) -> Iterator[str]:
    """Names a target binds; an item or attribute counts for the name it belongs to (`TABLE["x"] = …` is part of TABLE)."""
    for node in ast.walk(target):
        if isinstance(node, ast.Name):
            yield node.id


class _Plain(ast.NodeTransformer):
    """Drops what never decides a result: docstrings, annotations of parameters and results, `if TYPE_CHECKING:`."""

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        test = node.test
        if isinstance(test, ast.Name) and test.id == "TYPE_CHECKING":
            return [self.visit(statement) for statement in node.orelse]
        return self.generic_visit(node)

    def visit_Module(self, node: ast.Module) -> ast.AST:
        return self._without_docstring(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._without_docstring(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self._without_docstring(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        node.returns = None
        return self._without_docstring(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def _without_docstring(self, node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        first = node.body[0] if node.body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            node.body = node.body[1:]
            if not node.body and not isinstance(node, ast.Module):
                node.body = [ast.Pass()]
        return self.generic_visit(node)
