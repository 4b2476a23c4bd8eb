"""A build by a cluster: workers with folders and code of their own, and no shared disk but the remote."""

import json
import shutil
from pathlib import Path

import pytest

from tests.run.cluster.conftest import Clustered
from tests.support.cluster import Cluster
from tests.support.market import NASDAQ, MarketProject
from tests.support.project import Project
from tests.support.research import ResearchProject


def test_it_is_what_a_local_build_is(clustered: Clustered, scheduler: Cluster) -> None:
    """Every byte is what a local build gives, all but what reads names in a folder is built on workers, and all is fresh."""
    for _ in range(2):
        scheduler.add(clustered.root)
    result = clustered.good()
    assert result.counts == {"built": 7, "restored": 0, "fetched": 0, "fresh": 0, "failed": 0}
    assert "2 workers, 2 threads" in result.err
    assert clustered.built() == ["join:all"]
    assert sorted(scheduler.built()) == sorted(
        f"{stage}:{name}" for stage in ("split", "upper") for name in ("ant", "bee", "cat")
    )
    assert clustered.artifacts() == clustered.as_local()
    clustered.assert_fresh()
    assert scheduler.built() == []


def test_records_are_those_of_the_project(clustered: Clustered, scheduler: Cluster) -> None:
    """Records name the inputs as they are here, and in the remote no path of either machine."""
    scheduler.add(clustered.root)
    clustered.good()
    read = {record["task"]: record["read"] for record in clustered.records()}
    assert [path for _, path, _ in read["upper:ant"]] == ["data/ant.txt"]
    clustered.edit("data/ant.txt", "ant", "aunt")
    assert "input text data/ant.txt" in clustered.doit("explain", "upper:ant").out
    remote = [path.read_text() for path in (clustered.root.parent / "remote").rglob("*.json")]
    assert len(remote) == 7
    assert not any(str(clustered.root.parent) in text for text in remote)


def test_only_what_is_stale_is_sent(clustered: Clustered, scheduler: Cluster) -> None:
    """After an edit the workers build what depends on it; what the store has is restored without them."""
    scheduler.add(clustered.root)
    clustered.good()
    clustered.built(), scheduler.built()
    clustered.edit("data/ant.txt", "ant", "aunt")
    clustered.good()
    assert scheduler.built() == ["upper:ant", "split:ant"]
    clustered.edit("data/ant.txt", "aunt", "ant")
    assert clustered.good().counts["built"] == 0
    assert scheduler.built() == []


def test_what_the_remote_has_is_fetched(clustered: Clustered, scheduler: Cluster, tmp_path: Path) -> None:
    """A second machine's clone with the same remote builds nothing, on no worker."""
    scheduler.add(clustered.root)
    clustered.good()
    scheduler.built()
    other = Clustered(Project.make(tmp_path / "other").root, scheduler)
    result = other.good()
    assert (result.counts["built"], scheduler.built(), other.built()) == (0, [], [])
    assert other.artifacts() == clustered.artifacts()


def test_what_a_worker_has_built_before(clustered: Clustered, scheduler: Cluster) -> None:
    """With the remote and all artifacts lost, workers deliver once more what they have, and build nothing."""
    scheduler.add(clustered.root)
    clustered.good()
    before = clustered.artifacts()
    scheduler.built()
    for folder in (clustered.root.parent / "remote", clustered.root / "artifacts"):
        shutil.rmtree(folder)
    assert clustered.good().counts["built"] == 7
    assert (scheduler.built(), clustered.artifacts()) == ([], before)


def test_everything_again(clustered: Clustered, scheduler: Cluster) -> None:
    """With -a workers build what they have built already."""
    scheduler.add(clustered.root)
    clustered.good()
    scheduler.built()
    assert clustered.good("-a").counts["built"] == 7
    assert len(scheduler.built()) == 6


def test_other_bytes_than_before(clustered: Clustered, scheduler: Cluster) -> None:
    """A build on a worker that gives other bytes than before is told to be not deterministic."""
    clustered.edit("upper.py", "out.write_text(shout", "import time\n    out.write_text(str(time.time_ns()) + shout")
    scheduler.add(clustered.root)
    clustered.good("upper:ant")
    before = clustered.artifacts()
    assert "the build is not deterministic" in clustered.good("-a", "upper:ant").out
    assert clustered.artifacts() != before


def test_a_cluster_of_its_own(tmp_path: Path) -> None:
    """`--workers dask` needs neither a scheduler nor a remote, and leaves nothing behind but what a local build leaves."""
    pytest.importorskip("distributed", reason="distributed is not installed (extra cluster)")
    project, other = Project.make(tmp_path / "p"), Project.make(tmp_path / "q")
    result = project.good("--workers", "dask", "-n", "2")
    assert (result.counts["built"], result.err) == (7, "")
    other.good()
    assert project.artifacts() == other.artifacts()
    assert list((project.root / "artifacts/.staging").glob("cluster-*")) == []
    project.assert_fresh("--workers", "dask")


def test_a_market_build(scheduler: Cluster, tmp_path: Path) -> None:
    """Price files, lists, chunks, gaps and indicators come out as a local build has them."""
    stages = ("instruments", "index", "match", "export", "reports", "chunks", "sessions", "gaps", "coverage", "panel")
    projects = [MarketProject.make(tmp_path / name, stages) for name in ("p", "q")]
    for project in projects:
        for ticker in ("AAA.US", "BBB.US", "CCC.US"):
            project.raw(NASDAQ, ticker, ("20231229", "20240102", "20240104"))
        project.listed("broker.csv", [(name, "", "NASDAQ", name, "USD") for name in ("AAA", "BBB", "CCC")])
    ours, theirs = projects
    scheduler.add(ours.root)
    scheduler.add(ours.root)
    remote = {"BARMILL_REMOTE": str(tmp_path / "remote")}
    result = ours.good("--workers", scheduler.workers, **remote)
    theirs.good()
    assert result.counts["built"] > 15
    assert _outputs(ours) == _outputs(theirs)
    ours.assert_fresh("--workers", scheduler.workers, **remote)
    assert _keys(ours) == _keys(theirs)


def test_pieces_travel(scheduler: Cluster, tmp_path: Path) -> None:
    """What earlier builds here have worked out of the pieces of a target is known to a worker that never saw it."""
    pytest.importorskip("numba", reason="numba is not installed (extra research)")
    project = ResearchProject.of(tmp_path / "p")
    project.good()
    settings = project.root / "pyproject.toml"
    settings.write_text(settings.read_text().replace("batch_size = 20", "batch_size = 33"))
    scheduler.add(project.root)
    result = project.good("--workers", scheduler.workers, BARMILL_REMOTE=str(tmp_path / "remote"))
    assert result.out.count("33 of 33 pieces were known") == 2
    ours = project.batches()
    project.good("-a")
    assert project.batches() == ours


PIECES = '''
"""Words, some of which fail."""
import os
from pathlib import Path
from barmill.target import Target

def word(name):
    return name.upper()

def build(folder, out, *, pieces, known):
    failed = {}
    lines = []
    for name in pieces:
        if name in known:
            lines.append(name + " known")
        elif name in Path("BAD").read_text().split():
            failed[name] = "ValueError: no"
        else:
            lines.append(name + " " + word(name))
    out.write_text("\\n".join(lines))
    return failed

def targets(plan):
    yield Target("all", build, {"folder": Path("data/ant.txt")}, {"out": plan.path("upper", "all.up")},
                 pieces={name: word for name in ("a", "b", "c")})
'''


def test_pieces_that_fail(clustered: Clustered, scheduler: Cluster) -> None:
    """A piece that fails on a worker is named and fails the run, its target is put in place, and the next run tries it."""
    bad = clustered.root.parent / "bad"
    bad.write_text("b")
    (clustered.root / "upper.py").write_text(PIECES.lstrip().replace('"BAD"', repr(str(bad))))
    (clustered.root / "dodo.py").write_text("\n".join((clustered.root / "dodo.py").read_text().split("def task_join")[:1]))
    scheduler.add(clustered.root)
    for _ in range(2):
        result = clustered.doit()
        assert result.code == 1
        assert "1 piece failed, b: ValueError: no" in result.out
        assert "b" not in clustered.artifacts()["upper/all.up"].decode()
    bad.write_text("")
    clustered.good()
    assert clustered.artifacts()["upper/all.up"] == b"a known\nb B\nc known"
    clustered.assert_fresh()


def _outputs(project: Project) -> dict[str, bytes]:
    root = project.root / "artifacts"
    files = (
        path for path in root.rglob("*") if path.is_file() and path.relative_to(root).parts[0] not in {"store", ".staging"}
    )
    return {str(path.relative_to(root)): path.read_bytes() for path in files if path.parent != root}


def _keys(project: Project) -> set[object]:
    return {json.dumps(record["outputs"], sort_keys=True) for record in project.records()}
