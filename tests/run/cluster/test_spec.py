"""What travels: names and digests, no path; and what is said when it is another action on the other side."""

import pickle
from pathlib import Path

import pytest

from barmill.errors import ConfigError
from barmill.hashing import Digest
from barmill.run.cluster.address import Address, parse
from barmill.run.cluster.differences import differences
from barmill.run.cluster.spec import Action, Spec
from barmill.target import Target

MANIFEST = {
    "format": 1,
    "build": "stage.build",
    "code": "c" * 32,
    "versions": {"python": "3.11", "numpy": "2.0"},
    "params": {"n": 1},
    "inputs": {"one": "1" * 32},
    "outputs": ["out"],
}


def build(one: Path, some: list[Path], out: Path, *, n: int) -> None:
    """Nothing."""


def spec() -> Spec:
    """What is sent of an action with a single input and a group."""
    target = Target(
        "t", build, {"one": Path("/home/me/a.csv"), "some": ["/x/b.csv", "/y/b.csv"]}, {"out": Path("/z/o.txt")}, {"n": 1}
    )
    read = [("one", "/home/me/a.csv", Digest("a")), ("some", "/x/b.csv", Digest("b")), ("some", "/y/b.csv", Digest("c"))]
    action = Action("stage:t", target, Digest("k"), MANIFEST, read)
    return action.spec({Digest("a"): (1, "sa"), Digest("b"): (2, "sb"), Digest("c"): (3, "sc")})


def test_no_path_travels() -> None:
    """A spec has names, digests and sizes of files, in the order of the group, and no folder."""
    sent = spec()
    assert sent.inputs == {
        "one": [("a.csv", ("a", 1, "sa"))],
        "some": [("b.csv", ("b", 2, "sb")), ("b.csv", ("c", 3, "sc"))],
    }
    assert (sent.groups, sent.outputs) == ({"some"}, {"out": "o.txt"})
    assert sent.build == f"{build.__module__}.build"
    assert not any(folder in pickle.dumps(sent) for folder in (b"/home", b"/x", b"/y", b"/z"))


@pytest.mark.parametrize(
    ("change", "fact", "cure"),
    [
        ({"code": "d" * 32}, "the code of", "bring the code on there"),
        ({"versions": {"python": "3.12", "numpy": "2.0"}}, "python is 3.11 here and 3.12 there", "install python 3.11"),
        ({"versions": {"python": "3.11"}}, "numpy is 2.0 here and absent there", "install numpy 2.0"),
        ({"params": {"n": 1.0}}, "its params would be {'n': 1.0} there", "bring the code"),
        ({"inputs": {"one": "2" * 32}}, "input one is 111111111111 here and 222222222222 there", "run doit again"),
        ({"pieces": {"f": ["a"]}}, "the code of its pieces is another", "bring the code"),
    ],
)
def test_what_differs_is_told(change: dict[str, object], fact: str, cure: str) -> None:
    """A refusal says what differs, on which side it is what, and what to do."""
    error = differences(spec(), MANIFEST | change, "there")
    assert fact in error.fact
    assert cure in error.hint


def test_addresses() -> None:
    """An address is a scheduler's, with another protocol if it says so, or that of a cluster of the run's own."""
    pytest.importorskip("distributed", reason="distributed is not installed (extra cluster)")
    assert parse("dask") == Address("")
    assert parse("dask://host:8786") == Address("tcp://host:8786")
    assert parse("dask+tls://host:8786/") == Address("tls://host:8786")
    for wrong in ("", "dask+tls", "dask://", "tcp://host:1", "dask://host:1?token=x"):
        with pytest.raises(ConfigError, match="--workers is"):
            parse(wrong)
