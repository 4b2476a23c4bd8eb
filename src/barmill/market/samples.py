"""In sample and out of it: what is fitted on the earlier rows is judged on the later ones.

The border between the two is a moment. The setting `out_of_sample` says it as a date, which nothing moves, or as a share of the
rows, which is turned into the start of a calendar period (UTC): of the coarsest of year, month, day and hour of which the rows
span ten or more, the one in which the share begins. So the sample behind the border is larger than the share, by at most a
tenth of the span. It moves to the next period when the rows have grown by about 1 / (1 - share) periods, and once, back to the
start of a coarser period, when they first span ten of it; until then a new bar changes nothing of it. Rows that span less than
ten hours are divided at the row itself, which a new bar may move.
"""

from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from barmill.errors import ConfigError
from barmill.market.border import of_setting

_PERIODS = ("Y", "M", "D", "h")
_FEWEST = 10
_ROUNDING = 1e-9  # of rows: 700 * 0.7 is 489.99999999999994


def border(time: NDArray[np.int64], out_of_sample: float | str) -> int:
    """The moment from which rows are out of sample, in microseconds since 1970 UTC; see the module.

    Args:
        time: stamps of the rows, ascending, in microseconds since 1970 UTC.
        out_of_sample: what `market.border.of_setting` returns.

    Raises:
        ConfigError: as `market.border.of_setting`.
    """
    if isinstance(out_of_sample, str):
        return int(np.datetime64(out_of_sample, "us").astype(np.int64))
    position = int(len(time) * (1 - float(of_setting(out_of_sample))) + _ROUNDING)
    if position >= len(time):
        return int(time[-1]) + 1 if len(time) else 0
    stamps = np.array([time[0], time[position], time[-1]]).astype("datetime64[us]")
    for period in _PERIODS:
        first, _, last = (each.astype(f"datetime64[{period}]").astype(int) for each in stamps)
        start = stamps[1].astype(f"datetime64[{period}]").astype("datetime64[us]")
        if last - first >= _FEWEST and start > stamps[0]:
            return int(start.astype(np.int64))
    return int(time[position])


def split(time: NDArray[np.int64], out_of_sample: float | str) -> int:
    """How many of the rows are in sample: those before the border. See `border`."""
    return int(np.searchsorted(time, border(time, out_of_sample)))


def text_of(moment: int) -> str:
    """A border as ISO text in UTC, to the minute."""
    return f"{np.datetime64(moment, 'us').astype('datetime64[m]')}Z"


def spread(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """The rows, or `most` of them at even distances."""
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]


def learners() -> tuple[ModuleType, ModuleType]:
    """scikit-learn and threadpoolctl; results are to be computed on one thread, for sums depend on how they are shared out.

    Raises:
        ConfigError: they are not installed.
    """
    try:
        import sklearn
        import threadpoolctl
    except ImportError:
        raise ConfigError(
            "regimes and patterns need scikit-learn, which is not installed", "pip install 'barmill[research]'"
        ) from None
    return sklearn, threadpoolctl
