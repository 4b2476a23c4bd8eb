"""`barmill.hashing.digest_file` beside a bare read and xxh3, in this process: start-up would hide the difference."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import xxhash

from barmill.hashing import digest_file
from tests.bench.timing import YARDSTICK, Options, Table, race, work_folder, yardstick

_SMALL_FILES, _SMALL_SIZE = 10_000, 3_000
_LARGE_BLOCKS, _BLOCK = 1024, 1 << 20


def run(options: Options) -> Table:
    """10,000 files of 3 kB, and one of 1 GiB."""
    folder = work_folder("hashing")
    small = _small_files(folder, options.scaled(_SMALL_FILES))
    large = [_large_file(folder, options.scaled(_LARGE_BLOCKS))]
    contenders = {
        "small": partial(_seconds, digest_file, small),
        "small raw": partial(_seconds, _read_whole, small),
        "large": partial(_seconds, digest_file, large),
        "large raw": partial(_seconds, _read_blocks, large),
        YARDSTICK: yardstick,
    }
    medians = race(contenders, options.repeat)
    table = Table("hashing", options.repeat)
    table.add(f"{len(small)} files of 3 kB", medians["small"], "read, xxh3_128", medians["small raw"])
    table.add(f"a file of {large[0].stat().st_size >> 20} MiB", medians["large"], "read, xxh3_128", medians["large raw"])
    table.add("the first of these", medians["small"], YARDSTICK, medians[YARDSTICK])
    large[0].unlink()
    return table


def _small_files(folder: Path, count: int) -> list[Path]:
    paths = [folder / f"{number}.txt" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(number.to_bytes(4) * (_SMALL_SIZE // 4))
    return paths


def _large_file(folder: Path, blocks: int) -> Path:
    path = folder / "large.bin"
    block = bytes(range(256)) * (_BLOCK // 256)
    with open(path, "wb") as file:
        file.writelines(block for _ in range(blocks))
    return path


def _seconds(digest: Callable[[Path], str], paths: Sequence[Path]) -> float:
    start = time.perf_counter()
    for path in paths:
        digest(path)
    return time.perf_counter() - start


def _read_whole(path: Path) -> str:
    with open(path, "rb", buffering=0) as file:
        return xxhash.xxh3_128_hexdigest(file.read())


def _read_blocks(path: Path) -> str:
    state, buffer = xxhash.xxh3_128(), bytearray(_BLOCK)
    view = memoryview(buffer)
    with open(path, "rb", buffering=0) as file:
        while size := file.readinto(buffer):
            state.update(view[:size])
    return state.hexdigest()
