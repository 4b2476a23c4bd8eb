"""Sessions of one calendar, read from its table: which there are, which was the last to close, which bars they expect.

The table is text with lines of one length but for breaks, and stays text until a part of it is asked for, so that reading
sixty years of sessions takes a millisecond.
"""

import datetime as dt
import functools
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from barmill.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Days = npt.NDArray[np.datetime64]
    Moments = npt.NDArray[np.int64]

COLUMNS = ("date", "open", "close", "break_start", "break_end")

_HEADER = ",".join(COLUMNS)
_DATE, _OPEN, _CLOSE, _PAUSE, _RESUMPTION = slice(0, 10), slice(11, 28), slice(29, 46), slice(47, 64), slice(65, 82)
_LENGTHS = (48, 82)  # of a line without and with a break
_STAMP = "%Y-%m-%dT%H:%MZ"
_FIELDS = len(COLUMNS)
_LONGEST_PAUSE = dt.timedelta(days=7)  # after the last session, that need not have an end of the table in it


class Session(NamedTuple):
    """A session: its date on the exchange, and when it opens, closes and pauses, in UTC; both ends of the pause or none."""

    date: dt.date
    open: dt.datetime
    close: dt.datetime
    break_start: dt.datetime | None = None
    break_end: dt.datetime | None = None


def write_sessions(path: Path, sessions: Iterable[Session]) -> None:
    """Write a table of sessions, ascending: date YYYY-MM-DD, moments YYYY-MM-DDTHH:MMZ."""
    lines = [_HEADER, *(f"{each.date},{','.join(map(_text, each[1:]))}" for each in sessions)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


class Sessions:
    """The sessions of a calendar in ascending order."""

    def __init__(self, name: str, lines: list[str]) -> None:
        self.name = name
        self._lines = lines
        self.dates = [line[_DATE] for line in lines]

    @classmethod
    def read(cls, path: Path) -> "Sessions":
        """Read a table of sessions; equal content is parsed once per process.

        Raises:
            InputError: the file is none that `write_sessions` wrote.
        """
        sessions = _parse(path.stem, path.read_bytes())
        if sessions is None:
            raise InputError(f"{path} is no table of sessions", "the file was edited or damaged; delete it and run doit")
        return sessions

    @property
    def first(self) -> str:
        """Date of the first session; "" if there is none."""
        return self.dates[0] if self.dates else ""

    @property
    def last(self) -> str:
        """Date of the last session; "" if there is none."""
        return self.dates[-1] if self.dates else ""

    def between(self, first: dt.date | str, last: dt.date | str) -> list[Session]:
        """Sessions from `first` to `last`, both included."""
        return [_session(line) for line in self._lines[self._span(str(first), str(last))]]

    def on(self, date: dt.date | str) -> Session | None:
        """The session of a date."""
        return next(iter(self.between(date, date)), None)

    def last_closed(self, moment: dt.datetime) -> Session | None:
        """The last session that had closed at `moment` (which has a time zone); None if that is before the first close.

        Raises:
            InputError: the table is empty or ends before `moment`.
        """
        closed = self._closed(moment)
        return _session(self._lines[closed - 1]) if closed else None

    def behind(self, date: dt.date | str, moment: dt.datetime) -> int:
        """How many sessions after that of `date` had closed at `moment`: 0 for a series that is up to date.

        Raises:
            InputError: the table is empty or ends before `moment`.
        """
        return max(0, self._closed(moment) - bisect_right(self.dates, str(date)))

    def count(self, after: dt.date | str, until: dt.date | str) -> int:
        """How many sessions there are after one date, up to another."""
        return bisect_right(self.dates, str(until)) - bisect_right(self.dates, str(after))

    @functools.cached_property
    def days(self) -> "Days":
        """The dates, as datetime64[D]."""
        import numpy as np

        return np.array(self.dates, "datetime64[D]")

    def expected(self, first: dt.date | str, last: dt.date | str) -> "Days":
        """Dates of the sessions from `first` to `last`, both included, as datetime64[D]: the stamps of daily bars."""
        return self.days[self._span(str(first), str(last))]

    def grid(self, first: dt.datetime, last: dt.datetime, minutes: int, phase: int = 0) -> "Moments":
        """Stamps of the bars within a day that are expected from `first` to `last`, both included.

        A bar bears the moment at which it opens. A bar is expected if any part of it lies in a session and not in its break,
        so early closes, breaks and changes of the clock are followed.

        Args:
            first: a moment with a time zone.
            last: another.
            minutes: length of a bar.
            phase: minutes past a multiple of `minutes` since 1970-01-01T00:00Z at which bars open.

        Returns:
            Minutes since 1970-01-01T00:00Z, ascending.
        """
        import numpy as np

        starts, stops = self._spells
        since, until = _minute(first), _minute(last)
        some = slice(np.searchsorted(stops, since, "right"), np.searchsorted(starts, until + minutes))
        stamps = _grid(starts[some], stops[some], minutes, phase)
        return stamps[np.searchsorted(stamps, since) : np.searchsorted(stamps, until, "right")]

    def touched(self, since: int, until: int) -> int:
        """How many sessions lie wholly or in part between two moments in minutes since 1970."""
        import numpy as np

        opens, closes = self._ends
        return int(np.searchsorted(opens, until) - np.searchsorted(closes, since, "right"))

    @property
    def bounds(self) -> tuple[int, int]:
        """When the first session opens and the last closes, in minutes since 1970.

        Raises:
            IndexError: there is no session.
        """
        opens, closes = self._ends
        return int(opens[0]), int(closes[-1])

    @functools.cached_property
    def _ends(self) -> tuple["Moments", "Moments"]:
        """When sessions open and close, in minutes since 1970."""
        return _minutes([line[_OPEN] for line in self._lines]), _minutes([line[_CLOSE] for line in self._lines])

    @functools.cached_property
    def _spells(self) -> tuple["Moments", "Moments"]:
        """Where trading starts and where it stops, in minutes since 1970: two spells for a session with a break."""
        import numpy as np

        opens, closes = self._ends
        pauses = [line[_PAUSE] for line in self._lines if len(line) > _PAUSE.start + 1]
        ends = [line[_RESUMPTION] for line in self._lines if len(line) > _PAUSE.start + 1]
        return np.sort(np.append(opens, _minutes(ends))), np.sort(np.append(closes, _minutes(pauses)))

    def _closed(self, moment: dt.datetime) -> int:
        """How many sessions had closed."""
        if not self._lines:
            raise InputError(f"{self.name} has no sessions", f'run "doit sessions:{self.name}" and read its last lines')
        text = _text(moment.astimezone(dt.UTC))
        if text > _text(_session(self._lines[-1]).close + _LONGEST_PAUSE):
            raise InputError(
                f"sessions of {self.name} end on {self.last}, before {text}",
                "raise the setting sessions_until; if it is later already, the calendar knows no more",
            )
        return bisect_right(self._lines, text, key=_closing)

    def _span(self, first: str, last: str) -> slice:
        return slice(bisect_left(self.dates, first), bisect_right(self.dates, last))


@functools.lru_cache(maxsize=16)
def _parse(name: str, data: bytes) -> Sessions | None:
    header, *lines = data.decode("utf-8", "replace").splitlines() or [""]
    if header != _HEADER or not all(map(_is_line, lines)) or sorted(set(lines)) != lines:
        return None
    return Sessions(name, lines)


def _is_line(line: str) -> bool:
    return line.count(",") == _FIELDS - 1 and line[10:29:18] == ",," and line[46:47] == "," and len(line) in _LENGTHS


def _closing(line: str) -> str:
    return line[_CLOSE]


def _session(line: str) -> Session:
    date, opening, closing, *pause = line.split(",")
    ends = [dt.datetime.fromisoformat(text) for text in (opening, closing, *filter(None, pause))]
    return Session(dt.date.fromisoformat(date), *ends)


def _text(moment: dt.datetime | None) -> str:
    return moment.strftime(_STAMP) if moment else ""


def _minute(moment: dt.datetime) -> int:
    return int(moment.timestamp()) // 60


def _minutes(texts: list[str]) -> "Moments":
    import numpy as np

    return np.array([text[:-1] for text in texts], "datetime64[m]").astype(np.int64)


def _grid(starts: "Moments", stops: "Moments", minutes: int, phase: int) -> "Moments":
    """Every stamp of a grid whose bar overlaps a spell."""
    import numpy as np

    firsts = (starts - phase) // minutes
    lasts = -((phase - stops) // minutes)  # past the last: the first bar that opens at the stop or later
    firsts[1:] = np.maximum(firsts[1:], lasts[:-1])  # a bar over the end of one spell and the start of the next is one bar
    counts = np.maximum(lasts - firsts, 0)
    offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    stamps: Moments = (np.repeat(firsts, counts) + offsets) * minutes + phase
    return stamps
