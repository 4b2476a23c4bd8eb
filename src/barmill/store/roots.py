"""What gc keeps whatever the limits say: the present graph of every living project, and what is pinned."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from barmill.hashing import Digest
from barmill.store.pins import pinned
from barmill.store.projects import Project, registered


@dataclass(frozen=True)
class Roots:
    """Where the records come from that stay.

    Attributes:
        projects: the living projects whose present graph is kept.
        present: keys of the records of their present graphs.
        pinned: keys of the records that are pinned.
        gone: the projects whose state file is not there any more.
    """

    projects: list[Project]
    present: frozenset[Digest]
    pinned: frozenset[Digest]
    gone: list[Project]


def find(store: Path, ignored: Collection[Path] = ()) -> Roots:
    """Read the state of every registered project, but of those at or below the `ignored` paths, and every pin.

    Raises:
        StoreError: one of them can't be read.
    """
    known = list(registered(store))
    living = [project for project in known if not project.is_gone and not project.is_below(ignored)]
    return Roots(
        projects=living,
        present=frozenset(key for project in living for key in project.finished().values()),
        pinned=frozenset(key for pin in pinned(store) for key in pin.keys.values()),
        gone=[project for project in known if project.is_gone],
    )
