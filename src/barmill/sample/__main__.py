"""Command line: `python -m barmill.sample` writes the sample; with `--files`, a tree of any size."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from barmill.files import write_atomic
from barmill.sample import large, small

_SEED = 20251031
_MOST_FILES = 1_000_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the data below `--out`; files of other names there stay as they are."""
    chosen = _parser().parse_args(arguments)
    if chosen.files is None:
        made = small.files(chosen.seed)
    else:
        made = large.files(chosen.seed, chosen.files, chosen.instruments, chosen.rows)
    count = size = 0
    for name, data in made:
        write_atomic(chosen.out / name, data)
        count, size = count + 1, size + len(data)
    sys.stdout.write(f"{chosen.out}: {count} files, {size / 1e6:.1f} MB\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m barmill.sample",
        description="Make market data: the sample that is committed in data/, or with --files a tree of that size.",
    )
    parser.add_argument("--out", type=Path, default=Path("data"), help="folder to write below (default: data)")
    parser.add_argument("--seed", type=int, default=_SEED, help="same seed, same bytes (default: %(default)s)")
    parser.add_argument("--files", type=_number(_MOST_FILES), help="raw files of a large tree; without it, the small sample")
    parser.add_argument("--instruments", type=_number(_MOST_FILES), default=500, help="with --files (default: %(default)s)")
    parser.add_argument("--rows", type=_number(10_000), default=40, help="bars per file, with --files (default: %(default)s)")
    return parser


def _number(most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text)
        if not 1 <= value <= most:
            raise argparse.ArgumentTypeError(f"{value} is not between 1 and {most}")
        return value

    return number


if __name__ == "__main__":
    sys.exit(main())
