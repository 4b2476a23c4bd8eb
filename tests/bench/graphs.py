"""Two graphs over 70,000 files of 2 kB in which nothing changed, here and in other build tools.

`graph10k` has 10,000 targets of seven inputs each, `wide70k` one target of all 70,000.
"""

from collections.abc import Sequence
from functools import partial

from tests.bench.peers import DVC, ENVIRON, MAKE, NINJA, PLAIN_DOIT, SCONS, Peer
from tests.bench.timing import DOIT, YARDSTICK, Contender, Options, Table, process, race, yardstick
from tests.bench.toy import Graph, made_files, project

_TARGETS, _EACH, _SIZE = 10_000, 7, 2000
_FLOOR = "python that stats each file"
_STAT = """
import os, sys
for folder in os.listdir("in"):
    for name in os.listdir(f"in/{folder}"):
        os.stat(f"in/{folder}/{name}")
"""


def graph10k(options: Options) -> Table:
    """Many targets; without DVC, which takes minutes for so many stages."""
    graph = Graph(options.scaled(_TARGETS), _EACH)
    table = _race(f"{graph.targets} targets of {_EACH} inputs each", graph, (NINJA, MAKE, PLAIN_DOIT, SCONS), options)
    table.notes.append("DVC is left out: a no-op of so many stages takes it minutes.")
    return table


def wide70k(options: Options) -> Table:
    """One target."""
    graph = Graph(1, _EACH * options.scaled(_TARGETS))
    return _race(f"one target of {graph.files} inputs", graph, (NINJA, MAKE, PLAIN_DOIT, SCONS, DVC), options)


def _race(title: str, graph: Graph, peers: Sequence[Peer], options: Options) -> Table:
    """Whole processes, after a first build that is not timed; each must say that it had nothing to do."""
    tree = made_files(graph.files, _SIZE)
    table = Table(title, options.repeat)
    ours = project("graph-ours", tree)
    graph.write_stages(ours)
    process(DOIT, ours)
    contenders: dict[str, Contender] = {
        "ours": partial(process, DOIT, ours, says=f"0 built, 0 restored, {graph.targets} fresh")
    }
    for peer in peers:
        command = peer.find(options.install_peers)
        if command is None:
            table.notes.append(f"{peer.name} is left out: it is not installed (`--install-peers` installs SCons and DVC).")
            continue
        root = project(f"graph-{peer.name.split(',')[0].replace(' ', '-')}", tree)
        peer.write(root, graph)
        command += peer.arguments
        process(command, root, ENVIRON)
        contenders[peer.name] = partial(process, command, root, ENVIRON, says=peer.nothing)
    contenders[_FLOOR] = partial(process, (DOIT[0], "-c", _STAT), ours)
    contenders[YARDSTICK] = yardstick
    race(contenders, 1)  # what a first look remembers is not timed
    medians = race(contenders, options.repeat)
    for name in list(contenders)[1:]:
        table.add("nothing changed", medians["ours"], name, medians[name])
    return table
