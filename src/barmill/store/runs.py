"""The last runs of a project, in its state file: what each did. Losing them costs figures, nothing else."""

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

from barmill.store.database import open_to_read

_TABLE = "CREATE TABLE IF NOT EXISTS runs (number INTEGER PRIMARY KEY, entry TEXT NOT NULL)"
KEPT = 100
"""Runs that are remembered."""


def add_run(state: Path, entry: dict[str, Any]) -> None:
    """Remember a run (a JSON value), and forget all but the last 100; where that can't be, nothing happens."""
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(sqlite3.connect(state, timeout=5, isolation_level=None)) as base,
    ):
        base.execute("PRAGMA synchronous=NORMAL")  # a kill of the machine may cost the last run
        base.execute("BEGIN IMMEDIATE")
        base.execute(_TABLE)
        base.execute("INSERT INTO runs (entry) VALUES (?)", [json.dumps(entry)])
        base.execute("DELETE FROM runs WHERE number <= (SELECT MAX(number) FROM runs) - ?", [KEPT])
        base.execute("COMMIT")


def last_runs(state: Path, number: int = KEPT) -> list[dict[str, Any]]:
    """The last runs, the newest first; what can't be read is left out."""
    if not state.exists():
        return []
    rows: list[Any] = []
    with contextlib.suppress(sqlite3.Error, UnicodeError), contextlib.closing(open_to_read(state, timeout=5)) as base:
        rows = base.execute("SELECT entry FROM runs ORDER BY number DESC LIMIT ?", [number]).fetchall()
    runs = []
    for (text,) in rows:
        with contextlib.suppress(ValueError, TypeError):
            runs.append(json.loads(text))
    return [run for run in runs if isinstance(run, dict) and isinstance(run.get("stages"), dict)]
