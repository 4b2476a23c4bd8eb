"""Every form that prices come in, made and real."""

import csv
import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barmill.errors import InputError, UnknownSymbol
from barmill.market.bars import read_bars, write_raw
from barmill.market.dialects import Said, no_prices, read_prices, read_raw
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
        (3, "too_few_fields"),
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
        (b"Date,Open,High,Low,Close\n31/13/2024,1,1,1,1\n", ["none of 1 lines", "31/13/2024", "no_stamp"]),
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


BARS = [
    ("2024-01-30", "00:00:00", 1210.5, 1216.8, 1201.0, 1205.0, 12345.0),
    ("2024-01-31", "00:00:00", 1205.0, 1220.0, 1199.0, 1206.0, 2000.0),
]


DIALECTS = {
    "semicolon, decimal comma": (
        "Date;Open;High;Low;Close;Volume\r\n",
        "2024-01-30;1.210,50;1.216,8;1.201;1.205;12.345\r\n",
        "2024-01-31;1.205;1.220;1.199;1.206;2.000\r\n",
    ),
    "German, pieces beside a turnover": (
        "Datum;Eröffnung;Hoch;Tief;Schluss;Stücke;Volumen\n",
        "30.01.2024;1.210,50;1.216,80;1.201,00;1.205,00;12.345;99\n",
        "31.01.2024;1.205,00;1.220,00;1.199,00;1.206,00;2.000;98\n",
    ),
    "German, year of two digits": (
        "Datum;Erster;Hoch;Tief;Schlusskurs;Volumen\n",
        "30.01.24;1210,5;1216,8;1201;1205;12345\n",
        "31.01.24;1205;1220;1199;1206;2000\n",
    ),
    "Polish, no-break spaces": (
        "Data;Otwarcie;Najwyższy;Najniższy;Zamknięcie;Wolumen\n",
        "30-01-2024;1\xa0210,50;1\xa0216,80;1\xa0201;1\xa0205;12\xa0345\n",
        "31-01-2024;1\xa0205;1\xa0220;1\xa0199;1\xa0206;2\xa0000\n",
    ),
    "Polish, Kurs": (
        "Data;Kurs otwarcia;Kurs maksymalny;Kurs minimalny;Kurs zamknięcia;Wolumen\n",
        "30.01.2024;1 210,5;1 216,8;1 201;1 205;12 345\n",
        "31.01.2024;1 205;1 220;1 199;1 206;2 000\n",
    ),
    "quoted thousands": (
        "Date,Open,High,Low,Close,Volume\n",
        '2024-01-30,"1,210.50","1,216.80","1,201.00","1,205.00","12,345"\n',
        '2024-01-31,"1,205.00","1,220.00","1,199.00","1,206.00","2,000"\n',
    ),
    "quoted decimal commas, month first": (
        "Date,Open,High,Low,Close,Volume\n",
        '01/30/2024,"1210,5","1216,8",1201,1205,12345\n',
        "01/31/2024,1205,1220,1199,1206,2000\n",
    ),
    "apostrophes": (
        "Date;Open;High;Low;Close;Volume\n",
        "2024-01-30;1'210.50;1'216.8;1'201;1'205;12'345\n",
        "2024-01-31;1'205;1'220;1'199;1'206;2'000\n",
    ),
    "typographic apostrophes, day first": (
        "Date,Open,High,Low,Close,Volume\n",
        "30/01/2024,1\u2019210.50,1\u2019216.8,1\u2019201,1\u2019205,12\u2019345\n",
        "31/01/2024,1\u2019205,1\u2019220,1\u2019199,1\u2019206,2\u2019000\n",
    ),
    "tab, decimal comma": (
        "Date\tOpen\tHigh\tLow\tClose\tVolume\n",
        "2024/01/30\t1210,5\t1216,8\t1201\t1205\t12345\n",
        "2024/01/31\t1205\t1220\t1199\t1206\t2000\n",
    ),
    "bar, narrow no-break spaces": (
        "Date|Open|High|Low|Close|Volume\n",
        "30-01-2024|1\u202f210,5|1\u202f216,8|1\u202f201|1\u202f205|12\u202f345\n",
        "31-01-2024|1\u202f205|1\u202f220|1\u202f199|1\u202f206|2\u202f000\n",
    ),
    "names of months, scaled volumes": (
        "Date,Price,Open,High,Low,Vol.,Change %\n",
        '"Jan 31, 2024","1,206.00","1,205.00","1,220.00","1,199.00",2.00K,1%\n',
        '"Jan 30, 2024","1,205.00","1,210.50","1,216.80","1,201.00",0.012345M,1%\n',
    ),
    "a line before the header": (
        "https://example.org\nDate,Open,High,Low,Close,Volume\n",
        "2024-01-30,1210.5,1216.8,1201,1205,12345\n",
        "2024-01-31,1205,1220,1199,1206,2000\n",
    ),
    "no header": (
        "2024-01-30;1210,5;1216,8;1201;1205;12345\n",
        "2024-01-31;1205;1220;1199;1206;2000\n",
    ),
    "CR, delimiter at the end": (
        "Date,Open,High,Low,Close,Volume,\r",
        "2024-01-30,1210.5,1216.8,1201,1205,12345,\r",
        "2024-01-31,1205,1220,1199,1206,2000,\r",
    ),
    "epochs, two volumes": (
        "unix,open,high,low,close,Volume USDT,Volume ACME\n",
        "1706572800,1210.5,1216.8,1201,1205,9,12345\n",
        "1706659200,1205,1220,1199,1206,9,2000\n",
    ),
}


@pytest.mark.parametrize("name", DIALECTS)
def test_dialects(name):
    """Each dialect gives the same bars; so does its text in the code page of Windows."""
    text = "".join(DIALECTS[name])
    assert rows(text) == BARS
    if all(ord(char) < 0x100 or char in "żęł\u2019" for char in text):
        assert rows(text.encode("cp1250")) == BARS


@pytest.mark.parametrize(
    ("text", "words", "said", "first"),
    [
        ("Date;Open;High;Low;Close\n2024-01-31;1.205;1.216;1.201;1.213\n", "--decimal", Said(decimal=","), 1205.0),
        ("Date;Open;High;Low;Close\n2024-01-31;1.205;1.216;1.201;1.213\n", "--decimal", Said(decimal="."), 1.205),
        ("Date\tOpen\tHigh\tLow\tClose\n2024-01-31\t1,205\t1,216\t1,201\t1,213\n", "--decimal", Said(decimal=","), 1.205),
        ('Date,Open,High,Low,Close\n2024-01-31,"1,205","1,216","1,201","1,213"\n', "--decimal", Said(decimal="."), 1205.0),
        (
            "Date,Open,High,Low,Close\n02/01/2024,1,3,1,2\n03/01/2024,1,3,1,2\n",
            "--dates dmy or --dates mdy",
            Said(dates="dmy"),
            1.0,
        ),
        ("Date,Open,High,Low,Close\n02-01-24,1,3,1,2\n", "--dates", Said(dates="ymd"), 1.0),
    ],
)
def test_ambiguous_files_are_refused_until_it_is_said(text, words, said, first):
    """What no line settles is refused with the option that settles it, and read with that."""
    with pytest.raises(InputError) as caught:
        read_prices(text.encode(), "ACME", "daily")
    assert "no line settles it" in caught.value.fact
    assert words in caught.value.hint
    assert read_prices(text.encode(), "ACME", "daily", said=said).bars.table.column("open")[0].as_py() == first


def test_metatrader_has_a_decimal_point():
    """Three decimals in MetaTrader's export are decimals, though a tab separates its fields."""
    header = "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\n"
    text = f"{header}2024.01.31\t10:00:00\t145.123\t145.130\t145.101\t145.120\t7\n"
    reading = read_prices(text.encode(), "USDJPY", "1min")
    assert reading.bars.table.column("open").to_pylist() == [145.123]
    assert "times are taken as UTC: say --zone" in reading.notes[0]
    assert read_prices(text.encode(), "USDJPY", "1min", "UTC").notes == []
    assert rows(text, "USDJPY", "1min", "Europe/Warsaw")[0][:2] == ("2024-01-31", "09:00:00")


def test_the_dialect_is_recorded():
    """A reading says how it read: form, marks, order of the dates, columns."""
    text = "Datum;Erster;Hoch;Tief;Schluss;Volumen\n31.01.2024;1.210,50;1.216,8;1.201;1.213,03;12.345\n"
    assert read_prices(text.encode(), "ACME", "daily").dialect == {
        "form": "csv",
        "delimiter": "semicolon",
        "decimal": "comma",
        "grouping": "point",
        "dates": "day first",
        "columns": {"date": "Datum", "open": "Erster", "high": "Hoch", "low": "Tief", "close": "Schluss", "volume": "Volumen"},
    }


@pytest.mark.parametrize(
    ("header", "last", "reason"),
    [
        ("Date,Open,High,Low,Close,Volume", "2024-01-31,10.1,10.3,10.0,1", "too_few_fields"),
        ("Date,Open,High,Low,Close,Volume", "2024-01-31,10.1,10.3,10.0,1\n", "too_few_fields"),
        ("Date,Open,High,Low,Close,Volume", "2024-01-31,10.1", "too_few_fields"),
        ("Date,Open,High,Low,Close,Volume", "2024-", "too_few_fields"),
        ("Date,Volume,Open,High,Low,Close", "2024-01-31,100,10.1,10.3,10.0", "too_few_fields"),
        ("Date,Open,High,Low,Close,Volume,Dividends", "2024-01-31,10.1,10.3,10.0,10.1,100", "too_few_fields"),
        ("Date,Open,High,Low,Close,Volume", "2024-01-31,1,010.1,1,010.3,1,010.0,1,010.1,100", "too_many_fields"),
    ],
)
def test_a_line_has_the_headers_number_of_fields(header, last, reason):
    """A torn line, and one with more fields than the header, is rejected with its number; the others are read."""
    full = dict(zip(header.split(","), ["2024-01-30", "10", "11", "9", "10.5", "100", "0"], strict=False))
    values = {"Date": "2024-01-30", "Open": "10", "High": "11", "Low": "9", "Close": "10.5", "Volume": "100", "Dividends": "0"}
    text = "\n".join([header, ",".join(values[name] for name in full), last])
    bars = read_prices(text.encode(), "ACME", "daily").bars
    assert [(row["line"], row["reason"]) for row in bars.rejected] == [(3, reason)]
    assert (bars.table.num_rows, bars.raw_rows) == (1, 2)


def test_a_line_may_end_before_the_volume():
    """Stooq leaves the volume out where there is none: such a line, with its end, is a bar, and is counted in a note."""
    reading = read_prices(
        b"Date,Open,High,Low,Close,Volume\n2024-01-30,10,11,9,10.5\n2024-01-31,10,11,9,10.5,7\n", "ACME", "daily"
    )
    assert reading.bars.table.column("volume").to_pylist() == [None, 7.0]
    assert reading.notes == ["1 lines end before the volume: they have none"]


@pytest.mark.parametrize(
    "header",
    [
        "Date,Open,High,Low,close,Close,Volume",
        "Date,Open,Open,High,Low,Close,Volume",
        "Date,Open,High,Low,Close,Adj Close,adj_close",
    ],
)
def test_two_columns_of_a_price_are_refused(header):
    """Two columns with the name of one price are refused, with both their names."""
    with pytest.raises(InputError, match=r"two columns of the .*column \d\) and .*column \d"):
        read_prices(f"{header}\n2024-01-31,10,11,9,99,10.5,1\n".encode(), "ACME", "daily")


@pytest.mark.parametrize(
    ("names", "symbol", "taken"),
    [
        ("TickVol,Vol", "ACME", 7.0),
        ("Volume BTC,Volume USDT", "BTCUSDT", 7.0),
        ("Volume USDT,Volume BTC", "BTCUSDT", 1000.0),
        ("Volumen,Stücke", "ACME", 1000.0),
        ("Volume USD,Volume", "ACME", 1000.0),
    ],
)
def test_of_two_volumes_one_is_taken_and_reported(names, symbol, taken):
    """Of several columns of volume pieces and the symbol's own unit come first; a note says which one was taken."""
    text = f"Date,Open,High,Low,Close,{names}\n2024-01-31,10,11,9,10.5,7,1000\n"
    reading = read_prices(text.encode(), symbol, "daily")
    assert reading.bars.table.column("volume").to_pylist() == [taken]
    assert "several columns of the volume" in reading.notes[0]
    assert f"{reading.dialect['columns']['volume']} is taken" in reading.notes[0]


def test_last_and_close_are_two_prices():
    """Beside a close, another name of a close is left out with a note."""
    reading = read_prices(b"Date,Open,High,Low,Last,Close\n2024-01-31,10,11,9,10.4,10.5\n", "ACME", "daily")
    assert reading.bars.table.column("close").to_pylist() == [10.5]
    assert "Close is taken" in reading.notes[0]


def test_volumes_that_are_not_numbers_are_counted():
    """A scaled volume is its number; one that is not a number is empty, counted and shown with its line."""
    text = "Date,Open,High,Low,Close,Volume\n" + "".join(
        f"2024-01-{day:02d},10,11,9,10.5,{volume}\n"
        for day, volume in enumerate(["1.2M", "900K", "1B", "1000", "many", "-", ""], 1)
    )
    reading = read_prices(text.encode(), "ACME", "daily")
    assert reading.bars.table.column("volume").to_pylist() == [1_200_000.0, 900_000.0, 1e9, 1000.0, None, None, None]
    assert reading.notes == ["2 volumes are not numbers and are left empty, such as 'many' in line 6"]


KLINE = "{},1,3,0.5,2,10,{},20,7,5,10,0"


@pytest.mark.parametrize("unit", [1, 10**3, 10**6, 10**9])
@pytest.mark.parametrize(
    "header", ["", "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy,taker_quote,ignore\n"]
)
def test_klines(unit, header):
    """Binance's klines are read with epochs of any unit, with a header and without."""
    lines = [KLINE.format((1704204000 + 60 * number) * unit, (1704204059 + 60 * number) * unit) for number in range(3)]
    found = rows(header + "\n".join(lines) + "\n", frequency="1min", zone="Europe/Warsaw")
    assert [row[:2] for row in found] == [("2024-01-02", f"14:0{number}:00") for number in range(3)]
    assert {row[2:] for row in found} == {(1.0, 3.0, 0.5, 2.0, 10.0)}


def test_columns_in_another_order_without_a_header_are_refused():
    """Time, low, high, open, close, as an exchange writes it, is not taken for open, high, low, close."""
    text = "".join(f"{1704204000 + 60 * number},0.5,3,1,2,10\n" for number in range(5))
    with pytest.raises(InputError, match="its columns are not open, high, low, close") as caught:
        read_prices(text.encode(), "ACME", "1min")
    assert "put a header before it" in caught.value.hint


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r", "\r\r\n"])
@pytest.mark.parametrize(
    "header", ["Date,Open,High,Low,Close,Volume", "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>"]
)
def test_line_ends(ends, header):
    """Any line end is one, in every form; lines keep their numbers."""
    start, rest = ("ACME,D,20240131,000000", ",10,0") if header.startswith("<T") else ("2024-01-31", ",10")
    data = ends.join([header, f"{start},1,3,0.5,2{rest}", "x", ""]).encode()
    for bars in (read_prices(data, "ACME", "daily").bars, read_raw(data, "ACME", "daily").bars):
        assert (bars.table.num_rows, [row["line"] for row in bars.rejected]) == (1, [3])


def test_the_doubled_hour_descending():
    """A descending file of a night with two rounds of an hour gives the bars of the ascending one."""
    zone = ZoneInfo("America/New_York")
    moments = [dt.datetime(2024, 11, 3, 4, 30, tzinfo=dt.UTC) + dt.timedelta(minutes=30 * n) for n in range(6)]
    lines = [f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S},10,11,9,{10 + n},1" for n, moment in enumerate(moments)]
    header = "Date,Open,High,Low,Close,Volume"
    up, down = (rows("\n".join([header, *found]), frequency="30min", zone=zone.key) for found in (lines, lines[::-1]))
    assert up == down
    assert [" ".join(row[:2]) for row in up] == [f"{moment:%Y-%m-%d %H:%M:%S}" for moment in moments]
    mixed = read_prices("\n".join([header, *lines[3:], *lines[:3]]).encode(), "ACME", "30min", zone.key).bars
    assert {(row["line"], row["reason"]) for row in mixed.rejected} == {(number, "doubled_hour") for number in (2, 3, 6, 7)}


def test_daily_stamps_of_an_unknown_exchange_are_reported():
    """A daily stamp in UTC keeps its date where the exchange's zone is not known, with a note; else it gets the exchange's."""
    text = "Date,Open,High,Low,Close\n2024-03-10T15:00:00Z,10,11,9,10\n2024-03-11T15:00:00Z,10,11,9,10\n"
    reading = read_prices(text.encode(), "ASIA", "daily")
    assert reading.bars.table.column("date").to_pylist() == ["2024-03-10", "2024-03-11"]
    assert reading.notes[0].startswith("2 daily stamps have a time in UTC and the exchange's zone is not known")
    for said in (Said(home="Asia/Tokyo"), Said(zone="Asia/Tokyo")):
        known = read_prices(text.encode(), "ASIA", "daily", said=said)
        assert (known.bars.table.column("date").to_pylist(), known.notes) == (["2024-03-11", "2024-03-12"], [])


NUMBER = st.decimals(min_value="0.001", max_value="99999999", places=3)


@st.composite
def dialects(draw):
    """How a file is written: delimiter, decimal and grouping mark, places, order of dates, line end.

    Nothing writes commas between fields and points between thousands: a point in a price beside commas is the decimal one.
    """
    point, group = draw(
        st.sampled_from(
            [
                (".", ""),
                (",", ""),
                (",", "."),
                (".", ","),
                (".", "'"),
                (".", "\u2019"),
                (",", " "),
                (",", "\xa0"),
                (",", "\u202f"),
            ]
        )
    )
    return {
        "mark": draw(st.sampled_from([";", "\t", "|"] if group == "." else [",", ";", "\t", "|"])),
        "point": point,
        "group": group,
        "places": draw(st.sampled_from([0, 1, 2, 3, None])),
        "date": draw(
            st.sampled_from(
                ["%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%d.%m.%y", "%d-%b-%Y"]
            )
        ),
        "end": draw(st.sampled_from(["\n", "\r\n", "\r"])),
        "descending": draw(st.booleans()),
    }


def written(number, how):
    """A number as a dialect writes it, and its value as far as it is written."""
    text = f"{number:,.{how['places']}f}" if how["places"] is not None else f"{number.normalize():,f}"
    value = float(text.replace(",", ""))
    text = text.translate(str.maketrans({",": how["group"], ".": how["point"]}))
    return (f'"{text}"' if how["mark"] in text else text), value


@settings(max_examples=400, deadline=None)
@given(
    dialects(),
    st.dictionaries(
        st.dates(dt.date(1990, 1, 1), dt.date(2030, 12, 31)),
        st.tuples(NUMBER, NUMBER, st.integers(0, 10**9)),
        min_size=1,
        max_size=8,
    ),
)
def test_bars_in_any_dialect_are_read_equal_or_refused(how, bars):
    """Bars written in a random dialect read back equal, or the file is refused: they never read back as others."""
    lines, expected = [], []
    for day, (one, two, volume) in sorted(bars.items(), reverse=how["descending"]):
        texts, values = zip(*(written(each, how) for each in (one, max(one, two), min(one, two), two)), strict=True)
        count = f"{volume:,d}".replace(",", how["group"])
        count = f'"{count}"' if how["mark"] in count else count
        lines.append(how["mark"].join([day.strftime(how["date"]), *texts, count]))
        expected.append((day.isoformat(), "00:00:00", *values, float(volume)))
    text = how["end"].join([how["mark"].join(["Date", "Open", "High", "Low", "Close", "Volume"]), *lines, ""])
    try:
        found = rows(text)
    except InputError as error:
        found = None if "no line settles it" in error.fact else str(error)
    if found is None:
        return
    assert found == sorted(expected)


MARKS = st.text(alphabet="Date,;|\t\n\r\"Openhiglwcs0123456789.-:'", max_size=200).map(str.encode)
HEADERS = st.sampled_from(
    [b"", b"Date,Open,High,Low,Close,Volume\n", b"time;open;high;low;close\n2024-01-31;1,5;2;1;1\n", b"1704204000,1,"]
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=300), MARKS, st.builds(bytes.__add__, HEADERS, MARKS)))
def test_a_raw_file_of_any_content_is_read(data):
    """A project's own file never raises, whatever it holds; every line of it that is not a bar is rejected."""
    bars = read_raw(data, "ACME", "daily").bars
    assert bars.table.num_rows + len(bars.rejected) <= bars.raw_rows


def test_a_raw_file_in_another_dialect():
    """A project's own file may be in any dialect; one that is ambiguous gives no bar and says why."""
    good = read_raw(b"Date;Open;High;Low;Close\n2024-01-31;1,5;3;1;2\n", "ACME", "daily")
    assert good.bars.table.column("open").to_pylist() == [1.5]
    assert good.dialect["decimal"] == "comma"
    bad = read_raw(b"Date;Open;High;Low;Close\n2024-01-31;1.205;1.216;1.201;1.213\n", "ACME", "daily")
    assert (bad.bars.table.num_rows, len(bad.bars.rejected)) == (0, 2)
    assert "no line settles it" in bad.notes[0]


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
    odd = {
        "EURUSD_M1.csv": ["times are taken as UTC"],
        "EURUSD_M15.csv": ["'-(' before the first stamp is left out", "times are taken as UTC"],
        "^omxt_d.csv": ["1 lines end before the volume"],
    }.get(path.rpartition("/")[2], [])
    assert [words in note for words, note in zip(odd, reading.notes, strict=True)] == [True] * len(odd)
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
