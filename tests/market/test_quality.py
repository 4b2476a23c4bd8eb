"""Flags and statuses of a series, at their boundaries."""

import pytest

from barmill.market.bars import read_bars
from barmill.market.quality import diagnose, is_warning, offences_of
from barmill.market.rules import examine
from barmill.market.schema import RAW_HEADER
from barmill.sample.prices import weekdays


def bar(at: int, close: float = 10.0, volume: str = "100", **fields: str) -> str:
    """A daily line of A.US on the `at`-th of the last 1,000 weekdays."""
    values = {
        "ticker": "A.US", "per": "D", "date": f"{weekdays(1000)[at]:%Y%m%d}", "time": "000000", "open": str(close),
        "high": str(close), "low": str(close), "close": str(close), "volume": volume, "openint": "0",
    } | fields  # fmt: skip
    return ",".join(values.values())


def diagnosis(*lines: str, header: bool = True, symbol: str = "A.US") -> dict:
    """The diagnosis of a file with these lines."""
    text = "".join(f"{line}\r\n" for line in ([RAW_HEADER, *lines] if header else lines))
    return judged(symbol, text.encode())


def judged(symbol: str, content: bytes, asset_class: str = "equities") -> dict:
    """The diagnosis of a file with this content."""
    bars = read_bars(content)
    return diagnose(symbol, bars, examine(bars.given, asset_class, {}, breaks=bars.breaks))


def series(count: int, zeros: int = 0) -> list[str]:
    """Good bars, the first `zeros` of them without volume traded."""
    return [bar(at, volume="0" if at < zeros else "100") for at in range(count)]


def test_good_series_is_ok():
    """A series without oddity has no flags; start, end, rows and last close are those of the bars."""
    found = diagnosis(*series(5))
    assert (found["data_status"], found["data_flags"]) == ("ok", "")
    assert found["price_start"] == weekdays(1000)[0].isoformat()
    assert found["price_end"] == weekdays(1000)[4].isoformat()
    assert (found["price_rows"], found["raw_rows"], found["last_close"]) == (5, 5, 10.0)


@pytest.mark.parametrize(
    ("rows", "zeros", "severity", "status"),
    [
        (1000, 9, "low", "ok"),
        (1000, 10, "moderate", "warning"),
        (1000, 99, "moderate", "warning"),
        (1000, 100, "high", "warning"),
        (1000, 499, "high", "warning"),
        (1000, 500, "critical", "warning"),
    ],
)
def test_zero_volume_severity(rows, zeros, severity, status):
    """A few days without trade are noted; from one in a hundred they are a warning."""
    found = diagnosis(*series(rows, zeros))
    flags = f"zero_volume={zeros};zero_volume_ratio={zeros / rows:.4f};zero_volume_severity={severity}"
    assert (found["data_flags"], found["data_status"]) == (flags, status)


@pytest.mark.parametrize(
    ("lines", "flags"),
    [
        ([*series(3), bar(4, low="11")], "ohlc_violations=1"),
        ([*series(3), bar(4, high="9")], "ohlc_violations=1"),
        ([*series(3), bar(4, close=-1.0)], "non_positive_close=1"),
        ([*series(3), bar(4, close=0.0)], "non_positive_close=1"),
        ([*series(3), bar(4, volume="")], "missing_volume=1"),
        ([*series(3), bar(4, close=10.0 * 4.4)], ""),
        ([*series(3), bar(4, close=10.0 * 4.5)], "spikes=1"),
        ([*series(3), bar(4, close=10.0 / 4.5), bar(5)], "spikes=2"),
        ([*series(3), bar(25)], "max_gap_days=33"),
        ([*series(3), bar(24)], ""),
        ([*series(3), bar(4, ticker="B.US")], "ticker_mismatch"),
        ([*series(3), bar(4, per="5")], "mixed_frequency"),
        ([*series(3), bar(4, date="20250230")], "invalid_rows=1"),
        ([*series(3), bar(4, close="n/a")], "non_numeric_prices=1"),  # type: ignore[arg-type]
        ([*series(3), bar(2)], "duplicate_dates"),
        ([bar(3), *series(3)], "non_monotonic_dates"),
    ],
)
def test_each_flag(lines, flags):
    """Each oddity has its flag, and one is enough for a warning."""
    found = diagnosis(*lines)
    assert (found["data_flags"], found["data_status"]) == (flags, "warning" if flags else "ok")


def test_order_of_flags():
    """Flags stand in one fixed order."""
    found = diagnosis(bar(5), bar(1), bar(1), bar(4, close=-1.0), bar(2, date="x"), bar(3, close="x"), header=False)  # type: ignore[arg-type]
    names = [flag.partition("=")[0] for flag in found["data_flags"].split(";")]
    assert names == [
        "invalid_rows",
        "non_numeric_prices",
        "non_positive_close",
        "duplicate_dates",
        "non_monotonic_dates",
        "missing_header",
    ]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", "empty"),
        (RAW_HEADER.encode() + b"\r\n", "empty"),
        (b"\r\n\r\n", "empty"),
        (b"<html>\n<body>\n", "error:no_valid_row"),
        (b"\x00\x01\xff" * 100, "error:no_valid_row"),
        ((RAW_HEADER + "\r\n" + bar(0)).encode(), "sparse"),
        ((RAW_HEADER + "\r\n" + bar(0) + "\r\n" + bar(0)).encode(), "sparse"),
    ],
)
def test_statuses_of_files_with_next_to_nothing(content, status):
    """Nothing is empty, one bar is sparse, and lines of which none is a bar are an error; dates are empty where unknown."""
    found = judged("A.US", content)
    assert found["data_status"] == status
    assert (found["price_start"] == "") == (found["price_rows"] == 0)


def test_start_and_end_of_an_unordered_file():
    """First and last date are the earliest and latest, wherever they stand."""
    found = diagnosis(bar(2), bar(0), bar(1))
    assert (found["price_start"], found["price_end"]) == tuple(weekdays(1000)[at].isoformat() for at in (0, 2))


@pytest.mark.parametrize("asset_class", ["forex", "indices", "bonds"])
def test_no_volume_is_no_warning_where_none_is_traded(asset_class):
    """A currency, an index or a bond without any volume is ok."""
    text = "".join(f"{line}\r\n" for line in [RAW_HEADER, *series(9, zeros=9)]).encode()
    found = judged("A.US", text, asset_class)
    assert (found["data_status"], found["data_flags"]) == ("ok", "")
    assert judged("A.US", text)["data_status"] == "warning"


def test_offences_of_a_diagnosis():
    """Rules and unreadable lines stand in one table, each with its count and where it begins and ends."""
    found = diagnosis(*series(3), bar(4, low="11"), bar(5, date="x"), bar(6, close=-1.0), bar(7, close=-2.0))
    rows = {row["rule"]: (row["action"], row["count"], row["first"], row["last"]) for row in offences_of(found)}
    days = [day.isoformat() for day in weekdays(1000)]
    assert rows == {
        "invalid_rows": ("quarantine", 1, "line 6", "line 6"),
        "high_below_low": ("quarantine", 1, days[4], days[4]),
        "ohlc_violations": ("warn", 1, days[4], days[4]),
        "negative_prices": ("quarantine", 2, days[6], days[7]),
    }


def test_notes_are_no_warnings():
    """A missing header alone leaves a series ok."""
    found = diagnosis(*series(3), header=False)
    assert (found["data_flags"], found["data_status"]) == ("missing_header", "ok")
    assert not is_warning("missing_header")
    assert is_warning("spikes=1")
