"""What a cluster costs and gives: many small targets beside the local pool, targets that compute on one worker and on two."""

import itertools
from pathlib import Path

from tests.bench.parallel import project
from tests.bench.timing import DOIT, Options, Table, fresh_artifacts, process, race
from tests.support.cluster import cluster
from tests.support.host import Host

_SMALL = 2_000
_LARGE = 40
_STEPS = 2_000_000  # 0.1 s


def run(options: Options) -> Table:
    """Cold builds, each with artifacts and a remote that never were."""
    table = Table("on a Dask cluster, over a folder", options.repeat)
    small, large = options.scaled(_SMALL), options.scaled(_LARGE)
    tiny = project("cluster-small", small, 1)
    with cluster(Host.here(tiny / "cluster")) as both:
        both.add(tiny)
        both.add(tiny)
        medians = race(
            {
                "cluster": lambda: _cold(tiny, small, "--workers", both.workers),
                "own": lambda: _cold(tiny, small, "--workers", "dask", "-n", "2"),
                "pool": lambda: _cold(tiny, small, "-n", "2"),
            },
            options.repeat,
        )
    table.add(f"{small} small targets on two workers", medians["cluster"], "`-n 2`", medians["pool"])
    table.add("the same, `--workers dask -n 2`", medians["own"], "`-n 2`", medians["pool"])
    more = (medians["cluster"] - medians["pool"]) / small
    table.notes.append(f"A small target costs {1000 * more:.2f} ms more on a cluster than in the local pool.")
    heavy = project("cluster-large", large, options.scaled(_STEPS))
    with cluster(Host.here(heavy / "one")) as one, cluster(Host.here(heavy / "two")) as two:
        one.add(heavy)
        two.add(heavy)
        two.add(heavy)
        medians = race(
            {
                "one": lambda: _cold(heavy, large, "--workers", one.workers),
                "two": lambda: _cold(heavy, large, "--workers", two.workers),
                "pool": lambda: _cold(heavy, large, "-n", "2"),
            },
            options.repeat,
        )
    table.add(f"{large} targets that compute, on two workers", medians["two"], "on one", medians["one"])
    table.add("the same", medians["two"], "`-n 2`", medians["pool"])
    return table


_NUMBERS = itertools.count()


def _cold(root: Path, count: int, *arguments: str) -> float:
    """Seconds of a build of targets that no worker has built: their parameters are new."""
    number = next(_NUMBERS)
    environ = {"BARMILL_REMOTE": str(root / f"remote{number}"), "BENCH_START": str(number * 1_000_003), **fresh_artifacts(root)}
    if "://" not in "".join(arguments):
        del environ["BARMILL_REMOTE"]
    return process((*DOIT, *arguments), root, environ, says=f"{count} built")
