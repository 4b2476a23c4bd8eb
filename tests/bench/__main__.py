"""Command line: `python -m tests.bench`, at the repository's root, prints a table per part."""

import argparse
import os
import platform
import sys

from tests.bench import (
    cluster,
    codecs,
    gaps,
    graphs,
    growth,
    hashing,
    indicators,
    load,
    memory,
    noop70k,
    parallel,
    pricestore,
    publish,
    remote,
    research,
    restore,
    scaling,
    strategies,
    tiny10k,
)
from tests.bench.timing import Options

_PARTS = {
    "noop70k": noop70k.run,
    "tiny10k": tiny10k.run,
    "graph10k": graphs.graph10k,
    "wide70k": graphs.wide70k,
    "growth": growth.run,
    "restore": restore.run,
    "parallel": parallel.run,
    "cluster": cluster.run,
    "research": research.run,
    "memory": memory.run,
    "hashing": hashing.run,
    "gaps": gaps.run,
    "load": load.run,
    "pricestore": pricestore.run,
    "codecs": codecs.run,
    "strategies": strategies.run,
    "indicators": indicators.run,
    "publish": publish.run,
    "remote": remote.run,
    "scaling": scaling.run,
}


def main() -> int:
    """Run the chosen parts."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Time barmill beside its peers and floors.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(_PARTS)} (default: all)")
    parser.add_argument("--repeat", type=int, default=5, help="runs of each contender (default: %(default)s)")
    parser.add_argument("--scale", type=float, default=1.0, help="fraction of the full size (default: %(default)s)")
    peers_help = "install SCons, DVC and ml4t-data, each in a venv of its own beside the made data"
    parser.add_argument("--install-peers", action="store_true", help=peers_help)
    chosen = parser.parse_args()
    if unknown := set(chosen.parts) - set(_PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(_PARTS)}")
    sys.stdout.write(f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}\n")
    for part in chosen.parts or _PARTS:
        table = _PARTS[part](Options(chosen.repeat, chosen.scale, chosen.install_peers))
        sys.stdout.write(f"\n{table.text()}\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
