"""Results of backtests: a row per strategy, worked out, or taken from an earlier table."""

import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from barmill.hashing import Digest
from barmill.market import metrics
from barmill.market.arrays import arrow, or_null
from barmill.market.strategies.strategy import Strategy
from barmill.market.tables import read_parquet, text_array, write_parquet

if TYPE_CHECKING:
    from barmill.market.backtest import Backtest, Signals

_MACHINE = (MemoryError, OSError)  # what says nothing about a strategy

TEXTS = ("strategy", "family", "signal", "error")
"""Columns of text: the id, its family, the digest of its signals ("" if they could not be told), what went wrong or ""."""

EXITS = ("stop", "target", "hold")

COLUMNS = (*TEXTS, *EXITS, "n_signals", *metrics.COLUMNS)
"""Columns of a results table. Metrics are null where they are undefined, and all of them where there is an error."""


@dataclass(frozen=True)
class Row:
    """What came of a strategy."""

    strategy: str
    signal: str
    error: str
    n_signals: int
    values: np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Earlier:
    """Rows of earlier tables, and the strategies that they are of."""

    tables: list[pa.Table]
    names: frozenset[str]


def earlier(places: Mapping[str, Path]) -> Earlier:
    """The rows of strategies in tables of earlier batches.

    Args:
        places: strategy → the table that has its row.
    """
    tables, found = [], []
    for path in dict.fromkeys(places.values()):
        table = read_parquet(path)
        names = text_array([name for name, place in places.items() if place == path])
        tables.append(table.filter(pc.is_in(table.column("strategy"), names)))
        found += tables[-1].column("strategy").to_pylist()
    return Earlier(tables, frozenset(found))


def work_out(rules: Mapping[str, Callable[..., Any]], backtest: "Backtest") -> pa.Table:
    """Backtest strategies; those with equal signals and exits are traded once.

    Args:
        rules: strategy → rule.
        backtest: what they are traded by.
    """
    traded: dict[tuple[Digest, tuple[float, float, int]], Any] = {}
    rows = []
    parsed = [(name, Strategy.parse(name)) for name in rules]
    for (rule, params), group in groupby(parsed, lambda each: (rules[each[0]], each[1].params)):
        signals = _signals(backtest, rule, params)
        for name, strategy in group:
            if isinstance(signals, str):
                rows.append(Row(name, "", signals, 0, np.full(len(metrics.COLUMNS), np.nan)))
                continue
            key = signals.digest(), strategy.exits
            if key not in traded:
                traded[key] = backtest.measure(signals, strategy.exits)
            rows.append(Row(name, key[0], "", len(signals.at), traded[key]))
    return _table(rows)


def _signals(backtest: "Backtest", rule: Callable[..., Any], params: Mapping[str, Any]) -> "Signals | str":
    """The signals of a rule, or what went wrong."""
    try:
        return backtest.signals(rule, params)
    except _MACHINE:
        raise
    except Exception as error:  # noqa: BLE001 whatever a rule raises is its row's error
        place = traceback.extract_tb(error.__traceback__)[-1].name
        return f"{type(error).__name__} in {place}: {error}"


def _table(rows: Sequence[Row]) -> pa.Table:
    parsed = [Strategy.parse(row.strategy) for row in rows]
    values = np.array([row.values for row in rows]).reshape(len(rows), len(metrics.COLUMNS))
    columns = {
        "strategy": text_array([row.strategy for row in rows]),
        "family": text_array([each.family for each in parsed]),
        "signal": text_array([row.signal for row in rows]),
        "error": text_array([row.error for row in rows]),
        "stop": arrow(np.array([each.exits[0] for each in parsed], np.float64)),
        "target": arrow(np.array([each.exits[1] for each in parsed], np.float64)),
        "hold": arrow(np.array([each.exits[2] for each in parsed], np.int64)),
        "n_signals": arrow(np.array([row.n_signals for row in rows], np.int64)),
    }
    for position, name in enumerate(metrics.COLUMNS):
        column = np.ascontiguousarray(values[:, position])
        if name.removeprefix("in_").removeprefix("out_") in metrics.COUNTS:
            known = ~np.isnan(column)
            columns[name] = arrow(np.where(known, column, 0).astype(np.int64), known=known)
        else:
            columns[name] = or_null(column)
    return pa.table(columns)


def failures(tables: Iterable[pa.Table]) -> dict[str, str]:
    """Strategy → error, of those that have one, ascending."""
    found = [
        (name, error)
        for table in tables
        for name, error in zip(*(table.column(each).to_pylist() for each in ("strategy", "error")), strict=True)
        if error
    ]
    return dict(sorted(found))


def write(path: Path, tables: Iterable[pa.Table]) -> None:
    """Write rows as one table, ascending by strategy."""
    write_parquet(path, pa.concat_tables(tables).sort_by("strategy"), ("strategy",))
