"""The stamps that a calendar expects of a series: what its gaps are measured by, and what can be filled."""

import datetime as dt
from typing import TYPE_CHECKING

from barmill.market.datasets import MINUTES
from barmill.market.sessions import Sessions

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Stamps = npt.NDArray[np.int64]

MINUTE = 60_000_000  # in microseconds
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def expected(stamps: "Stamps", frequency: str, sessions: Sessions) -> "Stamps":
    """Stamps of the bars that are expected from the first to the last of those there are, both included.

    Args:
        stamps: of a series, ascending: days since 1970-01-01 for daily bars, microseconds since then, UTC, within a day. Bars
            within a day are expected where most of these are, so many minutes past a multiple of their length.
        frequency: `daily`, or a key of `datasets.MINUTES`; a longer bar may be dated anywhere in its week or month.
        sessions: of its calendar.
    """
    import numpy as np

    if not len(stamps):
        return stamps
    if frequency not in MINUTES:
        days = sessions.days.astype(np.int64)
        return days[np.searchsorted(days, stamps[0]) : np.searchsorted(days, stamps[-1], "right")]
    minutes = MINUTES[frequency]
    phase = int(np.bincount(stamps % (minutes * MINUTE) // MINUTE).argmax())
    first, last = (EPOCH + dt.timedelta(microseconds=int(stamp)) for stamp in (stamps[0], stamps[-1]))
    return sessions.grid(first, last, minutes, phase) * MINUTE
