"""Which series have ended, as the coverage that was built last and the histories of their updates say."""

import csv
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from barmill.errors import InputError
from barmill.market.datasets import Dataset
from barmill.market.tables import read_rows
from barmill.plan import Plan
from barmill.report.updates import read_updates
from barmill.sources.history import OK, path_of

_COLUMNS = ("name", "calendar", "end", "ended", "verdict", "missing", "shared")
_REQUESTS = frozenset({"load", "update", "sync"})
_MOST = 3
_LONGEST = dt.timedelta(days=31)  # of a bar, whose stamp may be its last day


class Ended:
    """The ended series of a project; none where the coverage is not built.

    Attributes:
        fault: why the coverage can't be read, with the cure; "" if it can.
    """

    def __init__(self, plan: Plan, moment: dt.datetime) -> None:
        self._plan = plan
        rows, self.fault = read_table(plan.path("coverage", "coverage.csv"), _COLUMNS)
        self._rows = {row["name"]: row for row in rows}
        future = str(moment.date() + _LONGEST)
        misdated = {row["calendar"] for row in rows if row["end"][:10] > future}  # one wrong year ends no other series
        self._last: Mapping[str, str] = {
            row["name"]: row["end"] for row in rows if row["ended"] and row["calendar"] not in misdated
        }

    def has(self, dataset: Dataset, last: str) -> bool:
        """Whether a dataset has ended with the bar of the stamp `last`.

        One that has newer bars goes on. So does one whose updates fail, or whose provider was not asked since: nothing shows
        that it has ended.
        """
        if not self._last.get(dataset.name, "")[:10] == last[:10] != "":
            return False
        updates = read_updates(path_of(self._plan.settings.series, dataset.name))
        if updates.failure():
            return False
        asked = [each for each in updates.all if each.kind in _REQUESTS]
        if not updates.provider or not asked:
            return True
        since = dt.date.fromisoformat(asked[-1].at[:10]) - dt.date.fromisoformat(last[:10])
        return asked[-1].status == OK and since.days > self._plan.settings.stale_days

    def row(self, name: str) -> Mapping[str, str]:
        """The row of a dataset in the coverage; empty where it has none."""
        return self._rows.get(name, {})


def listed(ended: Sequence[tuple[str, str]]) -> str:
    """A line that names ended series, each with the stamp of its last bar: the first few, and how many more; "" for none."""
    if not ended:
        return ""
    more = f" and {len(ended) - _MOST} more" if len(ended) > _MOST else ""
    return f"ended: {', '.join(f'{name} ({last})' for name, last in ended[:_MOST])}{more}\n"


def read_table(path: Path, columns: Iterable[str]) -> tuple[list[dict[str, str]], str]:
    """The rows of a table that the stage `coverage` wrote, none before that, and why it can't be read, with the cure, or "".

    Args:
        path: of the table.
        columns: those that it must have.
    """
    try:
        rows = read_rows(path)
    except FileNotFoundError:
        return [], ""
    except (OSError, ValueError, csv.Error, InputError) as error:
        return [], f'{error.fact if isinstance(error, InputError) else f"{path}: {error}"}; run "doit coverage"'
    if rows and (missing := sorted(set(columns) - rows[0].keys())):
        return [], f'{path}: the columns {", ".join(missing)} are missing; run "doit coverage"'
    return rows, ""
