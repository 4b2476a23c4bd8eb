"""What is odd about a series: flags with their counts, and one status from them."""

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING, Any

from barmill.market.bars import DUPLICATE, INVALID_ROW, NON_NUMERIC, Bars
from barmill.market.tables import constant

if TYPE_CHECKING:
    import pyarrow as pa

_SEVERITIES = ((0.5, "critical"), (0.1, "high"), (0.01, "moderate"), (0.0, "low"))
_LONG_GAP = 30  # days without a bar in daily data that no exchange's holidays explain

# Flags that are worth knowing and no reason to look at the series before using it.
_NOTES = ("zero_volume=", "zero_volume_ratio=", "zero_volume_severity=low", "missing_header")


def diagnose(symbol: str, bars: Bars, spike: float) -> dict[str, Any]:
    """The diagnosis of a series.

    Args:
        symbol: the ticker that the file should hold.
        bars: what was read from it.
        spike: |ln(close / previous close)| above which a bar is flagged.

    Returns:
        symbol, data_status, data_flags (joined by `;`), price_start and price_end (ISO dates of the first and last bar, ""
        if none), price_rows (bars kept), raw_rows (lines read), last_close, rejected (line, reason, text). Statuses: `ok`;
        `warning` (any flag but zero_volume, zero_volume_ratio, zero_volume_severity=low, missing_header); `sparse` (one
        bar); `empty` (no line of data); `error:no_valid_row` (lines, and none of them a bar).
    """
    table = bars.table
    flags = _flags(symbol, bars, spike)
    rows = table.num_rows
    return {
        "symbol": symbol,
        "data_status": _status(rows, bars.raw_rows, flags),
        "data_flags": ";".join(flags),
        "price_start": table.column("date")[0].as_py() if rows else "",
        "price_end": table.column("date")[rows - 1].as_py() if rows else "",
        "price_rows": rows,
        "raw_rows": bars.raw_rows,
        "last_close": table.column("close")[rows - 1].as_py() if rows else None,
        "rejected": bars.rejected,
    }


def is_warning(flag: str) -> bool:
    """Whether a flag makes a series' status `warning`."""
    return not flag.startswith(_NOTES)


def _status(rows: int, raw_rows: int, flags: list[str]) -> str:
    if rows == 0:
        return "error:no_valid_row" if raw_rows else "empty"
    if rows == 1:
        return "sparse"
    return "warning" if any(map(is_warning, flags)) else "ok"


def _flags(symbol: str, bars: Bars, spike: float) -> list[str]:
    reasons = Counter(each["reason"] for each in bars.rejected)
    flags = [f"{reason}={reasons[reason]}" for reason in (INVALID_ROW, NON_NUMERIC) if reasons[reason]]
    if bars.table.num_rows:
        flags += _value_flags(bars.table)
    if reasons[DUPLICATE]:
        flags.append(DUPLICATE)
    if not bars.ordered:
        flags.append("non_monotonic_dates")
    if bars.table.num_rows:
        flags += _shape_flags(bars.table, symbol, spike)
    if bars.raw_rows and not bars.has_header:
        flags.append("missing_header")
    return flags


def _value_flags(table: "pa.Table") -> list[str]:
    """Flags of single values, in the order of the report."""
    import pyarrow.compute as pc

    close, volume = table.column("close"), table.column("volume")
    counts = {
        "non_positive_close": _count(pc.less_equal(close, constant(0.0))),
        "missing_volume": volume.null_count,
        "zero_volume": _count(pc.equal(volume, constant(0.0))),
    }
    flags = [f"{name}={count}" for name, count in counts.items() if count]
    if counts["zero_volume"]:
        ratio = counts["zero_volume"] / table.num_rows
        severity = next(name for least, name in _SEVERITIES if ratio >= least)
        flags += [f"zero_volume_ratio={ratio:.4f}", f"zero_volume_severity={severity}"]
    return flags


def _shape_flags(table: "pa.Table", symbol: str, spike: float) -> list[str]:
    """Flags of how values go together, and how bars follow one another."""
    import pyarrow.compute as pc

    opened, high, low, close = (table.column(name) for name in ("open", "high", "low", "close"))
    floor, ceiling = pc.min_element_wise(opened, close), pc.max_element_wise(opened, close)
    broken = pc.or_(pc.greater(low, floor), pc.less(high, ceiling))
    before, after = close[:-1], close[1:]
    positive = pc.and_(pc.greater(before, constant(0.0)), pc.greater(after, constant(0.0)))
    jump = pc.greater(pc.abs(pc.ln(pc.divide(after, before))), constant(float(spike)))
    counts = {"ohlc_violations": _count(broken), "spikes": _count(pc.and_(positive, jump)), "max_gap_days": _gap(table)}
    flags = [f"{name}={count}" for name, count in counts.items() if count]
    if pc.unique(table.column("ticker")).to_pylist() != [symbol]:
        flags.append("ticker_mismatch")
    if len(pc.unique(table.column("per"))) > 1:
        flags.append("mixed_frequency")
    return flags


def _gap(table: "pa.Table") -> int:
    """The longest stretch of days between two bars, if it is longer than holidays make it; else 0."""
    import pyarrow as pa
    import pyarrow.compute as pc

    days = pc.cast(pc.cast(table.column("date"), pa.date32()), pa.int32())
    longest: int = pc.max(pc.subtract(days[1:], days[:-1])).as_py() or 0
    return longest if longest > _LONG_GAP else 0


def _count(mask: "pa.ChunkedArray") -> int:
    import pyarrow.compute as pc

    return int(pc.sum(mask).as_py() or 0)


def days_between(first: str, last: str) -> int:
    """Days from one ISO date to another."""
    return (dt.date.fromisoformat(last) - dt.date.fromisoformat(first)).days
