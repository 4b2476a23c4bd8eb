"""Targets: roles and signature must fit when the target is made."""

import functools
from pathlib import Path

import pytest

from barmill.errors import TargetError
from barmill.target import Target


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
