"""What is odd about a series: flags with their counts, and one status from them."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from barmill.market import policies
from barmill.market.bars import INVALID_ROW, NON_NUMERIC, Bars
from barmill.market.rules import Gate
from barmill.market.tables import constant

if TYPE_CHECKING:
    import pyarrow as pa

_SEVERITIES = ((0.5, "critical"), (0.1, "high"), (0.01, "moderate"), (0.0, "low"))
_LONG_GAP = 30  # days without a bar in daily data that no exchange's holidays explain

# Flags that are worth knowing and no reason to look at the series before using it.
_NOTES = ("zero_volume=", "zero_volume_ratio=", "zero_volume_severity=low", "missing_header")


def diagnose(symbol: str, bars: Bars, gate: Gate) -> dict[str, Any]:
    """The diagnosis of a series.

    Args:
        symbol: the ticker that the file should hold.
        bars: what was read from it.
        gate: what `rules.examine` let through of it.

    Returns:
        symbol, data_status, data_flags (joined by `;`), price_start and price_end (ISO dates of the first and last bar, ""
        if none), price_rows (bars kept), raw_rows (lines read), last_close, rejected (line, reason, text), findings (rule,
        action, stamp, text), broken (rule → how often). Statuses: `ok`; `warning` (any flag but zero_volume, zero_volume_ratio,
        zero_volume_severity=low, missing_header); `sparse` (one bar); `empty` (no line of data); `error:no_valid_row` (lines,
        and not one of them a bar that may stay); `error:refused` (a rule rejects them all).
    """
    table = gate.table
    flags = _flags(symbol, bars, gate.counts)
    rows = table.num_rows
    return {
        "symbol": symbol,
        "data_status": "error:refused" if gate.refused else _status(rows, bars.raw_rows, flags),
        "data_flags": ";".join(flags),
        "price_start": table.column("date")[0].as_py() if rows else "",
        "price_end": table.column("date")[rows - 1].as_py() if rows else "",
        "price_rows": rows,
        "raw_rows": bars.raw_rows,
        "last_close": table.column("close")[rows - 1].as_py() if rows else None,
        "rejected": bars.rejected,
        "findings": gate.rows(),
        "broken": gate.counts,
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


def _flags(symbol: str, bars: Bars, broken: Mapping[str, int]) -> list[str]:
    """Flags of a series, in the order of the report; `broken` counts the bars per rule."""
    reasons = Counter(each["reason"] for each in bars.rejected)
    others = sorted(reasons.keys() - {INVALID_ROW, NON_NUMERIC})
    flags = [f"{reason}={reasons[reason]}" for reason in (INVALID_ROW, NON_NUMERIC, *others) if reasons[reason]]
    if bars.table.num_rows:
        flags += _value_flags(bars.table, broken)
    if policies.DUPLICATES in broken:
        flags.append(policies.DUPLICATES)
    if policies.ORDER in broken:
        flags.append(policies.ORDER)
    if bars.table.num_rows:
        flags += _shape_flags(bars.table, symbol, broken)
    if bars.raw_rows and not bars.has_header:
        flags.append("missing_header")
    return flags


def _value_flags(table: "pa.Table", broken: Mapping[str, int]) -> Iterator[str]:
    """Flags of single values."""
    import pyarrow.compute as pc

    if policies.NEGATIVE in broken or policies.ZERO in broken:
        count = pc.sum(pc.less_equal(table.column("close"), constant(0.0))).as_py()
        if count:
            yield f"non_positive_close={count}"
    yield from (f"{rule}={broken[rule]}" for rule in (policies.MISSING_VOLUME, policies.ZERO_VOLUME) if rule in broken)
    if policies.ZERO_VOLUME in broken:
        ratio = broken[policies.ZERO_VOLUME] / table.num_rows
        severity = next(name for least, name in _SEVERITIES if ratio >= least)
        yield f"zero_volume_ratio={ratio:.4f}"
        yield f"zero_volume_severity={severity}"


def _shape_flags(table: "pa.Table", symbol: str, broken: Mapping[str, int]) -> Iterator[str]:
    """Flags of how values go together, and how bars follow one another."""
    import pyarrow.compute as pc

    yield from (f"{rule}={broken[rule]}" for rule in (policies.OHLC, policies.SPIKES) if rule in broken)
    if gap := _gap(table):
        yield f"max_gap_days={gap}"
    if pc.unique(table.column("ticker")).to_pylist() != [symbol]:
        yield "ticker_mismatch"
    if len(pc.unique(table.column("per"))) > 1:
        yield "mixed_frequency"


def _gap(table: "pa.Table") -> int:
    """The longest stretch of days between two bars, if it is longer than holidays make it; else 0."""
    import pyarrow as pa
    import pyarrow.compute as pc

    days = pc.cast(pc.cast(table.column("date"), pa.date32()), pa.int32())
    longest: int = pc.max(pc.subtract(days[1:], days[:-1])).as_py() or 0
    return longest if longest > _LONG_GAP else 0


def days_between(first: str, last: str) -> int:
    """Days from one ISO date to another."""
    return (dt.date.fromisoformat(last) - dt.date.fromisoformat(first)).days


def offences_of(diagnosis: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A row per rule that a diagnosed series breaks: rule, action, count, first and last stamp, example.

    Lines of the raw file that are not a bar count as quarantined, for they are left out and listed, too; their number
    stands for a stamp.
    """
    told: dict[str, list[tuple[str, str, str]]] = {}
    for each in diagnosis["rejected"]:
        told.setdefault(each["reason"], []).append((policies.QUARANTINE, f"line {each['line']}", each["text"]))
    for each in diagnosis["findings"]:
        told.setdefault(each["rule"], []).append((each["action"], each["stamp"], each["text"]))
    for rule, found in told.items():
        (action, first, example), (_, last, _) = found[0], found[-1]
        count = diagnosis["broken"].get(rule, len(found))
        yield {"rule": rule, "action": action, "count": count, "first": first, "last": last, "example": example}
