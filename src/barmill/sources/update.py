"""One series brought up to date under its lock: fetched, compared with what is stored, merged, validated, published.

What is fetched reaches some days back into what is stored. If the two agree there, the new bars are added. If their prices
differ, the supplier has adjusted history (a split, a dividend), and the whole series is fetched again; one that is adjusted in
part is never stored.
"""

import contextlib
import datetime as dt
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from barmill.config import Settings
from barmill.errors import ArchiveCorrupt, InputError, SourceError, UnknownSymbol
from barmill.hashing import digest_bytes
from barmill.market.archive import apart, files_of, joined, read_archived
from barmill.market.bars import Bars, write_raw
from barmill.market.calendars import days_of
from barmill.market.datasets import Dataset
from barmill.market.dialects import Reading, read_raw
from barmill.market.rules import settled
from barmill.sources import gaps, merge
from barmill.sources.archive import replace_all, settle, text_of
from barmill.sources.gate import admitted, told
from barmill.sources.history import Entry, Writing
from barmill.sources.outcome import Outcome, record
from barmill.sources.provider import Provider, Request

if TYPE_CHECKING:
    import pyarrow as pa

INCREMENTAL, APPEND_ONLY, FULL, BACKFILL = "incremental", "append-only", "full", "backfill"
STRATEGIES = {
    INCREMENTAL: "new bars, the look-back compared, gaps asked for; the whole history where it was adjusted",
    APPEND_ONLY: "new bars; refused where the look-back differs from what is stored",
    FULL: "the whole history, whatever is stored",
    BACKFILL: "gaps only, also those asked for before",
}
_LEAST_BACK = {"weekly": 21, "monthly": 93}  # days of three bars
_MOST_NOTES = 20
_MOST_LINES = 5


@dataclass(frozen=True)
class Order:
    """What is wanted of one series.

    Attributes:
        dataset: a single series; its file may not be there yet.
        provider: name of whom to ask.
        open: gives it; called under the lock, so that its faults are in the history, too.
        kind: `load` or `update`; an update needs something stored.
        start, end: the days asked for, both included; None for the first, or the latest, that there is. An update without a
            start begins `lookback` days before the last stored bar.
        lookback: days that what is fetched reaches back into what is stored.
        fill_gaps: ask for missing sessions.
        strategy: a key of `STRATEGIES`.
        replace: what is fetched takes the place of what is stored, uncompared.
        dry_run: write nothing.
        sessions: dates on which its exchange is open, ISO, ascending; None if that is not known.
        source: of the provider, where it came from the command line: it is remembered.
        said: what the command line said about the provider's files: it is remembered, too.
    """

    dataset: Dataset
    provider: str
    open: Callable[[], Provider]
    kind: str
    start: dt.date | None = None
    end: dt.date | None = None
    lookback: int = 7
    fill_gaps: bool = True
    strategy: str = INCREMENTAL
    replace: bool = False
    dry_run: bool = False
    sessions: Sequence[str] | None = None
    source: Sequence[str] = ()
    said: Mapping[str, str] = field(default_factory=dict)


def bring(order: Order, settings: Settings) -> Outcome:
    """Do what an order says; nothing raises, what goes wrong is in the outcome.

    It is in the history, too, unless the lock could not be had: only its holder writes there.
    """
    outcome = Outcome(order.dataset.name, Entry.begun(order.kind, order.provider))
    work = functools.partial(_merge, order, settings, outcome)
    record(order.dataset, settings, outcome, work, source=order.source, said=order.said, dry_run=order.dry_run)
    return outcome


def _merge(order: Order, settings: Settings, outcome: Outcome, writing: Writing) -> None:
    if not order.dry_run:
        with contextlib.suppress(ArchiveCorrupt):  # told by who reads it, unless it is to be replaced
            settle(order.dataset, settings)
    merging = _Merging(order, settings, writing.history.absent.setdefault(order.provider, []), outcome)
    content = merging.content()
    if content is None or order.dry_run:
        return
    if merging.keeps_archive:
        writing.publish(content, digest_bytes(content))
    else:
        replace_all(order.dataset, settings, writing, content)


class _Adjusted(Exception):
    """The supplier's history is other than what is stored; says where."""


class _Merging:
    """An order at work: what is stored, what is asked for, and what the two make.

    Args:
        order: what is wanted.
        settings: of the project.
        absent: stretches that the provider has nothing of; added to.
        outcome: where counts and notes go.

    Attributes:
        keeps_archive: whether the text of `content` stands beside the packs that there are, or holds the whole series.
    """

    def __init__(self, order: Order, settings: Settings, absent: list[list[str]], outcome: Outcome) -> None:
        self._order = order
        self._settings = settings
        self._absent = absent
        self._outcome = outcome
        self.keeps_archive = True
        self._packed: pa.Table | None = None
        self._stored = self._read()
        self._provider = order.open()

    def _read(self) -> Bars:
        """What is stored, in text and packs.

        Raises:
            UnknownSymbol: nothing is, and the order is an update.
            InputError: the text has lines, and none is a bar; the archive is damaged, and its bars are not replaced.
        """
        order = self._order
        path = order.dataset.raw
        text = text_of(order.dataset)
        reading = read_raw(text, order.dataset.symbol, order.dataset.frequency)
        bars = reading.bars
        if bars.raw_rows and not bars.table.num_rows and not order.replace:
            raise InputError(
                f"none of {bars.raw_rows} lines of {path.absolute()} is a bar{_because(reading)}",
                "correct it, or `doit load --replace`",
            )
        try:
            self._packed = read_archived(text, files_of(self._settings.series, order.dataset.name))
        except ArchiveCorrupt:
            if not order.replace:
                raise
            self.keeps_archive = False
        bars = joined(self._packed, bars)
        bars = replace(bars, table=settled(bars.given, order.dataset.asset_class, self._settings.rules))
        if order.kind == "update" and not bars.table.num_rows:
            raise UnknownSymbol(f"there is no existing data of {order.dataset.name}", "run doit load first")
        return bars

    def content(self) -> bytes | None:
        """The series' new text, without what is archived as it is; None if that is what is stored."""
        entry, stored = self._outcome.entry, self._stored.table
        entry.rows_before = entry.rows_after = stored.num_rows
        _span(entry, stored)
        table = self._table()
        difference = merge.compare(stored, table)
        entry.rows_after, entry.rows_added, entry.rows_changed = table.num_rows, difference.new, len(difference.changed)
        _span(entry, table)
        if table.equals(stored) and self.keeps_archive:
            return None
        if self._stored.rejected:
            first = self._stored.rejected[0]
            self._note(
                f"{len(self._stored.rejected)} lines of {self._order.dataset.raw} are not bars and are left out, "
                f"such as line {first['line']}: {first['text']!r}"
            )
        if twice := self._stored.given.num_rows - stored.num_rows:
            self._note(f"{twice} bars of {self._order.dataset.raw} are left out: another has the same time")
        rest = apart(table, self._packed) if self.keeps_archive else None
        self.keeps_archive = rest is not None
        return write_raw(table if rest is None else rest)

    def _table(self) -> "pa.Table":
        order, stored = self._order, self._stored.table
        if order.replace or not stored.num_rows:
            return self._fetched(order.start, order.end)
        if order.strategy == FULL:
            return self._refreshed()
        try:
            return self._filled(stored if order.strategy == BACKFILL else self._extended(stored))
        except _Adjusted as found:
            if order.strategy == APPEND_ONLY:
                raise SourceError(
                    f"{order.provider} has other prices than are stored: {found}", "take --strategy incremental"
                ) from None
            self._note(f"adjusted history, fetched anew: {found}")
            return self._refreshed()

    def _extended(self, stored: "pa.Table") -> "pa.Table":
        """What is stored and what was asked for; the range is widened until it reaches into what is stored."""
        order = self._order
        back = dt.timedelta(days=max(order.lookback, _LEAST_BACK.get(order.dataset.frequency, 0)))
        first, last = _day(stored, 0), _day(stored, -1)
        start = order.start or (last - back if order.kind == "update" else None)
        start, end = start and min(start, last - back), order.end and max(order.end, first + back)
        if start and end and end < start:
            return stored
        return self._joined(stored, self._fetched(start, end))

    def _joined(self, stored: "pa.Table", fetched: "pa.Table") -> "pa.Table":
        """The two in one, unless history was adjusted.

        Raises:
            _Adjusted: it was.
        """
        overlap = merge.compare(stored, fetched)
        span = f"{merge.stamp(fetched, 0)} to {merge.stamp(fetched, -1)}"
        if not overlap.common:
            raise _Adjusted(f"no bar from {span} is stored")
        unfinished = overlap.common > 1 and overlap.repriced == [
            merge.stamp(stored, -1)
        ]  # the last bar, fetched before its end
        if overlap.repriced and not unfinished:
            raise _Adjusted(f"{len(overlap.repriced)} of {overlap.common} bars differ, the first on {overlap.repriced[0]}")
        if overlap.withheld:
            self._note(
                f"{self._order.provider} has no bar at {len(overlap.withheld)} stored stamps, such as "
                f"{overlap.withheld[0]}; they are kept"
            )
        return merge.union(stored, fetched, overlap)

    def _refreshed(self) -> "pa.Table":
        """The whole series as the provider has it now; it must have every stored bar, as those can't be adjusted here."""
        stored, order = self._stored.table, self._order
        first, last = _day(stored, 0), _day(stored, -1)
        whole = self._fetched(min(order.start or first, first), order.end if order.end and order.end >= last else None)
        self._outcome.entry.refreshed = True
        if lacking := merge.lacking(stored, whole):
            raise SourceError(
                f"{order.provider} adjusted its history and has no more {len(lacking)} of {stored.num_rows} stored bars, "
                f"{lacking[0]} to {lacking[-1]}",
                "they would be left unadjusted: drop them with `doit load --replace`, or ask a provider that has them",
            )
        return whole

    def _filled(self, table: "pa.Table") -> "pa.Table":
        """With what the provider has of missing sessions."""
        order = self._order
        if order.sessions is None:
            if order.strategy == BACKFILL:
                raise SourceError(
                    f"the sessions of {order.dataset.name} are not known, so what is missing can't be told",
                    "run doit; set its calendar in [tool.barmill.calendars], if it follows none",
                )
            return table
        if order.fill_gaps:
            known = () if order.strategy == BACKFILL else self._absent
            wanted = gaps.unasked(gaps.missing(table, order.sessions), known)
            refused: set[str] = set()
            for stretch in gaps.few(gaps.stretches(wanted, order.sessions)):
                first, last = map(dt.date.fromisoformat, gaps.around(table, stretch))
                try:
                    table = self._joined(table, self._fetched(first, last))
                except UnknownSymbol:
                    continue  # there is nothing, and it need not be asked for again
                except (SourceError, InputError) as error:
                    self._note(f"missing sessions from {stretch[0]} to {stretch[1]} can't be asked for: {error.fact}")
                    refused.update(day for day in wanted if stretch[0] <= day <= stretch[1])
            asked = [day for day in gaps.missing(table, order.sessions) if day not in refused]
            self._absent[:] = [list(each) for each in gaps.stretches(asked, order.sessions)]
        self._outcome.entry.missing = len(gaps.missing(table, order.sessions))
        return table

    def _fetched(self, start: dt.date | None, end: dt.date | None) -> "pa.Table":
        """The provider's bars from `start` to `end`, as far as they may be stored; at least one."""
        order = self._order
        home = days_of(order.dataset, self._settings.calendars)
        reading = self._provider.fetch(Request(order.dataset.symbol, order.dataset.frequency, start, end, home))
        self._outcome.read(reading)
        for text in reading.notes:
            self._note(text)
        reasons: dict[str, list[str]] = {}
        for each in reading.bars.rejected:
            reasons.setdefault(str(each["reason"]), []).append(f"line {each['line']}: {each['text']!r}")
        for reason, lines in reasons.items():
            self._note(
                f"{len(lines)} fetched lines are not bars ({reason}): {'; '.join(lines[:_MOST_LINES])}"
                f"{'; …' if len(lines) > _MOST_LINES else ''}",
                len(lines),
            )
        table = merge.clip(reading.bars.given, start.isoformat() if start else "", end.isoformat() if end else "")
        if not table.num_rows:
            raise UnknownSymbol(
                f"{order.provider} has no bar of {order.dataset.symbol} from {start or 'the first'} to {end or 'now'}",
                "ask for another range, or another provider",
            )
        gate = admitted(table, order.dataset, self._settings, order.sessions, reading.bars.breaks)
        for text, number in told(gate):
            self._note(text, number)
        if not gate.table.num_rows:
            raise SourceError(
                f"none of {table.num_rows} fetched bars may be stored", "look at them, and at [tool.barmill.rules]"
            )
        return gate.table

    def _note(self, text: str, number: int = 1) -> None:
        self._outcome.entry.findings += number
        if text not in self._outcome.notes and len(self._outcome.notes) < _MOST_NOTES:
            self._outcome.notes.append(text)


def _because(reading: Reading) -> str:
    """Why a text gave no bar, as far as its reading says."""
    return f": {reading.notes[0]}" if reading.notes else ""


def _span(entry: Entry, table: "pa.Table") -> None:
    if table.num_rows:
        entry.start, entry.end = _day(table, 0).isoformat(), _day(table, -1).isoformat()


def _day(table: "pa.Table", at: int) -> dt.date:
    return dt.date.fromisoformat(table.column("date")[at % table.num_rows].as_py())
