"""A real tree, or the sample where there is none: built cold, and restored from the store."""

import os
from functools import partial
from pathlib import Path

from tests.bench.timing import (
    BUILT,
    DOIT,
    NOTHING,
    REPOSITORY,
    RESTORED,
    YARDSTICK,
    Options,
    Table,
    doit_project,
    fresh_artifacts,
    process,
    race,
    yardstick,
)


def run(options: Options) -> Table:
    """Whole `doit` processes, with one worker and with two."""
    title, stooq, instruments = _data()
    root, environ = doit_project("restore", stooq, instruments)
    artifacts = root / "artifacts"

    def cold(*arguments: str) -> float:
        return process((*DOIT, *arguments), root, environ | fresh_artifacts(root), says=BUILT)

    def restored(*arguments: str) -> float:
        store = {"BARMILL_STORE": str(artifacts / "store")}
        return process((*DOIT, *arguments), root, environ | fresh_artifacts(root) | store, says=RESTORED)

    process(DOIT, root, environ)
    process(DOIT, root, environ)

    noop = partial(process, DOIT, root, environ, says=NOTHING)
    contenders = {
        "cold": cold,
        "restored": restored,
        "untouched": noop,
        "cold -n 2": partial(cold, "-n", "2"),
        "restored -n 2": partial(restored, "-n", "2"),
        YARDSTICK: yardstick,
    }
    medians = race(contenders, options.repeat)
    table = Table(title, options.repeat)
    table.add("cold", medians["cold"], YARDSTICK, medians[YARDSTICK])
    table.add("cold, `-n 2`", medians["cold -n 2"], YARDSTICK, medians[YARDSTICK])
    table.add("all but the store deleted", medians["restored"], "cold", medians["cold"])
    table.add("all but the store deleted, `-n 2`", medians["restored -n 2"], "cold, `-n 2`", medians["cold -n 2"])
    table.add("all but the store deleted", medians["restored"], "nothing changed", medians["untouched"])
    return table


def _data() -> tuple[str, Path, Path]:
    root = os.environ.get("BARMILL_REAL_DATA")
    if root:
        return "real tree of 189 files", Path(root) / "stooq-uk-pl-us", Path(root) / "instrument-lists/jc1122"
    return "the sample", REPOSITORY / "data/stooq", REPOSITORY / "data/instruments"
