"""Clean exports and their diagnoses."""

import json

import pytest

from barmill.errors import ConfigError
from barmill.market import policies
from barmill.market.tables import read_rows
from barmill.stages import export
from tests.stages.contract import StageContract
from tests.support.bars_oracle import read
from tests.support.calendars import table_file
from tests.support.market import FIRST_STAGES, HEADER, MarketProject, price_lines
from tests.support.real import real_data


def build(folder, content, symbol="AAPL.US", sessions=(), **params):
    """Export a raw file with this content; returns the CSV's path and the diagnosis."""
    raw, out, diagnosis = folder / "raw.txt", folder / "out.csv", folder / "diagnosis.json"
    raw.write_bytes(content)
    usual = {
        "frequency": "daily",
        "asset_class": "equities",
        "rules": {},
        "spike": 1.5,
        "stale_run": 10,
        "include_empty": False,
    }
    export.build(raw, [], sessions, out, diagnosis, **{"symbol": symbol, **usual} | params)
    return out, json.loads(diagnosis.read_text())


def raw_text(*lines):
    """Stooq text of lines, with the header."""
    return "\r\n".join([HEADER, *lines, ""]).encode()


def test_columns_types_and_order(tmp_path):
    """ISO dates and times, plain shortest numbers, LF, ascending."""
    lines = [f"AAPL.US,D,{date},000000,4.10,4.50,4.00,4.16825000000000,14.377440317367,0" for date in ("20240103", "20240102")]
    out, _ = build(tmp_path, raw_text(*lines))
    assert out.read_bytes() == (
        b"ticker,per,date,time,open,high,low,close,volume,openint\n"
        b"AAPL.US,D,2024-01-02,00:00:00,4.1,4.5,4,4.16825,14.377440317367,0\n"
        b"AAPL.US,D,2024-01-03,00:00:00,4.1,4.5,4,4.16825,14.377440317367,0\n"
    )


def test_empty_file_has_no_export_unless_wanted(tmp_path):
    """A file without bars is diagnosed; its export is written only where empty ones are wanted."""
    out, diagnosis = build(tmp_path, b"")
    assert not out.exists()
    assert diagnosis["data_status"] == "empty"
    out, _ = build(tmp_path, b"", include_empty=True)
    assert out.read_text() == "ticker,per,date,time,open,high,low,close,volume,openint\n"


def test_rejected_lines_are_in_the_diagnosis(tmp_path):
    """Each rejected line is there with number, reason and text."""
    good, bad = price_lines("AAPL.US", ["20240102", "20240103"])
    out, diagnosis = build(tmp_path, raw_text(good, bad.replace("10.0", "n/a")))
    assert [row["date"] for row in read_rows(out)] == ["2024-01-02"]
    (rejected,) = diagnosis["rejected"]
    assert (rejected["line"], rejected["reason"]) == (3, "non_numeric_prices")
    assert rejected["text"].startswith("AAPL.US,D,20240103")


DUPLICATES = {
    "zero": "AAPL.US,D,20240103,000000,0,0,0,49.8,0,0",
    "high below low": "AAPL.US,D,20240103,000000,49,48,50,49.8,0,0",
    "negative volume": "AAPL.US,D,20240103,000000,49,50,48,49.8,-3,0",
    "no price": "AAPL.US,D,20240103,000000,49,50,48,,100,0",
    "open outside": "AAPL.US,D,20240103,000000,60,50,48,49.8,100,0",
}


@pytest.mark.parametrize("bad", DUPLICATES.values(), ids=DUPLICATES)
@pytest.mark.parametrize("first", [True, False])
def test_bad_bar_takes_no_good_one_s_place(tmp_path, bad, first):
    """Of two bars of one day the one that breaks no rule is exported, wherever it stands."""
    before, good, after = price_lines("AAPL.US", ["20240102", "20240103", "20240104"])
    out, diagnosis = build(tmp_path, raw_text(before, *((bad, good) if first else (good, bad)), after))
    assert [row["close"] for row in read_rows(out)] == ["10", "10", "10"]
    assert diagnosis["raw_rows"] == 4
    assert diagnosis["rejected"] or diagnosis["findings"]


BROKEN = {
    "null_stamps": [",000000,10,11,9,10,100,0"],
    "duplicate_dates": ["20240104,000000,10,11,9,10,100,0"],
    "non_monotonic_dates": ["20240102,000000,10,11,9,10,100,0"],
    "null_prices": ["20240108,000000,,,,,100,0"],
    "non_finite_prices": ["20240108,000000,10,inf,9,10,100,0"],
    "high_below_low": ["20240108,000000,10,9,11,10,100,0"],
    "ohlc_violations": ["20240108,000000,12,11,9,10,100,0"],
    "negative_prices": ["20240108,000000,-1,-1,-2,-1,100,0"],
    "zero_prices": ["20240108,000000,0,0,0,0,100,0"],
    "zero_open": ["20240108,000000,0,11,9,10,100,0"],
    "negative_volume": ["20240108,000000,10,11,9,10,-5,0"],
    "missing_volume": ["20240108,000000,10,11,9,10,,0"],
    "zero_volume": ["20240108,000000,10,11,9,10,0,0"],
    "off_session": ["20240106,000000,10,11,9,10,100,0"],
    "spikes": ["20240108,000000,100,110,90,100,100,0"],
    "split_like": [f"202401{day:02},000000,5.25,5.75,5,5.25,200,0" for day in (8, 9, 10, 11, 12, 15, 16, 17, 18, 19)],
    "stale_run": [f"202401{day:02},000000,10,11,9,10.5,100,0" for day in (8, 9, 10, 11, 12, 15, 16, 17)],
}
"""Rule → lines behind good ones that break it."""


@pytest.mark.parametrize("action", policies.ACTIONS)
@pytest.mark.parametrize("rule", policies.DEFAULTS)
def test_every_rule_acts_as_its_setting_says_or_is_refused(tmp_path, rule, action):
    """Reject refuses the series, quarantine leaves bars out, warn lists them, allow is silent; or the setting is an error."""
    chosen = {**dict.fromkeys(set(policies.DEFAULTS) - policies.NOT_STORED.keys(), "allow"), rule: action}
    if rule in policies.NOT_STORED and action in {"warn", "allow"}:
        with pytest.raises(ConfigError, match="use reject or quarantine"):
            policies.resolve("equities", chosen)
        return
    days = {"20240102": "10.1", "20240103": "10.2", "20240104": "10.5"}
    if rule == "non_monotonic_dates":
        del days["20240102"]
    lines = [f"AAPL.US,D,{day},000000,10,11,9,{close},100,0" for day, close in days.items()]
    lines += [f"AAPL.US,D,{line}" for line in BROKEN[rule]]
    calendar = [table_file("XNYS")] if rule == "off_session" and action in policies.LEFT_OUT else []
    out, diagnosis = build(tmp_path, raw_text(*lines), rules=chosen, stale_run=8, sessions=calendar)
    rows = read_rows(out) if out.exists() else []
    named = {each["rule"]: each["action"] for each in diagnosis["findings"]}
    if action == "reject":
        assert (rows, diagnosis["data_status"], named.get(rule)) == ([], "error:refused", "reject")
    elif action == "quarantine":
        assert 0 < len(rows) < len(lines)
        assert named.get(rule) == "quarantine" or diagnosis["rejected"]
    else:
        assert len(rows) == len(lines)
        assert named == ({rule: "warn"} if action == "warn" and rule != "off_session" else {})


def test_quarantined_bars_are_left_out_and_listed(tmp_path):
    """A bar whose high is below its low is not exported; the diagnosis says which, why, and counts the others."""
    good, bad = price_lines("AAPL.US", ["20240102", "20240103"])
    out, diagnosis = build(tmp_path, raw_text(good, bad.replace("11.0", "8.0")))
    assert [row["date"] for row in read_rows(out)] == ["2024-01-02"]
    assert (diagnosis["price_rows"], diagnosis["price_end"], diagnosis["raw_rows"]) == (1, "2024-01-02", 2)
    assert diagnosis["findings"][0] == {
        "rule": "high_below_low",
        "action": "quarantine",
        "stamp": "2024-01-03",
        "text": "open 10.0, high 8.0, low 9.0, close 10.0",
    }
    assert diagnosis["broken"] == {"high_below_low": 1, "ohlc_violations": 1}


def test_a_refused_file_has_no_export(tmp_path):
    """Where a rule rejects, the whole file stays out, and its status says so."""
    lines = price_lines("AAPL.US", ["20240102", "20240103"])
    out, diagnosis = build(tmp_path, raw_text(lines[0], lines[1].replace(",1000,", ",0,")), rules={"zero_volume": "reject"})
    assert not out.exists()
    assert (diagnosis["data_status"], diagnosis["price_rows"]) == ("error:refused", 0)


def test_long_file(tmp_path):
    """15,000 bars keep their number, and a duplicate across the 10,000th is found."""
    stamps = [f"2024{1 + day // 28:02d}{1 + day % 28:02d},{n // 60:02d}{n % 60:02d}00" for day in range(50) for n in range(300)]
    lines = [f"A,5,{stamp},1,1,1,1,1,0" for stamp in stamps]
    out, diagnosis = build(tmp_path, raw_text(*lines[:10_000], lines[9_999], *lines[10_000:]), symbol="A")
    assert (diagnosis["price_rows"], diagnosis["data_flags"]) == (15_000, "duplicate_dates")
    assert len(read_rows(out)) == 15_000


@pytest.mark.real
@pytest.mark.parametrize(
    ("path", "status", "flags"),
    [
        (
            "d_uk_txt/data/daily/uk/lse stocks/anto.uk.txt",
            "warning",
            "zero_volume=1914;zero_volume_ratio=0.2011;zero_volume_severity=high",
        ),
        ("d_uk_txt/data/daily/uk/lse stocks/wps.uk.txt", "empty", ""),
        ("d_us_txt/data/daily/us/nasdaq stocks/1/hson.us.txt", "empty", ""),
    ],
)
def test_real_diagnoses(tmp_path, path, status, flags):
    """Known real files have the diagnosis that counting by hand gives."""
    raw = real_data("stooq-uk-pl-us") / path
    _, diagnosis = build(tmp_path, raw.read_bytes(), symbol=raw.stem.upper())
    assert (diagnosis["data_status"], diagnosis["data_flags"]) == (status, flags)
    bars, _ = read(raw.read_bytes())
    assert diagnosis["price_rows"] == len(bars)


class TestContract(StageContract):
    """What every stage promises."""

    stage = "export"


def test_a_file_in_another_dialect(tmp_path):
    """A raw file in another dialect is exported as Stooq's text is; the diagnosis records how it was read."""
    text = "Datum;Erster;Hoch;Tief;Schluss;Volumen\n30.01.2024;1.210,5;1.216;1.201;1.213;2.000\n31.01.2024;1.213;1.216;1.2\n"
    out, diagnosis = build(tmp_path, text.encode(), symbol="SAP")
    assert [(row["date"], row["close"], row["volume"]) for row in read_rows(out)] == [("2024-01-30", "1213", "2000")]
    assert (diagnosis["dialect"]["decimal"], diagnosis["dialect"]["dates"]) == ("comma", "day first")
    assert [(each["line"], each["reason"]) for each in diagnosis["rejected"]] == [(3, "too_few_fields")]
    assert "too_few_fields=1" in diagnosis["data_flags"]


def test_an_ambiguous_file(tmp_path):
    """A raw file that nothing settles has no export; the diagnosis says why, and what settles it."""
    out, diagnosis = build(tmp_path, b"Date;Open;High;Low;Close\n2024-01-31;1.205;1.216;1.201;1.213\n")
    assert not out.exists()
    assert diagnosis["data_status"] == "error:no_valid_row"
    assert "no line settles it" in diagnosis["notes"][0]


def test_carriage_returns_alone_end_lines(tmp_path):
    """A file whose lines end in CR alone is read whole."""
    content = raw_text(*price_lines("AAPL.US", ["20240102", "20240103"], 10.0)).replace(b"\r\n", b"\r")
    out, diagnosis = build(tmp_path, content)
    assert (len(read_rows(out)), diagnosis["data_status"], diagnosis["data_flags"]) == (2, "ok", "")


def test_bar_off_session_is_left_out_of_the_export_where_the_rule_says_so(tmp_path):
    """With `off_session = "quarantine"` a Saturday's bar of a daily series is not exported, and the calendar is an input."""
    project = MarketProject.make(tmp_path, (*FIRST_STAGES, "sessions"))
    project.series("equities/daily/NYS", ["20240105", "20240106", "20240108"])
    project.series("equities/5min/NYS", ["20240105", "20240106"])
    with open(project.root / "pyproject.toml", "a") as file:
        file.write('rules = {off_session = "quarantine"}\n[tool.barmill.calendars]\n"equities/daily/NYS" = "XNYS"\n')
    result = project.doit()
    assert result.code == 0, result.out + result.err
    assert [row["date"] for row in project.table("export/equities/daily/NYS.csv")] == ["2024-01-05", "2024-01-08"]
    assert len(project.table("export/equities/5min/NYS.csv")) == 2
    assert "artifacts/sessions/XNYS.csv" in project.doit("info", "export:equities/daily/NYS").out
