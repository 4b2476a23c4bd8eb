"""Whether a top-level statement may register something when its module is imported, so that other code can reach it.

Decorators, calls in constants and defaults, class bodies and the hooks of base classes run at import. What they call is
harmless if it changes only what it made itself: then the statement counts only where its own name is reached. Any other
statement counts for all code that imports the module. In doubt the answer is that it may register.
"""

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass, field

from barmill.store.source import Module, is_ours, nodes_of, parse

_CHANGING = frozenset({
    "__setitem__", "add", "append", "appendleft", "clear", "difference_update", "discard", "extend", "extendleft", "insert",
    "intersection_update", "move_to_end", "pop", "popitem", "popleft", "remove", "reverse", "rotate", "setdefault", "sort",
    "subtract", "symmetric_difference_update", "update",
})  # fmt: skip
_CHANGING_ARGUMENTS = frozenset(
    {"delattr", "eval", "exec", "heappush", "insort", "insort_left", "insort_right", "setattr", "setitem"}
)
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Literal = ast.Constant | ast.JoinedStr | ast.Dict | ast.List | ast.Set | ast.Tuple | ast.DictComp | ast.ListComp | ast.SetComp
_Owner = tuple[Module, str, list[str]]


@dataclass
class Effects:
    """Answers for the modules of one project.

    Attributes:
        home: a module of the project; its package is ours.
    """

    home: str
    _known: dict[tuple[str, str], bool] = field(default_factory=dict)

    def of(self, module: Module, statement: ast.stmt) -> bool:
        """Whether the statement may change what another name, or another module, refers to."""
        if isinstance(statement, _Function):
            arguments = statement.args
            decorators, parts = statement.decorator_list, [*arguments.defaults, *filter(None, arguments.kw_defaults)]
        elif isinstance(statement, ast.ClassDef):
            if self._hooked(module, statement) or any(self.of(module, inner) for inner in statement.body):
                return True
            decorators, parts = statement.decorator_list, [each.value for each in statement.keywords]
        else:
            return self._runs(module, statement) or self._aliases(module, statement)
        return any(self._registers(module, each) or self._runs(module, each) for each in decorators) or any(
            self._runs(module, each) for each in parts
        )

    def _registers(self, module: Module, decorator: ast.expr) -> bool:
        """Whether a decorator may keep what it decorates; a method of an object of ours may always."""
        callee = decorator.func if isinstance(decorator, ast.Call) else decorator
        chain = chain_of(callee)
        owners = list(self.owners(module, chain))
        if any(rest and not _is_class(owner, name) for owner, name, rest in owners):
            return True
        return self._changes(module, callee) if chain else not isinstance(callee, ast.Lambda)

    def _runs(self, module: Module, node: ast.AST) -> bool:
        """Whether one of the calls in what runs at import changes something shared."""
        nodes = nodes_of(node)
        items = [each for part in nodes if isinstance(part, ast.comprehension) for each in nodes_of(part.target)]
        local = bound_below([each for each in (*nodes, *items) if isinstance(each, ast.arg) or each in items])
        calls = [each for each in nodes if isinstance(each, ast.Call)]
        return any(
            self._call_changes(module, each) for each in calls if _changed(each) is not None or _first(each.func) not in local
        )

    def _call_changes(self, module: Module, call: ast.Call) -> bool:
        given = [chain_of(each) for each in (*call.args, *(keyword.value for keyword in call.keywords))]
        return self._changes(module, call.func) or any(
            not rest and not _is_literal(owner, name) and self._name_changes(owner, name)
            for chain in given
            for owner, name, rest in self.owners(module, chain)
        )

    def _changes(self, module: Module, callee: ast.expr) -> bool:
        """Whether calling this expression changes something that goes by a name."""
        chain = chain_of(callee)
        if not chain:
            return isinstance(callee, ast.Attribute) and callee.attr in _CHANGING and not isinstance(base_of(callee), _Literal)
        owners = list(self.owners(module, chain))
        if not owners:
            unknown = chain[0] not in module.imported and not hasattr(builtins, chain[0])
            return unknown or chain[-1] in _CHANGING_ARGUMENTS or chain[-1].startswith("register")
        return any(
            self._method_changes(owner, name, rest[-1]) if rest else self._name_changes(owner, name)
            for owner, name, rest in owners
        )

    def _method_changes(self, owner: Module, name: str, method: str) -> bool:
        if _is_class(owner, name):
            return any(self._body_changes(owner, statement) for statement in owner.defined[name])
        harmless = method not in _CHANGING and not method.startswith("register")
        return not (harmless and all(self._foreign(owner, value) for value in _values(owner, name)))

    def _foreign(self, module: Module, value: ast.expr | None) -> bool:
        """Whether a value is a literal or came from a library, so that its other methods are known to change nothing."""
        if isinstance(value, ast.Call):
            return not any(self.owners(module, chain_of(base_of(value.func))))
        return isinstance(value, _Literal)

    def _name_changes(self, owner: Module, name: str) -> bool:
        """Whether calling a top-level name of ours changes something shared."""
        key = (owner.name, name)
        if key not in self._known:
            self._known[key] = False  # a circle adds nothing of its own
            self._known[key] = any(self._calling_changes(owner, statement) for statement in owner.defined[name])
        return self._known[key]

    def _calling_changes(self, owner: Module, statement: ast.stmt) -> bool:
        value = getattr(statement, "value", None)
        if isinstance(statement, ast.ClassDef):
            return self._hooked(owner, statement) or self._body_changes(owner, _constructing(statement))
        if isinstance(statement, _Function):
            return self._body_changes(owner, statement)
        if isinstance(value, ast.Lambda):
            return self._body_changes(owner, value)
        if isinstance(value, ast.Call):
            return self._call_changes(owner, value)
        return not chain_of(value) or self._changes(owner, value) if isinstance(value, ast.expr) else True

    def _body_changes(self, module: Module, definition: ast.AST) -> bool:
        """Whether a function, or a method of a class, changes something that it did not make itself."""
        nodes = nodes_of(definition)
        bound = bound_below(nodes)
        made = {name for name, values in bound.items() if all(self._foreign(module, value) for value in values)}
        shared = {name for node in nodes if isinstance(node, ast.ClassDef) for each in node.body for name in _targets(each)}
        for node in nodes:
            if isinstance(node, ast.Global):
                return True
            changed = _changed(node)
            if changed is not None and not _is_own(changed, made, shared):
                return True
            calls = isinstance(node, ast.Call) and changed is None and _first(node.func) not in bound
            if isinstance(node, ast.Call) and calls and self._call_changes(module, node):
                return True
        return False

    def _hooked(self, module: Module, node: ast.ClassDef) -> bool:
        """Whether making a class, or one like it, runs code of ours: `__init_subclass__` of a base, or a metaclass."""
        metaclass = [chain_of(each.value) for each in node.keywords if each.arg == "metaclass"]
        bases = [chain_of(each.value if isinstance(each, ast.Subscript) else each) for each in node.bases]
        found = [each for chain in bases for each in self.owners(module, chain)]
        return any(any(self.owners(module, chain)) for chain in metaclass) or any(
            rest or not isinstance(statement, ast.ClassDef) or _has_hook(statement) or self._hooked(owner, statement)
            for owner, name, rest in found
            for statement in owner.defined[name]
            if statement is not node
        )

    def _aliases(self, module: Module, statement: ast.stmt) -> bool:
        """Whether an item or attribute is set on something that has another name, too."""
        targets = statement.targets if isinstance(statement, ast.Assign | ast.Delete) else [getattr(statement, "target", None)]
        roots = [base_of(each) for each in targets if isinstance(each, ast.Subscript | ast.Attribute)]
        return any(
            not isinstance(root, ast.Name)
            or not (_is_class(module, root.id) or all(self._foreign(module, value) for value in _first_values(module, root.id)))
            for root in roots
        )

    def owners(self, module: Module, chain: list[str], seen: frozenset[tuple[str, str]] = frozenset()) -> Iterator[_Owner]:
        """Yield (module, top-level name, attributes of it) for what a dotted name of a module may be, if that is ours."""
        if not chain or (module.name, chain[0]) in seen:
            return
        first, *rest = chain
        seen |= {(module.name, first)}
        if first in module.defined:
            yield module, first, rest
        for source, attribute in module.imported.get(first, ()):
            yield from self._named(source, [*([attribute] if attribute else []), *rest], seen)
        if first not in module.defined and first not in module.imported:
            for star in module.stars:
                yield from self._named(star, chain, seen)

    def _named(self, source: str, names: list[str], seen: frozenset[tuple[str, str]]) -> Iterator[_Owner]:
        if not names or not is_ours(source, self.home):
            return
        module = parse(source)
        if module is not None and (names[0] in module.defined or names[0] in module.imported or module.stars):
            yield from self.owners(module, names, seen)
        if module is None or module.is_package:
            yield from self._named(f"{source}.{names[0]}", names[1:], seen)


def chain_of(node: ast.AST | None) -> list[str]:
    """The parts of a dotted name; empty for anything else."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.insert(0, node.attr)
        node = node.value
    return [node.id, *names] if isinstance(node, ast.Name) else []


def base_of(node: ast.expr) -> ast.expr:
    """What an expression such as `a.b[0].c` starts with: `a`."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node


def _first(node: ast.AST) -> str:
    return next(iter(chain_of(node)), "")


def _changed(node: ast.AST) -> ast.expr | None:
    """The attribute or item whose owner a node changes, by setting it or by a method; None if it changes none."""
    if isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(node.ctx, ast.Load):
        return node
    is_method = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _CHANGING
    return node.func if is_method and isinstance(node, ast.Call) else None


def _is_own(node: ast.expr, made: set[str], shared: set[str]) -> bool:
    """Whether what `node` is an item, attribute or method of was made in the same body, or belongs to `self` alone."""
    root, chain = base_of(node), chain_of(node)
    if isinstance(root, ast.Name) and root.id == "self":
        return len(chain) == len(("self", "name")) or not set(chain[1:2]) & shared
    return isinstance(root, _Literal) or (isinstance(root, ast.Name) and root.id in made)


def bound_below(nodes: list[ast.AST]) -> dict[str, list[ast.expr | None]]:
    """Name that is bound below a function or class → each value it is given; None: a parameter, or a part of something."""
    bound: dict[str, list[ast.expr | None]] = {}
    plain = {id(target): node.value for node in nodes if isinstance(node, ast.Assign) for target in node.targets}
    plain |= {id(node.target): node.value for node in nodes if isinstance(node, ast.AnnAssign) and node.value}
    for node in nodes:
        if isinstance(node, ast.arg):
            bound.setdefault(node.arg, []).append(None)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.setdefault(node.id, []).append(plain.get(id(node)))
        elif isinstance(node, _Function | ast.ClassDef) and node is not nodes[0]:
            bound.setdefault(node.name, []).append(None)
    return bound


def _targets(statement: ast.stmt) -> Iterator[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    yield from (target.id for target in targets if isinstance(target, ast.Name))


def _is_class(owner: Module, name: str) -> bool:
    found = owner.defined.get(name, [])
    return bool(found) and isinstance(found[0], ast.ClassDef)


def _has_hook(node: ast.ClassDef) -> bool:
    return any(isinstance(each, _Function) and each.name == "__init_subclass__" for each in node.body)


def _constructing(node: ast.ClassDef) -> ast.ClassDef:
    """The class without methods that neither run when an object is made nor are named by those that do."""
    kept = [each for each in node.body if not isinstance(each, _Function) or each.name.startswith("__")]
    named = {each.attr for each in nodes_of(ast.Module(kept, [])) if isinstance(each, ast.Attribute)}
    more = [each for each in node.body if each not in kept and isinstance(each, _Function) and each.name in named]
    return node if more else ast.ClassDef(node.name, node.bases, node.keywords, kept, node.decorator_list)


def _values(owner: Module, name: str) -> list[ast.expr | None]:
    return [getattr(statement, "value", None) for statement in owner.defined[name]]


def _first_values(owner: Module, name: str) -> list[ast.expr | None]:
    """What the name itself is bound to, not its items."""
    return [getattr(each, "value", None) for each in owner.defined.get(name, ()) if name in _targets(each)] or [None]


def _is_literal(owner: Module, name: str) -> bool:
    return all(isinstance(value, _Literal) for value in _values(owner, name))
