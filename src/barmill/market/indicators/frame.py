"""The indicators of one series of daily bars, as a table."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from barmill.market.indicators.catalog import CALENDAR, CATALOG, VALUES, Indicator
from barmill.market.indicators.series import Array

if TYPE_CHECKING:
    import pyarrow as pa

KEY = ("symbol", "date")
_ENDING = 3  # the last days of a month that are its end
_QUARTER = 3  # months


def indicators(bars: "pa.Table", symbol: str, window: int = 0) -> "pa.Table":
    """The indicators of bars, a row a bar.

    Args:
        bars: `date` (date32), and open, high, low, close, volume (float64, may be null); ascending and unique in date.
        symbol: what the rows are named after.
        window: 0: the definitions over the whole history; else by the rules of `windowed`.

    Returns:
        `KEY`, the values (float64, null where there is none) and the calendar columns (int8 and bool).
    """
    import pyarrow as pa

    dates = bars.column("date")
    prices = {name: bars.column(name).to_numpy() for name in ("open", "high", "low", "close", "volume")}
    found = compute(prices, window)
    columns = [pa.repeat(symbol, len(dates)), dates.combine_chunks()]
    columns += [pa.array(found[name], mask=~np.isfinite(found[name])) for name in VALUES]
    columns += [pa.array(column) for column in calendar(dates.to_numpy()).values()]
    return pa.table(columns, names=[*KEY, *VALUES, *CALENDAR])


def compute(bars: Mapping[str, Array], window: int = 0) -> dict[str, Array]:
    """Every indicator's series of these bars; NaN where there is no value.

    Args:
        bars: open, high, low, close, volume, oldest first; what is not finite counts as missing.
        window: see `indicators`.
    """
    finite = {name: np.isfinite(values) for name, values in bars.items()}
    whole = all(each.all() for each in finite.values())
    found: dict[str, Array] = {}
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is no value
        for each in CATALOG:
            there = None if whole else np.logical_and.reduce([finite[name] for name in each.inputs])
            values = [bars[name] if there is None else bars[name][there] for name in each.inputs]
            made = _made(each, values, window)
            found |= zip(each.columns, made if there is None else (_spread(one, there) for one in made), strict=True)
    return found


def _spread(made: Array, there: npt.NDArray[np.bool_]) -> Array:
    out = np.full(len(there), np.nan)
    out[there] = made
    return out


def _made(each: Indicator, values: list[Array], window: int) -> tuple[Array, ...]:
    if not len(values[0]) or (window and max(each.warm_up) > window):
        return (np.full(len(values[0]), np.nan),) * len(each.columns)
    if window and each.script:
        made = each.script(*values, **each.parameters, window=window)
    else:
        made = each.compute(*values, **each.parameters)
    return made if isinstance(made, tuple) else (made,)


def calendar(dates: npt.NDArray[np.datetime64]) -> dict[str, npt.NDArray[Any]]:
    """The `CALENDAR` columns of dates."""
    days = dates.astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    month = months.astype(int) % 12 + 1
    into = (days - months).astype(int)
    left = ((months + 1).astype("datetime64[D]") - days).astype(int)
    ending = left <= _ENDING
    columns = (
        ((days.astype(int) + 3) % 7 + 1).astype(np.int8),  # 1970-01-01 was a Thursday
        (into // 7 + 1).astype(np.int8),
        month.astype(np.int8),
        ending,
        ending & (month % _QUARTER == 0),
    )
    return dict(zip(CALENDAR, columns, strict=True))
