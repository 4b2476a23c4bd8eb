"""Command line: `python -m barmill.sample` writes the sample; with `--files`, a tree of any size."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from barmill.errors import BarmillError, ConfigError
from barmill.files import read, write_atomic
from barmill.sample import large, small

_SEED = 20251031
_MOST_FILES = 1_000_000
_CURE = "name a folder that is empty or missing: python -m barmill.sample --out FOLDER"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the data below `--out`, unless other data lie there; the exit code."""
    chosen = _parser().parse_args(arguments)
    try:
        _refuse_other_data(chosen.out, lambda: _made(chosen))
        count = size = 0
        for name, data in _made(chosen):
            write_atomic(chosen.out / name, data)
            count, size = count + 1, size + len(data)
    except (BarmillError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 3 if isinstance(error, BarmillError) else 2
    sys.stdout.write(f"{chosen.out}: {count} files, {size / 1e6:.1f} MB\n")
    return 0


def _made(chosen: argparse.Namespace) -> Iterator[tuple[str, bytes]]:
    """Relative path and content of every file that the options ask for."""
    if chosen.files is None:
        return small.files(chosen.seed)
    return large.files(chosen.seed, chosen.files, chosen.instruments, chosen.rows)


def _refuse_other_data(folder: Path, made: Callable[[], Iterator[tuple[str, bytes]]]) -> None:
    """Leave alone a folder with files that are not the sample's, byte for byte.

    Args:
        folder: where the sample is to go; it may be missing.
        made: gives relative path and content of the sample's files.

    Raises:
        ConfigError: it holds such files, or is a file itself.
    """
    if os.path.lexists(folder) and not folder.is_dir():
        raise ConfigError(f"{folder.absolute()} is not a folder", _CURE)
    others = {os.path.relpath(os.path.join(above, name), folder) for above, _, names in os.walk(folder) for name in names}
    if others:
        others -= {name for name, data in made() if name in others and read(folder / name) == data}
    if others:
        first = folder.absolute() / min(others)
        raise ConfigError(f"{len(others)} files of {folder.absolute()} are not this sample's, such as {first}", _CURE)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m barmill.sample",
        description="Make market data: the sample that is committed in data/, or with --files a tree of that size. "
        "A folder that holds other data is left alone (exit code 3).",
    )
    parser.add_argument("--out", type=Path, default=Path("sample"), help="folder to write below (default: sample)")
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
