"""doit's file checker: a dependency's state is the digest of its content, or of its listing if it is a directory."""

from typing import Any

from doit.dependency import FileChangedChecker

from barmill.hashing import Digest
from barmill.store.stats import StatCache

CHECKER = "Xxh3Checker"
"""The name under which doit remembers it."""


class Xxh3Checker(FileChangedChecker):  # type: ignore[misc]
    """Compares content digests, each looked up once per run through the stat cache."""

    stats: StatCache

    def exists(self, file_path: str) -> bool:
        """True: whether outputs are there, and are what was built, is asked by each task's `uptodate` check."""
        return True

    def info(self, file_path: str) -> Digest:
        """The digest as of now; raises OSError if nothing is there."""
        return self.stats.digest_once(file_path)

    def check_modified(self, file_path: str, file_stat: Digest, state: str) -> bool:
        """Whether the digest is another than the recorded one."""
        return file_stat != state

    def get_state(self, dep: str, current_state: str | None) -> Digest | None:
        """The digest to record; None keeps the recorded one."""
        digest = self.stats.digest_once(dep)
        return None if digest == current_state else digest


def checker_for(stats: StatCache) -> type[Xxh3Checker]:
    """The checker class over a stat cache; doit makes the instance, and remembers the class by its name."""
    members: dict[str, Any] = {"stats": stats}
    return type(CHECKER, (Xxh3Checker,), members)
