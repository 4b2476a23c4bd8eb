"""Checkouts of this repository, each with its own path, user, home and environment, as machines have them."""

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.market import REPOSITORY
from tests.support.project import Result

_PARTS = ("dodo.py", "pyproject.toml", "src", "data")
_UNSEEN = shutil.ignore_patterns("__pycache__", ".locks", "*.egg-info")


@dataclass
class Checkout:
    """A fresh copy of the repository's code and sample, with stamps of its own.

    Attributes:
        root: where it is.
        user: who works in it; "": who runs the tests.
        environ: what its environment has beside its user, home and code.
    """

    root: Path
    user: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def make(cls, home: Path, user: str = "", **environ: str) -> "Checkout":
        """Check it out into a new folder, which is the user's home; skips the test where that user can't run Python.

        Args:
            home: the new folder.
            user: see the class.
            environ: see the class.
        """
        (home / "work").mkdir(parents=True)
        for part in _PARTS:
            source = REPOSITORY / part
            if source.is_dir():
                shutil.copytree(source, home / "work" / part, ignore=_UNSEEN, copy_function=shutil.copyfile)
            else:
                shutil.copyfile(source, home / "work" / part)
        checkout = cls(home / "work", user, environ)
        if user:
            for path in (home, *home.rglob("*")):
                shutil.chown(path, user)
            checkout._can_run()
        return checkout

    def doit(self, *arguments: str, **environ: str) -> Result:
        """Run `doit` there, as that user."""
        done = self._run([sys.executable, "-m", "doit", *arguments], environ)
        return Result(done.returncode, done.stdout, done.stderr)

    @property
    def artifacts(self) -> Path:
        """Everything that is built."""
        return Path(self.environ.get("BARMILL_ARTIFACTS", self.root / "artifacts"))

    def outputs(self) -> dict[str, bytes]:
        """What is built but the store and the state: relative path → bytes."""
        root = self.artifacts
        found = {path.relative_to(root): path for path in sorted(root.rglob("*")) if path.is_file()}
        return {
            str(name): path.read_bytes() for name, path in found.items() if len(name.parts) > 1 and name.parts[0] != "store"
        }

    def _run(self, command: list[str], environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        own = {"PATH": os.environ["PATH"], "HOME": str(self.root.parent), "USER": self.user or "tests", "CI": "true"}
        own |= {"PYTHONPATH": str(self.root / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            [*self._as_user(), *command],
            cwd=self.root,
            env={**own, **self.environ, **environ},
            capture_output=True,
            text=True,
            check=False,
        )

    def _as_user(self) -> list[str]:
        """What becomes that user; who may read what others have closed, as the interpreter may lie in root's home."""
        if not self.user:
            return []
        given = pwd.getpwnam(self.user)
        who = ["--reuid", str(given.pw_uid), "--regid", str(given.pw_gid), "--clear-groups"]
        return ["setpriv", *who, "--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"]

    def _can_run(self) -> None:
        if not shutil.which("setpriv"):
            pytest.skip("there is no setpriv (util-linux) here")
        done = self._run([sys.executable, "-c", "import barmill; print(barmill.__file__)"], {})
        if done.returncode:
            pytest.skip(f"{self.user} can't run {sys.executable} here: {done.stderr.strip()[-200:]}")
        assert done.stdout.startswith(str(self.root))
