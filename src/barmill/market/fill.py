"""Filled bars: a view of a series in which bars that a calendar expects, and nobody has seen, are made up and marked.

Bars are made up only between two that were seen, only at expected stamps, and only in the view: what is stored stays as it
was. Bars that were seen are kept as they are, also those that the calendar does not expect. In a made-up bar

    method       open, high, low, close                              volume  openint
    forward      the close of the bar before                         0       of the bar before
    backward     the open of the bar after                           0       of the bar after
    interpolate  each between its values before and after, in equal  0       of the bar before
                 steps from bar to bar
    zero         0                                                   0       0

Volume is what was traded from stamp to stamp: where no bar was seen nothing is known to have been, so no method spreads it.
`limit` is how many bars of one gap are made up at most: its first ones, for `backward` its last.
"""

from typing import TYPE_CHECKING

from barmill.errors import ConfigError
from barmill.market.arrays import arrow, stamps
from barmill.market.schema import PRICES
from barmill.market.tables import constant

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    Stamps = npt.NDArray[np.int64]

METHODS = ("forward", "backward", "interpolate", "zero")
FILLED = "filled"

_SOURCES = {"forward": "close", "backward": "open"}


def fill(table: "pa.Table", expected: "Stamps", method: str, limit: int | None = None) -> "pa.Table":
    """The series with expected bars made up.

    Args:
        table: bars of one series, ascending and unique in `date` (date32) or `time` (timestamp[us, UTC]); of the columns
            above those that are wanted, with `close` for forward and `open` for backward. Others are as in the bar before.
        expected: ascending stamps: days since 1970-01-01 for `date`, microseconds since then for `time`.
        method: one of `METHODS`.
        limit: see above; None for no limit.

    Returns:
        The columns of `table`, and `filled` (bool): whether the bar was made up.

    Raises:
        ConfigError: there is no such method, the limit is negative, or the table lacks the column that the method takes
            prices from.
    """
    import numpy as np

    if method not in METHODS:
        raise ConfigError(f"there is no way {method!r} to fill gaps", f"take one of {', '.join(METHODS)}")
    if limit is not None and limit < 0:
        raise ConfigError(f"a gap can't be filled with at most {limit} bars", "take 0 or more, or None for no limit")
    if (source := _SOURCES.get(method)) and source not in table.column_names:
        raise ConfigError(f"{method} fills from the column {source!r}, which was not read", "read it, too")
    column = next(name for name in ("date", "time") if name in table.column_names)
    seen = stamps(table.column(column))
    places = np.searchsorted(seen, expected)
    inner = (places > 0) & (places < len(seen))
    inner[inner] = seen[places[inner]] != expected[inner]
    made, after = expected[inner], places[inner]
    step, steps = _steps(after)
    if limit is not None:
        near = (step <= limit) if method != "backward" else (steps - step < limit)
        made, after, step, steps = made[near], after[near], step[near], steps[near]
    order = np.argsort(np.concatenate([seen, made]), kind="stable")
    rows = {
        "before": arrow(np.concatenate([np.arange(len(seen)), after - 1])[order]),
        "after": arrow(np.concatenate([np.arange(len(seen)), after])[order]),
    }
    share = arrow(np.concatenate([np.zeros(len(seen)), step / (steps + 1)])[order])
    made_up = arrow((order >= len(seen)).astype("u1"))
    at = table.column_names.index(column)
    when = arrow(np.concatenate([seen, made])[order], table.schema.field(at).type)
    before = table.take(rows["before"]).set_column(at, column, when)
    return _with_values(before, table.take(rows["after"]), share, made_up, method)


def _steps(after: "Stamps") -> "tuple[Stamps, Stamps]":
    """Of made-up bars, each before row `after`: which of its gap it is, from 1, and how many the gap has."""
    import numpy as np

    starts = np.flatnonzero(np.diff(after, prepend=-1))
    counts = np.diff(starts, append=len(after))
    return np.arange(len(after)) - np.repeat(starts, counts) + 1, np.repeat(counts, counts)


def _with_values(before: "pa.Table", after: "pa.Table", share: "pa.Array", made_up: "pa.Array", method: str) -> "pa.Table":
    """Rows with the values before each stamp, made into rows with the values at it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    made_up, zero = pc.cast(made_up, pa.bool_()), constant(0.0)

    def value(name: str) -> "pa.ChunkedArray | pa.Scalar":
        if name == "volume" or (method == "zero" and name in (*PRICES, "openint")):
            return zero
        if name == "openint" and method == "backward":
            return after.column(name)
        if name not in PRICES:
            return before.column(name)
        if method == "interpolate":
            low, high = before.column(name), after.column(name)
            return pc.add(low, pc.multiply(pc.subtract(high, low), share))
        return after.column("open") if method == "backward" else before.column("close")

    filled = before
    for at, name in enumerate(before.column_names):
        if name not in ("date", "time"):
            filled = filled.set_column(at, name, pc.if_else(made_up, value(name), before.column(name)))
    return filled.append_column(FILLED, made_up)
