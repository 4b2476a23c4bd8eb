"""The market build over 70,000 made files and 500 instruments: cold, untouched, one file changed, restored."""

import itertools
import shutil
import sys
from functools import partial
from pathlib import Path

import barmill.sample
from barmill.hashing import digest_file, digest_record
from barmill.market.tables import read_rows
from tests.bench.timing import (
    BUILT,
    DOIT,
    NOTHING,
    RESTORED,
    YARDSTICK,
    Options,
    Table,
    cache_folder,
    doit_project,
    fresh_artifacts,
    process,
    race,
    yardstick,
)

_FILES, _INSTRUMENTS = 70_000, 500
_SOME_BARS = 1000  # bytes
_raises = itertools.count(1)
_FLOOR = "import doit, scan the tree"
_SCAN = """
import os, sys
import doit.doit_cmd
folders = [sys.argv[1]]
while folders:
    for entry in os.scandir(folders.pop()):
        if entry.is_dir(): folders.append(entry.path)
"""


def run(options: Options) -> Table:
    """Whole `doit` processes; the work of each is checked by the counts it prints."""
    data = made_tree(options.scaled(_FILES), options.scaled(_INSTRUMENTS))
    root, environ = doit_project("noop70k", data / "stooq", data / "instruments")
    artifacts = root / "artifacts"
    beside = {YARDSTICK: yardstick, _FLOOR: partial(process, (sys.executable, "-c", _SCAN, str(data / "stooq")))}
    noop = partial(process, DOIT, root, environ, says=NOTHING)

    def cold() -> float:
        return process((*DOIT, "-n", "2"), root, environ | fresh_artifacts(root), says=BUILT)

    def restore() -> float:
        store = {"BARMILL_STORE": str(artifacts / "store")}
        return process((*DOIT, "-n", "2"), root, environ | fresh_artifacts(root) | store, says=RESTORED)

    process(DOIT, root, environ)
    whole = race({"cold": cold, "restored": restore, **beside}, options.repeat)
    process(DOIT, root, environ)
    same = race({"untouched": noop, **beside}, options.repeat)
    changed = race({"changed": partial(_changed, data, artifacts, root, environ), "untouched": noop}, options.repeat)

    table = Table(f"{options.scaled(_FILES)} files, {options.scaled(_INSTRUMENTS)} instruments", options.repeat)
    table.add("nothing changed", same["untouched"], YARDSTICK, same[YARDSTICK])
    table.add("nothing changed", same["untouched"], _FLOOR, same[_FLOOR])
    table.add("one raw file changed", changed["changed"], "cold", whole["cold"])
    table.add("one raw file changed", changed["changed"], "nothing changed", changed["untouched"])
    table.add("cold, `-n 2`", whole["cold"], YARDSTICK, whole[YARDSTICK])
    table.add("all but the store deleted, `-n 2`", whole["restored"], "cold", whole["cold"])
    return table


def made_tree(files: int, instruments: int) -> Path:
    """A tree of the generator, kept between runs as long as the generator's code is the same."""
    code = [digest_file(path) for path in sorted(Path(barmill.sample.__file__).parent.glob("*.py"))]
    folder = cache_folder() / f"tree-{digest_record([code, files, instruments])[:12]}"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        numbers = ("--files", str(files), "--instruments", str(instruments))
        process((sys.executable, "-m", "barmill.sample", "--out", str(folder), *numbers))
        (folder / "complete").touch()
    return folder


def _changed(data: Path, artifacts: Path, root: Path, environ: dict[str, str]) -> float:
    """Give a matched file's last bar a close it never had, build, and put the file back as it was."""
    paths = (data / "stooq" / row["relative_path"] for row in read_rows(artifacts / "match/symbols.csv"))
    raw = next(path for path in paths if path.stat().st_size > _SOME_BARS)
    before = raw.read_bytes()
    fields = before.splitlines()[-1].split(b",")
    fields[5] = fields[7] = b"%.3f" % (float(fields[5]) + next(_raises) / 1000)
    try:
        raw.write_bytes(b"".join(before.splitlines(keepends=True)[:-1]) + b",".join(fields) + b"\r\n")
        return process(DOIT, root, environ, says=BUILT)
    finally:
        raw.write_bytes(before)
        process(DOIT, root, environ)
