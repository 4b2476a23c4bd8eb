"""Every form that prices come in, made and real."""

import csv
import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from barmill.errors import InputError, UnknownSymbol
from barmill.market.bars import read_bars, write_raw
from barmill.market.dialects import no_prices, read_prices
from tests.support.real import real_data


def rows(text, symbol="ACME", frequency="daily", zone="UTC"):
    """(date, time, open, high, low, close, volume) of each bar."""
    data = text if isinstance(text, bytes) else text.encode()
    table = read_prices(data, symbol, frequency, zone).bars.table
    return [
        tuple(row[name] for name in ("date", "time", "open", "high", "low", "close", "volume")) for row in table.to_pylist()
    ]


ONE = ("2024-01-31", "00:00:00", 1.0, 3.0, 0.5, 2.0, 10.0)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (
            "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\r\nACME,D,20240131,000000,1,3,0.5,2,10,0\r\n",
            "stooq",
        ),
        ("ACME,D,20240131,000000,1,3,0.5,2,10,0\n", "stooq"),
        ("Date,Open,High,Low,Close,Volume\n2024-01-31,1,3,0.5,2,10\n", "csv"),
        ("Data,Otwarcie,Najwyzszy,Najnizszy,Zamkniecie,Wolumen\n2024-01-31,1,3,0.5,2,10", "csv"),
        ("\ufeffData,Otwarcie,Najwyższy,Najniższy,Zamknięcie,Wolumen\n2024-01-31,1,3,0.5,2,10\n", "csv"),
        ("<DATE>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>\r\n2024-01-31,1,3,0.5,2,10\r\n", "csv"),
        (
            "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\n2024.01.31\t00:00:00\t1\t3\t0.5\t2\t10\t0\n",
            "csv",
        ),
        ("2024-01-31 00:00,1,3,0.5,2,10\n", "metatrader"),
        ("2024.01.31,00:00,1,3,0.5,2,10\n", "metatrader"),
        ("Date;Open;High;Low;Close;Volume\n31;1\n2024-01-31;1,0;3,0;0,5;2,0;10\n", "csv"),
        ("Date,Open,High,Low,Close,Adj Close,Volume\n2024-01-31,2,6,1,4,2,10\n", "csv"),
        ('"Date","Open","High","Low","Close","Volume"\n"2024-01-31","1","3","0.5","2","10"\n', "csv"),
        ("timestamp,open,high,low,close,volume\n2024-01-31 00:00:00+00:00,1,3,0.5,2,10\n", "csv"),
        ("Date,Open,High,Low,Close,Volume\n2024-01-31T00:00:00-05:00,1,3,0.5,2,10\n", "csv"),
    ],
)
def test_forms_of_a_daily_bar(text, form):
    """Each form gives the same bar; a daily bar keeps its date as written, whatever its offset."""
    assert rows(text) == [ONE]
    assert read_prices(text.encode(), "ACME", "daily").form == form


def test_utf16():
    """MetaTrader saves UTF-16."""
    assert rows("Date,Open,High,Low,Close,Volume\n2024-01-31,1,3,0.5,2,10\n".encode("utf-16")) == [ONE]


def test_no_volume_is_no_zero():
    """A form without volume gives null, not zero."""
    assert rows("Date,Open,High,Low,Close\n2024-01-31,1,3,0.5,2\n")[0][-1] is None
    assert [row[-1] for row in rows("Date,Open,High,Low,Close,Volume\n2024-01-30,1,3,1,2\n2024-01-31,1,3,1,2,7\n")] == [
        None,
        7.0,
    ]


@pytest.mark.parametrize(
    ("stamp", "zone", "expected"),
    [
        ("2024-01-31 10:00", "UTC", "2024-01-31 10:00:00"),
        ("2024-01-31 10:00", "Europe/Warsaw", "2024-01-31 09:00:00"),
        ("2024-07-31 00:30", "Europe/Warsaw", "2024-07-30 22:30:00"),
        ("2024-01-31 10:00:05+05:30", "Europe/Warsaw", "2024-01-31 04:30:05"),
        ("2024-01-31T10:00:00Z", "Europe/Warsaw", "2024-01-31 10:00:00"),
        ("2024-01-31 10:00:00.000-0500", "UTC", "2024-01-31 15:00:00"),
    ],
)
def test_stamps_within_a_day_become_utc(stamp, zone, expected):
    """An offset decides; without one the zone that was named."""
    found = rows(f"timestamp,open,high,low,close\n{stamp},1,3,0.5,2\n", frequency="5min", zone=zone)
    assert " ".join(found[0][:2]) == expected


def test_the_hour_that_comes_twice():
    """In the night when clocks go back both rounds of the hour are kept; when they go forward the skipped hour is no time."""
    zone = ZoneInfo("Europe/Warsaw")
    moments = [dt.datetime(2023, 10, 28, 23, 30, tzinfo=dt.UTC) + dt.timedelta(minutes=15 * n) for n in range(14)]
    lines = [f"{moment.astimezone(zone):%Y-%m-%d %H:%M},1,3,0.5,2" for moment in moments]
    found = rows("\n".join(["date,open,high,low,close", *lines]), frequency="15min", zone="Europe/Warsaw")
    assert [" ".join(row[:2]) for row in found] == [f"{moment:%Y-%m-%d %H:%M:%S}" for moment in moments]
    text = "date,open,high,low,close\n2024-03-31 01:45,1,3,1,2\n2024-03-31 02:15,1,3,1,2\n2024-03-31 03:00,1,3,1,2\n"
    bars = read_prices(text.encode(), "ACME", "15min", "Europe/Warsaw").bars
    assert ([row["line"] for row in bars.rejected], bars.table.num_rows) == ([3], 2)


def test_adjusted_prices_keep_their_order():
    """All four prices are scaled alike, so that high stays the highest; the close is the adjusted close."""
    text = "Date,Open,High,Low,Close,Adj Close,Volume\n2024-01-31,3.3,3.3,3.3,3.3,1.1000000238418579,9\n"
    found = rows(text)[0]
    assert len(set(found[2:6])) == 1
    assert found[5] == pytest.approx(1.1, rel=1e-7)


def test_bad_lines_keep_their_numbers():
    """A line that is no bar is named with its number in the file, its reason and its text; the others are read."""
    lines = ("2024-01-30,null,null,null,null,null", "nonsense", "2024-02-31,1,1,1,1,1", "2024-01-31,1,3,0.5,2,10")
    text = "\n".join(["Date,Open,High,Low,Close,Volume", *lines])
    bars = read_prices(text.encode(), "ACME", "daily").bars
    assert [(row["line"], row["reason"]) for row in bars.rejected] == [
        (2, "non_numeric_prices"),
        (3, "invalid_rows"),
        (4, "invalid_rows"),
    ]
    assert bars.table.num_rows == 1


def test_bad_lines_of_a_file_without_header():
    """Lines are numbered as they are in the file, with a header or without."""
    bars = read_prices(b"2024-01-31 10:00,1,3,0.5,2,10\nnonsense\n2024-01-31 10:01,1,3,0.5,2,10\n", "ACME", "1min").bars
    assert ([row["line"] for row in bars.rejected], bars.table.num_rows) == ([2], 2)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html><head><title>Daily limit\nexceeded</title>", ["HTML page", "Daily limit exceeded"]),
        (b'{"error": "no such symbol"}', ["JSON", "no such symbol"]),
        (b"Exceeded the daily hits limit", ["message", "daily hits limit"]),
        (b"a,b\n1,2\n", ["neither a header nor a bar", "a,b"]),
        (b"Date,Open,High,Low,Close\n31/12/2024,1,1,1,1\n", ["none of 1 lines", "31/12/2024"]),
        (
            b"<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>\nMSFT,D,20240102,000000,1,1,1,1,1\n",
            ["MSFT", "ACME"],
        ),
        (b"<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>\nACME,5,20240102,000000,1,1,1,1,1\n", ["per 5", "D"]),
        (b"2024-01-31 10:00,1,1,1,1,1\n2024-01-31 10:01,1,1,1,1,1\n", ["several bars on 2024-01-31", "--frequency"]),
    ],
)
def test_what_is_refused(content, words):
    """What is no prices, or other prices than asked for, is refused by name."""
    with pytest.raises(InputError) as caught:
        read_prices(content, "ACME", "daily")
    assert [word for word in words if word not in str(caught.value)] == []


@pytest.mark.parametrize("content", [b"", b"\r\n", b"No data", b"Brak danych.\n"])
def test_nothing(content):
    """What says that there is nothing is no fault of the file: the symbol, or the range, has no prices."""
    with pytest.raises(UnknownSymbol, match="no price of ACME"):
        read_prices(content, "ACME", "daily")


def test_dates_are_no_bars_within_a_day():
    """A file of dates is no 5-minute series."""
    with pytest.raises(InputError, match="dates and no times"):
        read_prices(b"Date,Open,High,Low,Close\n2024-01-31,1,1,1,1\n", "ACME", "5min")


def test_prices_are_prices():
    """The guard against error pages lets every real header pass."""
    assert no_prices(b"<TICKER>,<PER>,<DATE>\n") == no_prices(b"<DATE>\t<OPEN>\n") == no_prices(b"\xff\xfeD\x00") == ""


@pytest.mark.real
@pytest.mark.parametrize(
    ("path", "symbol", "frequency", "bars", "first", "last"),
    [
        ("eurusd-mt5/EURUSD_M1.csv", "EURUSD", "1min", 50000, "2020-08-27 15:13:00", "2020-10-15 14:59:00"),
        ("eurusd-mt5/EURUSD_M15.csv", "EURUSD", "15min", 50000, "2018-10-12 12:00:00", "2020-10-15 14:45:00"),
        ("crypto-1m-5m/ADAUSDT_5m.csv", "ADAUSDT", "5min", None, "2025-05-30 16:45:00", None),
        ("wse-daily-iso/pko.csv", "PKO", "daily", 4053, "2004-11-10 00:00:00", "2021-01-22 00:00:00"),
        ("stooq-world/csv/^omxt_d.csv", "^OMXT", "daily", 1354, "2018-01-02 00:00:00", "2023-05-25 00:00:00"),
        ("yahoo-daily/stocks/BAC.csv", "BAC", "daily", None, "1973-02-21 00:00:00", "2023-04-13 00:00:00"),
        ("dse-daily/data_sample/Unadjusted/GP.csv", "GP", "daily", None, "2012-10-01 00:00:00", "2026-01-22 00:00:00"),
    ],
)
def test_real_files(path, symbol, frequency, bars, first, last):
    """Real files are read whole, and what is written of them reads back equal."""
    data = real_data(*path.split("/")).read_bytes()
    reading = read_prices(data, symbol, frequency)
    table = reading.bars.table
    stamps = [f"{date} {time}" for date, time in zip(*(table.column(n).to_pylist() for n in ("date", "time")), strict=True)]
    header = 0 if "mt5" in path else 1
    assert len(stamps) == (bars or data.strip().count(b"\n") + 1 - header)
    assert (stamps[0], reading.bars.rejected) == (first, [])
    assert last in {None, stamps[-1]}
    assert reading.notes == (["'-(' before the first stamp is left out"] if "M15" in path else [])
    assert read_bars(write_raw(table)).table.equals(table)


@pytest.mark.real
def test_adjusted_prices_of_yahoo_are_as_stooqs():
    """Adjusted closes stand where Yahoo says, to the precision in which it holds them."""
    path = real_data("yahoo-daily", "stocks", "AAPL.csv")
    with open(path, newline="") as file:
        expected = {row["Date"]: float(row["Adj Close"]) for row in csv.DictReader(file)}
    table = read_prices(path.read_bytes(), "AAPL", "daily").bars.table
    found = dict(zip(table.column("date").to_pylist(), table.column("close").to_pylist(), strict=True))
    assert found == pytest.approx(expected, rel=1e-8)
