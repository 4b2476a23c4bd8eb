"""One series loaded and updated from a provider in memory: what is stored is always one consistent history."""

import datetime as dt

import pytest

from barmill.config import Settings
from barmill.errors import SourceError
from barmill.market.bars import read_bars
from barmill.sources.update import Order, bring
from tests.support.prices import Shelf, closes, history, run, series, stamps, weekdays

DAYS = weekdays("2024-01-01", 60)
PRICES = {day: 100.0 + number for number, day in enumerate(DAYS)}


def upto(number, factor=1.0):
    """The first prices, scaled."""
    return {day: PRICES[day] * factor for day in DAYS[:number]}


def day(text):
    """A date."""
    return dt.date.fromisoformat(text)


@pytest.fixture
def raw(tmp_path):
    """The file of ACME, with 40 bars that were loaded."""
    outcome = run(tmp_path, Shelf(upto(40)), "load")
    assert (outcome.entry.status, outcome.entry.rows_added) == ("ok", 40)
    return series(tmp_path).raw


def test_load_writes_canonical_text(raw):
    """A load writes Stooq's text, all good bars, ascending, CRLF."""
    lines = raw.read_bytes().split(b"\r\n")
    assert lines[1] == b"ACME,D,20240101,000000,100,101,50,100,1000,"
    bars = read_bars(raw.read_bytes())
    assert (bars.table.num_rows, bars.rejected, bars.ordered) == (40, [], True)


def test_new_bars_are_added(tmp_path, raw):
    """An update asks from the look-back before the last bar on, and adds what is new."""
    shelf = Shelf(upto(45))
    outcome = run(tmp_path, shelf, lookback=7)
    assert (outcome.entry.rows_before, outcome.entry.rows_added, outcome.entry.rows_changed) == (40, 5, 0)
    assert closes(raw) == upto(45)
    assert [(each.start, each.end) for each in shelf.asked] == [(day(DAYS[39]) - dt.timedelta(days=7), None)]
    assert (outcome.entry.start, outcome.entry.end, outcome.entry.refreshed) == (DAYS[0], DAYS[44], False)


def test_nothing_new_writes_no_byte(tmp_path, raw):
    """Where nothing changed the data file is the same file, untouched; the history says that somebody looked."""
    before = stamps(raw)
    outcome = run(tmp_path, Shelf(upto(40)))
    assert (outcome.entry.status, outcome.entry.rows_added, outcome.entry.rows_changed) == ("ok", 0, 0)
    assert stamps(raw) == before
    assert [each.kind for each in history(tmp_path).updates] == ["load", "update"]


@pytest.mark.parametrize("factor", [0.5, 0.999])
def test_adjusted_history_is_refreshed_whole(tmp_path, raw, factor):
    """Where the overlap differs the whole series is fetched again: no step of a split or a dividend is ever stored."""
    shelf = Shelf(upto(45, factor))
    outcome = run(tmp_path, shelf)
    assert closes(raw) == pytest.approx(upto(45, factor))
    assert (outcome.entry.refreshed, outcome.entry.rows_added, outcome.entry.rows_changed) == (True, 5, 40)
    assert shelf.asked[1].start == day(DAYS[0])
    assert any("adjusted history" in note and "differ" in note for note in outcome.notes)


def test_an_adjustment_that_would_leave_old_bars_is_refused(tmp_path, raw):
    """If the provider has no more all that is stored, the old bars can't be adjusted: nothing is stored, the cure is named."""
    before = raw.read_bytes()
    provider = Shelf({date: close for date, close in upto(45, 0.5).items() if date >= DAYS[10]})
    outcome = run(tmp_path, provider)
    assert outcome.entry.status == "failed"
    assert f"no more 10 of 40 stored bars, {DAYS[0]}" in outcome.entry.errors[0]
    assert "--replace" in outcome.entry.errors[0]
    assert raw.read_bytes() == before
    assert run(tmp_path, provider, "load", replace=True).entry.status == "ok"
    assert closes(raw) == provider.closes


def test_an_unfinished_last_bar_is_no_adjustment(tmp_path, raw):
    """The last bar, fetched before its end, is replaced alone."""
    provider = Shelf({**upto(42), DAYS[39]: 500.0})
    outcome = run(tmp_path, provider)
    assert (outcome.entry.refreshed, outcome.entry.rows_added, outcome.entry.rows_changed) == (False, 2, 1)
    assert closes(raw) == provider.closes
    assert len(provider.asked) == 1


def test_without_a_second_bar_to_compare_a_changed_last_one_is_an_adjustment(tmp_path, raw):
    """With no look-back the last bar is all there is to compare, so a difference there counts."""
    outcome = run(tmp_path, Shelf(upto(42, 0.5)), lookback=0)
    assert outcome.entry.refreshed
    assert closes(raw) == upto(42, 0.5)


def test_bars_that_the_provider_withholds_are_kept(tmp_path, raw):
    """A stored bar that the provider no longer has stays, and is named."""
    provider = Shelf({date: close for date, close in upto(42).items() if date != DAYS[38]})
    outcome = run(tmp_path, provider)
    assert closes(raw) == upto(42)
    assert any(f"1 stored stamps, such as {DAYS[38]}" in note for note in outcome.notes)


def test_append_only(tmp_path, raw):
    """Append-only adds what is new, and refuses where prices differ instead of refreshing."""
    assert run(tmp_path, Shelf(upto(42)), strategy="append-only").entry.rows_added == 2
    before = raw.read_bytes()
    outcome = run(tmp_path, Shelf(upto(45, 0.5)), strategy="append-only")
    assert outcome.entry.status == "failed"
    assert "other prices than are stored" in outcome.entry.errors[0]
    assert raw.read_bytes() == before


def test_full(tmp_path, raw):
    """A full update asks for everything, whatever is stored, and finds a correction before the look-back."""
    provider = Shelf({**upto(42), DAYS[3]: 77.0})
    assert run(tmp_path, provider).entry.rows_changed == 0
    assert run(tmp_path, provider, strategy="full").entry.rows_changed == 1
    assert closes(raw) == provider.closes


def test_load_merges(tmp_path, raw):
    """A load of one month keeps the rest; one that begins later asks so that no hole comes to be."""
    shelf = Shelf(PRICES)
    outcome = run(tmp_path, shelf, "load", start=day(DAYS[55]), end=day(DAYS[57]))
    assert closes(raw) == upto(58)
    assert outcome.entry.rows_added == 18
    earlier = dict.fromkeys(weekdays("2023-12-01", 21), 90.0)
    run(tmp_path, Shelf({**earlier, **PRICES}), "load", end=day("2023-12-20"))
    assert closes(raw) == {**earlier, **upto(58)}


def test_load_compares(tmp_path, raw):
    """A load of a range whose prices differ from what is stored fetches the whole history."""
    outcome = run(tmp_path, Shelf(upto(50, 2.0)), "load", start=day(DAYS[30]))
    assert outcome.entry.refreshed
    assert closes(raw) == upto(50, 2.0)


def test_load_replaces_where_asked(tmp_path, raw):
    """`replace` takes what was fetched, uncompared."""
    run(tmp_path, Shelf(upto(50, 2.0)), "load", start=day(DAYS[45]), replace=True)
    assert sorted(closes(raw)) == DAYS[45:50]


def test_an_update_needs_data(tmp_path):
    """Updating what was never loaded says so, and what to do; the failure is in the history."""
    outcome = run(tmp_path, Shelf(PRICES))
    assert "no existing data of equities/daily/ACME\nhint: run doit load first" in outcome.entry.errors[0]
    assert [each.status for each in history(tmp_path).updates] == ["failed"]


def test_nothing_fetched_is_a_failure(tmp_path, raw):
    """A provider that has nothing of the range fails the update, and changes nothing."""
    before = raw.read_bytes()
    outcome = run(tmp_path, Shelf({"2001-01-01": 1.0}))
    assert outcome.entry.status == "failed"
    assert raw.read_bytes() == before


def test_a_fault_of_a_library_is_recorded(tmp_path, raw):
    """Whatever a provider raises is a failure of this series, with its text, in the history."""

    class Broken(Shelf):
        def fetch(self, request):
            raise KeyError("chart")

    outcome = run(tmp_path, Broken({}))
    assert outcome.entry.errors == ["KeyError: 'chart'"]
    assert history(tmp_path).updates[-1].errors == ["KeyError: 'chart'"]
    assert history(tmp_path).provider == "shelf"


def test_dry_run(tmp_path, raw):
    """A dry run counts what would be, and writes nothing, no history either."""
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.[tj]*")}
    outcome = run(tmp_path, Shelf(upto(45, 0.5)), dry_run=True)
    assert (outcome.entry.rows_added, outcome.entry.refreshed) == (5, True)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.[tj]*")} == before


def test_lines_that_are_no_bars(tmp_path, raw):
    """What a hand has put into the file and is no bar is named when the file is written anew."""
    with open(raw, "ab") as file:
        file.write(b"what is this\r\n")
    outcome = run(tmp_path, Shelf(upto(41)))
    assert any("1 lines" in note and "'what is this'" in note for note in outcome.notes)
    assert read_bars(raw.read_bytes()).rejected == []


def test_a_file_without_a_bar_is_left_alone(tmp_path, raw):
    """A damaged file is no reason to load from the start unasked: it is named, and stays."""
    raw.write_bytes(b"\0" * 500)
    outcome = run(tmp_path, Shelf(PRICES))
    assert "is a bar" in outcome.entry.errors[0]
    assert raw.read_bytes() == b"\0" * 500
    assert run(tmp_path, Shelf(PRICES), "load", replace=True).entry.rows_after == 60


def test_a_torn_file_heals(tmp_path, raw):
    """A file cut within a line loses nothing that the provider still has."""
    raw.write_bytes(raw.read_bytes()[:-95])
    run(tmp_path, Shelf(upto(42)))
    assert closes(raw) == upto(42)


GAPPY = {date: close for date, close in upto(40).items() if date not in {*DAYS[5:8], DAYS[20]}}


@pytest.fixture
def gappy(tmp_path):
    """The file of ACME, of which two stretches are missing."""
    run(tmp_path, Shelf(GAPPY), "load")
    return series(tmp_path).raw


def test_gaps_are_asked_for(tmp_path, gappy):
    """Missing sessions are fetched, each stretch with its neighbours and nothing else."""
    shelf = Shelf(upto(41))
    outcome = run(tmp_path, shelf, sessions=DAYS)
    assert closes(gappy) == upto(41)
    assert (outcome.entry.missing, outcome.entry.rows_added) == (0, 5)
    assert [(str(each.start), str(each.end)) for each in shelf.asked[1:]] == [(DAYS[4], DAYS[8]), (DAYS[19], DAYS[21])]


def test_rows_are_never_invented(tmp_path, gappy):
    """What the provider has not stays missing, is counted, and is not asked for again but by a backfill."""
    shelf = Shelf(GAPPY)
    assert run(tmp_path, shelf, sessions=DAYS).entry.missing == 4
    assert closes(gappy) == GAPPY
    again = Shelf(upto(40))
    assert run(tmp_path, again, sessions=DAYS).entry.missing == 4
    assert len(again.asked) == 1
    assert run(tmp_path, again, sessions=DAYS, strategy="backfill").entry.rows_added == 4
    assert closes(gappy) == upto(40)
    assert [str(each.start) for each in again.asked[1:]] == [DAYS[4], DAYS[19]]


def test_gaps_that_cannot_be_asked_for(tmp_path, gappy):
    """A failed request for a gap costs nothing of the rest, is told, and is made again the next time."""

    class Moody(Shelf):
        def fetch(self, request):
            if request.end and not self.asked[1:]:
                self.asked.append(request)
                raise SourceError("server in a mood")
            return super().fetch(request)

    shelf = Moody(upto(42))
    outcome = run(tmp_path, shelf, sessions=DAYS)
    assert (outcome.entry.status, outcome.entry.rows_added, outcome.entry.missing) == ("ok", 3, 3)
    assert any(f"{DAYS[5]} to {DAYS[7]} can't be asked for: server in a mood" in note for note in outcome.notes)
    assert run(tmp_path, shelf, sessions=DAYS).entry.rows_added == 3


def test_a_gap_of_which_there_is_nothing(tmp_path, gappy):
    """A provider without that part of history fails no update."""
    shelf = Shelf({date: close for date, close in upto(41).items() if date > DAYS[10]})
    outcome = run(tmp_path, shelf, sessions=DAYS)
    assert (outcome.entry.status, outcome.entry.rows_added, outcome.entry.missing) == ("ok", 2, 3)


def test_no_filling(tmp_path, gappy):
    """Without filling gaps are counted and not asked for; another provider is asked for what the first has not."""
    shelf = Shelf(upto(40))
    assert run(tmp_path, shelf, sessions=DAYS, fill_gaps=False).entry.missing == 4
    assert len(shelf.asked) == 1
    run(tmp_path, Shelf(GAPPY), sessions=DAYS)
    assert run(tmp_path, Shelf(upto(40), "other"), sessions=DAYS).entry.rows_added == 4


def test_a_gap_filled_from_adjusted_history_refreshes(tmp_path, gappy):
    """If prices beside a gap differ from what is stored, the whole history is fetched."""
    provider = Shelf({**upto(40, 0.5), **{date: PRICES[date] for date in DAYS[35:40]}})
    outcome = run(tmp_path, provider, sessions=DAYS, lookback=3)
    assert outcome.entry.refreshed
    assert closes(gappy) == provider.closes


def test_many_gaps_are_asked_for_at_once(tmp_path):
    """Of what trades rarely the gaps are asked for in one request, not in one each."""
    run(tmp_path, Shelf({date: PRICES[date] for date in DAYS[:40:2]}), "load")
    shelf = Shelf(upto(40))
    assert run(tmp_path, shelf, sessions=DAYS).entry.missing == 0
    assert [(str(each.start), str(each.end)) for each in shelf.asked[1:]] == [(DAYS[0], DAYS[32])]


def test_backfill_needs_sessions(tmp_path, gappy):
    """Without sessions a backfill says what it lacks."""
    outcome = run(tmp_path, Shelf(upto(40)), strategy="backfill")
    assert "sessions of equities/daily/ACME are not known" in outcome.entry.errors[0]


def test_an_end_in_the_past(tmp_path, raw):
    """An update up to a day that is stored already asks for nothing."""
    shelf = Shelf(PRICES)
    assert run(tmp_path, shelf, end=day(DAYS[10])).entry.status == "ok"
    assert shelf.asked == []


def test_a_provider_that_cannot_be_opened(tmp_path, raw):
    """What goes wrong before the first request is in the history."""

    def refuse():
        raise SourceError("the folder is gone")

    outcome = bring(Order(series(tmp_path), "shelf", refuse, "update"), Settings(series=tmp_path))
    last = history(tmp_path).updates[-1]
    assert (last.status, last.errors, outcome.entry) == ("failed", ["the folder is gone"], last)
