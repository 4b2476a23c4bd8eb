"""Manifests made again from the chunks, where there is neither raw data nor a store: `python -m barmill.reader.rebuild FOLDER`.

A chunk says whose it is; its rows, bounds and digest are taken from the file. A file that is damaged, or of another dataset or
scheme than those beside it, is refused, and no manifest is written for its folder.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from barmill.errors import BarmillError
from barmill.files import write_atomic
from barmill.market.chunkset import SUFFIX, rebuild


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the manifest of each folder of chunks at or below those named; exit code 1 if one was refused."""
    parser = argparse.ArgumentParser(prog="python -m barmill.reader.rebuild", description="Make manifests again from chunks.")
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="artifacts/chunks, or a folder below it")
    refused = 0
    for top in parser.parse_args(arguments).folders:
        found = sorted({path.parent for path in top.rglob(f"*{SUFFIX}")})
        for folder in found or [top]:
            try:
                manifest = rebuild(folder)
            except BarmillError as error:
                sys.stderr.write(f"error: {error}\n")
                refused += 1
                continue
            path = folder.with_name(f"{folder.name}.json")
            write_atomic(path, manifest.encode())
            sys.stdout.write(f"{path}: {len(manifest.chunks)} chunks, {manifest.rows} bars\n")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
