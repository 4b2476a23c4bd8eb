"""What one thing costs on this machine: a file looked at, a target decided on or built, a record sent, a task scheduled."""

import logging
import math
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

from barmill.hashing import digest_bytes, digest_file, digest_record
from barmill.store.actions import Record
from barmill.store.cache import Cache
from barmill.store.remote.options import RemoteOptions, checked
from tests.bench.timing import DOIT, Options, cache_folder, finish, work_folder
from tests.bench.toy import Graph, made_files, project

_FILE = 3_000  # bytes: as raw files of daily prices that are not large
_OBJECT = 4_096


@dataclass(frozen=True)
class Constants:
    """Seconds, or bytes, of one; `nan` where it could not be measured.

    Seconds are those of the processor, so that other programs that run count little; what waits is not in them.

    Attributes:
        name: s name listed.
        stat: s file whose stamps are looked at.
        hash: s file of 3 kB read and hashed.
        fresh_file: s input file, in a run in which nothing changed.
        fresh_target: s target, in such a run.
        built_target: s target that does next to nothing, built first: decided, built, stored, recorded, remembered.
        built_memory: bytes target, in the memory of a first build.
        fresh_memory: bytes target with its input, in that of a run in which nothing changed.
        file_row: bytes input file, in the state file.
        target_row: bytes target, in it.
        record: bytes record.
        lookup: s record that the remote does not have, many asked for at once.
        put: s record sent with an object of 4 kB.
        get: s record fetched with its object.
        task: s task that does nothing, in Dask's scheduler and its client.
        task_memory: bytes task that the scheduler and its client still know.
    """

    name: float
    stat: float
    hash: float
    fresh_file: float
    fresh_target: float
    built_target: float
    built_memory: float
    fresh_memory: float
    file_row: float
    target_row: float
    record: float
    lookup: float
    put: float
    get: float
    task: float
    task_memory: float

    def text(self) -> str:
        """A row each, with what it means."""
        told = dict(
            line.strip().split(": ", 1) for line in (type(self).__doc__ or "").splitlines() if line.startswith("        ")
        )
        rows = []
        for name in (each.name for each in fields(self)):
            unit, _, meaning = told[name].rstrip(".").partition(" ")
            rows.append(f"| `{name}` | {_short(getattr(self, name), unit)} | {meaning} |")
        return "\n".join(["| constant | measured | of one |", "|---|---:|---|", *rows])


def measured(options: Options) -> Constants:
    """Measure all of them; a minute or two at full scale."""
    return Constants(*_files(options), *_graphs(options), *_remote(options.scaled(2_000)), *_dask(options))


def _files(options: Options) -> tuple[float, float, float]:
    tree = made_files(options.scaled(70_000), _FILE)
    paths = [entry.path for folder in os.scandir(tree) for entry in os.scandir(folder.path)]

    def names() -> None:
        for folder in os.scandir(tree):
            for entry in os.scandir(folder.path):
                entry.is_dir()

    timed = [
        _best(work, options.repeat)
        for work in (names, lambda: list(map(os.stat, paths)), lambda: list(map(digest_file, paths)))
    ]
    return timed[0] / len(paths), timed[1] / len(paths), timed[2] / len(paths)


def _graphs(options: Options) -> tuple[float, ...]:
    """Differences between a graph of one target, one of many targets, and one target of many files, so start-up is in none."""
    count = options.scaled(20_000)
    tree = made_files(count, 16)
    one, targets, files = (_graph(f"scaling-{graph.targets}", graph, tree, options.repeat) for graph in _graphs_of(count))
    file, target = ([max(0.0, (a - b) / count) for a, b in zip(each, one, strict=True)] for each in (files, targets))
    built, look, built_memory, look_memory, state, record = range(6)
    looks, states = ((file[each], max(0.0, target[each] - file[each])) for each in (look, state))
    return *looks, target[built], target[built_memory], target[look_memory], *states, targets[record]


def _graphs_of(count: int) -> tuple[Graph, Graph, Graph]:
    return Graph(1, 1), Graph(count, 1), Graph(1, count)


def _graph(name: str, graph: Graph, tree: Path, repeat: int) -> tuple[float, ...]:
    """Seconds of a first build and of a look, the peaks of their memory, the state file and a record: bytes."""
    root = project(f"{name}x{graph.each}", tree)
    graph.write_stages(root)
    built = _finished(root, f"{graph.targets} built")
    _finished(root)  # what a first look remembers is not timed
    looks = [_finished(root) for _ in range(repeat)]
    state = (root / "artifacts/state.sqlite").stat().st_size
    record = statistics.mean(path.stat().st_size for path in (root / "artifacts/store/actions").rglob("*.json"))
    return built[0], min(each[0] for each in looks), built[1], min(each[1] for each in looks), state, record


def _finished(root: Path, says: str = "0 built, 0 restored, ") -> tuple[float, float]:
    """Seconds and peak of memory of a run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak = finish(DOIT, root, says=says).peak
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1e6 * peak


def _remote(count: int) -> tuple[float, float, float]:
    """Against nginx on this machine: no distance, so what is measured is work."""
    import pytest

    from tests.support.nginx import Nginx

    try:
        server = Nginx(Path(tempfile.mkdtemp(prefix="nginx-", dir=work_folder("scaling-remote"))))
    except pytest.skip.Exception as why:
        sys.stderr.write(f"the remote is not measured: {why}\n")
        return (float("nan"),) * 3
    server.start()
    try:
        options = RemoteOptions(checked(server.url("x", server.port)), patience=600.0)
        ours, theirs = (
            Cache(server.folder / name / "store", server.folder / name / "state", remote=options) for name in ("a", "b")
        )
        assert ours.remote is not None
        assert theirs.remote is not None
        keys = [_record(ours, number) for number in range(count)]
        lookup = _once(lambda: theirs.remote.fetch(keys))
        put = _once(lambda: ours.remote.send(keys))
        theirs.remote.absent.clear()
        get = _once(lambda: theirs.remote.fetch(keys))
        assert theirs.remote.counts.hits == count
    finally:
        server.kill()
    return lookup / count, put / count, get / count


def _record(cache: Cache, number: int) -> str:
    manifest = {"format": 1, "build": "m.build", "outputs": ["out"], "number": number}
    data = str(number).encode().rjust(_OBJECT)
    cache.objects.add(memoryview(data), digest_bytes(data))
    key = digest_record(manifest)
    cache.actions.put(Record(key, manifest, {"out": {"": (digest_bytes(data), _OBJECT)}}, [], f"m:{number}", 1.0, "2026", "h"))
    return key


def _dask(options: Options) -> tuple[float, float]:
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        sys.stderr.write("Dask is not measured: distributed is not installed\n")
        return float("nan"), float("nan")
    own = {"dashboard_address": ":0", "local_directory": str(cache_folder()), "silence_logs": logging.CRITICAL}
    count, times, futures = options.scaled(4_000), [], []
    with LocalCluster(n_workers=1, threads_per_worker=1, **own) as cluster, Client(cluster) as client:
        client.gather(client.map(abs, range(1_000)))
        before = _resident()
        for number in range(1, options.repeat + 1):
            start = time.process_time()
            futures += client.map(abs, range(number * 10_000, number * 10_000 + count))
            client.gather(futures[-count:])
            times.append(time.process_time() - start)
        return min(times) / count, max(0, _resident() - before) / len(futures)


def _resident() -> int:
    """Bytes of memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _once(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _best(work: Callable[[], object], repeat: int) -> float:
    """The least of some times."""
    return min(_once(work) for _ in range(max(2, repeat)))


def _short(value: float, unit: str) -> str:
    return "not measured" if math.isnan(value) else f"{value:.0f} B" if unit == "bytes" else f"{1e6 * value:.1f} µs"
