"""Tables of sessions: one per calendar in use, with built-in corrections and the project's changes."""

import csv
import datetime as dt
import json

import pytest

from barmill import read_bars
from barmill.config import Settings
from barmill.errors import BarsError, InputError
from barmill.market.calendars import calendars
from barmill.market.changes import COLUMNS, CORRECTIONS, read_changes
from barmill.market.regular import regular
from barmill.market.sessions import Sessions
from barmill.plan import Plan
from barmill.stages import sessions
from tests.stages.contract import StageContract
from tests.support.market import FIRST_STAGES, MarketProject
from tests.support.real import real_data

HEADER = "calendar,from,to,weekdays,change,open,close,reason\n"


def build(folder, calendar, since, until, *rows):
    """The sessions of a calendar after changes."""
    changes = folder / "changes.csv"
    changes.write_text(HEADER + "".join(f"{row}\n" for row in rows))
    out, fault = (folder / f"{calendar.replace('/', '-')}{ending}" for ending in (".csv", ".fault.txt"))
    sessions.build([changes], out, fault, calendar=calendar, since=since, until=until)
    return Sessions.read(out)


def published(name):
    """Rows of the published answers: session, open, close, break_start, break_end."""
    with open(real_data("golden/exchange-calendars", f"{name}.csv"), newline="") as file:
        return list(csv.reader(file))[1:]


def utc(text):
    """A moment from `YYYY-MM-DD HH:MM`."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.real
@pytest.mark.parametrize("name", ["xwar", "xnys"])
def test_regular_sessions_are_the_published_ones(name):
    """Every session from 1990 on is that of the published answers, with the same opening and close."""
    rows = published(name)
    expected = [(date[:10], *(each.replace(":00Z", "Z") for each in ends)) for date, *ends in rows]
    first, last = (dt.date.fromisoformat(expected[at][0]) for at in (0, -1))
    found = [
        (
            str(each.date),
            f"{each.open:%Y-%m-%dT%H:%MZ}",
            f"{each.close:%Y-%m-%dT%H:%MZ}",
            each.break_start or "",
            each.break_end or "",
        )
        for each in regular(calendars()[name.upper()], first, last)
    ]
    assert expected == found


@pytest.mark.real
def test_built_in_corrections_are_all_that_differs(tmp_path):
    """Warsaw's table is the published one from 1994-01-03 without closed days, and with three sessions held all the same."""
    rows = published("xwar")
    expected = {date[:10] for date, *_ in rows if date >= "1994-01-03"}
    closed = [each for each in read_changes(CORRECTIONS) if each.calendar == "XWAR" and each.change == "closed"]
    held = [each for each in read_changes(CORRECTIONS) if each.calendar == "XWAR" and each.change == "open"]
    span = dt.date(1994, 1, 3), dt.date.fromisoformat(rows[-1][0][:10])
    expected -= {str(day) for each in closed for day in each.days(*span)}
    expected |= {str(day) for each in held for day in each.days(*span)}
    assert sorted(expected) == build(tmp_path, "XWAR", "1990-01-01", rows[-1][0][:10]).dates


def test_a_calendar_starts_where_it_is_trusted(tmp_path):
    """Warsaw's table starts in 1994 with three sessions a week, then four, and five from October on."""
    table = build(tmp_path, "XWAR", "1990-01-01", "1994-12-31")
    assert table.first == "1994-01-03"
    assert [str(each.date) for each in table.between("1994-03-07", "1994-03-13")] == ["1994-03-07", "1994-03-08", "1994-03-10"]
    assert [each.date.weekday() for each in table.between("1994-09-26", "1994-10-09")] == [0, 1, 2, 3, 0, 1, 2, 3, 4]


def test_changes_of_the_project(tmp_path):
    """An ad-hoc closure, a session on a holiday, an early close and other hours, each with the times it says or the usual."""
    table = build(
        tmp_path, "XWAR", "2024-01-01", "2024-12-31",
        "XWAR,2024-03-05,2024-03-07,Tue Thu,closed,,,mourning",
        "XWAR,2024-05-01,,,open,,,a session on a holiday",
        "XWAR,2024-11-11,,,open,10:00,12:30,a short session on a holiday",
        "XWAR,2024-12-23,,,hours,,13:00,early close",
    )  # fmt: skip
    assert [str(each.date) for each in table.between("2024-03-04", "2024-03-08")] == ["2024-03-04", "2024-03-06", "2024-03-08"]
    held = table.on("2024-05-01")
    assert (held.open, held.close) == (utc("2024-05-01 07:00"), utc("2024-05-01 15:00"))  # 9:00 to 17:00 in summer
    held = table.on("2024-11-11")
    assert (held.open, held.close) == (utc("2024-11-11 09:00"), utc("2024-11-11 11:30"))
    assert table.on("2024-12-23").close == utc("2024-12-23 12:00")


def test_a_session_across_the_change_of_the_clock_has_its_wall_clock_hours(tmp_path):
    """A session that is held on a holiday right after the clocks went forward opens at the usual wall-clock time."""
    table = build(tmp_path, "XWAR", "2024-03-25", "2024-04-05", "XWAR,2024-04-01,,,open,,,held on Easter Monday")
    assert table.on("2024-03-28").open == utc("2024-03-28 08:00")
    assert table.on("2024-04-01").open == utc("2024-04-01 07:00")


def test_breaks_stay_unless_a_change_cuts_them(tmp_path):
    """Hong Kong pauses at noon; a morning session has no pause."""
    table = build(tmp_path, "XHKG", "2024-01-02", "2024-01-03", "XHKG,2024-01-03,,,hours,,12:00,typhoon")
    whole, half = table.between("2024-01-02", "2024-01-03")
    assert (whole.break_start, whole.break_end) == (utc("2024-01-02 04:00"), utc("2024-01-02 05:00"))
    assert half[2:] == (utc("2024-01-03 04:00"), None, None)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("XWARR,2024-01-02,,,closed,,,x", "line 2: calendar is 'XWARR'"),
        ("XWAR,2024-13-02,,,closed,,,x", "line 2: from is '2024-13-02'"),
        ("XWAR,2024-01-02,2024-01-01,,closed,,,x", "line 2: the range is 2024-01-02 to 2024-01-01"),
        ("XWAR,2024-01-02,,Mo,closed,,,x", "line 2: weekdays is 'Mo'"),
        ("XWAR,2024-01-02,,,shut,,,x", "line 2: change is 'shut'"),
        ("XWAR,2024-01-02,,,hours,25:00,,x", "line 2: open is '25:00'"),
        ("XWAR,2024-01-02,,,hours,,,x", "line 2: other hours, but neither open nor close"),
        ("XWAR,2024-01-02,,,closed,,,", "line 2: reason is ''"),
        ("XWAR,2024-01-01,,,hours,,13:00,x", "line 2: XWAR has no session there"),
        ("XWAR,2024-01-02,,,hours,,08:00,x", "line 2: 2024-01-02 would close before it opens"),
        ("XWAR,2024-01-06,,,open,12:00,09:00,x", "line 2: 2024-01-06 would close before it opens"),
        ("XWAR,2024-01-02,,,closed,,", "line 2: 7 fields where the header has 8"),
    ],
)
def test_a_wrong_change_is_named(tmp_path, row, says):
    """A wrong row is an error with file, line and value, and what to write instead."""
    with pytest.raises(InputError) as error:
        build(tmp_path, "XWAR", "2024-01-01", "2024-12-31", row)
    assert says in error.value.fact
    assert str(tmp_path / "changes.csv") in error.value.fact
    assert error.value.hint


def test_unknown_columns_are_named(tmp_path):
    """A table with other columns is refused with the right ones."""
    path = tmp_path / "changes.csv"
    path.write_text("date,reason\n2024-01-02,x\n")
    with pytest.raises(InputError, match="the columns are date,reason"):
        read_changes(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"XWAR,2024-01-02,,,closed,,,caf\xe9\n", "line 2, byte 31: 0xe9 is not UTF-8"),
        (b'XWAR,2024-01-02,,,closed,,,"x\n', "line 2: unexpected end of data"),
        (b'XWAR,2024-01-02,,,closed,,,"x"y\n', "line 2: ',' expected after '\"'"),
    ],
)
def test_a_table_of_changes_that_is_not_text_or_csv_is_named_by_line(tmp_path, content, says):
    """Other bytes than UTF-8 and open quotes are errors with the file and the line."""
    path = tmp_path / "changes.csv"
    path.write_bytes(",".join(COLUMNS).encode() + b"\n" + content)
    with pytest.raises(InputError) as error:
        read_changes(path)
    assert error.value.fact == f"{path}, {says}"


def test_a_table_of_changes_may_begin_with_a_byte_order_mark(tmp_path):
    """A table as spreadsheets write it, with a byte order mark and CRLF, is read."""
    path = tmp_path / "changes.csv"
    path.write_bytes(b"\xef\xbb\xbf" + ",".join(COLUMNS).encode() + b"\r\nXWAR,2024-01-02,,,closed,,,x\r\n")
    assert [each.where for each in read_changes(path)] == [f"{path}, line 2"]


def test_dhaka_is_known_until_somebody_says_more(tmp_path):
    """Dhaka's week is Sunday to Thursday, with its holidays up to 2026-01-22, or as far as a project's changes go."""
    table = build(tmp_path, "XDHA", "2010-01-01", "2030-12-31")
    assert (table.first, table.last) == ("2012-10-01", "2026-01-22")
    assert [f"{each.date:%a}" for each in table.between("2025-11-02", "2025-11-08")] == ["Sun", "Mon", "Tue", "Wed", "Thu"]
    assert table.on("2024-12-16") is None
    table = build(tmp_path, "XDHA", "2010-01-01", "2030-12-31", "XDHA,2026-03-26,,,closed,,,Independence Day")
    assert table.last == "2026-03-25"
    assert table.on("2026-02-01") is not None


def test_foreign_exchange_keeps_the_clock_of_new_york(tmp_path):
    """Monday's session opens on Sunday at 17:00 in New York, whatever that is in UTC; Christmas and New Year have none."""
    table = build(tmp_path, "24/5", "2024-01-01", "2024-12-31")
    winter, summer = table.on("2024-03-08"), table.on("2024-03-11")
    assert (winter.open, winter.close) == (utc("2024-03-07 22:00"), utc("2024-03-08 22:00"))
    assert (summer.open, summer.close) == (utc("2024-03-10 21:00"), utc("2024-03-11 21:00"))
    assert table.on("2024-12-25") is None
    assert table.first == "2024-01-02"
    assert len(table.dates) == 260


def test_targets_are_the_calendars_in_use(tmp_path):
    """A target per calendar that a dataset follows; a table of changes is an input once it is there."""
    project = MarketProject.make(tmp_path)
    project.series("forex/1min/EURUSD", ["20240102"])
    project.series("crypto/daily/BTC.V", ["20240102"])
    project.series("bonds/daily/10USY.B", ["20240102"])
    changes = tmp_path / "data/sessions.csv"
    plan = Plan(Settings(series=tmp_path / "data/series", artifacts=tmp_path / "artifacts", session_changes=changes))
    assert [target.name for target in sessions.targets(plan)] == ["24-5", "24-7"]
    assert [target.inputs["changes"] for target in sessions.targets(plan)] == [[], []]
    changes.write_text(HEADER)
    assert [target.inputs["changes"] for target in sessions.targets(plan)] == [[changes], [changes]]


class TestContract(StageContract):
    """What every stage promises."""

    stage = "sessions"


DATES = ["20240102", "20240103", "20240104"]
BROKEN = """
import exchange_calendars


class Broken:
    bound_min = bound_max = staticmethod(lambda: None)

    def __init__(self, start, end):
        raise NotImplementedError("by subclasses")


exchange_calendars.exchange_calendar_xwar.XWARExchangeCalendar = Broken
"""


def said_by(result):
    """What a command wrote, to both streams."""
    return result.out + result.err


def test_calendar_that_cannot_be_computed_is_named_and_stops_no_other(tmp_path):
    """Its datasets are not judged, others are; the run, `doit datasets`, `doit due` and the reader name it."""
    project = MarketProject.make(tmp_path, (*FIRST_STAGES, "sessions", "chunks", "gaps", "coverage"))
    dodo = project.root / "dodo.py"
    dodo.write_text(BROKEN + dodo.read_text())
    for name in ("WAR", "NYS"):
        project.series(f"equities/daily/{name}", DATES)
    with open(project.root / "pyproject.toml", "a") as file:
        file.write('[tool.barmill.calendars]\n"equities/daily/WAR" = "XWAR"\n"equities/daily/NYS" = "XNYS"\n')
    result = project.doit()
    assert result.code == 0, said_by(result)
    said = [line for line in said_by(result).splitlines() if "no sessions of XWAR" in line]
    assert len(said) == 1
    assert "NotImplementedError" in said[0]
    assert "setting calendars" in said[0]
    verdicts = {row["name"]: (row["verdict"], row["behind"]) for row in project.table("coverage/coverage.csv")}
    assert verdicts == {"equities/daily/NYS": ("complete", "0"), "equities/daily/WAR": ("not judged", "")}
    assert "XWAR has no sessions" in json.loads((project.root / "artifacts/gaps/equities/daily/WAR.json").read_text())["cure"]
    assert "no sessions of XWAR" in said_by(project.doit("datasets"))
    assert "XWAR has no sessions" in said_by(project.doit("due"))
    with pytest.raises(BarsError, match="XWAR has no sessions"):
        read_bars("equities/daily/WAR", fill="forward", root=project.root)
