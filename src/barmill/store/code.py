"""Code digests: what a build function is made of, and nothing else.

From the function, every name of ours that it can reach is followed, through our modules: functions, classes, constants, and
the statements that run at import, also in modules that are only imported. Their syntax trees count, without docstrings,
comments, type hints and positions. Docstrings and hints count, too, if code that was reached reads them.
A statement that may register something when its module is imported counts for all that import the module (`effects`). Code that
is looked up by composed names counts as the whole module or package that it can come from.
Data files beside a module count if the code mentions their names, or works out a path to them (`datafiles`).
A library counts by its version, if what was reached imports it. So an edit of a helper reruns what uses it, and an edit of a
comment, or of a function that nobody calls, reruns nothing.
"""

import ast
import functools
import glob
import importlib.metadata
import json
import operator
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from barmill.errors import InputMoved
from barmill.hashing import Digest, digest_bytes, digest_file, digest_record
from barmill.store import zones
from barmill.store.datafiles import DataFiles, matches
from barmill.store.effects import Effects, chain_of
from barmill.store.source import Module, find, imports, is_library, is_ours, nodes_of, parse, sources
from barmill.store.state import State
from barmill.store.stats import stamps

_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@dataclass(frozen=True)
class Code:
    """A build function as part of an action's key: its dotted name, the digest of its code, and library → version."""

    name: str
    digest: Digest
    versions: dict[str, str]


class Codes:
    """Code digests of build functions, each worked out once and again when a file it came from changed.

    Modules that are loaded already were loaded from the files as they are now: one that is edited later in the run would
    lend its digest to results of the code before the edit, so that is an error.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._known: dict[Callable[..., Any], Code] = {}
        self._loaded: dict[str, tuple[int, ...]] = {}
        self._counted: dict[str, tuple[int, ...]] = {}
        self._modules = 0
        self.notice()

    def notice(self) -> None:
        """Remember the files of what was loaded since, as they are now; for processes that load code between builds."""
        if len(sys.modules) != self._modules:
            self._modules = len(sys.modules)
            self._loaded |= {path: _stamp(path) for path in _loaded_sources() if path not in self._loaded}

    def moved(self) -> str:
        """A file that was edited after it was counted for some code, "" if none was; for processes that outlive an edit."""
        return next((path for path, stamp in self._counted.items() if _stamp(path) != stamp), "")

    def of(self, build: Callable[..., Any]) -> Code:
        """The code of `build`.

        Raises:
            InputMoved: a file of it was edited after this process had loaded it.
        """
        code = self._known.get(build)
        if code is None:
            code = self._known[build] = self._look_up(build)
        return code

    def _look_up(self, build: Callable[..., Any]) -> Code:
        name = f"{build.__module__}.{build.__qualname__}"
        entry = _decode(self._state.codes.get(name))
        if not entry or not self._holds(entry, build.__module__):
            reached = reach(build.__module__, build.__name__)
            entry = {
                "python": _PYTHON,
                "digest": reached.digest(),
                "distributions": {library: _distribution(library) for library in sorted(reached.libraries)},
                "modules": dict(sorted(reached.modules.items())),
                "files": {str(path): digest for path, digest in sorted(reached.files.items())},
                "absent": sorted(map(str, reached.absent)),
                "listings": dict(sorted(reached.listings.items())),
                "stamp": "",
            }
            self._put(name, entry)
        self._vouch(name, entry)
        for path in entry["files"]:
            stamp = _stamp(path)
            self._counted.setdefault(path, stamp)
            if path in self._loaded and stamp != self._loaded[path]:
                raise InputMoved(f"{path} was edited after this run had loaded it", "run doit again")
        versions = {"python": _PYTHON} | {library: _version(library, name) for library, name in entry["distributions"].items()}
        if not zones.LIBRARIES.isdisjoint(versions):
            versions["zoneinfo"] = zones.version(self._state)
        return Code(name, Digest(entry["digest"]), versions)

    def _holds(self, entry: dict[str, Any], home: str) -> bool:
        """Whether the same modules are found at the same places, with the same content."""
        return (
            entry["python"] == _PYTHON
            and all(str(find(module)) == place for module, place in entry["modules"].items())
            and not any(is_ours(library, home) for library in entry["distributions"])
            and not any(map(os.path.exists, entry["absent"]))
            and all(_listed(listing) == listing["files"] for listing in entry["listings"].values())
            and (entry["stamp"] == _stamps(entry["files"]) or self._unchanged(entry["files"]))
        )

    def _vouch(self, name: str, entry: dict[str, Any]) -> None:
        """Remember the stamps of files that were found unchanged, if they can be trusted."""
        stamp = _stamps(entry["files"])
        if entry["stamp"] != stamp and all(map(self._state.stats.vouches, entry["files"])) and self._unchanged(entry["files"]):
            self._put(name, entry | {"stamp": stamp})

    def _put(self, name: str, entry: dict[str, Any]) -> None:
        self._state.put("codes", name, {"check": digest_record(entry), "entry": entry})

    def _unchanged(self, files: dict[str, Digest]) -> bool:
        try:
            return all(self._state.stats.digest_once(path) == digest for path, digest in files.items())
        except OSError:
            return False


def _decode(text: str | None) -> dict[str, Any] | None:
    """What is remembered of a build function; None if that is damaged."""
    try:
        told = json.loads(text) if text else {}
        entry = told["entry"]
        return entry if told["check"] == digest_record(entry) and entry.keys() == _ENTRY else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


_ENTRY = {"python", "digest", "distributions", "modules", "files", "absent", "listings", "stamp"}


def _stamps(files: dict[str, Digest]) -> str:
    return digest_record(stamps(files, str))


def _loaded_sources() -> Iterator[str]:
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if path and path.endswith(".py") and not is_library(Path(path)):
            yield path


def _stamp(path: str) -> tuple[int, ...]:
    try:
        status = os.stat(path)
    except OSError:
        return ()
    return status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns


def _listed(listing: dict[str, Any]) -> list[str]:
    return matches(listing["top"], listing["pattern"], deep=listing["deep"], sources=listing["sources"])


def reach(module_name: str, name: str) -> "Reached":
    """What a function reaches; with docstrings and type hints if something there reads them."""
    reached = Reached(module_name)
    reached.follow(module_name, name)
    if reached.reads_hints:
        reached = Reached(module_name, hints=True)
        reached.follow(module_name, name)
    return reached


@dataclass
class Reached:
    """What can be reached by name from a function.

    Attributes:
        home: module of the function; its package is ours.
        parts: (module, name) → dump of its definition; the name is "" for what runs at import.
        libraries: top-level names of imported modules that are neither ours nor of the standard library.
        modules: module of ours that was looked for → where it was found, or `None`.
        files: source and data file that was looked at → digest.
        absent: data files that the code names and that are not there.
        listings: pattern that was looked for → the arguments of `datafiles.matches` and the files that it found.
        hints: whether docstrings and type hints count.
        reads_hints: whether something reached reads docstrings or type hints.
    """

    home: str
    hints: bool = False
    parts: dict[tuple[str, str], str] = field(default_factory=dict)
    libraries: set[str] = field(default_factory=set)
    modules: dict[str, str] = field(default_factory=dict)
    files: dict[Path, Digest] = field(default_factory=dict)
    absent: set[Path] = field(default_factory=set)
    listings: dict[str, dict[str, Any]] = field(default_factory=dict)
    reads_hints: bool = False
    _followed: set[tuple[str, str | None]] = field(default_factory=set)
    _subclasses: list[tuple[str, str]] = field(default_factory=list)
    _lists_subclasses: bool = False

    def __post_init__(self) -> None:
        self._effects = Effects(self.home)
        self._data = DataFiles(self._effects)

    def digest(self) -> Digest:
        """Digest of everything reached."""
        return digest_record([[module, name, dump] for (module, name), dump in sorted(self.parts.items())])

    def follow(self, module_name: str, name: str | None) -> None:
        """Add `name` of a module, or the whole module, and all that they reach."""
        if (module_name, name) in self._followed:
            return
        self._followed.add((module_name, name))
        if not is_ours(module_name, self.home):
            self._add_library(module_name)
            return
        self._import(module_name)
        module = self._parse(module_name)
        if module is None:
            return
        if name is None:
            for each in (*module.defined, *module.imported):
                self.follow(module_name, each)
            for star in module.stars:
                self.follow(star, None)
        elif name in module.defined or name in module.imported:
            self._add(module, name, module.defined.get(name, []))
            for source, attribute in self._bindings(module, name):
                self._follow_import(source, attribute)
        elif name:
            self._follow_elsewhere(module, name)

    def _follow_elsewhere(self, module: Module, name: str) -> None:
        """Follow a name that the module does not bind: its submodule, or one from `import *` or `__getattr__`."""
        if self._submodule(module.name, name):
            self.follow(f"{module.name}.{name}", None)
            return  # a module's `__getattr__` is asked only for what it does not have
        if module.stars:
            self.parts[module.name, "import *"] = str(module.stars)
        for star in module.stars:
            self.follow(star, name)
        if "__getattr__" in module.defined:
            self.follow(module.name, "__getattr__")
        if name in {"__dict__", "__path__"}:
            self.follow(module.name, None)
            if module.is_package:
                self._follow_package(module.name)

    def _bindings(self, module: Module, name: str) -> list[tuple[str, str | None]]:
        """What imports bind a name to; counts itself, for what it is bound to may be reached in any case."""
        bindings = module.imported.get(name, [])
        if bindings:
            self.parts[module.name, f"import {name}"] = str(bindings)
        return bindings

    def _parse(self, module_name: str) -> Module | None:
        self.modules[module_name] = str(find(module_name))
        module = parse(module_name, hints=self.hints)
        if module is not None:
            self.files[module.path] = module.digest
        return module

    def _import(self, module_name: str) -> None:
        """Add what runs when a module is imported: the effects of it, of its packages, and of what they import."""
        if (module_name, "") in self._followed or not is_ours(module_name, self.home):
            return
        self._followed.add((module_name, ""))
        self._import(module_name.rpartition(".")[0]) if "." in module_name else None
        module = self._parse(module_name)
        if module is None:
            self._add_binary(module_name)
            return
        for source, attribute in module.sources:
            self._import_from(source, attribute)
        plain = parse(module_name) or module
        acting = [each for each, bare in zip(module.named, plain.named, strict=True) if self._effects.of(plain, bare)]
        self._add(module, "", sorted((*module.effects, *acting), key=operator.attrgetter("lineno")))
        for statement in module.named:
            if isinstance(statement, ast.ClassDef) and statement.bases:
                self._subclasses.append((module.name, statement.name))
                if self._lists_subclasses:
                    self.follow(module.name, statement.name)

    def _import_from(self, source: str, attribute: str | None) -> None:
        self._import(source)
        if attribute and is_ours(source, self.home) and self._submodule(source, attribute):
            self._import(f"{source}.{attribute}")

    def _submodule(self, module_name: str, name: str) -> bool:
        parent = parse(module_name)
        if parent is not None and not parent.is_package:
            return False
        self.modules[f"{module_name}.{name}"] = str(find(f"{module_name}.{name}"))
        return find(f"{module_name}.{name}") is not None

    def _follow_import(self, source: str, attribute: str | None) -> None:
        if attribute is not None and is_ours(source, self.home) and not self._defines(source, attribute):
            self._import(source)
            source, attribute = f"{source}.{attribute}", None
        self.follow(source, attribute)

    def _defines(self, module_name: str, name: str) -> bool:
        """Whether the module itself gives the name a meaning, other than that of its submodule."""
        module = parse(module_name)
        if module is None:
            return False
        others = [bound for bound in module.imported.get(name, ()) if bound != (module_name, name)]
        asked = "__getattr__" in module.defined and not self._submodule(module_name, name)
        return name in module.defined or bool(others) or bool(module.stars) or asked

    def _add_library(self, module_name: str) -> None:
        top = module_name.partition(".")[0]
        if top and (top not in sys.stdlib_module_names or top in zones.LIBRARIES):
            self.libraries.add(top)

    def _add_binary(self, module_name: str) -> None:
        path = find(module_name)
        if path is not None and path.is_file():
            self.files[path] = digest_file(path)
            self.parts[module_name, "file"] = self.files[path]

    def _add(self, module: Module, name: str, statements: list[ast.stmt]) -> None:
        if statements:
            self.parts[module.name, name] = "\n".join(ast.dump(statement) for statement in statements)
        for statement in statements:
            nodes = nodes_of(statement)
            local: dict[str, list[tuple[str, str | None]]] = {}
            for bound, source, attribute in imports(nodes, module):
                local.setdefault(bound, []).append((source, attribute))
            for source, attribute in sources(nodes, module):
                self._import_from(source, attribute)
            for chain in _chains(statement):
                self._follow_chain(module, local, chain)
            self._add_data(module, statement, nodes)
            self._add_dynamic(module, nodes)

    def _follow_chain(self, module: Module, local: dict[str, list[tuple[str, str | None]]], chain: list[str]) -> None:
        """Follow `a.b.c`: as far as it is modules of ours, then the name in the last of them."""
        first, *rest = chain
        bound = [*local.get(first, ()), *self._bindings(module, first)]
        for source, attribute in bound:
            self._follow_names(source, [*([attribute] if attribute else []), *rest])
        if first in module.defined or (module.stars and not bound):
            self.follow(module.name, first)

    def _follow_names(self, source: str, names: list[str]) -> None:
        if not is_ours(source, self.home):
            self._add_library(source)
            return
        while names and not self._defines(source, names[0]) and self._submodule(source, names[0]):
            self._import(source)
            source = f"{source}.{names.pop(0)}"
        self.follow(source, names[0] if names else None)

    def _add_dynamic(self, module: Module, nodes: list[ast.AST]) -> None:
        """Follow what is looked up by a text, or in all that is defined or loaded."""
        for node in nodes:
            match node:
                case ast.Constant(value=str(text)) if _DOTTED.fullmatch(text):
                    self._follow_text(text)
                case ast.Call(func=ast.Name(id="globals")) | ast.Call(func=ast.Name(id="vars"), args=[]):
                    self.follow(module.name, None)
                case ast.Call() if _loads(node):
                    self._follow_loaded(module, node)
                case ast.Attribute(attr="__subclasses__") if not self._lists_subclasses:
                    self._lists_subclasses = True
                    for home, name in list(self._subclasses):
                        self.follow(home, name)
                case ast.Attribute(value=ast.Name(id="sys"), attr="modules"):
                    self.follow(module.name, None)
                case ast.Attribute(value=ast.Name(id="inspect"), attr="signature"):
                    self.reads_hints = True
                case ast.Attribute(attr=word) | ast.Name(id=word) if word in _READING_HINTS:
                    self.reads_hints = True

    def _follow_text(self, text: str) -> None:
        """Follow a text that names a module of ours, or something in one, as `pkg.module:name` does."""
        names = text.replace(":", ".").split(".")
        if names[0] != self.home.partition(".")[0] and names[0] not in self.modules:
            return
        for length in range(len(names), 1, -1):
            source = ".".join(names[:length])
            self.modules[source] = str(find(source))
            if find(source) is not None:
                self._import(source)
                self.follow(source, names[length] if length < len(names) else None)
                return

    def _follow_loaded(self, module: Module, call: ast.Call) -> None:
        """Follow what a call loads by a name: that module if it is written out, else all of the package it can be in."""
        first = call.args[0] if call.args else None
        package = module.name if module.is_package else module.name.rpartition(".")[0]
        if isinstance(first, ast.Constant) and isinstance(first.value, str) and _loads(call) in _IMPORTING:
            dots = len(first.value) - len(first.value.lstrip("."))
            parents = package.split(".")[: len(package.split(".")) - dots + 1] if dots else []
            self._import(source := ".".join(filter(None, [*parents, first.value[dots:]])))
            self.follow(source, None)
            return
        start = first.values[0] if isinstance(first, ast.JoinedStr) and first.values else None
        known = start.value.rpartition(".")[0] if isinstance(start, ast.Constant) and isinstance(start.value, str) else ""
        self._follow_package(known if known and is_ours(known, self.home) else module.name.partition(".")[0])

    def _follow_package(self, package: str) -> None:
        """Follow every module of a package; of a module that is not in one, the modules beside it."""
        top, deep = self._top(package)
        for path in self._list(top, "**/*.py" if deep else "*.py", deep=deep, sources=True):
            parts = Path(path).with_suffix("").parts
            names = parts[:-1] if parts[-1] == "__init__" else parts
            if all(name.isidentifier() for name in names):
                module_name = ".".join([package, *names] if deep else names)
                self._import(module_name)
                self.follow(module_name, None)

    def _top(self, package: str) -> tuple[str, bool]:
        """The folder that a package's modules and data lie in, and whether its subfolders belong to it."""
        place = find(package) or Path()
        is_package = place.is_dir() or place.name == "__init__.py"
        return str(place if place.is_dir() else place.parent), is_package

    def _list(self, top: str, pattern: str, *, deep: bool, sources: bool = False) -> list[str]:
        listing = {"top": top, "pattern": pattern, "deep": deep, "sources": sources}
        files = matches(top, pattern, deep=deep, sources=sources)
        self.listings[os.path.join(top, pattern)] = listing | {"files": files}
        return files

    def _add_data(self, module: Module, statement: ast.stmt, nodes: list[ast.AST]) -> None:
        folder = str(module.path.parent)
        for node in nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and _FILE_NAME.fullmatch(node.value):
                self._add_file(module, os.path.join(folder, node.value))
        top, deep = self._top(module.name.partition(".")[0])
        for path in self._data.paths(module, statement):
            below = os.path.relpath(path, top)
            if os.path.isdir(path) or glob.has_magic(below):
                if not below.startswith(os.pardir):
                    pattern = os.path.join(below, "**") if os.path.isdir(path) else below
                    for name in self._list(top, pattern, deep=deep):
                        self._add_file(module, os.path.join(top, name))
            elif not path.endswith(".py"):
                self._add_file(module, path)

    def _add_file(self, module: Module, path: str) -> None:
        if os.path.isfile(path):
            digest = self.files[Path(path)] = digest_bytes(Path(path).read_bytes())
            self.parts[module.name, f"file {os.path.relpath(path, module.path.parent)}"] = digest
        elif not os.path.exists(path):
            self.absent.add(Path(path))


_FILE_NAME = re.compile(r"(?!.*\.py$)(?:\w[\w.+-]*/)*\w[\w +.-]*\.\w{1,8}")
_DOTTED = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)+(?::[^\W\d]\w*)?")
_IMPORTING = frozenset({"import_module", "__import__"})
_LOADING = _IMPORTING | {"spec_from_file_location", "run_path", "run_module", "iter_modules", "walk_packages", "exec", "eval"}
_READING_HINTS = frozenset({"__doc__", "__annotations__", "getdoc", "get_type_hints", "get_annotations", "getfullargspec"})


def _loads(call: ast.Call) -> str:
    """The name by which a call loads or runs code that is found by a text; "" if it does not."""
    name = chain_of(call.func)[-1:] or [""]
    is_builtin = isinstance(call.func, ast.Name) or name[0] not in {"exec", "eval"}
    return name[0] if name[0] in _LOADING and is_builtin else ""


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
def _version(library: str, distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        found = _distribution(library)
        return importlib.metadata.version(found) if found != library else "unknown"


@functools.cache
def _distribution(library: str) -> str:
    """The distribution that a library came with, or its name: mostly that is the same, and to find another takes 0.1 s."""
    if library in sys.stdlib_module_names:
        return library
    try:
        importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return next(iter(importlib.metadata.packages_distributions().get(library, ())), library)
    return library
