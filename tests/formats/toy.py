"""Targets of every shape that the formats know: groups, folders, optional and empty outputs, parameters of each JSON type.

Their code counts under a name instead of its digest, which differs between Python versions: see `code_of`.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from barmill.hashing import digest_record
from barmill.plan import Plan
from barmill.store.code import Code
from barmill.target import Target

TEXTS = {"ant.txt": "an ant\n", "zoë.txt": "is this a bee?\n"}


def write_texts(root: Path) -> None:
    """Write what the targets read."""
    (root / "in").mkdir()
    for name, text in TEXTS.items():
        (root / "in" / name).write_text(text, encoding="utf-8")


def shout(text: Path, out: Path, extra: Path, *, options: dict) -> None:
    """Upper case; nothing is written to `extra` unless there is a question."""
    out.write_text(text.read_text().upper() * options["times"])
    if "?" in text.read_text():
        extra.write_text("a question\n")


def split(texts: Sequence[Path], folder: Path, out: Path) -> None:
    """A folder with a file per text, one with the names in a folder, and one with nothing in it."""
    (out / "none").mkdir(parents=True)
    (out / "below").mkdir()
    for text in texts:
        (out / "below" / text.name).write_text(text.read_text())
    (out / "names").write_text(",".join(sorted(path.name for path in folder.iterdir())))


def targets(plan: Plan) -> Iterator[Target]:
    """Two targets over single files, and one over all of them."""
    texts = [Path("in", name) for name in TEXTS]
    options = {"times": 2, "ratio": 0.5, "none": None, "flags": [True, "é"]}
    for text in texts:
        outputs = {role: plan.path("toy", f"{text.stem}.{role}") for role in ("out", "extra")}
        yield Target(text.stem, shout, {"text": text}, outputs, {"options": options}, optional=frozenset({"extra"}))
    yield Target("all", split, {"texts": texts, "folder": Path("in")}, {"out": plan.path("toy", "all")})


def code_of(codes: object, build: Callable[..., None]) -> Code:
    """In the place of `Codes.of`: the same on every machine, under every Python."""
    return Code(f"toy.{build.__name__}", digest_record(build.__name__), {"python": "3.11", "some-library": "1.0"})
