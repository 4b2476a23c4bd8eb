"""Targets: roles and signature must fit when the target is made."""

import functools
import itertools
from pathlib import Path

import pytest

from barmill.errors import TargetError
from barmill.target import Target, escaped


def build(text: Path, out: Path, *, times: int = 1) -> None:
    """A build function; never called here."""


def lax(out: Path, **rest: object) -> None:
    """A build function that takes any role; never called here."""


class Holder:
    """Not a place for build functions."""

    def build(self, out: Path) -> None:
        """A method; never called here."""

    @staticmethod
    def static(out: Path) -> None:
        """A static method; never called here."""


def make(
    function: object = build, inputs: object = None, outputs: object = None, params: object = None, optional: object = ()
) -> Target:
    """A target whose roles fit `build`, but for what is given."""
    return Target(
        "one",
        function,
        {"text": Path("a")} if inputs is None else inputs,
        {"out": Path("b")} if outputs is None else outputs,
        params or {},
        frozenset(optional),
    )


def test_roles_that_fit() -> None:
    """Required roles must be there, a parameter with a default may be, and a catch-all takes any role."""
    assert make().params == {}
    assert make(params={"times": 2}).params == {"times": 2}
    assert make(lax, params={"anything": 1}).inputs == {"text": Path("a")}


@pytest.mark.parametrize(
    ("faults", "words"),
    [
        ({"inputs": {"txet": Path("a")}}, ["text", "txet"]),
        ({"outputs": {"uot": Path("b")}}, ["out", "uot"]),
        ({"params": {"tims": 2}}, ["tims", "times"]),
        ({"inputs": {}}, ["text"]),
        ({"params": {"text": 1}}, ["text", "twice"]),
        ({"optional": {"nout"}}, ["nout", "optional"]),
    ],
)
def test_a_role_that_does_not_fit_is_named(faults: dict[str, object], words: list[str]) -> None:
    """A role that is misspelt, missing, named twice, or optional without being an output raises when the target is made."""
    with pytest.raises(TargetError) as caught:
        make(**faults)
    assert [word for word in words if word not in str(caught.value)] == []


def test_functions_that_a_worker_could_not_import() -> None:
    """A lambda, a nested function and a method are refused, with the cure."""

    def nested(text: Path, out: Path) -> None:
        """Not at the top of a module."""

    for function in (lambda text, out: None, nested, Holder.static):
        with pytest.raises(TargetError, match="hint: define it at the top of its module"):
            make(function)


def test_groups_are_spelled_out_in_order() -> None:
    """A group of files is spelled out, in its order, under its role."""
    target = make(lax, inputs={"one": Path("x"), "group": [Path("c"), Path("a")]})
    assert list(target.spelled_out()) == [("one", "x"), ("group", "c"), ("group", "a")]


def test_a_wrapped_function_keeps_its_signature() -> None:
    """A decorated function is checked by the signature of what it wraps."""

    @functools.wraps(build)
    def wrapped(*args: object, **kwargs: object) -> None:
        build(*args, **kwargs)

    with pytest.raises(TargetError, match="txet"):
        make(wrapped, inputs={"txet": Path("a")})


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("AAPL.US", "AAPL.US"),
        ("GC=F", "GC%3DF"),
        ("A*", "A%2A"),
        ("5%", "5%"),
        ("A%3DB", "A%253DB"),
        ("A%25", "A%2525"),
        ("%=", "%%3D"),
    ],
)
def test_a_name_is_spelled_as_doit_allows_it(name: str, spelled: str) -> None:
    """`=` and `*` are replaced; `%` only where the result would be that of another name."""
    assert escaped(name) == spelled
    assert Target(name, lax, {"text": Path("a")}, {"out": Path("b")}).task_name == spelled


def test_no_two_names_have_one_spelling() -> None:
    """All names of up to seven of the letters that matter have spellings of their own, without `=` and `*`."""
    names = ["".join(letters) for length in range(1, 8) for letters in itertools.product("%=3D5", repeat=length)]
    names += ["".join(letters) for length in range(1, 7) for letters in itertools.product("%*2A5=", repeat=length)]
    spellings = {name: escaped(name) for name in names}
    assert len(set(spellings.values())) == len(spellings)
    assert not any("=" in spelling or "*" in spelling for spelling in spellings.values())


def test_a_typed_name_may_be_one_that_was_copied() -> None:
    """Of what a person types only `=` is replaced: a spelling stays, and a wildcard stays one."""
    assert [escaped(name, typed=True) for name in ("export:GC=F", "export:GC%3DF", "export:*=F")] == [
        "export:GC%3DF",
        "export:GC%3DF",
        "export:*%3DF",
    ]
