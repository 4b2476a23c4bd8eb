"""doit's file checker: a dependency's state is the digest of its content, or of its listing if it is a directory."""

import os
from typing import Any

from doit.dependency import FileChangedChecker

from barmill.hashing import Digest
from barmill.run.front import FRONT
from barmill.store.stats import StatCache

CHECKER = "Xxh3Checker"
"""The name under which doit remembers it."""


class Xxh3Checker(FileChangedChecker):  # type: ignore[misc]
    """Compares content digests, each as of now: a task may have written the file a moment ago."""

    stats: StatCache

    def exists(self, file_path: str) -> bool:
        """Whether a target is there; a target of ours need not be, where its build may leave it unwritten."""
        return os.path.exists(file_path) or file_path in FRONT.optional

    def info(self, file_path: str) -> Digest:
        """The digest as of now; raises OSError if nothing is there."""
        return self.stats.digest(file_path)

    def check_modified(self, file_path: str, file_stat: Digest, state: str) -> bool:
        """Whether the digest is another than the recorded one."""
        return file_stat != state

    def get_state(self, dep: str, current_state: str | None) -> Digest | None:
        """The digest to record; None keeps the recorded one."""
        digest = self.stats.digest(dep)
        return None if digest == current_state else digest


def checker_for(stats: StatCache) -> type[Xxh3Checker]:
    """The checker class over a stat cache; doit makes the instance, and remembers the class by its name."""
    members: dict[str, Any] = {"stats": stats}
    return type(CHECKER, (Xxh3Checker,), members)
