"""Gaps of datasets: of made chunks, and of the real files whose oddities are known."""

import datetime as dt
import json
from collections import Counter
from itertools import pairwise
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from barmill.config import Settings
from barmill.errors import InputError
from barmill.market.calendars import calendars
from barmill.market.datasets import MINUTES
from barmill.plan import Plan
from barmill.stages import gaps
from tests.stages.contract import StageContract
from tests.support.calendars import table, table_file
from tests.support.gaps_oracle import bar_stamps, missing_runs, verdicts
from tests.support.market import HEADER, MarketProject
from tests.support.real import real_data
from tests.support.stooq_dates import dates, moments


def write_chunks(folder, stamps, pieces=3):
    """Bars at these dates or moments, cut into files."""
    within = isinstance(stamps[0], dt.datetime)
    column = pa.array(stamps, pa.timestamp("us", "UTC") if within else pa.date32())
    whole = pa.Table.from_arrays([column, pa.array([1.0] * len(stamps))], names=["time" if within else "date", "close"])
    cuts = [len(stamps) * at // pieces for at in range(pieces + 1)]
    paths = []
    for number, (first, last) in enumerate(pairwise(cuts)):
        paths.append(folder / f"{number}.parquet")
        pq.write_table(whole[first:last], paths[-1])
    return paths


def build(folder, stamps, calendar, frequency="daily", tolerance=0.0):
    """What the stage says of bars at these dates or moments."""
    gaps.build(
        write_chunks(folder, stamps) if stamps else [],
        [table_file(calendar)] if calendar else [],
        folder / "out.json",
        name="X", calendar=calendar, frequency=frequency, tolerance=tolerance, halted_after=10,
    )  # fmt: skip
    return json.loads((folder / "out.json").read_text())


def summary(found):
    """Verdict, missing, extra, and the number of ranges of each verdict."""
    return found["verdict"], found["missing"], found["extra"], Counter(each["verdict"] for each in found["ranges"])


def test_bars_of_several_chunks_are_one_series(tmp_path):
    """A day lost where one chunk ends and the next begins is found."""
    days = [dt.date.fromisoformat(each) for each in table("XNYS").dates if "2024" <= each < "2025"]
    del days[len(days) // 3]
    found = build(tmp_path, days, "XNYS")
    assert summary(found) == ("missing", 1, 0, {"missing": 1})
    assert (found["name"], found["calendar"], found["frequency"], found["cure"]) == ("X", "XNYS", "daily", "")
    assert (found["start"], found["end"], found["rows"], found["expected"]) == ("2024-01-02", "2024-12-31", 251, 252)


def test_no_calendar_is_reported_with_the_cure(tmp_path):
    """A dataset without a calendar says so, by name, and what to set."""
    found = build(tmp_path, [dt.date(2024, 1, 2), dt.date(2024, 3, 1)], "")
    assert (found["verdict"], found["rows"], found["ranges"]) == ("no calendar", 2, [])
    assert '[tool.barmill.calendars] "X" =' in found["cure"]


def test_no_bars(tmp_path):
    """A dataset without chunks has no bars."""
    assert build(tmp_path, [], "XNYS")["verdict"] == "no bars"


def test_a_damaged_table_of_sessions_is_an_error(tmp_path):
    """A table of sessions that is none stops the target with its path."""
    broken = tmp_path / "XNYS.csv"
    broken.write_text("date\n")
    with pytest.raises(InputError, match=r"XNYS\.csv"):
        gaps.build(
            [], [broken], tmp_path / "out.json",
            name="X", calendar="XNYS", frequency="daily", tolerance=0.0, halted_after=10,
        )  # fmt: skip


def test_targets(tmp_path):
    """A target per dataset with its chunks and its calendar's table; none of the latter where there is no calendar."""
    project = MarketProject.make(tmp_path)
    for name in ("crypto/daily/BTC.V", "bonds/daily/10USY.B"):
        project.series(name, ["20240102"])
    plan = Plan(Settings(series=tmp_path / "data/series", artifacts=tmp_path / "artifacts", gap_tolerance=0.5))
    bonds, crypto = gaps.targets(plan)
    assert (bonds.name, bonds.inputs["sessions"], bonds.params["calendar"]) == ("bonds/daily/10USY.B", [], "")
    assert crypto.inputs["sessions"] == [tmp_path / "artifacts/sessions/24-7.csv"]
    assert crypto.outputs["out"] == tmp_path / "artifacts/gaps/crypto/daily/BTC.V.json"
    assert (crypto.params["tolerance"], crypto.params["halted_after"]) == (0.5, 10)


@pytest.mark.parametrize("lost", [(), ("20260310,143500",)])
def test_stooq_s_five_minutes_of_new_york(tmp_path, lost):
    """The wall clock of Warsaw through the weeks between the two changes of the clock: complete, and a lost bar is the one."""
    stamps = bar_stamps(table("XNYS").between("2026-03-05", "2026-04-01"), 5)
    walls = [f"{each.astimezone(ZoneInfo('Europe/Warsaw')):%Y%m%d,%H%M%S}" for each in stamps]
    assert {"20260306,153000", "20260310,143000", "20260331,153000"} <= set(walls)
    assert "20260310,205500" in walls
    assert "20260310,210000" not in walls
    project = MarketProject.make(tmp_path)
    (tmp_path / "pyproject.toml").write_text('[tool.barmill]\nfrequency = "5 min"\n')
    raw = project.raw("d_us_txt/data/5 min/us/nasdaq stocks/1", "AAPL.US")
    lines = [f"AAPL.US,5,{wall},10,11,9,10,100,0" for wall in walls if wall not in lost]
    raw.write_text("\r\n".join([HEADER, *lines, ""]), newline="")
    project.listed("broker.csv", [("AAPL", "", "NASDAQ", "Apple", "USD")])
    project.good()
    found = json.loads((tmp_path / "artifacts/gaps/AAPL.US.json").read_text())
    assert summary(found) == (("missing", 1, 0, {"missing": 1}) if lost else ("complete", 0, 0, {}))
    assert [each["start"] for each in found["ranges"]] == ["2026-03-10T13:35:00Z"] * len(lost)


UK_PL_US = "stooq-uk-pl-us"
US = f"{UK_PL_US}/d_us_txt/data/daily/us/nasdaq stocks"
PL = f"{UK_PL_US}/d_pl_txt/data/daily/pl"


@pytest.mark.real
@pytest.mark.parametrize(
    ("path", "calendar", "says"),
    [
        (f"{US}/1/aapl.us.txt", "XNYS", ("missing", 1, 1, {"missing": 1})),
        (f"{US}/1/abnb.us.txt", "XNYS", ("complete", 0, 0, {})),
        (f"{US}/1/ahco.us.txt", "XNYS", ("thinly traded", 184, 0, {"thinly traded": 69})),
        (f"{US}/1/anss.us.txt", "XNYS", ("missing", 1, 0, {"missing": 1})),
        (f"{PL}/wse etfs/etfbtbsp.pl.txt", "XWAR", ("complete", 0, 0, {})),
        (f"{PL}/nc stocks/exm.txt", "XWAR", ("thinly traded", 969, 0, {"thinly traded": 257})),
        ("wse-daily-iso/pko.csv", "XWAR", ("complete", 0, 0, {})),
        ("wse-daily-iso/cdr.csv", "XWAR", ("missing", 42, 0, {"missing": 1, "halted": 1})),
        ("stooq-world/world/cryptocurrencies/major/btc.v.txt", "24/7", ("complete", 0, 0, {})),
        ("stooq-world/world/cryptocurrencies/ewt.v.txt", "24/7", ("missing", 1, 0, {"missing": 1})),
        ("stooq-world/world/stooq stocks indices/^_pl20.txt", "XWAR", ("complete", 0, 0, {})),
        ("stooq-world/world/indices/^spx.txt", "XNYS", ("complete", 0, 0, {})),
        ("dse-daily/data_sample/Unadjusted/GP.csv", "XDHA", ("missing", 26, 0, {"missing": 26})),
        ("dse-daily/data_sample/Unadjusted/TB20Y0744.csv", "XDHA", ("thinly traded", 269, 0, {"thinly traded": 33})),
        ("yahoo-daily/stocks/AAPL.csv", "XNYS", ("complete", 0, 0, {})),
    ],
)
def test_known_oddities_of_daily_files(tmp_path, path, calendar, says):
    """Each real file has the verdict that its known oddities call for, and the ranges that plain Python finds."""
    days = dates(real_data(path))
    found = build(tmp_path, days, calendar)
    assert summary(found) == says
    sessions = [dt.date.fromisoformat(each) for each in table(calendar).dates]
    judged = [each for each in days if sessions[0] <= each <= sessions[-1]]
    expected = [each for each in sessions if judged[0] <= each <= judged[-1]]
    runs = missing_runs(expected, judged)
    kinds = verdicts(expected, judged, [len(run) for run in runs], 10)
    assert [(each["start"], each["end"], each["missing"], each["verdict"]) for each in found["ranges"]] == [
        (str(expected[run[0]]), str(expected[run[-1]]), len(run), kind) for run, kind in zip(runs, kinds, strict=True)
    ]
    assert found["unjudged"] == len(days) - len(judged)


@pytest.mark.real
@pytest.mark.parametrize(
    ("path", "missing", "extra"),
    [
        (f"{US}/1/aapl.us.txt", "1999-11-16", "1985-09-27"),
        (f"{US}/1/algn.us.txt", "2011-02-17", ""),
        ("yahoo-daily/stocks/AAPL.csv", "", ""),  # Stooq's row of that day is its own
    ],
)
def test_known_dates(tmp_path, path, missing, extra):
    """The very sessions that Stooq lacks, and the day of the hurricane on which New York was closed."""
    found = build(tmp_path, dates(real_data(path)), "XNYS")
    assert [each["start"] for each in found["ranges"]] == list(filter(None, [missing]))
    assert [each["start"] for each in found["extra_ranges"]] == list(filter(None, [extra]))


@pytest.mark.real
def test_cd_projekt_was_halted_in_2006(tmp_path):
    """38 sessions of 2006 are a halt, four of 2002 are missing; no Friday of 1994 is, and three holidays are not extra."""
    found = build(tmp_path, dates(real_data("wse-daily-iso/cdr.csv")), "XWAR")
    assert [(each["start"], each["end"], each["missing"], each["verdict"]) for each in found["ranges"]] == [
        ("2002-01-22", "2002-01-25", 4, "missing"),
        ("2006-08-30", "2006-10-20", 38, "halted"),
    ]
    assert found["extra"] == 0


@pytest.mark.real
def test_euro_dollar_by_the_day(tmp_path):
    """Since 2010 Stooq lacks of EURUSD only holidays of its own, one to three a year, and has no bar on a weekend."""
    days = [each for each in dates(real_data("stooq-world/world/currencies/major/eurusd.txt")) if each.year >= 2010]
    found = build(tmp_path, days, "24/5")
    assert found["extra"] == 0
    assert found["missing"] < 20
    assert all(each["missing"] == 1 for each in found["ranges"])


@pytest.mark.real
@pytest.mark.parametrize(
    ("path", "calendar", "frequency", "missing", "extra"),
    [
        ("crypto-1m-5m/ADAUSDT_1m.csv", "24/7", "1min", 0, 0),
        ("crypto-1m-5m/ADAUSDT_5m.csv", "24/7", "5min", 0, 0),
        ("crypto-1m-5m/ADAUSDT_60m.csv", "24/7", "hourly", 0, 0),
        ("eurusd-mt5/EURUSD_M1.csv", "24/5", "1min", 387, 0),
        ("eurusd-mt5/EURUSD_M15.csv", "24/5", "15min", 11, 79),
        ("eurusd-mt5/EURUSD_H4.csv", "24/5", "4hour", 0, 4),
    ],
)
def test_bars_within_a_day(tmp_path, path, calendar, frequency, missing, extra):
    """Real bars round the clock and of the week of foreign exchange: extra are those of Christmas and New Year's morning."""
    stamps = [each for each in moments(real_data(path)) if each.year >= 2018]
    found = build(tmp_path, stamps, calendar, frequency)
    assert (found["missing"], found["extra"]) == (missing, extra)
    span = table(calendar).between(stamps[0].date() - dt.timedelta(3), stamps[-1].date() + dt.timedelta(3))
    expected = [each for each in bar_stamps(span, MINUTES[frequency]) if stamps[0] <= each <= stamps[-1]]
    assert found["missing"] == len(set(expected) - set(stamps))
    assert found["extra"] == len(set(stamps) - set(expected))
    assert {each["start"][5:10] for each in found["extra_ranges"]} <= {"12-24", "12-25", "12-31", "01-01"}


@pytest.mark.real
def test_no_real_file_of_warsaw_has_a_row_on_a_closed_day(tmp_path):
    """Of fourteen files since 1994 none has an extra row: the corrections of the calendar hold for all."""
    for path in sorted(real_data("wse-daily-iso").glob("*.csv")):
        assert build(tmp_path, dates(path), "XWAR")["extra"] == 0, path
    assert calendars()["XWAR"].trusted_from == "1994-01-03"


class TestContract(StageContract):
    """What every stage promises."""

    stage = "gaps"
