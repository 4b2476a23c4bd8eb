"""Reports: currencies, statuses, and every instrument counted."""

import json

import pytest

from barmill.market.tables import read_rows, write_rows
from barmill.stages import instruments, match, reports
from tests.stages.contract import StageContract

SERIES = {
    "symbol": "AAPL.US",
    "data_status": "ok",
    "data_flags": "",
    "price_start": "2020-01-02",
    "price_end": "2025-10-03",
    "price_rows": 1400,
    "last_close": 250.5,
}


def matched(symbol, ticker, region="us", venue="XNAS", currency="USD", unit=""):
    """A row of the match table."""
    return dict.fromkeys(match.MATCHES, "") | {
        "symbol": symbol,
        "matched_ticker": ticker,
        "region": region,
        "venue": venue,
        "currency": currency,
        "quote_unit": unit or currency,
    }


def build(folder, rows, series, *, unmatched=(), rejected=(), policy="broker", stale_days=30):
    """Build the reports; returns the four tables."""
    paths = {name: folder / f"{name}.csv" for name in ("matches", "unmatched", "rejected")}
    write_rows(paths["matches"], match.MATCHES, rows)
    write_rows(paths["unmatched"], match.UNMATCHED, unmatched)
    write_rows(paths["rejected"], instruments.REJECTED, rejected)
    diagnoses = []
    for each in series:
        diagnoses.append(folder / f"{each['symbol']}.json")
        diagnoses[-1].write_text(json.dumps(each))
    outputs = {f"{name}_report": folder / f"{name}_report.csv" for name in ("matches", "unmatched", "rejected", "quality")}
    reports.build(
        paths["matches"], paths["unmatched"], [paths["rejected"]], diagnoses, **outputs,
        lse_currency_policy=policy, stale_days=stale_days,
    )  # fmt: skip
    return [read_rows(path) for path in outputs.values()]


@pytest.mark.parametrize(
    ("region", "venue", "currency", "policy", "resolved", "status"),
    [
        ("us", "XNAS", "USD", "broker", "USD", "match"),
        ("us", "ARCX", "EUR", "broker", "USD", "mismatch"),
        ("uk", "XLON", "USD", "broker", "USD", "override"),
        ("uk", "XLON", "USD", "stooq", "GBP", "mismatch"),
        ("uk", "XLON", "USD", "strict", "", "error:lse_currency_override"),
        ("uk", "XLON", "GBP", "strict", "GBP", "match"),
        ("uk", "XLON", "", "strict", "GBP", "inferred_only"),
        ("world", "", "EUR", "broker", "EUR", "expected_only"),
        ("world", "", "", "broker", "", "unknown"),
        ("pl", "XWAR", "EUR", "strict", "PLN", "mismatch"),
    ],
)
def test_currency_status(tmp_path, region, venue, currency, policy, resolved, status):
    """Broker's word and region's currency are reconciled as the policy says, for London lines only."""
    row = build(tmp_path, [matched("X", "AAPL.US", region, venue, currency)], [SERIES], policy=policy)[0][0]
    assert (row["resolved_currency"], row["currency_status"]) == (resolved, status)


def test_pence_are_pounds_with_a_unit(tmp_path):
    """A line quoted in pence matches GBP, and the report says that its prices are in GBX."""
    row = build(tmp_path, [matched("BP.", "AAPL.US", "uk", "XLON", "GBP", "GBX")], [SERIES])[0][0]
    assert (row["currency_status"], row["resolved_currency"], row["quote_unit"]) == ("match", "GBP", "GBX")


@pytest.mark.parametrize(("end", "status", "flags"), [("2025-09-03", "ok", ""), ("2025-09-02", "warning", "stale_end=31")])
def test_stale_end(tmp_path, end, status, flags):
    """A series that ends more than the set days before its region's newest bar has ended."""
    old = SERIES | {"symbol": "OLD.US", "price_end": end}
    other_region = SERIES | {"symbol": "NEW.UK", "price_end": "2026-01-01"}
    rows = [matched("A", "AAPL.US"), matched("O", "OLD.US"), matched("N", "NEW.UK", "uk", "XLON", "GBP")]
    row = build(tmp_path, rows, [SERIES, old, other_region])[0][1]
    assert (row["data_status"], row["data_flags"]) == (status, flags)


def test_rows_keep_their_order_and_duplicates(tmp_path):
    """One row per instrument, in the order of the lists, two instruments on one file included."""
    rows = [matched("B", "AAPL.US"), matched("A", "AAPL.US"), matched("B", "AAPL.US")]
    assert [row["symbol"] for row in build(tmp_path, rows, [SERIES])[0]] == ["B", "A", "B"]


def test_series_without_diagnosis_is_missing(tmp_path):
    """A match whose series was not exported is reported as missing_file."""
    row = build(tmp_path, [matched("A", "GONE.US")], [])[0][0]
    assert (row["data_status"], row["price_rows"], row["price_end"]) == ("missing_file", "0", "")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ('=HYPERLINK("http://evil.example","Apple")', '\'=HYPERLINK("http://evil.example","Apple")'),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("+1+cmd|' /C calc'!A0", "'+1+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("-2.5", "-2.5"),
        ("A=B", "A=B"),
        ("\x1b]8;;http://evil.example\x07Apple", "?]8;;http://evil.example?Apple"),
        ("elppA\u202e", "elppA?"),
        ("\t=1+1", "?=1+1"),
    ],
)
def test_names_are_harmless_in_reports_and_unchanged_in_data(tmp_path, name, shown):
    """A spreadsheet computes no cell of a report, and no terminal obeys it; data keep the name as it was."""
    row = matched("AAPL", "AAPL.US") | {"name": name}
    other = dict.fromkeys(match.UNMATCHED, "") | {"symbol": "X", "name": name}
    fault = dict.fromkeys(instruments.REJECTED, "") | {"text": name}
    matches, unmatched, rejected, _ = build(tmp_path, [row], [SERIES], unmatched=[other], rejected=[fault])
    assert [matches[0]["name"], unmatched[0]["name"], rejected[0]["text"]] == [shown] * 3
    assert read_rows(tmp_path / "matches.csv")[0]["name"] == name


def test_summary_counts_everyone(tmp_path):
    """Matched, unmatched and rejected add up, each reason with an example."""
    unmatched = [dict.fromkeys(match.UNMATCHED, "") | {"symbol": f"U{n}", "reason": "not_in_tree"} for n in range(7)]
    rejected = [{"source_file": "a.csv", "line": 3, "reason": "missing_symbol", "text": ",,"}]
    quality = build(tmp_path, [matched("A", "AAPL.US")], [SERIES], unmatched=unmatched, rejected=rejected)[3]
    counts = {(row["what"], row["value"]): (row["count"], row["examples"]) for row in quality}
    assert counts["instruments", "matched"] == ("1", "")
    assert counts["instruments", "unmatched"] == ("7", "")
    assert counts["unmatched", "not_in_tree"] == ("7", "U0;U1;U2;U3;U4")
    assert counts["rejected", "missing_symbol"] == ("1", "a.csv:3")
    assert counts["data_status", "ok"] == ("1", "A")


def test_validation_names_dataset_and_rule(tmp_path):
    """The validation report has a row per dataset and broken rule, and none for a series without fault."""
    finding = {"rule": "spikes", "action": "warn", "stamp": "2024-01-02", "text": "close 9 after 1"}
    series = [{"rejected": [], "findings": [finding], "broken": {"spikes": 1}}, {"rejected": [], "findings": [], "broken": {}}]
    diagnoses = [tmp_path / f"{at}.json" for at in range(2)]
    for path, each in zip(diagnoses, series, strict=True):
        path.write_text(json.dumps(each))
    reports.validate(diagnoses, tmp_path / "out.csv", names=["AAPL.US", "forex/1min/EURUSD"])
    assert read_rows(tmp_path / "out.csv") == [
        {
            "dataset": "AAPL.US",
            "rule": "spikes",
            "action": "warn",
            "count": "1",
            "first": "2024-01-02",
            "last": "2024-01-02",
            "example": "close 9 after 1",
        }
    ]


class TestContract(StageContract):
    """What every stage promises."""

    stage = "reports"
