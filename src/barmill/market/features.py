"""Features of a window of bars: what each is, in which unit, from where; computed by `market.kernels.windows`.

A window has n bars; x are the natural logarithms of its closes, r the n - 1 differences of x (log returns). A feature that is
not defined (a flat window, too few bars) is NaN.

Exponents of few bars lean: of a random walk, windows of 20 bars have on average a hurst of 0.47, a dfa of 0.78, a higuchi of
1.53. Long ones have 0.5, 0.69 and 1.5; the 0.5 that books have for DFA is that of boxes far longer than 12 bars.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from barmill.market import arrays
from barmill.market.resample import Resampled
from barmill.market.series import MINUTE, Series

if TYPE_CHECKING:
    import pyarrow as pa


class Feature(NamedTuple):
    """One column.

    Attributes:
        name: of the column.
        unit: of its values; "" for a plain number.
        formula: how it is defined.
        source: where the definition is from.
    """

    name: str
    unit: str
    formula: str
    source: str = ""


FEATURES = (
    Feature("mean", "log return per bar", "mean of r"),
    Feature("deviation", "log return per bar", "standard deviation of r, n - 2 degrees of freedom"),
    Feature("skewness", "", "m3 / m2^1.5, central moments of r", "Fisher's g1"),
    Feature("kurtosis", "", "m4 / m2^2 - 3, central moments of r", "Fisher's g2"),
    Feature("velocity", "log price per bar", "first derivative, at the last bar, of the least-squares parabola through x",
            "Savitzky and Golay 1964"),
    Feature("acceleration", "log price per bar^2", "second derivative of that parabola", "Savitzky and Golay 1964"),
    Feature("trend_strength", "-1 to 1", "R^2 of the least-squares line through x, with the sign of its slope"),
    Feature("zscore", "deviations", "(last x - mean of x) / standard deviation of x, n - 1 degrees of freedom"),
    Feature("momentum", "log return", "last x - first x"),
    Feature("efficiency", "0 to 1", "|momentum| / sum of |r|", "Kaufman 1995, efficiency ratio"),
    Feature("up_share", "0 to 1", "share of r > 0"),
    Feature("streak", "bars", "length of the last run of r of one sign, negative for falling; r = 0 ends a run"),
    Feature("range_position", "0 to 1", "(last close - lowest low) / (highest high - lowest low)"),
    Feature("range_pips", "pips", "highest high - lowest low"),
    Feature("volatility", "log return per bar", "root of the mean of 0.5 ln(H/L)^2 - (2 ln 2 - 1) ln(C/O)^2, at least 0",
            "Garman and Klass 1980"),
    Feature("candles", "code", "last three candles, base 5, oldest first: body / mean range above 0.5 is 4, above 0.1 is 3, "
            "from -0.1 is 2, from -0.5 is 1, else 0"),
    Feature("relative_volume", "", "last volume / mean of the volumes that are known"),
    Feature("dominant_frequency", "cycles per bar", "frequency k/n, k = 1 to n/2, of the highest power of x less its "
            "least-squares line", "periodogram, Schuster 1898"),
    Feature("spectral_entropy", "0 to 1", "-sum p ln p / ln(n/2), p the shares of those powers", "Inouye and others 1991"),
    Feature("hurst", "", "slope of ln mean |x(t+k) - x(t)| over ln k, k = 1 to max(2, n/4)", "Di Matteo 2007, order 1"),
    Feature("dfa", "", "slope of ln F(s) over ln s, F the root mean square of the sums of r - mean, less a line in each box "
            "of s = 3, 4, 6, 8, 12 bars up to (n - 1)/2", "Peng and others 1994"),
    Feature("higuchi", "", "slope of ln L(k) over ln(1/k), L the curve length of x, k = 1 to n/4, at least 2, at most 6",
            "Higuchi 1988"),
    Feature("shannon_entropy", "0 to 1", "-sum p ln p / ln 5, p the shares of r in 5 equal bins of their range"),
    Feature("permutation_entropy", "0 to 1", "-sum p ln p / ln 6, p the shares of the orders of 3 successive x",
            "Bandt and Pompe 2002"),
    Feature("sample_entropy", "nats", "-ln of the share of pairs of r, near for 2 steps, that are near for a third; near is "
            "within half a deviation", "Richman and Moorman 2000, m = 2"),
    Feature("coverage", "0 to 1", "n bars / time from the start of the first to the end of the last"),
)  # fmt: skip


def windows(bars: Series, lookback: int, minutes: int, pip: float) -> NDArray[np.float32]:
    """Features of every window of `lookback` bars.

    Args:
        bars: m bars.
        lookback: bars in a window, n; at least 5.
        minutes: length of a bar.
        pip: in the quote unit.

    Returns:
        Shape (len(FEATURES), max(0, m - n + 1)); column i belongs to the window whose last bar is i + n - 1 and is made of
        nothing later.

    Raises:
        ValueError: the window is too short for the features.
    """
    if lookback < _SHORTEST:
        raise ValueError(f"a window of {lookback} bars is too short: the features need {_SHORTEST}")
    from barmill.market.kernels import windows as kernels

    out = np.empty((len(FEATURES), max(0, len(bars) - lookback + 1)), np.float32)
    prices = (bars.open, bars.high, bars.low, bars.close, bars.volume)
    kernels.windows(bars.time, *prices, lookback, minutes * MINUTE, pip, out)
    return out


def table_of(series: Series, coarser: Resampled, lookback: int, minutes: int, pip: float) -> "pa.Table":
    """The features as a table: `time` and `last` (stamps), `close`, then a column per feature.

    Args:
        series: what the bars were made of.
        coarser: the bars.
        lookback: see `windows`.
        minutes: see `windows`.
        pip: see `windows`.
    """
    import pyarrow as pa

    bars, rows = coarser.bars, slice(lookback - 1, None)
    found = windows(bars, lookback, minutes, pip)
    stamps = {"time": bars.time[rows], "last": series.time[coarser.last[rows]]}
    table = {name: arrays.utc(values) for name, values in stamps.items()}
    table["close"] = arrays.arrow(bars.close[rows])
    return pa.table(table | {each.name: arrays.arrow(found[k]) for k, each in enumerate(FEATURES)})


def told(table: "pa.Table") -> dict[str, Any]:
    """What a table of features holds: rows, span, and of each feature its definition and how often it is not defined."""
    stamps = table.column("time")
    features = [
        {**each._asdict(), "undefined": int(np.isnan(arrays.numbers(table.column(each.name))).sum())} for each in FEATURES
    ]
    span = {"start": _text(stamps[0]), "end": _text(stamps[-1])} if len(stamps) else {"start": None, "end": None}
    return {"rows": len(stamps), **span, "features": features}


def _text(stamp: "pa.Scalar") -> str:
    moment: str = stamp.as_py().isoformat()
    return moment


_SHORTEST = 5
