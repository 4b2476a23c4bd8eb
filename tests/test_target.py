"""Targets: roles and signature must fit when the target is made."""

import dataclasses
import functools
import itertools
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from barmill.errors import TargetError
from barmill.target import Target, escaped


def build(text: Path, out: Path, *, times: int = 1) -> None:
    """A build function; never called here."""


def lax(out: Path, **rest: object) -> None:
    """A build function that takes any role; never called here."""


def record(seen: dict[str, object], failed: Mapping[str, str] | None = None, **roles: object) -> Mapping[str, str] | None:
    """A build function that notes the roles it is called with, and reports `failed`."""
    seen.update(roles)
    return failed


UNNAMED = [lambda text, out: None]


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


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (functools.partial(build, times=2), "functools.partial("),
        (Holder, "<class '"),
        (print, "<built-in function print>"),
        (UNNAMED[0], f"{__name__}.<lambda>"),
        (Holder.static, f"{__name__}.Holder.static"),
    ],
)
def test_what_is_not_a_module_level_function_is_named(function: object, name: str) -> None:
    """A partial, a class, a built-in, a lambda at the top of a module and a static method are refused by their names."""
    with pytest.raises(TargetError) as caught:
        make(function)
    assert caught.value.fact.startswith(name)
    assert caught.value.fact.endswith(" is not a module-level function")


def test_fault_of_a_signature_names_the_function() -> None:
    """The error of a role that does not fit begins with the module and the name of the function."""
    with pytest.raises(TargetError) as caught:
        make(params={"tims": 2})
    assert caught.value.fact.startswith(f"{__name__}.build: ")


def test_all_outputs_may_be_optional() -> None:
    """A target whose every output is optional is made; nothing is said against it."""
    assert make(optional={"out"}).optional == {"out"}


def test_a_target_cannot_be_changed() -> None:
    """Setting a field raises: the key and the call of a target are those of the one that was checked."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        make().name = "other"


def test_function_of_a_target_with_pieces_must_take_them() -> None:
    """A function without the parameters `pieces` and `known` is refused if the target has pieces."""

    def target(function: Callable[..., None]) -> Target:
        return Target("one", function, {}, {"out": Path("b")}, pieces={"half": build})

    assert target(lax).pieces == {"half": build}
    with pytest.raises(TargetError, match="the target's roles are out, pieces, known"):
        target(build)


def test_a_path_is_a_single_input_and_a_sequence_a_group() -> None:
    """A Path and a text are single inputs; a list of either is a group, also of one."""
    target = make(lax, inputs={"path": Path("x"), "name": "yes", "one": [Path("z")], "many": ["v", "w"], "none": []})
    assert [role for role in target.inputs if target.is_group(role)] == ["one", "many", "none"]
    assert list(target.names()) == [("path", ["x"]), ("name", ["yes"]), ("one", ["z"]), ("many", ["v", "w"]), ("none", [])]
    assert target.single_inputs() == ["x", "yes"]


def test_call_gives_the_function_a_keyword_for_each_role() -> None:
    """Inputs come as paths and lists of paths, outputs as the given paths, parameters as they are; nothing else comes."""
    seen: dict[str, object] = {}
    inputs = {"path": Path("x"), "name": "yes", "one": ["z"], "many": [Path("v"), "w"]}
    target = Target("one", record, inputs, {"out": Path("b")}, {"seen": seen, "times": 2})
    assert target.call({"out": Path("elsewhere")}) == {}
    assert seen == {
        "path": Path("x"),
        "name": Path("yes"),
        "one": [Path("z")],
        "many": [Path("v"), Path("w")],
        "out": Path("elsewhere"),
        "times": 2,
    }


def test_call_gives_the_pieces_and_what_is_known_of_them() -> None:
    """A function of pieces gets them and the folders of those that are known; an empty mapping if none is."""
    seen: dict[str, object] = {}
    target = Target("one", record, {}, {"out": Path("b")}, {"seen": seen}, pieces={"half": build, "rest": lax})
    target.call({"out": Path("b")})
    assert seen == {"out": Path("b"), "pieces": {"half": build, "rest": lax}, "known": {}}
    target.call({"out": Path("b")}, {"half": Path("folder")})
    assert seen["known"] == {"half": Path("folder")}


def test_call_returns_the_pieces_that_failed() -> None:
    """What the function reports of its pieces is returned; a name that is not one of them is an error that names it."""

    def call(failed: Mapping[str, str]) -> Mapping[str, str]:
        pieces = {"half": build, "rest": lax}
        return Target("one", record, {}, {"out": Path("b")}, {"seen": {}, "failed": failed}, pieces=pieces).call({})

    assert call({"half": "no memory"}) == {"half": "no memory"}
    with pytest.raises(TargetError, match="one: the build names 'half-' as failed"):
        call({"rest": "no memory", "half-": "no memory"})


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
        ("caf\udce9", "caf%E9"),
        ("caf%E9", "caf%25E9"),
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
    names += ["".join(letters) for length in range(1, 7) for letters in itertools.product("%E92\udce95", repeat=length)]
    spellings = {name: escaped(name) for name in dict.fromkeys(names)}
    assert len(set(spellings.values())) == len(spellings)
    assert all(spelling.encode() for spelling in spellings.values())
    assert not any("=" in spelling or "*" in spelling for spelling in spellings.values())


def test_a_typed_name_may_be_one_that_was_copied() -> None:
    """Of what a person types only `=` is replaced: a spelling stays, and a wildcard stays one."""
    assert [escaped(name, typed=True) for name in ("export:GC=F", "export:GC%3DF", "export:*=F")] == [
        "export:GC%3DF",
        "export:GC%3DF",
        "export:*%3DF",
    ]
