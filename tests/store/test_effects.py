"""Code that is reached by registering, by hooks, or by composed names: which edits change a digest, and which do not."""

from pathlib import Path

import pytest

from tests.store.package import reach, write

DEFAULTS = {"pkg/__init__.py": "", "pkg/registry.py": "RULES = {}\nLIST = []\n"}
STAGE = "from pkg.registry import RULES, LIST\nimport pkg.rules\ndef build(out): return RULES, LIST\n"
RULE = "def spike(x):\n    return x * 2\n"
DECORATOR = "RULES = {}\nLIST = []\ndef rule(f):\n    RULES[f.__name__] = f\n    return f\n"
CLASS = (
    "class Registry:\n    def __init__(self):\n        self.items = {}\n    def add(self, f):\n"
    "        self.items[f.__name__] = f\n"
)

# name → registry, rules, stage: an edit of `x * 2` in rules must be seen by the stage's build
SEEN = {
    "decorator": (DECORATOR, f"from pkg.registry import rule\n@rule\n{RULE}", STAGE),
    "decorator by another name": (DECORATOR, f"from pkg.registry import rule as r\n@r\n{RULE}", STAGE),
    "decorator of the module": (DECORATOR, f"from pkg import registry\n@registry.rule\n{RULE}", STAGE),
    "decorator from a package": (DECORATOR, f"import pkg.registry\n@pkg.registry.rule\n{RULE}", STAGE),
    "decorator with arguments": (
        (
            "RULES = {}\nLIST = []\ndef rule(name):\n    def keep(f):\n        RULES[name] = f\n"
            "        return f\n    return keep\n"
        ),
        f"from pkg.registry import rule\n@rule('s')\n{RULE}",
        STAGE,
    ),
    "decorator that appends": (
        "RULES = {}\nLIST = []\ndef rule(f):\n    LIST.append(f)\n    return f\n",
        f"from pkg.registry import rule\n@rule\n{RULE}",
        STAGE,
    ),
    "decorator that calls a helper": (
        ("RULES = {}\nLIST = []\ndef _keep(f):\n    LIST.append(f)\ndef rule(f):\n    _keep(f)\n    return f\n"),
        f"from pkg.registry import rule\n@rule\n{RULE}",
        STAGE,
    ),
    "decorator with an alias": (
        ("RULES = {}\nLIST = []\ndef rule(f):\n    rules = RULES\n    rules[f.__name__] = f\n    return f\n"),
        f"from pkg.registry import rule\n@rule\n{RULE}",
        STAGE,
    ),
    "decorator that takes the registry": (
        (
            "RULES = {}\nLIST = []\ndef into(rules):\n    def keep(f):\n        rules.append(f)\n"
            "        return f\n    return keep\n"
        ),
        f"from pkg.registry import into, LIST\n@into(LIST)\n{RULE}",
        STAGE,
    ),
    "decorator with a global name": (
        "RULES = None\nLIST = []\ndef rule(f):\n    global RULES\n    RULES = f\n    return f\n",
        f"from pkg.registry import rule\n@rule\n{RULE}",
        STAGE,
    ),
    "decorator made by partial": (
        (
            "import functools\nRULES = {}\nLIST = []\ndef keep(name, f):\n    RULES[name] = f\n"
            "    return f\n"
            "rule = functools.partial(keep, 's')\n"
        ),
        f"from pkg.registry import rule\n@rule\n{RULE}",
        STAGE,
    ),
    "decorator that is a lambda": (
        "RULES = {}\nLIST = []\nrule = lambda f: RULES.setdefault(f.__name__, f)\n",
        f"from pkg.registry import rule\n@rule\n{RULE}",
        STAGE,
    ),
    "decorator that is a method of an instance": (
        f"{CLASS}RULES = Registry()\nLIST = []\n",
        f"from pkg.registry import RULES\n@RULES.add\n{RULE}",
        STAGE,
    ),
    "decorator that is a method of a class": (
        (
            "class Kinds:\n    ALL = []\n    @classmethod\n    def add(cls, f):\n        cls.ALL.append(f)\n"
            "        return f\n"
            "RULES = Kinds\nLIST = []\n"
        ),
        f"from pkg.registry import Kinds\n@Kinds.add\n{RULE}",
        STAGE,
    ),
    "decorator that is an instance": (
        (
            "class Keep:\n    def __init__(self):\n        self.kept = []\n    def __call__(self, f):\n"
            "        LIST.append(f)\n        return f\n"
            "RULES = Keep()\nLIST = []\n"
        ),
        f"from pkg.registry import RULES\n@RULES\n{RULE}",
        STAGE,
    ),
    "decorator that is a method of a list": (DECORATOR, f"from pkg.registry import LIST\n@LIST.append\n{RULE}", STAGE),
    "decorated method": (
        DECORATOR,
        ("from pkg.registry import rule\nclass A:\n    @rule\n    def spike(self, x):\n        return x * 2\n"),
        STAGE,
    ),
    "decorated class": (
        DECORATOR,
        "from pkg.registry import rule\n@rule\nclass A:\n    def f(self, x):\n        return x * 2\n",
        STAGE,
    ),
    "call in a constant": (DECORATOR, f"from pkg.registry import rule\n{RULE}KEPT = rule(spike)\n", STAGE),
    "call in a default": (DECORATOR, f"from pkg.registry import rule\n{RULE}def other(f=rule(spike)):\n    pass\n", STAGE),
    "method in a constant": (DECORATOR, f"from pkg.registry import RULES\n{RULE}KEPT = RULES.setdefault('s', spike)\n", STAGE),
    "constructor that keeps its object": (
        (
            "class Rule:\n    ALL = []\n    def __init__(self, f):\n        self.f = f\n"
            "        Rule.ALL.append(self)\nRULES = Rule\nLIST = []\n"
        ),
        f"from pkg.registry import Rule\n{RULE}KEPT = Rule(spike)\n",
        STAGE,
    ),
    "constructor that keeps its object by self": (
        (
            "class Rule:\n    ALL = []\n    def __init__(self, f):\n        self.f = f\n"
            "        self.ALL.append(self)\nRULES = Rule\nLIST = []\n"
        ),
        f"from pkg.registry import Rule\n{RULE}KEPT = Rule(spike)\n",
        STAGE,
    ),
    "statement": (DECORATOR, f"from pkg.registry import RULES\n{RULE}RULES['s'] = spike\n", STAGE),
    "statement on an alias": (
        DECORATOR,
        f"from pkg import registry\n{RULE}rules = registry.RULES\nrules['s'] = spike\n",
        STAGE,
    ),
    "list in place": (DECORATOR, f"from pkg.registry import LIST\n{RULE}LIST += [spike]\n", STAGE),
    "loop": (DECORATOR, f"from pkg.registry import LIST\n{RULE}for each in (spike,):\n    LIST.append(each)\n", STAGE),
    "library that changes its argument": (
        DECORATOR,
        (f"import operator\nfrom pkg.registry import RULES\n{RULE}_ = operator.setitem(RULES, 's', spike)\n"),
        STAGE,
    ),
    "subclass hook": (
        "LIST = []\nclass RULES:\n    def __init_subclass__(cls):\n        LIST.append(cls)\n",
        "from pkg.registry import RULES\nclass Sub(RULES):\n    def f(self, x):\n        return x * 2\n",
        STAGE,
    ),
    "subclass hook two classes up": (
        (
            "LIST = []\nclass RULES:\n    def __init_subclass__(cls):\n        LIST.append(cls)\n"
            "class Middle(RULES):\n    pass\n"
        ),
        ("from pkg import registry\nclass Sub(registry.Middle):\n    def f(self, x):\n        return x * 2\n"),
        STAGE,
    ),
    "metaclass": (
        (
            "LIST = []\nclass Meta(type):\n    def __new__(m, *given):\n        LIST.append(given)\n"
            "        return type.__new__(m, *given)\n"
            "class RULES(metaclass=Meta):\n    pass\n"
        ),
        ("from pkg.registry import Meta\nclass Sub(metaclass=Meta):\n    def f(self, x):\n        return x * 2\n"),
        STAGE,
    ),
    "subclass of a class with a metaclass": (
        (
            "LIST = []\nclass Meta(type):\n    def __init__(cls, *given):\n        LIST.append(cls)\n"
            "class RULES(metaclass=Meta):\n    pass\n"
        ),
        "from pkg.registry import RULES\nclass Sub(RULES):\n    def f(self, x):\n        return x * 2\n",
        STAGE,
    ),
    "list of subclasses": (
        "LIST = []\nclass RULES:\n    pass\n",
        "from pkg.registry import RULES\nclass Sub(RULES):\n    def f(self, x):\n        return x * 2\n",
        ("from pkg.registry import RULES\nimport pkg.rules\ndef build(out): return RULES.__subclasses__()\n"),
    ),
    "descriptor": (
        ("LIST = []\nclass Field:\n    def __set_name__(self, owner, name):\n        LIST.append(owner)\nRULES = 1\n"),
        ("from pkg.registry import Field\nclass Row:\n    price = Field()\n    def f(self, x):\n        return x * 2\n"),
        STAGE,
    ),
    "singledispatch": (
        "import functools\nLIST = 1\n@functools.singledispatch\ndef RULES(x):\n    return 0\n",
        "from pkg.registry import RULES\n@RULES.register\ndef _(x: int):\n    return x * 2\n",
        STAGE,
    ),
    "singledispatch with a class": (
        "import functools\nLIST = 1\n@functools.singledispatch\ndef RULES(x):\n    return 0\n",
        "from pkg.registry import RULES\n@RULES.register(int)\ndef _(x):\n    return x * 2\n",
        STAGE,
    ),
    "singledispatch by a call": (
        "import functools\nLIST = 1\n@functools.singledispatch\ndef RULES(x):\n    return 0\n",
        f"from pkg.registry import RULES\n{RULE}RULES.register(int, spike)\n",
        STAGE,
    ),
    "import by a name": (
        DECORATOR,
        RULE,
        "import importlib\ndef build(out): return importlib.import_module('pkg.rules').spike(1)\n",
    ),
    "import by a relative name": (
        DECORATOR,
        RULE,
        ("import importlib\ndef build(out): return importlib.import_module('.rules', __package__).spike(1)\n"),
    ),
    "import by a composed name": (
        DECORATOR,
        RULE,
        ("from importlib import import_module\ndef build(out, kind): return import_module(f'pkg.{kind}').spike(1)\n"),
    ),
    "import by an unknown name": (
        DECORATOR,
        RULE,
        "import importlib\ndef build(out, kind): return importlib.import_module(kind).spike(1)\n",
    ),
    "modules of a package": (
        DECORATOR,
        RULE,
        ("import pkgutil\nimport pkg\ndef build(out): return [m.name for m in pkgutil.iter_modules(pkg.__path__)]\n"),
    ),
    "name of a function in a text": (
        DECORATOR,
        RULE,
        "import pydoc\ndef build(out): return pydoc.locate('pkg.rules.spike')(1)\n",
    ),
    "entry point in a table": (
        DECORATOR,
        RULE,
        ("import pkgutil\nTABLE = {'s': 'pkg.rules:spike'}\ndef build(out): return pkgutil.resolve_name(TABLE['s'])(1)\n"),
    ),
    "getattr of a module": (
        DECORATOR,
        RULE,
        "from pkg import rules\ndef build(out, kind): return getattr(rules, 'sp' + kind)\n",
    ),
    "dict of a module": (DECORATOR, RULE, "from pkg import rules\ndef build(out, kind): return rules.__dict__[kind](1)\n"),
    "vars of a module": (DECORATOR, RULE, "from pkg import rules\ndef build(out, kind): return vars(rules)[kind](1)\n"),
    "attribute of a module": (DECORATOR, RULE, "from pkg import rules\ndef build(out): return rules.spike(1)\n"),
    "dispatch table": (
        DECORATOR,
        RULE,
        "from pkg.rules import spike\nTABLE = {'s': spike}\ndef build(k): return TABLE[k](1)\n",
    ),
}


@pytest.mark.parametrize("name", SEEN)
def test_edit_of_code_reached_in_other_ways_than_by_name_changes_the_digest(tmp_path: Path, name: str) -> None:
    """The edited function is reached from a registry, a hook, or a name that is composed or written as text."""
    registry, rules, stage = SEEN[name]
    write(tmp_path, DEFAULTS | {"pkg/registry.py": registry, "pkg/rules.py": rules, "pkg/stage.py": stage})
    before = reach(tmp_path).digest()
    assert "x * 2" in rules or "return x * 2" in rules
    write(tmp_path, {"pkg/rules.py": rules.replace("x * 2", "x * 3")})
    assert reach(tmp_path).digest() != before


@pytest.mark.parametrize(
    "stage",
    [
        "def spike(x):\n    return x * 2\ndef build(out, k): return globals()[k](1)\n",
        (
            "def spike(x):\n    return x * 2\ndef build(out, k):\n    import sys\n"
            "    return getattr(sys.modules[__name__], k)(1)\n"
        ),
        "def spike(x):\n    return x * 2\ndef build(out, k): return vars()[k](1)\n",
        (
            "LIST = []\ndef rule(f):\n    LIST.append(f)\n    return f\n@rule\ndef spike(x):\n"
            "    return x * 2\ndef build(out): return LIST\n"
        ),
        (
            "from pkg.registry import LIST\nif LIST is not None:\n    def spike(x):\n        return x * 2\n"
            "    LIST.append(spike)\n"
            "def build(out): return LIST\n"
        ),
    ],
)
def test_edit_of_code_reached_within_its_module_changes_the_digest(tmp_path: Path, stage: str) -> None:
    """Lookups in the module's own names, and registries in the same module, are followed."""
    write(tmp_path, DEFAULTS | {"pkg/stage.py": stage})
    before = reach(tmp_path).digest()
    write(tmp_path, {"pkg/stage.py": stage.replace("x * 2", "x * 3")})
    assert reach(tmp_path).digest() != before


def test_new_module_in_a_package_of_plugins_is_seen(tmp_path: Path) -> None:
    """A module that appears where a build looks for modules changes the digest and the listing."""
    stage = "import importlib\ndef build(out, k): return importlib.import_module(f'pkg.plugins.{k}')\n"
    write(tmp_path, DEFAULTS | {"pkg/stage.py": stage, "pkg/plugins/__init__.py": "", "pkg/plugins/a.py": RULE})
    before = reach(tmp_path)
    write(tmp_path, {"pkg/plugins/b.py": RULE})
    after = reach(tmp_path)
    assert after.digest() != before.digest()
    assert after.listings != before.listings


# rules, with an edit of what the stage does not reach
UNSEEN = {
    "function of a module that registers others": ("from pkg.registry import rule\n@rule\ndef a(x):\n    return x\n" + RULE),
    "cached function": f"import functools\n@functools.cache\n{RULE}",
    "method with a plain decorator": "class A:\n    @property\n    def spike(self, x=1):\n        return x * 2\n",
    "dataclass": (
        "from dataclasses import dataclass, field\n@dataclass(frozen=True)\nclass A:\n    x: int = 1\n"
        "    def spike(self, x):\n        return x * 2\n"
    ),
    "subclass without a hook": "class Base:\n    pass\nclass Sub(Base):\n    def f(self, x):\n        return x * 2\n",
    "error class": "class Wrong(ValueError):\n    def f(self, x):\n        return x * 2\n",
    "constant made by a function": f"{RULE}KEPT = spike(1)\n",
    "constant made by a class": "class A:\n    def __init__(self, x):\n        self.x = x * 2\nKEPT = A(1)\n",
    "decorator that keeps nothing": (
        f"def plain(f):\n    made = {{}}\n    made['f'] = f\n    f2 = made['f']\n    return f2\n@plain\n{RULE}"
    ),
    "decorator of a wrapper": (
        "import functools\ndef timed(f):\n    @functools.wraps(f)\n    def inner(*given):\n"
        "        out = []\n"
        f"        out.append(f(*given))\n        return out\n    return inner\n@timed\n{RULE}"
    ),
}


@pytest.mark.parametrize("name", UNSEEN)
def test_edit_of_code_that_registers_nothing_keeps_the_digest(tmp_path: Path, name: str) -> None:
    """A function that the build does not reach does not count only because its module is imported."""
    write(tmp_path, DEFAULTS | {"pkg/registry.py": DECORATOR, "pkg/rules.py": UNSEEN[name], "pkg/stage.py": STAGE})
    before = reach(tmp_path).parts
    assert "x * 2" in UNSEEN[name]
    write(tmp_path, {"pkg/rules.py": UNSEEN[name].replace("x * 2", "x * 3")})
    assert reach(tmp_path).parts == before


@pytest.mark.parametrize(
    ("stage", "old", "new"),
    [
        ('def build(out):\n    """Pips."""\n    return build.__doc__\n', "Pips.", "Points."),
        ("from pkg.h import f\ndef build(out):\n    return f.__doc__\n", "", ""),
        ("def build(out):\n    def f(x: 'metres'): ...\n    return f.__annotations__\n", "metres", "feet"),
        ("import typing\ndef f(x: int): ...\ndef build(out):\n    return typing.get_type_hints(f)\n", "x: int", "x: str"),
        ("import inspect\ndef f(x: int): ...\ndef build(out):\n    return inspect.signature(f)\n", "x: int", "x: str"),
        (
            (
                "from functools import singledispatch\n@singledispatch\ndef f(x): ...\n@f.register\n"
                "def _(x: int): ...\n"
                "def build(out):\n    return f(1)\n"
            ),
            "x: int",
            "x: str",
        ),
        ("from lib import validate\n@validate\ndef f(x: int): ...\ndef build(out):\n    return f(1)\n", "x: int", "x: str"),
    ],
)
def test_docstrings_and_hints_count_where_they_are_read(tmp_path: Path, stage: str, old: str, new: str) -> None:
    """An edit of a docstring or a type hint changes the digest if code that is reached reads them."""
    helper = 'def f(x: int):\n    """Old."""\n'
    write(tmp_path, DEFAULTS | {"pkg/stage.py": stage, "pkg/h.py": helper})
    before = reach(tmp_path).digest()
    write(tmp_path, {"pkg/stage.py": stage.replace(old, new)} if old else {"pkg/h.py": helper.replace("Old", "New")})
    assert reach(tmp_path).digest() != before
