"""A cluster of two workers, and a project that it has the code of."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

import pytest

from tests.support.cluster import Cluster, cluster
from tests.support.host import Host
from tests.support.project import Project


@dataclass
class Clustered(Project):
    """A toy project that is built by a cluster."""

    cluster: Cluster | None = None

    def start(self, *arguments: str, behind: tuple[str, ...] = (), **environ: str) -> Popen[str]:
        """As `Project.start`, with `--workers` and a remote."""
        assert self.cluster is not None
        workers = ("--workers", self.cluster.workers) if not {"status", "explain", "--workers"} & {*arguments} else ()
        remote = str(self.root.parent / "remote")
        return super().start(*workers, *arguments, behind=behind, **{"BARMILL_REMOTE": remote, **environ})

    def many(self, count: int, *lines: str) -> None:
        """Have so many texts, and these lines of code at the start of the build of each."""
        for number in range(count):
            (self.root / "data" / f"t{number:02}.txt").write_text(f"text {number}\nand more\n")
        self.edit("upper.py", "    # a comment\n", "".join(f"    {line}\n" for line in lines))

    def as_local(self, *lines: str) -> dict[str, bytes]:
        """What a local build of a copy of the project gives, without what makes it fail."""
        project = Project.make(self.root.parent / "local")
        for file in (*self.root.glob("*.py"), *self.root.glob("data/*.txt"), self.root / "times"):
            (project.root / file.relative_to(self.root)).write_text(file.read_text())
        for line in lines:
            project.edit("upper.py", f"    {line}\n", "")
        project.good("-n", "2")
        return project.artifacts()


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[Cluster]:
    """A scheduler without workers."""
    pytest.importorskip("distributed", reason="distributed is not installed (extra cluster)")
    with cluster(Host.here(tmp_path / "cluster")) as started:
        yield started


@pytest.fixture
def clustered(scheduler: Cluster, tmp_path: Path) -> Clustered:
    """A toy project, and a scheduler whose workers the test starts when its code is what they are to have."""
    project = Project.make(tmp_path / "p")
    return Clustered(project.root, scheduler)
