"""Build functions and targets for tests of the cache: each does one thing well or one thing wrong."""

import itertools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from barmill.store.cache import Cache
from barmill.target import Target

CALLS: list[str] = []
_count = itertools.count()


def upper(text: Path, out: Path, *, times: int = 1) -> None:
    """Upper case."""
    CALLS.append("upper")
    out.write_text(text.read_text().upper() * times)


def joined(texts: Sequence[Path], out: Path) -> None:
    """All texts, each with its name."""
    CALLS.append("joined")
    out.write_text("".join(f"{path.name}={path.read_text()};" for path in texts))


def names(folder: Path, out: Path) -> None:
    """The names below a folder."""
    CALLS.append("names")
    out.write_text(",".join(sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))))


def split(text: Path, out: Path) -> None:
    """A folder with a file per line: `a/b=content`; a name that ends in a slash is an empty folder."""
    CALLS.append("split")
    out.mkdir()
    for line in text.read_text().splitlines():
        name, _, content = line.partition("=")
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir()
        else:
            path.write_text(content)


def perhaps(text: Path, out: Path, extra: Path) -> None:
    """A second output only where the text says so."""
    CALLS.append("perhaps")
    out.write_text("out")
    if "extra" in text.read_text():
        extra.write_text("extra")


def either(text: Path, out: Path) -> None:
    """A folder where the text says so, else a file."""
    CALLS.append("either")
    if text.read_text() == "folder":
        out.mkdir()
        (out / "file").write_text("in a folder")
    else:
        out.write_text("a file")


def forgetful(text: Path, out: Path, second: Path) -> None:
    """Writes one of its outputs only."""
    out.write_text("out")


def untidy(text: Path, out: Path) -> None:
    """Writes a file that is no output."""
    out.write_text("out")
    (out.parent / "stray.txt").write_text("stray")


def linking(text: Path, out: Path) -> None:
    """Writes a link to a folder into its output."""
    out.mkdir()
    (out / "link").symlink_to(text.parent)


def failing(text: Path, out: Path) -> None:
    """Raises half-way."""
    out.write_text("half")
    raise RuntimeError("half-way")


def editing(text: Path, out: Path) -> None:
    """Reads its input while somebody edits it."""
    CALLS.append("editing")
    out.write_text(text.read_text())
    if "!" not in text.read_text():
        text.write_text(text.read_text() + "!")


def flickering(text: Path, out: Path) -> None:
    """Reads what its input is for a moment only."""
    before = text.read_text()
    if before == "one":
        text.write_text("two")
        out.write_text(text.read_text())
        text.write_text(before)
    else:
        out.write_text(before)


def rewritten(text: Path, out: Path) -> None:
    """Reads its input while somebody writes other bytes of the same length into it and puts its times back."""
    status = os.stat(text)
    out.write_text(text.read_text())
    with open(text, "r+") as file:
        file.write(text.read_text()[::-1])
    os.utime(text, ns=(status.st_atime_ns, status.st_mtime_ns))


def rewritten_group(texts: Sequence[Path], out: Path) -> None:
    """As `rewritten`, of a group of one."""
    rewritten(texts[0], out)


def linked(text: Path, out: Path) -> None:
    """Reads its input while somebody gives it another name and other permissions: its ctime changes, its content does not."""
    out.write_text(text.read_text())
    os.link(text, text.with_name("second name"))
    os.chmod(text, 0o600)


def random(text: Path, out: Path) -> None:
    """Another result each time."""
    out.write_text(f"{next(_count)}")


def whatever(**roles: Any) -> None:
    """Takes any role, and is not called."""


def another(**roles: Any) -> None:
    """Takes any role, and is not called."""


class Place:
    """A folder with a cache, an input `text`, and outputs under `artifacts`."""

    def __init__(self, root: Path, store: Path | None = None, **options: Any) -> None:
        self.root = root
        self.text = root / "text"
        self.out = root / "artifacts/out"
        root.mkdir(exist_ok=True)
        if not self.text.exists():
            self.text.write_text("one")
        self.store = store or root / "artifacts/store"
        self.cache = Cache(self.store, root / "artifacts/state.sqlite", **options)
        CALLS.clear()

    def target(self, build: Any = upper, **changes: Any) -> Target:
        """A target from `text` to `out`."""
        fields = {"inputs": {"text": self.text}, "outputs": {"out": self.out}, **changes}
        return Target("one", build, **fields)

    def ensure(self, build: Any = upper, *, force: bool = False, **changes: Any) -> str:
        """Bring a target into place; says how, and checks that it then is what the record says."""
        target = self.target(build, **changes)
        outcome = self.cache.ensure(target, task="stage:one", force=force)
        for path in target.outputs.values():
            self.cache.stats.forget(path)
        for _, path in target.spelled_out():
            self.cache.stats.forget(path)
        assert self.cache.look(target) == self.cache.finished(target, outcome)
        assert self.left_behind() == []
        return outcome.origin

    def left_behind(self) -> list[str]:
        """Temporary files, and files in staging folders, that should not be there."""
        staging = list(self.cache.staging.glob("*/*"))
        return [str(path) for path in (*staging, *self.root.rglob("*.tmp"))]

    def tree(self, path: Path | None = None) -> dict[str, str | None]:
        """What lies at an output: relative name → text, or None for a folder."""
        path = path or self.out
        if path.is_file():
            return {"": path.read_text()}
        found = sorted(path.rglob("*"))
        return {str(each.relative_to(path)): None if each.is_dir() else each.read_text() for each in found}
