"""What is due: datasets that lack a session which has closed, and been published, by now; and when the others will be."""

import datetime as dt
from collections.abc import Iterable
from typing import NamedTuple

from barmill.market.datasets import Dataset
from barmill.plan import Plan
from barmill.report.ended import Ended
from barmill.report.lag import Lag, Timetable


class Due(NamedTuple):
    """When a dataset is to be updated.

    Attributes:
        name: of the dataset.
        last: stamp of its last bar; "" if it has none.
        lag: how far it is behind what is published; None if it has no bar.
        at: when it will be due; None if it is now, or no calendar tells, or it has ended.
        ended: whether the others of its calendar go on without it.
    """

    name: str
    last: str
    lag: Lag | None
    at: dt.datetime | None
    ended: bool = False

    @property
    def now(self) -> bool:
        """Whether it is due."""
        return not self.ended and (self.lag is None or self.lag.behind > 0)


def schedule(plan: Plan, datasets: Iterable[Dataset], moment: dt.datetime, ends: Ended) -> list[Due]:
    """When each dataset is to be updated, as of a moment; bars of a session are there `publishing_delay` minutes after it.

    Args:
        plan: the project.
        datasets: which.
        moment: to judge at.
        ends: which series have ended.
    """
    delay = dt.timedelta(minutes=plan.settings.publishing_delay)
    timetable = Timetable(plan, moment - delay)
    found = []
    for dataset in datasets:
        manifest = plan.manifest(dataset.name)
        last = manifest.end if manifest else ""
        due = Due(dataset.name, last, timetable.lag(dataset, last) if last else None, None, ends.has(dataset, last))
        close = None if due.now or due.ended else timetable.following(dataset)
        found.append(due._replace(at=close + delay) if close else due)
    return found
