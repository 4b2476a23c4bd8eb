"""Data files that code finds from its own place: by `__file__`, or by `importlib.resources` and `pkgutil`.

Path expressions are worked out as patterns. What is not known before the code runs becomes a wildcard, so that
`HERE / f"weights_{region}.csv"` stands for `weights_*.csv`, and a folder that is handed on stands for all files in it.
"""

import ast
import functools
import glob
import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from barmill.store.effects import Effects, base_of, bound_below, chain_of
from barmill.store.source import Module, find, nodes_of

_SAME = frozenset({
    "Path", "PosixPath", "PurePath", "abspath", "absolute", "as_file", "as_posix", "expanduser", "fspath", "normpath",
    "realpath", "resolve", "str",
})  # fmt: skip
_IN_PACKAGE = frozenset({
    "contents", "get_data", "is_resource", "open_binary", "open_text", "path", "read_binary", "read_text",
})  # fmt: skip
_RESOURCES = ("importlib", "pkgutil", "importlib_resources")
_ANY = "**"
_Local = dict[str, list[ast.expr | None]]


@dataclass(frozen=True)
class _Text:
    """A text or path with wildcards; `located` if it starts with a folder found from the code's own place."""

    text: str
    located: bool = False


@dataclass
class DataFiles:
    """Finds the data files of statements.

    Attributes:
        effects: answers what a name of a module stands for.
    """

    effects: Effects
    _busy: set[int] = field(default_factory=set)

    def paths(self, module: Module, statement: ast.stmt) -> Iterator[str]:
        """Yield each path, with wildcards, that the statement works out from the place of a module."""
        nodes = nodes_of(statement)
        assigned = [node for node in nodes if isinstance(node, ast.Assign | ast.AnnAssign)]
        named = {
            id(node.value)
            for node in assigned
            if not isinstance(statement, ast.ClassDef)
            and all(isinstance(each, ast.Name) for each in (node.targets if isinstance(node, ast.Assign) else [node.target]))
        }
        local = {} if statement in assigned else bound_below(nodes)
        yield from self._used(module, local, named, statement)

    def _used(self, module: Module, local: _Local, names: set[int], node: ast.AST) -> Iterator[str]:
        read = isinstance(node, ast.expr) and isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
        found = self._values(module, local, node) if read and isinstance(node, ast.expr) else []
        located = [each.text for each in found if each.located]
        for text in located:
            if not (id(node) in names and os.path.isdir(text)):  # a folder that only gets a name counts where that is used
                yield text
        if not located:
            for child in ast.iter_child_nodes(node):
                yield from self._used(module, local, names, child)

    def _values(self, module: Module, local: _Local, node: ast.expr | None) -> list[_Text]:
        """What an expression may stand for; nothing if that is not known."""
        if node is None or id(node) in self._busy:
            return []
        self._busy.add(id(node))
        try:
            return list(dict.fromkeys(self._worked_out(module, local, node)))
        finally:
            self._busy.discard(id(node))

    def _worked_out(self, module: Module, local: _Local, node: ast.expr) -> Iterator[_Text]:
        match node:
            case ast.Constant(value=str(text)):
                yield _Text(text)
            case ast.IfExp() | ast.BoolOp() | ast.NamedExpr() | ast.FormattedValue():
                for part in ast.iter_child_nodes(node):
                    if isinstance(part, ast.expr) and part is not getattr(node, "test", None):
                        yield from self._values(module, local, part)
            case ast.Call():
                yield from self._called(module, local, node)
            case ast.Name() | ast.Attribute():
                yield from self._named(module, local, node)
            case _:
                yield from self._composed(module, local, node)

    def _named(self, module: Module, local: _Local, node: ast.Name | ast.Attribute) -> Iterator[_Text]:
        chain = chain_of(node)
        if isinstance(node, ast.Attribute) and node.attr == "parent":
            yield from map(_parent, self._values(module, local, node.value))
        elif chain == ["__file__"]:
            yield _Text(str(module.path), located=True)
        elif chain in (["__name__"], ["__package__"]):
            yield _Text(module.name if chain == ["__name__"] else _package(module))
        elif isinstance(node, ast.Name) and node.id in local:
            for value in local[node.id]:
                yield from self._values(module, local, value) or [_Text(_ANY)]
        else:
            for owner, name, rest in self.effects.owners(module, chain):
                for statement in owner.defined[name] if not rest else ():
                    yield from self._values(owner, {}, getattr(statement, "value", None))

    def _composed(self, module: Module, local: _Local, node: ast.expr) -> Iterator[_Text]:
        match node:
            case ast.JoinedStr(values=parts):
                for pieces in itertools.product(*(self._values(module, local, part) or [_Text("*")] for part in parts)):
                    yield _Text("".join(piece.text for piece in pieces), located=pieces[0].located)
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                yield from _joined([self._values(module, local, left), self._values(module, local, right)])
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                for start in self._values(module, local, left):
                    for end in self._values(module, local, right) or [_Text("*")]:
                        yield _Text(start.text + end.text, start.located)
            case ast.Subscript(value=ast.Attribute(attr="parents", value=value), slice=ast.Constant(value=int(number))):
                for path in self._values(module, local, value):
                    yield functools.reduce(lambda above, _: _parent(above), range(number + 1), path)

    def _called(self, module: Module, local: _Local, call: ast.Call) -> Iterator[_Text]:
        given = [self._values(module, local, each) for each in call.args]
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        on = self._values(module, local, call.func.value) if isinstance(call.func, ast.Attribute) else []
        if any(each.located for each in on):
            yield from _method(on, name, given)
        elif name == "files" and self._of_resources(module, call):
            yield from self._folders(module, call, given)
        elif name in _IN_PACKAGE and given and self._of_resources(module, call):
            yield from _joined([list(self._folders(module, call, given)), *given[1:]])
        elif name in _SAME or chain_of(call.func)[-2:] == ["path", "join"]:
            yield from _joined(given)
        elif name == "dirname" and given:
            yield from map(_parent, given[0])
        elif name in {"glob", "iglob"} and given:
            yield from given[0]

    def _of_resources(self, module: Module, call: ast.Call) -> bool:
        root = base_of(call.func)
        bound = module.imported.get(root.id, [("importlib", None)]) if isinstance(root, ast.Name) else []
        return any(source.partition(".")[0] in _RESOURCES for source, _ in bound)

    def _folders(self, module: Module, call: ast.Call, given: list[list[_Text]]) -> Iterator[_Text]:
        """The folders of the packages that the first argument may name; of the module's own one if there is none."""
        names = [each.text for each in given[0]] if given else [_package(module)]
        if given and not names:
            chain = chain_of(call.args[0])
            bindings = module.imported.get(chain[0], ()) if chain else ()
            names = [".".join([*filter(None, binding), *chain[1:]]) for binding in bindings]
        for name in names:
            place = find(name)
            if place is not None:
                yield _Text(str(place.parent if place.is_file() else place), located=True)


def matches(top: str, pattern: str, *, deep: bool, sources: bool = False) -> list[str]:
    """The files below a folder that a pattern stands for, sorted: modules if `sources`, else data.

    `**` stands for subfolders only if `deep`.
    """
    found = glob.iglob(pattern, root_dir=top, recursive=deep)
    return sorted(path for path in found if _counts(path, sources=sources) and os.path.isfile(os.path.join(top, path)))


def _counts(path: str, *, sources: bool) -> bool:
    hidden = any(part == "__pycache__" or part.startswith(".") for part in Path(path).parts)
    return path.endswith(".py") == sources and not hidden


def _package(module: Module) -> str:
    return module.name if module.is_package else module.name.rpartition(".")[0]


def _parent(path: _Text) -> _Text:
    return _Text(os.path.dirname(path.text), path.located)


def _joined(parts: list[list[_Text]]) -> Iterator[_Text]:
    """Each way to join the parts as a path; a part that is not known may be any file or folder below."""
    for pieces in itertools.product(*(part or [_Text(_ANY)] for part in parts)):
        if pieces:
            yield _Text(os.path.normpath(os.path.join(*(piece.text for piece in pieces))), pieces[0].located)


def _method(on: list[_Text], name: str, given: list[list[_Text]]) -> Iterator[_Text]:
    """What a method of a path gives, if that is a path again."""
    if name in _SAME:
        yield from on
    elif name in {"joinpath", "glob"}:
        yield from _joined([on, *given])
    elif name == "rglob":
        yield from _joined([on, [_Text(_ANY)], *given])
    elif name == "with_name":
        yield from _joined([[*map(_parent, on)], *given])
    elif name in {"with_suffix", "with_stem"}:
        yield from (_Text(os.path.join(os.path.dirname(each.text), "*"), each.located) for each in on)
