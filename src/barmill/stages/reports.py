"""What matched, what did not, what was rejected, and how good the prices are: the tables to read first."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from barmill.market import currencies
from barmill.market.quality import days_between, is_warning, offences_of
from barmill.market.schema import MATCH_REPORT, QUALITY_SUMMARY, REJECTED, UNMATCHED_REPORT, VALIDATION
from barmill.market.tables import read_rows, write_report
from barmill.plan import Plan
from barmill.target import Target

_MOST_EXAMPLES = 5
_LONDON = "XLON"


def build(
    matches: Path,
    unmatched: Path,
    rejected: Sequence[Path],
    diagnoses: Sequence[Path],
    matches_report: Path,
    unmatched_report: Path,
    rejected_report: Path,
    quality_report: Path,
    *,
    lse_currency_policy: str,
    stale_days: int,
) -> None:
    """Join matches with the diagnoses of their series, and sum up.

    Args:
        matches: one row per matched instrument.
        unmatched: one row per other instrument.
        rejected: rejected lines of each list.
        diagnoses: a JSON diagnosis per matched symbol.
        matches_report: columns of `schema.MATCH_REPORT`, a row per matched instrument in the order of `matches`.
            `stale_end=N` is added to the flags of a series that ends N days before the newest bar of its region; prices
            are in `quote_unit` (GBX is 0.01 GBP). For currencies see `currency_status`.
        unmatched_report: columns of `schema.UNMATCHED_REPORT`.
        rejected_report: columns of `schema.REJECTED`.
        quality_report: columns of `schema.QUALITY_SUMMARY`: how many instruments per status, flag, currency status,
            reason and so on, with up to five examples.
        lse_currency_policy: `broker`, `stooq` or `strict`.
        stale_days: see `stale_end`.
    """
    found = {each["symbol"]: each for each in (json.loads(path.read_text(encoding="utf-8")) for path in diagnoses)}
    instruments = read_rows(matches)
    newest = _newest_by_region(instruments, found)
    rows = []
    for instrument in instruments:
        diagnosis = found.get(instrument["matched_ticker"], _NO_FILE)
        series = _series(diagnosis, newest.get(instrument["region"], ""), stale_days)
        rows.append({**instrument, **series, **currency_columns(instrument, lse_currency_policy)})
    others = read_rows(unmatched)
    faults = [row for path in rejected for row in read_rows(path)]
    write_report(matches_report, MATCH_REPORT, ({name: row[name] for name in MATCH_REPORT} for row in rows))
    write_report(unmatched_report, UNMATCHED_REPORT, others)
    write_report(rejected_report, REJECTED, faults)
    write_report(quality_report, QUALITY_SUMMARY, _summary(rows, others, faults))


def validate(diagnoses: Sequence[Path], validation: Path, *, names: Sequence[str]) -> None:
    """Sum up which series break which rule.

    Args:
        diagnoses: a JSON diagnosis per dataset.
        validation: columns of `schema.VALIDATION`: a row per dataset and rule; see `quality.offences_of`.
        names: of the datasets, in the order of the diagnoses.
    """
    found = (json.loads(path.read_text(encoding="utf-8")) for path in diagnoses)
    rows = ({"dataset": name, **row} for name, each in zip(names, found, strict=True) for row in offences_of(each))
    write_report(validation, VALIDATION, rows)


def targets(plan: Plan) -> Iterator[Target]:
    """One target for the reports about instruments, one for what the rules found in the datasets."""
    if plan.matches():
        yield _tradeable(plan)
    names = [dataset.name for dataset in plan.datasets()]
    yield Target(
        name="validation",
        build=validate,
        inputs={"diagnoses": [plan.path("export", f"{name}.json") for name in names]},
        outputs={"validation": plan.path("reports", "validation.csv")},
        params={"names": names},
    )


def _tradeable(plan: Plan) -> Target:
    lists = [path.name for path in plan.instrument_lists()]
    settings = plan.settings
    return Target(
        name="tradeable",
        build=build,
        inputs={
            "matches": plan.path("match", "matches.csv"),
            "unmatched": plan.path("match", "unmatched.csv"),
            "rejected": [plan.path("instruments", f"{name}.rejected.csv") for name in lists],
            "diagnoses": [plan.path("export", f"{symbol.name}.json") for symbol in plan.symbols()],
        },
        outputs={
            "matches_report": plan.path("reports", "tradeable_matches.csv"),
            "unmatched_report": plan.path("reports", "tradeable_unmatched.csv"),
            "rejected_report": plan.path("reports", "instruments_rejected.csv"),
            "quality_report": plan.path("reports", "quality_summary.csv"),
        },
        params={"lse_currency_policy": settings.lse_currency_policy, "stale_days": settings.stale_days},
    )


def currency_columns(instrument: Mapping[str, str], policy: str) -> dict[str, str]:
    """What currency an instrument's prices are in, by the broker's word and by the region of its file.

    Returns:
        inferred_currency (of the region, "" if it has none), resolved_currency, and currency_status: `match`; `mismatch`
        (they differ: the region's counts); for a London line that differs `override` (policy broker: the broker's
        counts), `mismatch` (policy stooq) or `error:lse_currency_override` (policy strict: neither); `expected_only`
        (the region has none), `inferred_only` (the broker named none), `unknown`.
    """
    expected = instrument["currency"]
    inferred = currencies.BY_REGION.get(instrument["region"], "")
    if expected and inferred and expected != inferred:
        if instrument["venue"] == _LONDON and policy == "broker":
            resolved, status = expected, "override"
        elif instrument["venue"] == _LONDON and policy == "strict":
            resolved, status = "", "error:lse_currency_override"
        else:
            resolved, status = inferred, "mismatch"
    elif expected and inferred:
        resolved, status = expected, "match"
    else:
        resolved = expected or inferred
        status = "expected_only" if expected else "inferred_only" if inferred else "unknown"
    return {"inferred_currency": inferred, "resolved_currency": resolved, "currency_status": status}


_NO_FILE: dict[str, Any] = {
    "data_status": "missing_file",
    "data_flags": "",
    "price_start": "",
    "price_end": "",
    "price_rows": 0,
    "last_close": None,
}


def _newest_by_region(instruments: Iterable[Mapping[str, str]], found: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    newest: dict[str, str] = {}
    for row in instruments:
        end = found.get(row["matched_ticker"], _NO_FILE)["price_end"]
        newest[row["region"]] = max(end, newest.get(row["region"], ""))
    return newest


def _series(diagnosis: Mapping[str, Any], newest: str, stale_days: int) -> dict[str, Any]:
    series = {name: diagnosis[name] for name in _NO_FILE}
    if series["price_end"]:
        behind = days_between(series["price_end"], newest)
        if behind > stale_days:
            series["data_flags"] = ";".join(filter(None, (series["data_flags"], f"stale_end={behind}")))
            series["data_status"] = "warning" if series["data_status"] == "ok" else series["data_status"]
    return series


def _summary(
    rows: Sequence[Mapping[str, Any]], others: Sequence[Mapping[str, str]], faults: Sequence[Mapping[str, str]]
) -> Iterator[dict[str, object]]:
    """Counts of everything, each with examples; the order is that of the table, then of the values."""
    counted: dict[tuple[str, str, str], list[str]] = {}

    def count(what: str, region: str, value: str, example: str) -> None:
        counted.setdefault((what, region, value), []).append(example)

    for row in rows:
        for what in ("data_status", "currency_status", "strategy", "confidence"):
            count(what, row["region"], row[what], row["symbol"])
        for flag in filter(None, row["data_flags"].split(";")):
            name, _, value = flag.partition("=")
            kind = "warning" if is_warning(flag) else "note"
            count(kind, row["region"], f"{name}={value}" if name == "zero_volume_severity" else name, row["symbol"])
    for row in others:
        count("unmatched", "", row["reason"], row["symbol"])
    for row in faults:
        count("rejected", "", row["reason"], f"{row['source_file']}:{row['line']}")
    totals = (("matched", len(rows)), ("unmatched", len(others)), ("rejected", len(faults)))
    for name, total in totals:
        yield {"what": "instruments", "region": "", "value": name, "count": total, "examples": ""}
    for (what, region, value), examples in sorted(counted.items()):
        first = list(dict.fromkeys(examples))[:_MOST_EXAMPLES]
        yield {"what": what, "region": region, "value": value, "count": len(examples), "examples": ";".join(first)}
